package asm_test

import (
	"fmt"
	"testing"

	. "github.com/bpfgen/bpfgen/runtime/asm"
)

// Values print as their constants, and others as numbers of their type.
func TestNames(t *testing.T) {
	for want, values := range map[string][]fmt.Stringer{
		"LdClass": {LdClass}, "Jump32Class": {Jump32Class}, "ALU64Class": {ALU64Class}, "Class(0x8)": {Class(8)},
		"ImmSource": {ImmSource}, "RegSource": {RegSource}, "InvalidSource": {InvalidSource}, "Source(0x1)": {Source(1)},
		"LE": {LE}, "BE": {BE}, "InvalidEndian": {InvalidEndian}, "Endianness(0x1)": {Endianness(1)},
		"Add": {Add}, "SDiv": {SDiv}, "SMod": {SMod}, "MovSX32": {MovSX32}, "AddrSpaceCast": {AddrSpaceCast}, "Swap": {Swap},
		"InvalidALUOp": {InvalidALUOp}, "ALUOp(0xe0)": {ALUOp(0xe0)}, "ALUOp(0x500)": {Add + 0x500},
		"Ja": {Ja}, "JSLE": {JSLE}, "JCOND": {JCOND}, "InvalidJumpOp": {InvalidJumpOp}, "JumpOp(0xf0)": {JumpOp(0xf0)},
		"ImmMode": {ImmMode}, "AtomicMode": {AtomicMode}, "InvalidMode": {InvalidMode}, "Mode(0xa0)": {Mode(0xa0)},
		"Byte": {Byte}, "Half": {Half}, "Word": {Word}, "DWord": {DWord}, "InvalidSize": {InvalidSize}, "Size(0x1)": {Size(1)},
		"AddAtomic": {AddAtomic}, "FetchXor": {FetchXor}, "Xchg": {Xchg}, "CmpXchg": {CmpXchg},
		"InvalidAtomic": {InvalidAtomic}, "AtomicOp(0x7700)": {AtomicOp(0x7700)},
		"r0": {R0}, "r10": {R10, RFP}, "r15": {Register(15)},
		"extern": {ExternUnknown}, "kfunc": {ExternKfunc}, "kernel variable": {ExternKsym}, "kernel symbol": {ExternAddress},
		"kernel configuration": {ExternKconfig}, "ExternKind(9)": {ExternKind(9)},
	} {
		for _, value := range values {
			if got := value.String(); got != want {
				t.Errorf("%T prints as %s, want %s", value, got, want)
			}
		}
	}
}

func TestSizeof(t *testing.T) {
	for size, want := range map[Size]int{Byte: 1, Half: 2, Word: 4, DWord: 8, InvalidSize: -1} {
		if got := size.Sizeof(); got != want {
			t.Errorf("%v has %d bytes, want %d", size, got, want)
		}
	}
}

// The older names of atomic addition.
func TestStoreXAdd(t *testing.T) {
	if StoreXAdd(R1, R2, DWord) != AddAtomic.Mem(R1, R2, DWord, 0) || StoreXAddOp(Word) != AddAtomic.OpCode(Word) {
		t.Error("StoreXAdd isn't AddAtomic")
	}
}
