package asm_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/bpfgen/bpfgen/runtime/asm"
)

// disassembled is an instruction as LLVM's disassembler shows it.
type disassembled struct {
	slot int
	code []byte // little endian
	text string
}

var (
	disLine   = regexp.MustCompile(`^ +(\d+):\t([0-9a-f ]+)\t(.+)$`)
	disTarget = regexp.MustCompile(`<program\+0x([0-9a-f]+)>`)
)

// readDisassembly reads testdata/isa.dis, with targets of jumps as slots, which
// is how listings show them.
func readDisassembly(tb testing.TB) (insns []disassembled) {
	tb.Helper()
	dis, err := os.ReadFile("testdata/isa.dis")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(dis)) {
		m := disLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		var d disassembled
		d.slot, _ = strconv.Atoi(m[1])
		if _, err := fmt.Sscanf(strings.ReplaceAll(m[2], " ", ""), "%x", &d.code); err != nil {
			tb.Fatal(err)
		}
		d.text = disTarget.ReplaceAllStringFunc(m[3], func(s string) string {
			off, _ := strconv.ParseUint(disTarget.FindStringSubmatch(s)[1], 16, 64)
			return fmt.Sprintf("<%d>", off/InstructionSize)
		})
		insns = append(insns, d)
	}
	if len(insns) < 150 {
		tb.Fatalf("only %d instructions in testdata/isa.dis", len(insns))
	}
	return insns
}

// readCode returns the contents of the executable sections of an object.
func readCode(tb testing.TB, file string) (code []byte, bo binary.ByteOrder) {
	tb.Helper()
	f, err := elf.Open(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		data, err := s.Data()
		if err != nil {
			tb.Fatal(err)
		}
		code = append(code, data...)
	}
	if len(code) == 0 {
		tb.Fatalf("no code in %s", file)
	}
	return code, f.ByteOrder
}

func decode(tb testing.TB, code []byte, bo binary.ByteOrder) Instructions {
	tb.Helper()
	insns, err := Decode(nil, code, bo)
	if err != nil {
		tb.Fatal(err)
	}
	return insns
}

func encode(tb testing.TB, insns Instructions, bo binary.ByteOrder) []byte {
	tb.Helper()
	code, err := insns.Encode(nil, bo)
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

// What LLVM assembles decodes to what LLVM disassembles.
func TestInstructionSetText(t *testing.T) {
	dis := readDisassembly(t)
	code, bo := readCode(t, "testdata/isa-el.o")

	var want strings.Builder
	for _, d := range dis {
		// The one difference: helpers have names.
		text := strings.Replace(d.text, "call 1", "call bpf_map_lookup_elem", 1)
		fmt.Fprintf(&want, "%3d: %s\n", d.slot, text)
	}
	if diff := cmp.Diff(want.String(), fmt.Sprintf("%.0v", decode(t, code, bo))); diff != "" {
		t.Error(diff)
	}
}

// Both byte orders decode to the same instructions, and encode to the bytes of
// LLVM again.
func TestInstructionSetByteOrders(t *testing.T) {
	little, bo := readCode(t, "testdata/isa-el.o")
	insns := decode(t, little, bo)
	if got := encode(t, insns, bo); !bytes.Equal(got, little) {
		t.Errorf("little endian:\n%x, want\n%x", got, little)
	}

	big, bo := readCode(t, "testdata/isa-eb.o")
	if bo != binary.BigEndian {
		t.Fatal("isa-eb.o isn't big endian")
	}
	if diff := cmp.Diff(fmt.Sprint(insns), fmt.Sprint(decode(t, big, bo))); diff != "" {
		t.Errorf("big endian (+) means something else than little (-):\n%s", diff)
	}
	if got := encode(t, insns, bo); !bytes.Equal(got, big) {
		t.Errorf("big endian:\n%x, want\n%x", got, big)
	}
}

// The constructors make what LLVM assembles from the same text.
func TestConstructors(t *testing.T) {
	code := make(map[string][]byte)
	for _, d := range readDisassembly(t) {
		code[d.text] = d.code
	}
	// LLVM 19 doesn't know these yet. The encodings are of the kernel's
	// Documentation/bpf/standardization/instruction-set.rst.
	code["r1 = load_acquire((u64 *)(r2 + 16))"] = []byte{0xdb, 0x21, 16, 0, 0x00, 0x01, 0, 0}
	code["w1 = load_acquire((u8 *)(r2 - 1))"] = []byte{0xd3, 0x21, 0xff, 0xff, 0x00, 0x01, 0, 0}
	code["store_release((u16 *)(r1 + 2), w2)"] = []byte{0xcb, 0x21, 2, 0, 0x10, 0x01, 0, 0}
	code["store_release((u64 *)(r1 + 8), r2)"] = []byte{0xdb, 0x21, 8, 0, 0x10, 0x01, 0, 0}
	code["r0 = *(u32 *)skb[r7 + 4]"] = []byte{0x40, 0x70, 0, 0, 4, 0, 0, 0}

	for text, ins := range map[string]Instruction{
		"r1 += r2": Add.Reg(R1, R2), "r1 += -7": Add.Imm(R1, -7), "w1 += w2": Add.Reg32(R1, R2), "w1 += -7": Add.Imm32(R1, -7),
		"r1 -= r2": Sub.Reg(R1, R2), "r1 *= r2": Mul.Reg(R1, R2), "r1 /= r2": Div.Reg(R1, R2), "r1 %= r2": Mod.Reg(R1, R2),
		"r1 |= r2": Or.Reg(R1, R2), "r1 &= r2": And.Reg(R1, R2), "r1 ^= r2": Xor.Reg(R1, R2),
		"r1 <<= 7": LSh.Imm(R1, 7), "r1 >>= 7": RSh.Imm(R1, 7), "r1 s>>= 7": ArSh.Imm(R1, 7),
		"r1 s/= r2": SDiv.Reg(R1, R2), "r1 s/= 7": SDiv.Imm(R1, 7), "w1 s/= w2": SDiv.Reg32(R1, R2), "w1 s/= 7": SDiv.Imm32(R1, 7),
		"r1 s%= r2": SMod.Reg(R1, R2), "r1 s%= 7": SMod.Imm(R1, 7), "w1 s%= w2": SMod.Reg32(R1, R2), "w1 s%= 7": SMod.Imm32(R1, 7),
		"r1 = -r1": Neg.Imm(R1, 0), "w1 = -w1": Neg.Imm32(R1, 0),
		"r1 = r2": Mov.Reg(R1, R2), "w1 = -7": Mov.Imm32(R1, -7),
		"r1 = (s8)r2": MovSX8.Reg(R1, R2), "r1 = (s16)r2": MovSX16.Reg(R1, R2), "r1 = (s32)r2": MovSX32.Reg(R1, R2),
		"w1 = (s8)w2": MovSX8.Reg32(R1, R2), "w1 = (s16)w2": MovSX16.Reg32(R1, R2),
		"r1 = addr_space_cast(r2, 0, 1)": CastAddrSpace(R1, R2, 0, 1), "r1 = addr_space_cast(r2, 1, 0)": CastAddrSpace(R1, R2, 1, 0),
		"r1 = be16 r1": HostTo(BE, R1, Half), "r1 = le32 r1": HostTo(LE, R1, Word), "r1 = be64 r1": HostTo(BE, R1, DWord),
		"r1 = bswap16 r1": BSwap(R1, Half), "r1 = bswap32 r1": BSwap(R1, Word), "r1 = bswap64 r1": BSwap(R1, DWord),

		"w1 = *(u8 *)(r10 - 8)": LoadMem(R1, RFP, -8, Byte), "r1 = *(u64 *)(r2 + 16)": LoadMem(R1, R2, 16, DWord),
		"r1 = *(s8 *)(r10 - 8)": LoadMemSX(R1, RFP, -8, Byte), "r1 = *(s32 *)(r2 + 16)": LoadMemSX(R1, R2, 16, Word),
		"*(u16 *)(r10 - 8) = w2": StoreMem(RFP, -8, R2, Half), "*(u64 *)(r10 - 8) = r2": StoreMem(RFP, -8, R2, DWord),
		"*(u32 *)(r1 + 8) = -3": StoreImm(R1, 8, -3, Word),
		"r0 = *(u8 *)skb[42]":   LoadAbs(42, Byte),
		"r0 = *(u16 *)skb[r7]":  LoadInd(R0, R7, 0, Half), "r0 = *(u32 *)skb[r7 + 4]": LoadInd(R0, R7, 4, Word),
		"r1 = -1 ll": LoadImm(R1, -1, DWord), "r1 = 1311768467463790320 ll": LoadImm(R1, 0x123456789abcdef0, DWord),

		"lock *(u32 *)(r1 + 8) += w2":                AddAtomic.Mem(R1, R2, Word, 8),
		"lock *(u64 *)(r1 + 8) &= r2":                AndAtomic.Mem(R1, R2, DWord, 8),
		"lock *(u64 *)(r1 + 8) |= r2":                OrAtomic.Mem(R1, R2, DWord, 8),
		"lock *(u32 *)(r1 + 8) ^= w2":                XorAtomic.Mem(R1, R2, Word, 8),
		"r3 = atomic_fetch_add((u64 *)(r1 - 8), r3)": FetchAdd.Mem(R1, R3, DWord, -8),
		"w3 = atomic_fetch_and((u32 *)(r1 - 8), w3)": FetchAnd.Mem(R1, R3, Word, -8),
		"r3 = atomic_fetch_or((u64 *)(r1 - 8), r3)":  FetchOr.Mem(R1, R3, DWord, -8),
		"w3 = atomic_fetch_xor((u32 *)(r1 - 8), w3)": FetchXor.Mem(R1, R3, Word, -8),
		"r3 = xchg_64(r1 + 8, r3)":                   Xchg.Mem(R1, R3, DWord, 8),
		"w3 = xchg32_32(r1 + 8, w3)":                 Xchg.Mem(R1, R3, Word, 8),
		"r0 = cmpxchg_64(r1 + 8, r0, r3)":            CmpXchg.Mem(R1, R3, DWord, 8),
		"w0 = cmpxchg32_32(r1 + 8, w0, w3)":          CmpXchg.Mem(R1, R3, Word, 8),
		"r1 = load_acquire((u64 *)(r2 + 16))":        LoadAcquire(R1, R2, DWord, 16),
		"w1 = load_acquire((u8 *)(r2 - 1))":          LoadAcquire(R1, R2, Byte, -1),
		"store_release((u16 *)(r1 + 2), w2)":         StoreRelease(R1, R2, Half, 2),
		"store_release((u64 *)(r1 + 8), r2)":         StoreRelease(R1, R2, DWord, 8),

		"call 1": FnMapLookupElem.Call(), "callx r3": CallReg(R3), "exit": Return(),
	} {
		want, ok := code[text]
		if !ok {
			t.Errorf("%s isn't in testdata/isa.dis", text)
			continue
		}
		if got := encode(t, Instructions{ins}, binary.LittleEndian); !bytes.Equal(got, want) {
			t.Errorf("%s encodes to %x, want %x", text, got, want)
		}
		decoded := decode(t, want, binary.LittleEndian)
		if len(decoded) != 1 || decoded[0] != ins {
			t.Errorf("%s decodes to %#v, want %#v", text, decoded, ins)
		}
		if text == "call 1" {
			text = "call bpf_map_lookup_elem"
		}
		if got := fmt.Sprint(ins); got != text {
			t.Errorf("%s prints as %s", text, got)
		}
	}
}

// Jumps with a label encode to what LLVM assembles from a distance.
func TestJumps(t *testing.T) {
	for operator, op := range map[string]JumpOp{
		"==": JEq, "!=": JNE, ">": JGT, ">=": JGE, "<": JLT, "<=": JLE,
		"s>": JSGT, "s>=": JSGE, "s<": JSLT, "s<=": JSLE, "&": JSet,
	} {
		for text, ins := range map[string]Instruction{
			fmt.Sprintf("if r1 %s r2 goto +1 <2>", operator): op.Reg(R1, R2, "end"),
			fmt.Sprintf("if r1 %s -5 goto +1 <2>", operator): op.Imm(R1, -5, "end"),
			fmt.Sprintf("if w1 %s w2 goto +1 <2>", operator): op.Reg32(R1, R2, "end"),
			fmt.Sprintf("if w1 %s -5 goto +1 <2>", operator): op.Imm32(R1, -5, "end"),
		} {
			expectJump(t, ins, text)
		}
	}
	expectJump(t, Ja.Label("end"), "goto +1 <2>")
	expectJump(t, LongJump("end"), "gotol +1 <2>")
	expectJump(t, JCOND.Label("end"), "may_goto +1 <2>")
}

func expectJump(t *testing.T, jump Instruction, text string) {
	t.Helper()
	code := encode(t, Instructions{jump, Mov.Imm(R0, 0), Return().WithSymbol("end")}, binary.LittleEndian)
	got, _, _ := strings.Cut(fmt.Sprintf("%.0v", decode(t, code, binary.LittleEndian)), "\n")
	if want := "0: " + text; got != want {
		t.Errorf("%v encodes to %q, want %q", jump, got, want)
	}
}

// Constructors refuse what has no encoding; encoding what they return then fails.
func TestConstructorsInvalid(t *testing.T) {
	for name, ins := range map[string]Instruction{
		"sign extending 64 bits":       LoadMemSX(R1, R2, 0, DWord),
		"swapping a byte":              BSwap(R1, Byte),
		"converting a byte":            HostTo(BE, R1, Byte),
		"a 64-bit constant to memory":  StoreImm(R1, 0, 1<<31, DWord),
		"a negative map descriptor":    LoadMapPtr(R1, -1),
		"a negative value descriptor":  LoadMapValue(R1, -1, 0),
		"an 8-bit read-modify-write":   FetchAdd.Mem(R1, R2, Byte, 0),
		"a 16-bit compare and swap":    CmpXchg.Mem(R1, R2, Half, 0),
		"comparing by exit":            Exit.Imm(R1, 0, "end"),
		"a 32-bit call":                Call.Reg32(R1, R2, "end"),
		"an atomic that doesn't exist": AtomicOp(0x77).Mem(R1, R2, DWord, 0),
	} {
		if ins.OpCode != InvalidOpCode {
			t.Errorf("%s gives %v", name, ins)
		}
		if _, err := (Instructions{ins.WithReference("")}).Encode(nil, binary.LittleEndian); err == nil {
			t.Errorf("%s encodes", name)
		}
	}
}
