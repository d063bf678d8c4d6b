package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// Builder turns types into a BTF blob. It takes Go values with [Builder.Add],
// and types of a [Spec] that nobody needs to decode with [Builder.AddRef];
// either comes with everything it refers to. Strings are never duplicated.
//
// The zero value is an empty blob. A Builder is not safe for concurrent use.
type Builder struct {
	entries []entry // in the order of adding
	kept    uint32  // IDs that belong to the first source, whose types keep theirs
	own     uint32  // IDs given to other types, starting behind those
	ids     map[Type]TypeID
	sources []source
	strings rawbtf.Strings
}

// entry is one record to write: either a typ or a copy of a record.
type entry struct {
	typ    Type
	record rawbtf.Type
	source int // of record, in Builder.sources
	id     TypeID
}

// source is a blob that records are copied from.
type source struct {
	raw  *rawbtf.BTF // including its bases
	ids  []TypeID    // by ID in raw; zero if not added
	strs map[uint32]uint32
}

// BuilderOptions are options for [NewBuilder]. There are none so far.
type BuilderOptions struct{}

// NewBuilder returns a Builder with the given types. opts may be nil.
func NewBuilder(types []Type, opts *BuilderOptions) (*Builder, error) {
	b := &Builder{entries: make([]entry, 0, len(types)), ids: make(map[Type]TypeID, len(types))}
	for _, typ := range types {
		if _, err := b.Add(typ); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Empty reports whether neither types nor strings were added.
func (b *Builder) Empty() bool { return len(b.entries) == 0 && b.strings.Empty() }

// AddString adds a string and returns its offset, which is final. The loader
// uses it for what line infos refer to.
func (b *Builder) AddString(s string) (uint32, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return 0, fmt.Errorf("string %q contains a NUL", s)
	}
	return b.strings.Add(s), nil
}

// Add adds a type and everything it refers to and returns its ID, which is
// final. Adding an identical type again returns the same ID. Types must not be
// modified until they are marshaled.
func (b *Builder) Add(typ Type) (TypeID, error) {
	if typ == nil {
		return 0, errors.New("add nil type")
	}
	if b.ids == nil {
		b.ids = make(map[Type]TypeID)
	}
	if _, isVoid := typ.(*Void); isVoid {
		return 0, nil
	}
	if id, ok := b.ids[typ]; ok {
		return id, nil
	}
	first := len(b.entries)
	root := b.assign(typ)
	for i := first; i < len(b.entries); i++ {
		var missing bool
		children(b.entries[i].typ, func(child *Type) {
			if *child == nil {
				missing = true
			} else {
				b.assign(*child)
			}
		})
		if missing {
			err := fmt.Errorf("add %s: %s refers to nil", typ, b.entries[i].typ)
			for _, e := range b.entries[first:] {
				delete(b.ids, e.typ)
			}
			b.forget(first)
			return 0, err
		}
	}
	return root, nil
}

// assign gives typ and its tags their IDs.
func (b *Builder) assign(typ Type) TypeID {
	if _, isVoid := typ.(*Void); isVoid {
		return 0
	}
	if id, ok := b.ids[typ]; ok {
		return id
	}
	id := b.push(entry{typ: typ})
	b.ids[typ] = id
	forTags(typ, func(value string, index int) {
		tag := &declTag{Type: typ, Value: value, Index: index}
		b.ids[tag] = b.push(entry{typ: tag})
	})
	return id
}

func (b *Builder) push(e entry) TypeID {
	if b.keeps(&e) {
		e.id = TypeID(e.record.ID())
	} else {
		b.own++
		e.id = TypeID(b.kept + b.own)
	}
	if b.entries == nil {
		b.entries = make([]entry, 0, 16)
	}
	b.entries = append(b.entries, e)
	return e.id
}

// keeps tells whether a type has the same ID as where it is from.
func (b *Builder) keeps(e *entry) bool { return b.kept != 0 && e.typ == nil && e.source == 0 }

// forget takes back what was pushed from the given entry on.
func (b *Builder) forget(first int) {
	for i := range b.entries[first:] {
		if !b.keeps(&b.entries[first+i]) {
			b.own--
		}
	}
	b.entries = b.entries[:first]
}

// KeepIDs lets types of s that are added later have the IDs that they have in s:
// instructions may have been compiled to know them. Types of s that nobody adds
// are written as pointers to void. The Builder must be empty.
func (b *Builder) KeepIDs(s *Spec) error {
	if !b.Empty() || len(b.sources) > 0 {
		return errors.New("keep IDs: there are types already")
	}
	b.source(s.raw)
	b.kept = s.raw.EndID() - 1
	return nil
}

// byID is all entries, with zero ones for IDs that nobody has.
func (b *Builder) byID() []entry {
	if b.kept == 0 {
		return b.entries
	}
	sorted := make([]entry, b.kept+b.own)
	for _, e := range b.entries {
		sorted[e.id-1] = e
	}
	return sorted
}

// forTags calls f for each decl tag of typ.
func forTags(typ Type, f func(value string, index int)) {
	all := func(tags []string, index int) {
		for _, tag := range tags {
			f(tag, index)
		}
	}
	switch v := typ.(type) {
	case *Struct:
		all(v.Tags, -1)
		for i, m := range v.Members {
			all(m.Tags, i)
		}
	case *Union:
		all(v.Tags, -1)
		for i, m := range v.Members {
			all(m.Tags, i)
		}
	case *Typedef:
		all(v.Tags, -1)
	case *Var:
		all(v.Tags, -1)
	case *Func:
		all(v.Tags, -1)
		for i, tags := range v.ParamTags {
			all(tags, i)
		}
	}
}

// AddRef adds a type of a Spec and everything it refers to, and returns its
// ID, which is final. Records are copied as they are; decl tags come along.
// Adding the same type again returns the same ID.
func (b *Builder) AddRef(ref TypeRef) (TypeID, error) {
	if ref.spec == nil {
		return 0, errNoRef
	}
	return b.addRecord(b.source(ref.spec.raw), uint32(ref.id))
}

// AddSpec adds all types of a Spec, including those of its base. In an empty
// Builder, they keep their IDs.
func (b *Builder) AddSpec(s *Spec) error {
	if s == nil {
		return nil
	}
	src := b.source(s.raw)
	for id := range s.raw.EndID() {
		if id == 0 || b.sources[src].ids[id] != 0 {
			continue
		}
		t, err := s.raw.Type(id)
		if err != nil {
			return err
		}
		b.sources[src].ids[id] = b.push(entry{record: t, source: src})
	}
	// Every ID is taken now, so that this only checks references.
	for id := range s.raw.EndID() {
		if err := b.addReferences(src, id); err != nil {
			return err
		}
	}
	return nil
}

// source returns the index of raw in b.sources.
func (b *Builder) source(raw *rawbtf.BTF) int {
	for i := range b.sources {
		if b.sources[i].raw == raw {
			return i
		}
	}
	b.sources = append(b.sources, source{raw, make([]TypeID, raw.EndID()), make(map[uint32]uint32)})
	return len(b.sources) - 1
}

func (b *Builder) addRecord(src int, id uint32) (TypeID, error) {
	first := len(b.entries)
	root, err := b.assignRecord(src, id)
	for i := first; err == nil && i < len(b.entries); i++ {
		err = b.addReferences(src, b.entries[i].record.ID())
	}
	if err != nil {
		for _, e := range b.entries[first:] {
			b.sources[src].ids[e.record.ID()] = 0
		}
		b.forget(first)
		return 0, fmt.Errorf("add type ID %d: %w", id, err)
	}
	return root, nil
}

// assignRecord gives a record its ID.
func (b *Builder) assignRecord(src int, id uint32) (TypeID, error) {
	if id == 0 {
		return 0, nil
	}
	s := &b.sources[src]
	if id < uint32(len(s.ids)) && s.ids[id] != 0 {
		return s.ids[id], nil
	}
	t, err := s.raw.Type(id)
	if err != nil {
		return 0, err
	}
	s.ids[id] = b.push(entry{record: t, source: src})
	return s.ids[id], nil
}

// addReferences gives IDs to all that a record refers to and to its tags.
func (b *Builder) addReferences(src int, id uint32) error {
	t, err := b.sources[src].raw.Type(id)
	if err != nil {
		return err
	}
	t.Refs(func(id uint32) {
		if err == nil {
			_, err = b.assignRecord(src, id)
		}
	})
	for _, tag := range t.BTF().DeclTags(id) {
		if err == nil {
			_, err = b.assignRecord(src, tag)
		}
		if err == nil {
			err = b.addContained(src, tag)
		}
	}
	return err
}

// addContained adds the struct that a tag on a list or a tree names as that of
// its elements, "contains:STRUCT:MEMBER", and which the kernel looks for.
func (b *Builder) addContained(src int, tag uint32) error {
	raw := b.sources[src].raw
	t, err := raw.Type(tag)
	if err != nil {
		return err
	}
	text, err := t.Name()
	if err != nil {
		return err
	}
	contained, ok := strings.CutPrefix(text, "contains:")
	if !ok {
		return nil
	}
	name, _, _ := strings.Cut(contained, ":")
	ids := raw.Find(rawbtf.Query{Name: name, Kinds: rawbtf.Kinds(rawbtf.KindStruct)})
	if len(ids) == 0 {
		return nil // the kernel will say so
	}
	_, err = b.assignRecord(src, ids[0])
	return err
}

// Spec encodes the types and returns them as a Spec that is independent of b.
func (b *Builder) Spec() (*Spec, error) {
	blob, err := b.Marshal(nil, nil)
	if err != nil {
		return nil, err
	}
	return LoadSpecFromBytes(blob)
}

// Marshal appends the types to buf as a BTF blob. opts may be nil.
func (b *Builder) Marshal(buf []byte, opts *MarshalOptions) ([]byte, error) {
	if opts == nil {
		opts = &MarshalOptions{}
	}
	order := opts.Order
	if order == nil {
		order = binary.NativeEndian
	}
	entries := b.byID()
	const perEntry = 48 // with names that aren't among the strings yet
	buf = slices.Grow(buf, perEntry*(len(entries)+1)+b.strings.Len())
	w := rawbtf.NewWriter(buf, order, &b.strings)
	for i := range entries {
		e := &entries[i]
		var err error
		switch {
		case e.id == 0:
			w.Type(rawbtf.KindPointer, false, 0, "", 0)
		case e.typ != nil:
			err = b.encode(w, e.typ)
		default:
			err = b.copyRecord(w, e)
		}
		if err != nil {
			return nil, fmt.Errorf("encode type ID %d: %w", i+1, err)
		}
	}
	if opts.PreventNoTypeFound && len(b.entries) == 0 {
		w.Type(rawbtf.KindInt, false, 0, "avoid_empty_btf", 1)
		w.U32(8)
	}
	w.Sanitize(opts.replacements())
	return w.Finish()
}

// copyRecord writes a record with its IDs and strings exchanged.
func (b *Builder) copyRecord(w *rawbtf.Writer, e *entry) error {
	src := &b.sources[e.source]
	return w.Copy(e.record,
		func(id uint32) uint32 { return uint32(src.ids[id]) },
		func(off uint32) (uint32, error) {
			if own, ok := src.strs[off]; ok || off == 0 {
				return own, nil
			}
			s, err := src.raw.Name(off)
			if err != nil {
				return 0, err
			}
			own := b.strings.Add(s)
			src.strs[off] = own
			return own, nil
		})
}

// encode writes a Go value.
func (b *Builder) encode(w *rawbtf.Writer, typ Type) error {
	id := func(t Type) uint32 { return uint32(b.ids[t]) }
	switch v := typ.(type) {
	case *Int:
		if v.Size > 16 {
			return fmt.Errorf("%s: integers have no %d bytes", v, v.Size)
		}
		w.Type(rawbtf.KindInt, false, 0, v.Name, v.Size)
		w.U32(uint32(v.Encoding)<<24 | v.Size*8)
	case *Pointer:
		w.Type(rawbtf.KindPointer, false, 0, "", id(v.Target))
	case *Array:
		w.Type(rawbtf.KindArray, false, 0, "", 0)
		w.U32(id(v.Type), id(v.Index), v.Nelems)
	case *Struct:
		return b.encodeMembers(w, rawbtf.KindStruct, v.Name, v.Size, v.Members)
	case *Union:
		return b.encodeMembers(w, rawbtf.KindUnion, v.Name, v.Size, v.Members)
	case *Enum:
		return encodeEnum(w, v)
	case *Fwd:
		w.Type(rawbtf.KindFwd, v.Kind == FwdUnion, 0, v.Name, 0)
	case *Typedef:
		w.Type(rawbtf.KindTypedef, false, 0, v.Name, id(v.Type))
	case *Volatile:
		w.Type(rawbtf.KindVolatile, false, 0, "", id(v.Type))
	case *Const:
		w.Type(rawbtf.KindConst, false, 0, "", id(v.Type))
	case *Restrict:
		w.Type(rawbtf.KindRestrict, false, 0, "", id(v.Type))
	case *TypeTag:
		w.Type(rawbtf.KindTypeTag, v.Attribute, 0, v.Value, id(v.Type))
	case *Func:
		w.Type(rawbtf.KindFunc, false, int(v.Linkage), v.Name, id(v.Type))
	case *FuncProto:
		w.Type(rawbtf.KindFuncProto, false, len(v.Params), "", id(v.Return))
		for _, p := range v.Params {
			w.U32(w.String(p.Name), id(p.Type))
		}
	case *Var:
		w.Type(rawbtf.KindVar, false, 0, v.Name, id(v.Type))
		w.U32(uint32(v.Linkage))
	case *Datasec:
		w.Type(rawbtf.KindDatasec, false, len(v.Vars), v.Name, v.Size)
		for _, vs := range v.Vars {
			w.U32(id(vs.Type), vs.Offset, vs.Size)
		}
	case *Float:
		w.Type(rawbtf.KindFloat, false, 0, v.Name, v.Size)
	case *declTag:
		name, attribute := strings.CutPrefix(v.Value, attributeOpen)
		if attribute {
			name, attribute = strings.CutSuffix(name, attributeClose)
		}
		if !attribute {
			name = v.Value
		}
		w.Type(rawbtf.KindDeclTag, attribute, 0, name, id(v.Type))
		w.U32(uint32(int32(v.Index)))
	default:
		return fmt.Errorf("%s: %w", typ, ErrNotSupported)
	}
	return nil
}

func (b *Builder) encodeMembers(w *rawbtf.Writer, kind rawbtf.Kind, name string, size uint32, members []Member) error {
	bitfields := false
	for _, m := range members {
		bitfields = bitfields || m.BitfieldSize > 0
	}
	w.Type(kind, bitfields, len(members), name, size)
	for _, m := range members {
		offset := uint32(m.Offset)
		if bitfields {
			if offset > 1<<24-1 || m.BitfieldSize > math.MaxUint8 {
				return fmt.Errorf("member %q of %s %q: bitfield at %d of %d bits can't be encoded", m.Name, kind, name, offset, m.BitfieldSize)
			}
			offset |= uint32(m.BitfieldSize) << 24
		}
		w.U32(w.String(m.Name), uint32(b.ids[m.Type]), offset)
	}
	return nil
}

// encodeEnum uses the older record if the values fit.
func encodeEnum(w *rawbtf.Writer, e *Enum) error {
	wide := e.Size > 4
	for _, v := range e.Values {
		if e.Signed {
			wide = wide || int64(v.Value) != int64(int32(v.Value))
		} else {
			wide = wide || v.Value > math.MaxUint32
		}
	}
	kind := rawbtf.KindEnum
	if wide {
		kind = rawbtf.KindEnum64
	}
	w.Type(kind, e.Signed, len(e.Values), e.Name, e.Size)
	for _, v := range e.Values {
		w.U32(w.String(v.Name), uint32(v.Value))
		if wide {
			w.U32(uint32(v.Value >> 32))
		}
	}
	return nil
}
