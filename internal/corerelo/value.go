package corerelo

import (
	"encoding/binary"
	"errors"
	"fmt"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// An answer is what a relocation asks for, according to one BTF.
type answer struct {
	value uint64
	size  uint32 // in bytes, that a load or store of the field takes; zero if there is none
	typ   uint32 // of the field, if it has a size
	vague bool   // the compiler may have chosen another value
}

var (
	errElement  = errors.New("only offset, size and existence of an array's element can be relocated")
	errBitfield = errors.New("bitfield doesn't fit a load of 64 bits")
	errShift    = errors.New("field is larger than the 64 bits that can be shifted")
)

// fieldAnswer answers a question about the field at a place.
func (t *types) fieldAnswer(kind btf.COREKind, p *place) (answer, error) {
	if kind == btf.COREFieldExists {
		return answer{value: 1}, nil
	}
	if p.member == notMember {
		return t.elementAnswer(kind, p)
	}
	owner, err := t.Type(p.typ)
	if err != nil {
		return answer{}, err
	}
	member := owner.Member(p.member)
	typ, err := t.resolve(member.Type)
	if err != nil {
		return answer{}, err
	}
	if kind == btf.COREFieldSigned {
		return answer{value: signed(typ)}, nil
	}
	if member.Bitfield > 0 {
		return t.bitfieldAnswer(kind, p.bits, uint64(member.Bitfield), typ)
	}
	size, err := t.size(typ.ID())
	if err != nil {
		return answer{}, err
	}
	switch kind {
	case btf.COREFieldByteOffset:
		return t.offsetAnswer(p.bits/8, typ.ID())
	case btf.COREFieldByteSize:
		return answer{value: uint64(size)}, nil
	}
	if size > 8 {
		return answer{}, errShift
	}
	return shiftAnswer(kind, t.ByteOrder(), p.bits%8, uint64(size)*8, uint64(size)), nil
}

func signed(typ rawbtf.Type) uint64 {
	encoding, _, _ := typ.Int()
	if anyEnum.Has(typ.Kind()) && typ.KindFlag() || encoding&intSigned != 0 {
		return 1
	}
	return 0
}

func (t *types) elementAnswer(kind btf.COREKind, p *place) (answer, error) {
	switch kind {
	case btf.COREFieldByteOffset:
		return t.offsetAnswer(p.bits/8, p.typ)
	case btf.COREFieldByteSize:
		size, err := t.size(p.typ)
		return answer{value: uint64(size)}, err
	}
	return answer{}, errElement
}

// offsetAnswer also says how large a load or store of the field is. Those of arrays access one element.
func (t *types) offsetAnswer(offset uint64, typ uint32) (answer, error) {
	elem, err := t.element(typ)
	if err != nil {
		return answer{}, err
	}
	size, err := t.size(elem.ID())
	return answer{value: offset, size: size, typ: typ}, err
}

// bitfieldAnswer finds the smallest aligned load that has all of a bitfield. The compiler may prefer a larger one.
func (t *types) bitfieldAnswer(kind btf.COREKind, bits, width uint64, typ rawbtf.Type) (answer, error) {
	size := uint64(typ.Size())
	if size == 0 || size > 8 || size&(size-1) != 0 {
		return answer{}, fmt.Errorf("%w: its type has %d bytes", errBitfield, size)
	}
	start := bits / 8 / size * size
	for bits+width > (start+size)*8 {
		if size == 8 {
			return answer{}, errBitfield
		}
		size *= 2
		start = bits / 8 / size * size
	}
	var a answer
	switch kind {
	case btf.COREFieldByteOffset:
		a = answer{value: start}
	case btf.COREFieldByteSize:
		a = answer{value: size}
	default:
		a = shiftAnswer(kind, t.ByteOrder(), bits-start*8, width, size)
	}
	a.vague = kind != btf.COREFieldRShiftU64
	return a, nil
}

// shiftAnswer says by how much to shift a field to the left, then to the right, within 64 bits, after a load of size bytes in which
// it is at the given bit.
func shiftAnswer(kind btf.COREKind, order binary.ByteOrder, bit, width, size uint64) answer {
	switch {
	case kind == btf.COREFieldRShiftU64:
		return answer{value: 64 - width}
	case order == binary.BigEndian:
		return answer{value: (8-size)*8 + bit}
	default:
		return answer{value: 64 - bit - width}
	}
}

// typeAnswer answers a question about a type as a whole.
func (t *types) typeAnswer(kind btf.COREKind, id uint32) (answer, error) {
	switch kind {
	case btf.CORETypeIDTarget:
		return answer{value: uint64(id), vague: true}, nil
	case btf.CORETypeSize:
		size, err := t.size(id)
		return answer{value: uint64(size)}, err
	default:
		return answer{value: 1}, nil
	}
}

// localAnswer is what the compiler thought.
func localAnswer(local *types, p *path) (answer, error) {
	switch {
	case p.kind.IsType():
		return local.typeAnswer(p.kind, p.root.ID())
	case p.kind == btf.COREEnumvalExists:
		return answer{value: 1}, nil
	case p.kind == btf.COREEnumvalValue:
		return answer{value: p.value}, nil
	default:
		return local.fieldAnswer(p.kind, &p.place)
	}
}

// targetAnswer is what the candidate says.
func targetAnswer(p *path, c candidate, f *found) (answer, error) {
	switch {
	case p.kind.IsType():
		return c.types.typeAnswer(p.kind, c.id)
	case p.kind == btf.COREEnumvalExists:
		return answer{value: 1}, nil
	case p.kind == btf.COREEnumvalValue:
		return answer{value: f.value}, nil
	default:
		return c.types.fieldAnswer(p.kind, &f.place)
	}
}

// canResize says whether a load or store may get another size, without the value being read or written changing its meaning: a
// smaller load extends with zeroes, and so only unsigned integers and pointers stay what they are.
func canResize(local *types, l answer, target *types, t answer) (bool, error) {
	lt, err := local.Type(l.typ)
	if err != nil {
		return false, err
	}
	tt, err := target.Type(t.typ)
	if err != nil {
		return false, err
	}
	switch {
	case lt.Kind() == rawbtf.KindPointer && tt.Kind() == rawbtf.KindPointer:
		return true, nil
	case lt.Kind() == rawbtf.KindInt && tt.Kind() == rawbtf.KindInt:
		return signed(lt) == 0 && signed(tt) == 0, nil
	}
	return false, nil
}
