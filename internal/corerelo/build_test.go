package corerelo_test

import (
	"encoding/binary"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// A builder writes BTF of the tests' own, valid or not. Methods that add a type return its ID.
type builder struct {
	*rawbtf.Writer
	ids uint32
}

func newBuilder(order binary.ByteOrder) *builder {
	return &builder{Writer: rawbtf.NewWriter(nil, order, new(rawbtf.Strings))}
}

func (b *builder) add(kind rawbtf.Kind, flag bool, vlen int, name string, sizeOrType uint32, words ...uint32) uint32 {
	b.Type(kind, flag, vlen, name, sizeOrType)
	b.U32(words...)
	b.ids++
	return b.ids
}

func (b *builder) integer(name string, size uint32, signed bool) uint32 {
	encoding := uint32(0)
	if signed {
		encoding = 1 << 24
	}
	return b.add(rawbtf.KindInt, false, 0, name, size, encoding|size*8)
}

func (b *builder) ref(kind rawbtf.Kind, name string, id uint32) uint32 {
	return b.add(kind, false, 0, name, id)
}

func (b *builder) array(elem, n uint32) uint32 {
	return b.add(rawbtf.KindArray, false, 0, "", 0, elem, elem, n)
}

// A field is a member at an offset in bits. Those with a width are bitfields.
type field struct {
	name        string
	typ         uint32
	bits, width uint32
}

func (b *builder) structure(name string, size uint32, fields ...field) uint32 {
	return b.composite(rawbtf.KindStruct, name, size, fields)
}

func (b *builder) union(name string, size uint32, fields ...field) uint32 {
	return b.composite(rawbtf.KindUnion, name, size, fields)
}

func (b *builder) composite(kind rawbtf.Kind, name string, size uint32, fields []field) uint32 {
	words := make([]uint32, 0, 3*len(fields))
	bitfields := false
	for _, f := range fields {
		words = append(words, b.String(f.name), f.typ, f.bits|f.width<<24)
		bitfields = bitfields || f.width > 0
	}
	return b.add(kind, bitfields, len(fields), name, size, words...)
}

// A value is an enumerator.
type value struct {
	name  string
	value int64
}

func (b *builder) enum(name string, signed bool, values ...value) uint32 {
	var words []uint32
	for _, v := range values {
		words = append(words, b.String(v.name), uint32(v.value))
	}
	return b.add(rawbtf.KindEnum, signed, len(values), name, 4, words...)
}

func (b *builder) enum64(name string, signed bool, values ...value) uint32 {
	var words []uint32
	for _, v := range values {
		words = append(words, b.String(v.name), uint32(v.value), uint32(uint64(v.value)>>32))
	}
	return b.add(rawbtf.KindEnum64, signed, len(values), name, 8, words...)
}

func (b *builder) proto(result uint32, params ...uint32) uint32 {
	var words []uint32
	for _, p := range params {
		words = append(words, 0, p)
	}
	return b.add(rawbtf.KindFuncProto, false, len(params), "", result, words...)
}

func (b *builder) blob(tb testing.TB) []byte {
	tb.Helper()
	blob, err := b.Finish()
	check(tb, err)
	return blob
}

func (b *builder) spec(tb testing.TB) *btf.Spec {
	tb.Helper()
	spec, err := btf.LoadSpecFromBytes(b.blob(tb))
	check(tb, err)
	return spec
}

// build returns little-endian BTF of what f adds.
func build(tb testing.TB, f func(b *builder)) *btf.Spec {
	tb.Helper()
	b := newBuilder(binary.LittleEndian)
	f(b)
	return b.spec(tb)
}
