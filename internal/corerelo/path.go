package corerelo

import (
	"errors"
	"fmt"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// A path is what a relocation asks about, in terms of the program's own types: a field, an enumerator, or a type as a whole.
//
// The steps are those that mean something in C. `p[2].a[3].b` has the four of them [2], a, [3] and b, no matter how many anonymous
// structs and unions are in between. A relocation of a type has no steps, and one of an enumerator has one with its name.
type path struct {
	root  rawbtf.Type
	kind  btf.COREKind
	steps []step
	place place // of the field
	// Of an enumerator.
	value  uint64
	wide   bool // has 64 bits
	signed bool
}

// A step is the name of a member or enumerator, or else the index of an element.
type step struct {
	name  string
	index uint32
	typ   uint32 // of the member, for comparison with that of its counterpart
}

// A place is where a field is.
type place struct {
	bits   uint64 // from the start of the root
	typ    uint32 // struct or union that has the member; for an element of an array, its type
	member int    // in typ; elements have notMember
}

const notMember = -1

// index moves p to the n-th of elements of a type.
func (p *place) index(t *types, n, elem uint32) error {
	size, err := t.size(elem)
	if err != nil {
		return err
	}
	p.bits += uint64(n) * uint64(size) * 8
	if p.bits > maxBits {
		return errTooLarge
	}
	p.typ, p.member = elem, notMember
	return nil
}

// isFlexible says whether an array is the flexible one at the end of a struct, which has no bounds.
func (p *place) isFlexible(t *types, array rawbtf.Type) bool {
	if _, _, n := array.Array(); n > 0 || p.member == notMember {
		return false
	}
	owner, err := t.Type(p.typ)
	return err == nil && p.member == owner.Vlen()-1
}

// inBounds says whether an array at p has an n-th element.
func (p *place) inBounds(t *types, array rawbtf.Type, n uint32) bool {
	_, _, count := array.Array()
	return n < count || p.isFlexible(t, array)
}

var (
	errNotZero     = errors.New(`a relocation of a type takes "0"`)
	errNotEnum     = errors.New("it isn't an enum")
	errOneIndex    = errors.New("an enumerator takes a single index")
	errUnknownKind = errors.New("relocation kind is not known, it may be from a newer compiler")
)

// parsePath interprets an access string. The result uses the memory of steps.
func parsePath(local *types, relo *btf.CORERelocation, steps []step) (path, error) {
	p := path{kind: relo.Kind, steps: steps[:0]}
	var err error
	if p.root, err = local.Type(uint32(relo.Type.ID())); err != nil {
		return p, err
	}
	switch {
	case relo.Kind.IsType():
		if relo.Accessor != "0" {
			return p, fmt.Errorf("access string %q: %w", relo.Accessor, errNotZero)
		}
		return p, nil
	case !relo.Kind.IsField() && !relo.Kind.IsEnumval():
		return p, errUnknownKind
	}
	var buf [maxAccess]uint32
	indices, err := parseAccess(buf[:0], relo.Accessor)
	if err != nil {
		return p, fmt.Errorf("access string %q: %w", relo.Accessor, err)
	}
	if relo.Kind.IsEnumval() {
		err = p.enumerator(local, indices)
	} else {
		err = p.field(local, indices)
	}
	if err != nil {
		return p, fmt.Errorf("access string %q: %w", relo.Accessor, err)
	}
	return p, nil
}

func (p *path) enumerator(local *types, indices []uint32) error {
	typ, err := local.resolve(p.root.ID())
	if err != nil {
		return err
	}
	if !anyEnum.Has(typ.Kind()) {
		return errNotEnum
	}
	if len(indices) != 1 {
		return errOneIndex
	}
	if uint64(indices[0]) >= uint64(typ.Vlen()) {
		return fmt.Errorf("enum has no enumerator #%d", indices[0])
	}
	v := typ.EnumValue(int(indices[0]))
	name, err := local.Name(v.NameOff)
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("enumerator #%d has no name", indices[0])
	}
	p.value, p.wide, p.signed = v.Value, typ.Kind() == rawbtf.KindEnum64, typ.KindFlag()
	p.steps = append(p.steps, step{name: name, index: indices[0]})
	return nil
}

// field follows indices through structs, unions and arrays. The first one indexes the pointer that the field is accessed by.
func (p *path) field(local *types, indices []uint32) error {
	typ, err := local.resolve(p.root.ID())
	if err != nil {
		return err
	}
	if err := p.place.index(local, indices[0], typ.ID()); err != nil {
		return err
	}
	p.steps = append(p.steps, step{index: indices[0], typ: typ.ID()})
	for _, index := range indices[1:] {
		if typ, err = p.descend(local, typ, index); err != nil {
			return err
		}
	}
	return nil
}

// descend goes from typ, at p.place, to its member or element with that index.
func (p *path) descend(local *types, typ rawbtf.Type, index uint32) (rawbtf.Type, error) {
	switch typ.Kind() {
	case rawbtf.KindStruct, rawbtf.KindUnion:
		if uint64(index) >= uint64(typ.Vlen()) {
			return typ, fmt.Errorf("%s has no member #%d", local.describe(typ), index)
		}
		m := typ.Member(int(index))
		if p.place.bits += uint64(m.Offset); p.place.bits > maxBits {
			return typ, errTooLarge
		}
		name, err := local.Name(m.NameOff)
		if err != nil {
			return typ, err
		}
		if name != "" {
			p.place.typ, p.place.member = typ.ID(), int(index)
			p.steps = append(p.steps, step{name: name, index: index, typ: m.Type})
		}
		return local.resolve(m.Type)
	case rawbtf.KindArray:
		if !p.place.inBounds(local, typ, index) {
			return typ, fmt.Errorf("array has no element #%d", index)
		}
		id, _, _ := typ.Array()
		elem, err := local.resolve(id)
		if err != nil {
			return typ, err
		}
		p.steps = append(p.steps, step{index: index, typ: elem.ID()})
		return elem, p.place.index(local, index, elem.ID())
	default:
		return typ, fmt.Errorf("%s has neither members nor elements", local.describe(typ))
	}
}

// String spells the path in C: struct task_struct.se.avg[2], or enum bpf_func_id::BPF_FUNC_tail_call.
func (p *path) spell(local *types) string {
	var b strings.Builder
	b.WriteString(local.describe(p.root))
	for i, s := range p.steps {
		switch {
		case p.kind.IsEnumval():
			b.WriteString("::" + s.name)
		case s.name != "":
			b.WriteString("." + s.name)
		case i > 0 || s.index > 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		}
	}
	return b.String()
}

// describe spells a type in C, or says what it is if C has no short way to.
func (t *types) describe(typ rawbtf.Type) string {
	name, err := typ.Name()
	if err != nil || name == "" {
		name = fmt.Sprintf("<anonymous type ID %d>", typ.ID())
	}
	switch typ.Kind() {
	case rawbtf.KindStruct, rawbtf.KindUnion, rawbtf.KindEnum:
		return typ.Kind().String() + " " + name
	case rawbtf.KindEnum64:
		return "enum " + name
	case rawbtf.KindFwd:
		if typ.KindFlag() {
			return "union " + name
		}
		return "struct " + name
	case rawbtf.KindInt, rawbtf.KindTypedef, rawbtf.KindFloat:
		return name
	case rawbtf.KindVoid:
		return "void"
	default:
		return fmt.Sprintf("%s of type ID %d", typ.Kind(), typ.ID())
	}
}
