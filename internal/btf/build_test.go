package btf

import (
	"encoding/binary"
	"fmt"
	"testing"
)

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// orders are the byte orders each test runs with.
var orders = map[string]order{"el": binary.LittleEndian, "eb": binary.BigEndian}

func eachOrder(t *testing.T, f func(t *testing.T, bo order)) {
	for name, bo := range orders {
		t.Run(name, func(t *testing.T) { f(t, bo) })
	}
}

// blob builds a BTF blob from words and named records.
type blob struct {
	bo    order
	types []byte
	strs  Strings
}

func (b *blob) words(words ...uint32) *blob {
	for _, w := range words {
		b.types = b.bo.AppendUint32(b.types, w)
	}
	return b
}

func (b *blob) typ(kind Kind, flag uint32, vlen int, name string, size uint32, more ...uint32) *blob {
	return b.words(b.strs.Add(name), flag<<31|uint32(kind)<<24|uint32(vlen), size).words(more...)
}

func (b *blob) bytes() []byte { return b.raw(b.types, b.strs.Bytes()) }

func (b *blob) raw(types, strs []byte) []byte {
	out := b.bo.AppendUint16(nil, magic)
	out = append(out, 1, 0)
	for _, w := range []int{headerLen, 0, len(types), len(types), len(strs)} {
		out = b.bo.AppendUint32(out, uint32(w))
	}
	return append(append(out, types...), strs...)
}

func newBlob(bo order) *blob { return &blob{bo: bo} }

func mustParse(t testing.TB, data []byte, base *BTF) *BTF {
	t.Helper()
	b, err := Parse(data, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// dump describes all that the accessors of a record tell.
func dump(t Type) string {
	name, err := t.Name()
	s := fmt.Sprintf("[%d] %v %q", t.ID(), t.Kind(), name)
	if err != nil {
		s += " " + err.Error()
	}
	if t.KindFlag() {
		s += " flag"
	}
	if v := t.Size(); v != 0 {
		s += fmt.Sprint(" size=", v)
	}
	if v := t.TypeID(); v != 0 {
		s += fmt.Sprint(" type=", v)
	}
	if v := t.Linkage(); v != 0 {
		s += fmt.Sprint(" linkage=", v)
	}
	switch t.Kind() {
	case KindInt:
		encoding, offset, bits := t.Int()
		s += fmt.Sprint(" encoding=", encoding, " offset=", offset, " bits=", bits)
	case KindArray:
		elem, index, n := t.Array()
		s += fmt.Sprint(" elem=", elem, " index=", index, " n=", n)
	case KindDeclTag:
		s += fmt.Sprint(" component=", t.ComponentIndex())
	}
	for i := range t.Vlen() {
		var e any
		switch t.Kind() {
		case KindStruct, KindUnion:
			e = t.Member(i)
		case KindEnum, KindEnum64:
			e = t.EnumValue(i)
		case KindFuncProto:
			e = t.Param(i)
		case KindDatasec:
			e = t.VarSecinfo(i)
		}
		s += fmt.Sprintf(" %+v", e)
	}
	return s
}
