package asm_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	. "github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// large returns a program of n instructions, some of which refer to others.
func large(n int) Instructions {
	line := btf.NewLine("main.c", "x += y;", 1, 1)
	meta := Return().WithSource(&line).Metadata
	insns := make(Instructions, 0, n)
	insns = append(insns, Mov.Imm(R0, 0).WithSymbol("main"))
	for len(insns) < n-1 {
		switch len(insns) % 16 {
		case 0:
			insns = append(insns, LoadImm(R1, 1, DWord))
		case 5:
			insns = append(insns, Call.Label("end"))
		case 10:
			insns = append(insns, LoadMapPtr(R1, 3).WithReference("map"))
		default:
			insns = append(insns, Add.Reg(R0, R1).WithMetadata(meta))
		}
	}
	return append(insns, Return().WithSymbol("end"))
}

const largeSize = 10_000

func anyMap(string) (int, bool) { return 3, true }

// Decoding allocates the result, encoding into a buffer nothing.
func TestAllocations(t *testing.T) {
	insns := large(1000)
	for _, bo := range byteOrders {
		code, err := insns.EncodeWith(nil, bo, anyMap)
		if err != nil {
			t.Fatal(err)
		}
		var decoded Instructions
		expectAllocs(t, "decode", 1, func() {
			decoded, err = Decode(nil, code, bo)
		})
		expectAllocs(t, "decode to a buffer", 0, func() {
			decoded, err = Decode(decoded[:0], code, bo)
		})
		buf := make([]byte, 0, len(code))
		expectAllocs(t, "encode to a buffer", 0, func() {
			buf, err = insns.EncodeWith(buf[:0], bo, anyMap)
		})
		expectAllocs(t, "encode", 1, func() {
			_, err = decoded.Encode(nil, bo)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	expectAllocs(t, "print a program", 8, func() {
		fmt.Fprint(io.Discard, Instructions{Mov.Imm(R0, 0), Add.Reg(R0, R1), LoadMem(R0, R1, 8, Word), Return()})
	})
}

func expectAllocs(t *testing.T, what string, want float64, f func()) {
	t.Helper()
	t.Run(what, func(t *testing.T) { testutil.Allocs(t, want, f) })
}

func BenchmarkDecode(b *testing.B) {
	code, err := large(largeSize).EncodeWith(nil, binary.LittleEndian, anyMap)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(code)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(nil, code, binary.LittleEndian); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	insns := large(largeSize)
	buf := make([]byte, 0, insns.Size())
	b.SetBytes(int64(insns.Size()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := insns.EncodeWith(buf, binary.LittleEndian, anyMap); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalExtInfos(b *testing.B) {
	insns := large(largeSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := MarshalExtInfos(insns, new(btf.Builder), binary.LittleEndian); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkString(b *testing.B) {
	insns := large(largeSize)
	b.ReportAllocs()
	for b.Loop() {
		if !bytes.Contains([]byte(insns.String()), []byte("main")) {
			b.Fatal("not printed")
		}
	}
}
