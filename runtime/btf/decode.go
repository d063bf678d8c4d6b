package btf

import (
	"fmt"
	"sync"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// decoder keeps the types of a Spec that have been decoded so far.
type decoder struct {
	mu       sync.Mutex
	*decoded // nil until needed
}

// decoded is what decoding has led to, and takes.
type decoded struct {
	pages []*page // by distance from the first ID
	names rawbtf.Names
	slabs slabs

	// Of the last run, to be used again.
	added   []uint32
	pending []rawbtf.Type
}

// page holds types of consecutive IDs. Most specs use only few of their types.
type page [64]Type

func (d *decoded) slot(n uint32) *Type {
	i := n / uint32(len(page{}))
	if d.pages[i] == nil {
		d.pages[i] = new(page)
	}
	return &d.pages[i][n%uint32(len(page{}))]
}

// copyPages returns copies of all types that have been decoded, nil if none have.
func (d *decoder) copyPages(c copier) []*page {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.decoded == nil {
		return nil
	}
	pages := make([]*page, len(d.pages))
	for i, p := range d.pages {
		if p == nil {
			continue
		}
		pages[i] = new(page)
		for j, typ := range p {
			pages[i][j] = c.copy(typ)
		}
	}
	return pages
}

// inflate decodes an own type and everything it refers to.
func (s *Spec) inflate(id TypeID) (Type, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, end := s.raw.FirstID(), s.raw.EndID()
	if s.decoded == nil {
		s.decoded = &decoded{names: s.raw.Names(), pages: make([]*page, (int(end-first)+len(page{})-1)/len(page{}))}
	}
	if typ := *s.slot(uint32(id) - first); typ != nil {
		return typ, nil
	}
	in := inflater{Spec: s, first: first, end: end, added: s.added[:0], pending: s.pending[:0]}
	typ := in.typ(uint32(id))
	for in.err == nil && len(in.pending) > 0 {
		last := len(in.pending) - 1
		t := in.pending[last]
		in.pending = in.pending[:last]
		in.fill(t)
	}
	s.added, s.pending = in.added, in.pending
	if in.err != nil {
		// Leave no type behind that is only half there.
		for _, id := range in.added {
			*s.slot(id - first) = nil
		}
		return nil, in.err
	}
	return typ, nil
}

// inflater decodes types without recursion: a type that is referred to is
// allocated first and filled in later, so that cycles are nothing special.
type inflater struct {
	*Spec
	first, end uint32        // own IDs
	added      []uint32      // IDs of types that have been allocated
	pending    []rawbtf.Type // those of them that aren't filled in
	err        error         // the first one
}

func (in *inflater) fail(t rawbtf.Type, err error) {
	if in.err == nil {
		in.err = fmt.Errorf("decode %v with type ID %d: %w", t.Kind(), t.ID(), err)
	}
}

// typ returns the type with an ID that occurs in a record.
func (in *inflater) typ(id uint32) Type {
	if id == 0 || in.err != nil {
		return (*Void)(nil)
	}
	if id < in.first {
		typ, err := in.base.TypeByID(TypeID(id))
		if err != nil {
			in.err = err
		}
		return typ
	}
	if id >= in.end {
		in.err = fmt.Errorf("type ID %d: %w", id, ErrNotFound)
		return (*Void)(nil)
	}
	slot := in.slot(id - in.first)
	if *slot != nil {
		return *slot
	}
	t, err := in.raw.Type(id)
	if err != nil {
		in.err = err
		return (*Void)(nil)
	}
	if typ := in.slabs.alloc(t); typ != nil {
		*slot = typ
		in.added = append(in.added, id)
		in.pending = append(in.pending, t)
		return typ
	}
	in.fail(t, ErrNotSupported)
	return (*Void)(nil)
}

// name returns the string at off, for a record t.
func (in *inflater) name(t rawbtf.Type, off uint32) string {
	if off == 0 {
		return ""
	}
	s, err := in.names.Name(off)
	if err != nil {
		in.fail(t, err)
	}
	return s
}

// fill decodes the record of a type that has been allocated.
func (in *inflater) fill(t rawbtf.Type) {
	name, size := in.name(t, t.NameOff()), t.Size()
	src := from{in.raw, TypeID(t.ID())}
	typ := in.typ(t.TypeID()) // void if there is none
	switch v := (*in.slot(t.ID() - in.first)).(type) {
	case *Int:
		encoding, _, _ := t.Int()
		*v = Int{name, size, IntEncoding(encoding), src}
	case *Pointer:
		*v = Pointer{typ, src}
	case *Array:
		elem, index, n := t.Array()
		*v = Array{in.typ(index), in.typ(elem), n, src}
	case *Struct:
		*v = Struct{name, size, in.members(t), nil, src}
		v.Tags = in.memberTags(t, v.Members)
	case *Union:
		*v = Union{name, size, in.members(t), nil, src}
		v.Tags = in.memberTags(t, v.Members)
	case *Enum:
		*v = Enum{name, size, t.KindFlag(), in.values(t), src}
	case *Fwd:
		kind := FwdStruct
		if t.KindFlag() {
			kind = FwdUnion
		}
		*v = Fwd{name, kind, src}
	case *Typedef:
		*v = Typedef{name, typ, in.tags(t, 0, nil), src}
	case *Volatile:
		*v = Volatile{typ, src}
	case *Const:
		*v = Const{typ, src}
	case *Restrict:
		*v = Restrict{typ, src}
	case *TypeTag:
		*v = TypeTag{typ, name, t.KindFlag(), src}
	case *Func:
		*v = Func{Name: name, Type: typ, Linkage: FuncLinkage(t.Linkage()), from: src}
		v.Tags, v.ParamTags = in.funcTags(t)
	case *FuncProto:
		*v = FuncProto{typ, in.params(t), src}
	case *Var:
		*v = Var{name, typ, VarLinkage(t.Linkage()), in.tags(t, 0, nil), src}
	case *Datasec:
		*v = Datasec{name, size, in.vars(t), src}
	case *Float:
		*v = Float{name, size, src}
	case *declTag:
		*v = declTag{typ, tagValue(name, t.KindFlag()), int(t.ComponentIndex()), src}
	}
}

func (in *inflater) members(t rawbtf.Type) []Member {
	members := take(&in.slabs.members, t.Vlen())
	legacy := !t.KindFlag() && in.raw.HasBitfieldInts()
	for i := range members {
		m := t.Member(i)
		if legacy {
			m = in.legacyBitfield(m)
		}
		members[i] = Member{
			Name: in.name(t, m.NameOff), Type: in.typ(m.Type),
			Offset: Bits(m.Offset), BitfieldSize: Bits(m.Bitfield),
		}
	}
	return members
}

// legacyBitfield handles members whose type is an integer of an odd width:
// that is how bitfields were encoded before structs could say it themselves.
func (in *inflater) legacyBitfield(m rawbtf.Member) rawbtf.Member {
	id := m.Type
	for range maxDepth {
		t, err := in.raw.Type(id)
		if err != nil {
			return m
		}
		switch t.Kind() {
		case rawbtf.KindTypedef, rawbtf.KindConst, rawbtf.KindVolatile, rawbtf.KindRestrict, rawbtf.KindTypeTag:
			id = t.TypeID()
			continue
		case rawbtf.KindInt:
			if _, offset, bits := t.Int(); offset != 0 || uint32(bits) != t.Size()*8 {
				m.Offset += uint32(offset)
				m.Bitfield = uint32(bits)
			}
		}
		return m
	}
	return m
}

func (in *inflater) values(t rawbtf.Type) []EnumValue {
	values := take(&in.slabs.values, t.Vlen())
	for i := range values {
		v := t.EnumValue(i)
		values[i] = EnumValue{in.name(t, v.NameOff), v.Value}
	}
	return values
}

func (in *inflater) params(t rawbtf.Type) []FuncParam {
	params := take(&in.slabs.params, t.Vlen())
	for i := range params {
		p := t.Param(i)
		params[i] = FuncParam{in.name(t, p.NameOff), in.typ(p.Type)}
	}
	return params
}

func (in *inflater) vars(t rawbtf.Type) []VarSecinfo {
	vars := make([]VarSecinfo, t.Vlen())
	for i := range vars {
		v := t.VarSecinfo(i)
		vars[i] = VarSecinfo{in.typ(v.Type), v.Offset, v.Size}
	}
	return vars
}

// tags returns the decl tags of a type, and appends those of its parts, of which
// there are n, to what part returns.
func (in *inflater) tags(t rawbtf.Type, n int, part func(int) *[]string) []string {
	var own []string
	for _, id := range in.raw.DeclTags(t.ID()) {
		tag, err := in.raw.Type(id)
		if err != nil {
			in.fail(t, err)
			break
		}
		value, index := tagValue(in.name(tag, tag.NameOff()), tag.KindFlag()), tag.ComponentIndex()
		switch {
		case index == -1:
			own = append(own, value)
		case index < 0 || int(index) >= n:
			in.fail(tag, fmt.Errorf("index %d is out of range for %v with type ID %d", index, t.Kind(), t.ID()))
		default:
			dst := part(int(index))
			*dst = append(*dst, value)
		}
	}
	return own
}

func (in *inflater) memberTags(t rawbtf.Type, members []Member) []string {
	return in.tags(t, len(members), func(i int) *[]string { return &members[i].Tags })
}

// funcTags returns the decl tags of a function and of its parameters.
func (in *inflater) funcTags(t rawbtf.Type) (own []string, params [][]string) {
	if len(in.raw.DeclTags(t.ID())) == 0 {
		return nil, nil
	}
	proto, err := in.raw.Type(t.TypeID())
	if err != nil || proto.Kind() != rawbtf.KindFuncProto {
		in.fail(t, fmt.Errorf("type ID %d is not a func proto", t.TypeID()))
		return nil, nil
	}
	own = in.tags(t, proto.Vlen(), func(i int) *[]string {
		if params == nil {
			params = make([][]string, proto.Vlen())
		}
		return &params[i]
	})
	return own, params
}

// Attributes are told apart from tags by the way they are spelled.
const attributeOpen, attributeClose = "__attribute__((", "))"

func tagValue(name string, attribute bool) string {
	if attribute {
		return attributeOpen + name + attributeClose
	}
	return name
}
