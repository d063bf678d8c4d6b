package corerelo_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// applied relocates ins by the only relocation of a program.
func applied(tb testing.TB, kernel *btf.Spec, r corerelo.Reloc, ins asm.Instruction) (asm.Instruction, error) {
	tb.Helper()
	fixups, err := corerelo.Relocate([]corerelo.Reloc{r}, corerelo.Target{Kernel: kernel})
	check(tb, err)
	err = fixups[0].Apply(&ins)
	return ins, err
}

// Which instructions can be relocated, and what becomes of them if struct s of local, with its member b at 4, has it at 8 in the
// kernel, c at 40000 and a no more.
func TestApply(t *testing.T) {
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 40004, field{"b", i, 64, 0}, field{"c", i, 320000, 0})
	})
	l := local(t)
	a, b, c := offsetOf(l, "0:0"), offsetOf(l, "0:1"), offsetOf(l, "0:2")
	for _, test := range []struct {
		name  string
		relo  corerelo.Reloc
		ins   asm.Instruction
		want  string
		error string
	}{
		{"move", b, asm.Mov.Imm(asm.R1, 4), "8", ""},
		{"32-bit move", b, asm.Mov.Imm32(asm.R1, 4), "8", ""},
		{"add", b, asm.Add.Imm(asm.R1, 4), "8", ""},
		{"64-bit load of a constant", b, asm.LoadImm(asm.R1, 4, asm.DWord), "8", ""},
		{"load", b, asm.LoadMem(asm.R1, asm.R2, 4, asm.Word), "4 bytes at 8", ""},
		{"sign-extending load", b, asm.LoadMemSX(asm.R1, asm.R2, 4, asm.Word), "4 bytes at 8", ""},
		{"store", b, asm.StoreMem(asm.R1, 4, asm.R2, asm.Word), "4 bytes at 8", ""},
		{"store of a constant", b, asm.StoreImm(asm.R1, 4, 1, asm.Word), "4 bytes at 8", ""},
		{"atomic", b, asm.AddAtomic.Mem(asm.R1, asm.R2, asm.Word, 4), "4 bytes at 8", ""},
		{"load of part of the field", b, asm.LoadMem(asm.R1, asm.R2, 4, asm.Byte), "1 bytes at 8", ""},

		{"no solution", a, asm.LoadMem(asm.R1, asm.R2, 0, asm.Word), "poison", ""},
		{"no solution, 64-bit load", a, asm.LoadImm(asm.R1, 0, asm.DWord), "poison", ""},

		{"far move", c, asm.Mov.Imm(asm.R1, 8), "40000", ""},
		{"far load", c, asm.LoadMem(asm.R1, asm.R2, 8, asm.Word), "", "40000: offset exceeds the 16 bits"},

		{"wrong constant", b, asm.Mov.Imm(asm.R1, 5), "", "has the constant 5 where the program's own types give 4"},
		{"wrong 64-bit constant", b, asm.LoadImm(asm.R1, 5, asm.DWord), "", "has the constant 5"},
		{"wrong offset", b, asm.LoadMem(asm.R1, asm.R2, 8, asm.Word), "", "has the constant 8"},

		{"register operand", b, asm.Mov.Reg(asm.R1, asm.R2), "", "not an instruction that can be relocated"},
		{"byte swap", b, asm.HostTo(asm.LE, asm.R1, asm.Word), "", "not an instruction that can be relocated"},
		{"load of a map", b, asm.LoadMapPtr(asm.R1, 4), "", "not an instruction that can be relocated"},
		{"load from a packet", b, asm.LoadAbs(4, asm.Word), "", "not an instruction that can be relocated"},
		{"jump", b, asm.JEq.Imm(asm.R1, 4, "x"), "", "not an instruction that can be relocated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			width := test.ins.Size()
			got, err := applied(t, kernel, test.relo, test.ins)
			if test.error != "" {
				if err == nil || !strings.Contains(err.Error(), test.error) {
					t.Fatalf("error %v, want %s", err, test.error)
				}
				return
			}
			check(t, err)
			if show(&got) != test.want {
				t.Errorf("%s, want %s", show(&got), test.want)
			}
			if got.Size() != width {
				t.Errorf("instruction of %d bytes has %d", width, got.Size())
			}
		})
	}
}

// A load or store gets the size that the field has in the kernel.
func TestResize(t *testing.T) {
	l := build(t, func(b *builder) {
		u := b.integer("unsigned int", 4, false)
		b.structure("s", 4, field{"a", u, 0, 0})
	})
	kernelWith := func(size uint32) *btf.Spec {
		return build(t, func(b *builder) {
			b.structure("s", size, field{"a", b.integer("u", size, false), 0, 0})
		})
	}
	word := asm.LoadMem(asm.R1, asm.R2, 0, asm.Word)
	for size, want := range map[uint32]string{1: "1 bytes at 0", 2: "2 bytes at 0", 4: "4 bytes at 0", 8: "8 bytes at 0"} {
		got, err := applied(t, kernelWith(size), offsetOf(l, "0:0"), word)
		check(t, err)
		if show(&got) != want {
			t.Errorf("%s, want %s", show(&got), want)
		}
	}
	for name, test := range map[string]struct {
		size uint32
		ins  asm.Instruction
		err  string
	}{
		"no such size":  {16, word, "no such instruction accesses 16 bytes"},
		"partial load":  {8, asm.LoadMem(asm.R1, asm.R2, 0, asm.Byte), "accesses 1 bytes of a field of 4, which has 8 in the kernel"},
		"sign extended": {8, asm.LoadMemSX(asm.R1, asm.R2, 0, asm.Word), "no such instruction accesses 8 bytes"},
		"atomic":        {1, asm.AddAtomic.Mem(asm.R1, asm.R2, asm.Word, 0), "no such instruction accesses 1 bytes"},
	} {
		if _, err := applied(t, kernelWith(test.size), offsetOf(l, "0:0"), test.ins); err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A pointer has as many bytes as the kernel's long.
func TestResizePointer(t *testing.T) {
	l := build(t, func(b *builder) {
		p := b.ref(2, "", 0)
		b.structure("s", 8, field{"a", p, 0, 0})
	})
	kernel := build(t, func(b *builder) {
		b.integer("long unsigned int", 4, false)
		p := b.ref(2, "", 0)
		b.structure("s", 8, field{"a", p, 32, 0})
	})
	got, err := applied(t, kernel, offsetOf(l, "0:0"), asm.LoadMem(asm.R1, asm.R2, 0, asm.DWord))
	check(t, err)
	if show(&got) != "4 bytes at 4" {
		t.Error(show(&got))
	}
}

// Enums are signed or not, but kernels and compilers before Linux 6.0 and clang 15 didn't say.
func TestEnumSignedness(t *testing.T) {
	const high = 0xfffffff0
	for _, test := range []struct {
		name                      string
		localSigned, kernelSigned bool
		old, want                 int64
	}{
		{"both unsigned", false, false, high, high},
		{"both signed", true, true, -16, -16},
		{"kernel doesn't say", true, false, -16, -16},
		{"neither says", false, false, -16, -16},
	} {
		enum := func(signed bool) *btf.Spec {
			return build(t, func(b *builder) { b.enum("e", signed, value{"A", high}) })
		}
		got, err := applied(t, enum(test.kernelSigned), reloc(enum(test.localSigned), 1, btf.COREEnumvalValue, "0"), asm.LoadImm(asm.R1, test.old, asm.DWord))
		check(t, err)
		if got.Constant != test.want {
			t.Errorf("%s: %d, want %d", test.name, got.Constant, test.want)
		}
	}
}

// A value that an instruction can't hold is an error, rather than cut off.
func TestImmediateRange(t *testing.T) {
	l := build(t, func(b *builder) { b.enum64("e", false, value{"A", 1}) })
	r := reloc(l, 1, btf.COREEnumvalValue, "0")
	for _, test := range []struct {
		value int64
		ins   asm.Instruction
		want  string
	}{
		{math.MaxInt32, asm.Mov.Imm(asm.R1, 1), "2147483647"},
		{math.MinInt32, asm.Mov.Imm(asm.R1, 1), "-2147483648"},
		{math.MaxUint32, asm.Mov.Imm(asm.R1, 1), ""},
		{math.MaxUint32, asm.Mov.Imm32(asm.R1, 1), "-1"},
		{math.MaxUint32 + 1, asm.Mov.Imm32(asm.R1, 1), ""},
		{math.MaxInt64, asm.LoadImm(asm.R1, 1, asm.DWord), "9223372036854775807"},
	} {
		kernel := build(t, func(b *builder) { b.enum64("e", false, value{"A", test.value}) })
		got, err := applied(t, kernel, r, test.ins)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), "doesn't fit the 32 bits") {
				t.Errorf("%d: error %v", test.value, err)
			}
			continue
		}
		check(t, err)
		if show(&got) != test.want {
			t.Errorf("%d: %s", test.value, show(&got))
		}
	}
}

// Whoever reads an error or a reason learns the relocation, the C line and what is wrong.
func TestMessages(t *testing.T) {
	l := local(t)
	line := btf.NewLine("prog.bpf.c", "	return p->a;", 12, 9)
	ins := asm.LoadMem(asm.R1, asm.R2, 0, asm.Word)
	ins = ins.WithSource(&line)
	kernel := build(t, func(b *builder) { b.structure("s", 4) })

	got, err := applied(t, kernel, offsetOf(l, "0:0"), ins)
	check(t, err)
	poison := corerelo.PoisonOf(&got)
	if poison == nil {
		t.Fatal("not poisoned")
	}
	if want := "CO-RE relocation (byte_off of struct s.a) at prog.bpf.c:12:9: struct s of vmlinux has no member a"; poison.Error() != want {
		t.Errorf("%s, want %s", poison, want)
	}
	if poison.Relocation().Accessor != "0:0" {
		t.Errorf("relocation %v", poison.Relocation())
	}
	if got.Source() != ins.Source() || corerelo.PoisonOf(&ins) != nil {
		t.Error("the line is gone, or the original changed")
	}

	bad := offsetOf(l, "0:7")
	bad.Ins = &ins
	_, err = corerelo.Relocate([]corerelo.Reloc{offsetOf(l, "0:0"), bad}, corerelo.Target{Kernel: kernel})
	want := `CO-RE relocation #1 (byte_off of struct s, access string "0:7") at prog.bpf.c:12:9: access string "0:7": struct s has no member #7`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	var e *corerelo.Error
	if !errors.As(err, &e) || e.Index != 1 || e.Relo != bad.CORERelocation || e.Line != "prog.bpf.c:12:9" {
		t.Errorf("%#v", e)
	}
}

// A reason says what the kernel has where the program expects something else.
func TestReasons(t *testing.T) {
	l := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		in := b.structure("in", 4, field{"x", i, 0, 0})
		b.structure("s", 16, field{"in", in, 0, 0}, field{"arr", b.array(i, 2), 32, 0}, field{"i", i, 96, 0})
	})
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.union("other", 4)
		b.structure("s", 16, field{"in", 2, 0, 0}, field{"arr", b.array(i, 1), 32, 0}, field{"i", 2, 96, 0})
		b.structure("s", 16)
	})
	for access, want := range map[string]string{
		"0:0:0": "union other of vmlinux has no member x",
		"0:1:1": "array of type ID 3 of vmlinux has no element 1",
		"0:2":   "i is int in the program, but union other in vmlinux",
	} {
		fixups, err := corerelo.Relocate([]corerelo.Reloc{reloc(l, 4, btf.COREFieldByteOffset, access)}, corerelo.Target{Kernel: kernel})
		check(t, err)
		if got := fixups[0].String(); !strings.HasSuffix(got, ": "+want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Fields, enumerators and types are spelled as in C.
func TestSpell(t *testing.T) {
	l := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		inner := b.structure("inner", 8, field{"x", i, 0, 0}, field{"y", i, 32, 0})
		arr := b.array(inner, 4)
		anon := b.union("", 32, field{"arr", arr, 0, 0})
		b.structure("s", 36, field{"", anon, 0, 0}, field{"z", i, 256, 0})
		b.enum("e", false, value{"A", 0}, value{"B", 1})
		b.ref(8, "s_t", 5)
	})
	for _, test := range []struct {
		id     btf.TypeID
		kind   btf.COREKind
		access string
		want   string
	}{
		{5, btf.COREFieldByteOffset, "0", "struct s"},
		{5, btf.COREFieldByteOffset, "3", "struct s[3]"},
		{5, btf.COREFieldByteOffset, "0:1", "struct s.z"},
		{5, btf.COREFieldByteOffset, "1:0:0:2:1", "struct s[1].arr[2].y"},
		{7, btf.COREFieldExists, "0:1", "s_t.z"},
		{5, btf.CORETypeSize, "0", "struct s"},
		{6, btf.COREEnumvalValue, "1", "enum e::B"},
		{4, btf.CORETypeIDLocal, "0", "union <anonymous type ID 4>"},
		{5, btf.COREFieldByteOffset, "0:9", `struct s, access string "0:9"`},
		{99, btf.COREFieldByteOffset, "0:9", `type ID 99, access string "0:9"`},
	} {
		if got := corerelo.Spell(reloc(l, test.id, test.kind, test.access).CORERelocation); got != test.want {
			t.Errorf("%d %s: %s, want %s", test.id, test.access, got, test.want)
		}
	}
}

// A fixup shows what it changes.
func TestFixupString(t *testing.T) {
	kernel := build(t, func(b *builder) { b.structure("s", 4, field{"b", b.integer("int", 4, true), 96, 0}) })
	l := local(t)
	fixups, err := corerelo.Relocate([]corerelo.Reloc{offsetOf(l, "0:1"), offsetOf(l, "0:0")}, corerelo.Target{Kernel: kernel})
	check(t, err)
	for i, want := range []string{"byte_off struct s.b: 4 -> 12", "byte_off struct s.a: struct s of vmlinux has no member a"} {
		if got := fixups[i].String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestByteOrder(t *testing.T) {
	b := newBuilder(binary.BigEndian)
	b.structure("s", 4)
	_, err := corerelo.Relocate([]corerelo.Reloc{offsetOf(local(t), "0:0")}, corerelo.Target{Kernel: b.spec(t)})
	if err == nil || !strings.Contains(err.Error(), "program is LittleEndian, but vmlinux is BigEndian") {
		t.Errorf("error %v", err)
	}
}
