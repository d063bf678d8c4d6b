package corerelo_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// TestBitfields reads bitfields of every width at every place with what the relocations say: load so many bytes at that offset, shift
// to the left, then to the right. The rest of memory is ones where the field has zeroes and the other way round.
func TestBitfields(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, size := range []uint32{1, 2, 4, 8} {
			t.Run(fmt.Sprintf("%s/%d", order, size), func(t *testing.T) {
				for width := uint32(1); width <= size*8; width++ {
					for bit := uint32(0); bit+width <= 72; bit++ {
						testBitfield(t, order, size, bit, width)
					}
				}
			})
		}
	}
}

func testBitfield(t *testing.T, order binary.ByteOrder, size, bit, width uint32) {
	t.Helper()
	types := func(bit, width uint32) *btf.Spec {
		b := newBuilder(order)
		b.structure("s", 16, field{"a", b.integer("int", size, false), bit, width})
		return b.spec(t)
	}
	l := types(0, 1)
	var relos []corerelo.Reloc
	for _, kind := range []btf.COREKind{btf.COREFieldByteOffset, btf.COREFieldByteSize, btf.COREFieldLShiftU64, btf.COREFieldRShiftU64} {
		relos = append(relos, reloc(l, 2, kind, "0:0"))
	}
	kernel := corerelo.Target{Kernel: types(bit, width)}
	if bit/64 != (bit+width-1)/64 {
		if _, err := corerelo.Relocate(relos, kernel); err == nil {
			t.Fatalf("bit %d, width %d: no single load has all of it, but there is a solution", bit, width)
		}
		return
	}
	values := solve(t, kernel, relos...)
	offset, bytes, left, right := values[0].(int), values[1].(int), values[2].(int), values[3].(int)
	if offset%bytes != 0 || offset+bytes > 16 {
		t.Fatalf("bit %d, width %d: load of %d bytes at %d", bit, width, bytes, offset)
	}
	for _, want := range []uint64{0, 1<<width - 1, 0x5a5a5a5a5a5a5a5a & (1<<width - 1)} {
		memory := bits128(order, want, bit, width)
		word := load(order, memory[offset:offset+bytes])
		if got := word << left >> right; got != want {
			t.Fatalf("bit %d, width %d: load of %d bytes at %d << %d >> %d gives %#x, want %#x", bit, width, bytes, offset, left, right, got, want)
		}
	}
}

// bits128 returns memory of ones, or zeroes if v isn't zero, with v at a bit. Big-endian machines count bits from the left.
func bits128(order binary.ByteOrder, v uint64, bit, width uint32) []byte {
	memory := make([]byte, 16)
	for i := range uint32(128) {
		set := v == 0
		if i >= bit && i < bit+width {
			n := i - bit
			if order == binary.BigEndian {
				n = width - 1 - n
			}
			set = v>>n&1 != 0
		}
		if !set {
			continue
		}
		if order == binary.BigEndian {
			memory[i/8] |= 0x80 >> (i % 8)
		} else {
			memory[i/8] |= 1 << (i % 8)
		}
	}
	return memory
}

func load(order binary.ByteOrder, p []byte) uint64 {
	switch len(p) {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(order.Uint16(p))
	case 4:
		return uint64(order.Uint32(p))
	}
	return order.Uint64(p)
}
