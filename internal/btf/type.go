package btf

import (
	"encoding/binary"
	"math/bits"
	"runtime"
)

// Type is a view of one type record. It is a small value; methods read the
// blob. Accessors for another kind's fields return zero. (With more than four
// fields, the compiler would keep it in memory instead of registers.)
type Type struct {
	b    *BTF
	id   uint32
	off  uint32 // in b.types
	info uint32
}

// BTF returns the blob that has the record. It may be the base of the one
// that was asked.
func (t Type) BTF() *BTF { return t.b }

// ID returns the type's ID.
func (t Type) ID() uint32 { return t.id }

// Offset returns where the record starts, in bytes from the start of the type
// section.
func (t Type) Offset() uint32 { return t.off }

// Kind says which record this is.
func (t Type) Kind() Kind { return kindOf(t.info) }

// Vlen returns how many members, values, parameters or variables follow.
func (t Type) Vlen() int {
	if hasElems&(1<<t.Kind()) == 0 {
		return 0
	}
	return int(t.info & maxVlen)
}

// hasElems are the kinds followed by Vlen elements.
const hasElems = KindSet(1<<KindStruct | 1<<KindUnion | 1<<KindEnum | 1<<KindFuncProto | 1<<KindDatasec | 1<<KindEnum64)

// KindFlag returns the top bit of the record. It means bitfields (struct and
// union), signed values (enums), a union (fwd) or an attribute (tags).
func (t Type) KindFlag() bool { return t.info>>31 != 0 }

// NameOff returns the offset of the type's name.
func (t Type) NameOff() uint32 {
	if t.id == 0 {
		return 0
	}
	return t.word(-3)
}

// Name returns the type's name, which is empty for most anonymous types.
func (t Type) Name() (string, error) { return t.b.Name(t.NameOff()) }

// NameIs reports whether the type has the given name, without allocating.
func (t Type) NameIs(name string) bool { return t.b.NameIs(t.NameOff(), name) }

// hasSize are the kinds with a size where others have a type ID.
const hasSize = KindSet(1<<KindInt | 1<<KindStruct | 1<<KindUnion | 1<<KindEnum | 1<<KindDatasec | 1<<KindFloat | 1<<KindEnum64)

// hasType are the kinds whose head refers to another type.
const hasType = KindSet(1<<KindPointer | 1<<KindTypedef | 1<<KindVolatile | 1<<KindConst | 1<<KindRestrict |
	1<<KindFunc | 1<<KindFuncProto | 1<<KindVar | 1<<KindDeclTag | 1<<KindTypeTag)

// Size returns the size in bytes of an int, struct, union, enum, float or datasec.
func (t Type) Size() uint32 {
	if hasSize&(1<<t.Kind()) == 0 {
		return 0
	}
	return t.word(-1)
}

// TypeID returns the ID of what a pointer, typedef, qualifier, tag, func or
// var refers to, or what a func proto returns.
func (t Type) TypeID() uint32 {
	if hasType&(1<<t.Kind()) == 0 {
		return 0
	}
	return t.word(-1)
}

// word returns the i-th 32-bit word after the head, whose words are the last
// three in front of that: name, info, and size or type.
func (t Type) word(i int) uint32 {
	w := t.b.u32(t.b.types[int(t.off)+recordLen+4*i:])
	runtime.KeepAlive(t.b)
	return w
}

// SetWord overwrites a word of the record, counted from its first. It is for types
// that [BTF.OwnTypes] has copied, and that nobody else knows yet. Sizes of records
// must stay as they are.
func (t Type) SetWord(i int, v uint32) {
	if t.b.big {
		v = bits.ReverseBytes32(v)
	}
	binary.LittleEndian.PutUint32(t.b.types[int(t.off)+4*i:], v)
}

// pair returns the i-th group of two words after the head.
func (t Type) pair(i int) (uint32, uint32) {
	off := int(t.off) + recordLen + 8*i
	p := t.b.types[off : off+8 : off+8]
	x, y := t.b.u32(p), t.b.u32(p[4:])
	runtime.KeepAlive(t.b)
	return x, y
}

// triple returns the i-th group of three words after the head.
func (t Type) triple(i int) (uint32, uint32, uint32) {
	off := int(t.off) + recordLen + 12*i
	p := t.b.types[off : off+12 : off+12]
	x, y, z := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:]), binary.LittleEndian.Uint32(p[8:])
	if t.b.big {
		x, y, z = bits.ReverseBytes32(x), bits.ReverseBytes32(y), bits.ReverseBytes32(z)
	}
	runtime.KeepAlive(t.b)
	return x, y, z
}

// Int returns the encoding bits (1 signed, 2 char, 4 bool), the offset in bits
// and the width in bits of an int.
func (t Type) Int() (encoding, offset, bits uint8) {
	if t.Kind() != KindInt {
		return 0, 0, 0
	}
	w := t.word(0)
	return uint8(w >> 24 & 0xf), uint8(w >> 16), uint8(w)
}

// Array returns the types of an array's elements and index, and how many
// elements it has.
func (t Type) Array() (elem, index, nelems uint32) {
	if t.Kind() != KindArray {
		return 0, 0, 0
	}
	return t.triple(0)
}

// Member is a member of a struct or union.
type Member struct {
	NameOff  uint32
	Type     uint32
	Offset   uint32 // in bits
	Bitfield uint32 // width in bits, zero unless it is a bitfield
}

// Member returns the i-th member of a struct or union, with 0 <= i < Vlen.
func (t Type) Member(i int) Member {
	var m Member
	m.NameOff, m.Type, m.Offset = t.triple(i)
	if t.KindFlag() {
		m.Bitfield = m.Offset >> 24
		m.Offset &= 0xffffff
	}
	return m
}

// EnumValue is one value of an enum. Values of a signed enum are sign-extended.
type EnumValue struct {
	NameOff uint32
	Value   uint64
}

// EnumValue returns the i-th value of an enum or enum64, with 0 <= i < Vlen.
func (t Type) EnumValue(i int) EnumValue {
	if t.Kind() == KindEnum64 {
		name, low, high := t.triple(i)
		return EnumValue{name, uint64(low) | uint64(high)<<32}
	}
	name, v := t.pair(i)
	if t.KindFlag() {
		return EnumValue{name, uint64(int64(int32(v)))}
	}
	return EnumValue{name, uint64(v)}
}

// Param is a parameter of a function prototype. The last one of a variadic
// function has neither name nor type.
type Param struct {
	NameOff uint32
	Type    uint32
}

// Param returns the i-th parameter of a func proto, with 0 <= i < Vlen.
func (t Type) Param(i int) Param {
	name, typ := t.pair(i)
	return Param{name, typ}
}

// VarSecinfo places a variable in a datasec.
type VarSecinfo struct {
	Type   uint32 // of a var or func
	Offset uint32 // in bytes
	Size   uint32 // in bytes
}

// VarSecinfo returns the i-th variable of a datasec, with 0 <= i < Vlen.
func (t Type) VarSecinfo(i int) VarSecinfo {
	typ, offset, size := t.triple(i)
	return VarSecinfo{typ, offset, size}
}

// Linkage returns 0 for a static, 1 for a global and 2 for an extern function
// or variable.
func (t Type) Linkage() uint32 {
	switch t.Kind() {
	case KindFunc:
		return t.info & maxVlen
	case KindVar:
		return t.word(0)
	}
	return 0
}

// ComponentIndex returns which member or parameter a decl tag is for; -1 means
// the type itself.
func (t Type) ComponentIndex() int32 {
	if t.Kind() != KindDeclTag {
		return -1
	}
	return int32(t.word(0))
}

// Refs calls f with each type ID that the record holds, in the record's order.
func (t Type) Refs(f func(id uint32)) {
	if hasType&(1<<t.Kind()) != 0 {
		f(t.word(-1))
	}
	switch t.Kind() {
	case KindArray:
		f(t.word(0))
		f(t.word(1))
	case KindStruct, KindUnion:
		for i := range t.Vlen() {
			f(t.word(3*i + 1))
		}
	case KindFuncProto:
		for i := range t.Vlen() {
			f(t.word(2*i + 1))
		}
	case KindDatasec:
		for i := range t.Vlen() {
			f(t.word(3 * i))
		}
	}
}
