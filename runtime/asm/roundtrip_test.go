package asm_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/bpfgen/bpfgen/runtime/asm"
)

var byteOrders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// Every possible opcode byte, with every field that may tell operations apart,
// is kept: also those which mean nothing.
func TestRoundTripAllOpCodes(t *testing.T) {
	imms := []uint32{0, 1, 8, 16, 32, 64, 0x40, 0x41, 0x50, 0xa1, 0xe0, 0xe1, 0xf1, 0x100, 0x110, 0x120, 0x1ff, 0x10000, 0xffffffff, 0x80000000}
	offsets := []uint16{0, 1, 2, 8, 16, 32, 0xffff}
	for op := range 0x100 {
		for _, regs := range []byte{0x00, 0x21, 0xfa, 0x0f} {
			for _, off := range offsets {
				for _, imm := range imms {
					code := []byte{byte(op), regs, byte(off), byte(off >> 8), byte(imm), byte(imm >> 8), byte(imm >> 16), byte(imm >> 24)}
					if op == 0x18 {
						code = append(code, 0, 0, 0, 0, 0x78, 0x56, 0x34, 0x92)
					}
					expectRoundTrip(t, code, binary.LittleEndian)
					expectRoundTrip(t, code, binary.BigEndian)
				}
			}
		}
	}
}

func expectRoundTrip(t *testing.T, code []byte, bo binary.ByteOrder) {
	t.Helper()
	insns := decode(t, code, bo)
	if got := encode(t, insns, bo); !bytes.Equal(got, code) {
		t.Fatalf("%x (%v) became %x: %v", code, bo, got, insns)
	}
	for _, ins := range insns {
		if s := fmt.Sprint(ins); s == "" || strings.Contains(s, "%!") || strings.Contains(s, "invalid") {
			t.Fatalf("%x (%v) prints as %q", code, bo, s)
		}
		if s := ins.OpCode.String(); s == "" || strings.Contains(s, "%!") {
			t.Fatalf("%x (%v) has opcode %q", code, bo, s)
		}
	}
}

// What an OpCode says of itself puts it together again.
func TestOpCodeParts(t *testing.T) {
	for b := range 0x100 {
		op := OpCode(b)
		switch class := op.Class(); {
		case class.IsALU():
			built := OpCode(class).SetALUOp(op.ALUOp())
			if op.ALUOp() == Swap {
				built |= OpCode(op.Endianness())
			} else {
				built = built.SetSource(op.Source())
			}
			expectOpCode(t, op, built)
		case class.IsJump() && op.JumpOp() != InvalidJumpOp:
			expectOpCode(t, op, OpCode(class).SetJumpOp(op.JumpOp()).SetSource(op.Source()))
		case class.IsLoad(), class.IsStore():
			expectOpCode(t, op, OpCode(class).SetMode(op.Mode()).SetSize(op.Size()))
		}
	}
}

func expectOpCode(t *testing.T, want, got OpCode) {
	t.Helper()
	if got != want {
		t.Errorf("%v (%#x) became %v (%#x)", want, uint32(want), got, uint32(got))
	}
}

// Getters and setters of the wrong class say so.
func TestOpCodeWrongClass(t *testing.T) {
	alu, jump, load := Add.Op(ImmSource), Ja.Op(ImmSource), LoadMemOp(Word)
	if load.ALUOp() != InvalidALUOp || load.JumpOp() != InvalidJumpOp || load.Source() != InvalidSource ||
		load.Endianness() != InvalidEndian || load.AtomicOp() != InvalidAtomic ||
		alu.Mode() != InvalidMode || alu.Size() != InvalidSize || alu.JumpOp() != InvalidJumpOp ||
		jump.ALUOp() != InvalidALUOp || HostTo(BE, R1, Half).OpCode.Source() != InvalidSource {
		t.Error("getter of another class returns a value")
	}
	for _, op := range []OpCode{
		load.SetALUOp(Add), load.SetJumpOp(Ja), load.SetSource(RegSource), load.SetAtomicOp(AddAtomic),
		alu.SetMode(MemMode), alu.SetSize(Word), alu.SetJumpOp(Ja), jump.SetALUOp(Add),
		OpCode(Jump32Class).SetJumpOp(Call), OpCode(Jump32Class).SetJumpOp(Exit),
		alu.SetALUOp(InvalidALUOp), load.SetMode(InvalidMode), load.SetSize(InvalidSize), jump.SetJumpOp(InvalidJumpOp), alu.SetSource(InvalidSource),
	} {
		if op != InvalidOpCode {
			t.Errorf("setter of another class returns %v", op)
		}
	}
}

func TestOpCodeString(t *testing.T) {
	for want, op := range map[string]OpCode{
		"AddImm": Add.Op(ImmSource), "AddReg32": Add.Op32(RegSource), "SDivReg": SDiv.Op(RegSource), "MovSX16Reg32": MovSX16.Op32(RegSource),
		"SwapBE": HostTo(BE, R0, Half).OpCode, "SwapLE": HostTo(LE, R0, Half).OpCode, "BSwap": BSwap(R0, Half).OpCode,
		"LdXMemDW": LoadMemOp(DWord), "LdXMemSXH": LoadMemSXOp(Half), "StMemB": StoreImmOp(Byte), "StXMemW": StoreMemOp(Word),
		"LdImmDW": LoadImmOp(DWord), "LdAbsB": LoadAbsOp(Byte), "LdIndH": LoadIndOp(Half),
		"StXAtomicAddW": AddAtomic.OpCode(Word), "StXAtomicFetchOrDW": FetchOr.OpCode(DWord), "StXAtomicCmpXchgW": CmpXchg.OpCode(Word),
		"StXAtomicLoadAcquireB": LoadAcquire(R0, R0, Byte, 0).OpCode, "StXAtomicStoreReleaseDW": StoreRelease(R0, R0, DWord, 0).OpCode,
		"Ja": Ja.Op(ImmSource), "Ja32": LongJump("").OpCode, "JEqImm": JEq.Op(ImmSource), "JSLE32Reg": JSLE.Reg32(0, 0, "").OpCode,
		"Call": Call.Op(ImmSource), "CallX": Call.Op(RegSource), "Exit": Exit.Op(ImmSource), "JCONDImm": JCOND.Op(ImmSource),
		"InvalidOpCode": InvalidOpCode,
	} {
		if got := op.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for name, test := range map[string]struct {
		code []byte
		want string
	}{
		"cut short":           {make([]byte, 12), "12 bytes aren't a multiple of 8"},
		"half a load":         {append(make([]byte, 8), 0x18, 0, 0, 0, 0, 0, 0, 0), "slot 1: 64-bit load misses its second half"},
		"second half, opcode": {[]byte{0x18, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}, "slot 0: second half of 64-bit load has fields other than its constant"},
		"second half, regs":   {[]byte{0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0}, "second half"},
		"second half, offset": {[]byte{0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}, "second half"},
	} {
		for _, bo := range byteOrders {
			before := Instructions{Return()}
			insns, err := Decode(before, test.code, bo)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %v: error %v, want %q", name, bo, err, test.want)
			}
			if len(insns) != 1 {
				t.Errorf("%s, %v: %d instructions stay, want those from before", name, bo, len(insns))
			}
		}
	}
	if _, err := Decode(nil, nil, nil); err == nil {
		t.Error("no error without a byte order")
	}
}

// Reading one instruction at a time is the same as decoding all of them.
func TestUnmarshal(t *testing.T) {
	code, bo := readCode(t, "testdata/isa-eb.o")
	r := bytes.NewReader(code)
	var out bytes.Buffer
	for _, want := range decode(t, code, bo) {
		var got Instruction
		if err := got.Unmarshal(r, bo, "linux"); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		if n, err := got.Marshal(&out, bo); err != nil || n != got.Size() {
			t.Errorf("%v: wrote %d bytes, error %v", got, n, err)
		}
	}
	if !bytes.Equal(out.Bytes(), code) {
		t.Error("writing one instruction at a time gives other bytes")
	}
	insns, err := AppendInstructions(nil, bytes.NewReader(code), bo, "linux")
	if err != nil || len(insns) != len(decode(t, code, bo)) {
		t.Errorf("AppendInstructions: %d instructions, error %v", len(insns), err)
	}
	if _, err := AppendInstructions(nil, bytes.NewReader(code), bo, "windows"); err == nil {
		t.Error("other platforms are no error")
	}
}

// Bytes survive decoding and encoding, whatever they are, and printing them
// doesn't panic.
func FuzzDecodeEncode(f *testing.F) {
	objects, err := filepath.Glob("../../testdata/*-e[lb].o")
	if err != nil || len(objects) == 0 {
		f.Fatalf("no objects for seeds: %v", err)
	}
	for _, file := range append(objects, "testdata/isa-el.o", "testdata/isa-eb.o") {
		code, bo := readCode(f, file)
		f.Add(code, bo == binary.BigEndian)
	}
	f.Fuzz(func(t *testing.T, code []byte, big bool) {
		bo := byteOrders[0]
		if big {
			bo = byteOrders[1]
		}
		insns, err := Decode(nil, code, bo)
		if err != nil {
			return
		}
		_ = insns.String()
		if got := encode(t, insns, bo); !bytes.Equal(got, code) {
			t.Errorf("%x became %x", code, got)
		}
	})
}
