package object

import (
	stdelf "debug/elf"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

var (
	exit     = asm.Return()
	zero     = asm.Mov.Imm(asm.R0, 0)
	load     = asm.LoadImm(asm.R1, 0, asm.DWord)
	callNext = asm.Instruction{OpCode: asm.OpCode(asm.JumpClass) | asm.OpCode(asm.Call), Src: asm.PseudoCall, Constant: -1}
)

// call returns a call by so many slots, counted from the one after it.
func call(distance int64) asm.Instruction {
	ins := callNext
	ins.Constant = distance
	return ins
}

// What is wrong with code is said with section, function and offset.
func TestCodeErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(objectBuilder)
		want  string
	}{
		{"function beyond its section", func(b objectBuilder) {
			b.function("f", b.code("xdp", zero, exit), 1, 2)
		}, "section xdp, f, offset 0x8: function of 16 bytes exceeds the section's 16 bytes"},

		{"half an instruction", func(b objectBuilder) {
			s := b.code("xdp", zero, exit)
			b.AddSymbol(&elfbuild.Symbol{Name: "f", Section: s, Type: stdelf.STT_FUNC, Bind: 1, Size: 12})
		}, "section xdp, f: offset or size of 12 bytes is no multiple of an instruction's 8 bytes"},

		{"starts within an instruction", func(b objectBuilder) {
			s := b.code("xdp", zero, exit)
			b.AddSymbol(&elfbuild.Symbol{Name: "f", Section: s, Type: stdelf.STT_FUNC, Bind: 1, Value: 4, Size: 8})
		}, "section xdp, f, offset 0x4: offset or size of 8 bytes"},

		{"overlap", func(b objectBuilder) {
			s := b.code("xdp", zero, zero, exit)
			b.function("f", s, 0, 2)
			b.function("g", s, 1, 2)
		}, "section xdp, g, offset 0x8: function overlaps f, which ends at offset 0x10"},

		{"function without name", func(b objectBuilder) {
			b.function("", b.code("xdp", exit), 0, 1)
		}, "section xdp: a function without a name"},

		{"64-bit load cut in half", func(b objectBuilder) {
			b.function("f", b.code("xdp", load, exit), 0, 1)
		}, "section xdp, f: decode instruction at slot 0: 64-bit load misses its second half"},

		{"call into a function", func(b objectBuilder) {
			s := b.code("xdp", call(2), exit, zero, zero, exit)
			b.function("f", s, 0, 2)
			b.function("g", s, 2, 3)
		}, "section xdp, f: offset 0x18 of section xdp is in the middle of function g"},

		{"call to nowhere", func(b objectBuilder) {
			b.function("f", b.code("xdp", zero, call(100), exit), 0, 3)
		}, "section xdp, f, offset 0x8: no function at offset 0x330 of section xdp"},

		{"call before the section", func(b objectBuilder) {
			b.function("f", b.code("xdp", call(-100), exit), 0, 2)
		}, "section xdp, f: reference to offset -792 of section xdp"},

		{"function pointer without relocation", func(b objectBuilder) {
			ins := load
			ins.Src = asm.PseudoFunc
			b.function("f", b.code("xdp", ins, exit), 0, 3)
		}, "section xdp, f: address of a function without a relocation that says of which"},

		{"relocated arithmetic", func(b objectBuilder) {
			s := b.code("xdp", zero, exit)
			b.function("f", s, 0, 2)
			s.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: b.object("x", b.section(".data", make([]byte, 8)), 0, 8), Type: 1})
		}, "section xdp, f: relocation against x of an instruction that is neither a call nor a 64-bit load"},

		{"relocation of a second half", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			s.Relocate(&elfbuild.Reloc{Offset: 8, Symbol: b.object("x", b.section(".data", make([]byte, 8)), 0, 8), Type: 1})
		}, "section xdp, f, offset 0x8: relocation of offset 0x8, where no instruction begins"},

		{"two relocations", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			x := b.object("x", b.section(".data", make([]byte, 8)), 0, 8)
			s.Relocate(&elfbuild.Reloc{Symbol: x, Type: 1})
			s.Relocate(&elfbuild.Reloc{Symbol: x, Type: 1})
		}, "section xdp, f: two relocations of one instruction"},

		{"call of a variable", func(b objectBuilder) {
			s := b.code("xdp", callNext, exit)
			b.function("f", s, 0, 2)
			s.Relocate(&elfbuild.Reloc{Symbol: b.object("x", b.section(".data", make([]byte, 8)), 0, 8), Type: 10})
		}, "section xdp, f: call of x, which isn't in a section with code"},

		{"helper call with a relocation", func(b objectBuilder) {
			s := b.code("xdp", asm.FnGetSmpProcessorId.Call(), exit)
			s.Relocate(&elfbuild.Reloc{Symbol: b.function("f", s, 0, 2), Type: 10})
		}, "section xdp, f: call of f by an instruction that doesn't call functions"},

		{"absolute symbol", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			s.Relocate(&elfbuild.Reloc{Symbol: b.AddSymbol(&elfbuild.Symbol{Name: "abs", Reserved: stdelf.SHN_ABS, Bind: 1}), Type: 1})
		}, "section xdp, f: abs isn't in any section"},

		{"tentative definition", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			s.Relocate(&elfbuild.Reloc{Symbol: b.AddSymbol(&elfbuild.Symbol{Name: "x", Reserved: stdelf.SHN_COMMON, Bind: 1}), Type: 1})
		}, "section xdp, f: x is a tentative definition: initialise it, or compile with -fno-common"},

		{"odd section", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			s.Relocate(&elfbuild.Reloc{Symbol: b.object("x", b.section("odd", make([]byte, 8)), 0, 8), Type: 1})
		}, "section xdp, f: x is in section odd, which holds neither maps, variables nor code"},

		{"symbol beyond its section", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			x := b.AddSymbol(&elfbuild.Symbol{Name: "x", Section: b.section(".data", make([]byte, 8)), Type: stdelf.STT_OBJECT, Value: 64})
			s.Relocate(&elfbuild.Reloc{Symbol: x, Type: 1})
		}, "section xdp, f: x is at offset 0x40 of section .data, which has 0x8 bytes"},

		{"middle of a map", func(b objectBuilder) {
			s := b.code("xdp", load, exit)
			b.function("f", s, 0, 3)
			maps := b.section("maps", make([]byte, 20))
			b.object("m", maps, 0, 20)
			x := b.AddSymbol(&elfbuild.Symbol{Name: "inside", Section: maps, Type: stdelf.STT_OBJECT, Value: 4, Size: 1})
			x.Type = stdelf.STT_FUNC
			s.Relocate(&elfbuild.Reloc{Symbol: x, Type: 1})
		}, "section xdp, f: inside: no map is defined at offset 0x4 of section maps"},

		{"short map definition", func(b objectBuilder) {
			b.object("m", b.section("maps", make([]byte, 12)), 0, 12)
		}, "section maps, m: a map definition has 16 bytes or more, here is less"},

		{"variable beyond its section", func(b objectBuilder) {
			b.object("x", b.section(".data", make([]byte, 8)), 4, 8)
		}, "section .data, x, offset 0x4: variable of 8 bytes exceeds the section's 8 bytes"},

		{"version", func(b objectBuilder) {
			b.section("version", make([]byte, 3))
		}, "section version: a kernel version has 4 bytes, this has 3"},

		{"arena variables without arena", func(b objectBuilder) {
			b.btfMap("m", hash)
			b.section(".addr_space.1", make([]byte, 8))
		}, `section .addr_space.1: variables in arena memory, but no map of type BPF_MAP_TYPE_ARENA in SEC(".maps")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newObject(t)
			b.AddSymbol(&elfbuild.Symbol{Name: "file.c", Reserved: stdelf.SHN_ABS, Type: stdelf.STT_FILE})
			c.build(b)
			wantError(t, b.Bytes(), c.want)
		})
	}
}

// An error in code that was compiled with -g names the line of C.
func TestErrorsNameTheLine(t *testing.T) {
	object := testutil.Compile(t, `
int strange __attribute__((section("odd")));
__attribute__((section("xdp"))) int prog(void *ctx)
{
	return strange;
}`)
	_, err := Parse(object)
	var e *Error
	if !errors.As(err, &e) || e.Section != "xdp" || e.Symbol != "prog" || !strings.HasSuffix(e.Source, ".c:5") {
		t.Errorf("got %#v", e)
	}
}

func TestErrorsOfTheFileAreWrapped(t *testing.T) {
	_, err := Parse([]byte("\x7fELF"))
	var e *elf.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

// Undefined symbols keep only programs that use them from loading.
func TestUndefinedSymbol(t *testing.T) {
	b := newObject(t)
	s := b.code("xdp", callNext, exit, load, exit, zero, exit)
	b.function("calls", s, 0, 2)
	b.function("loads", s, 2, 3)
	b.function("fine", s, 5, 2)
	undefined := b.AddSymbol(&elfbuild.Symbol{Name: "undefined", Bind: stdelf.STB_GLOBAL})
	s.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: undefined, Type: 10})
	s.Relocate(&elfbuild.Reloc{Offset: 16, Symbol: undefined, Type: 1})
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Externs) != 1 || o.Externs[0].Name != "undefined" || o.Externs[0].Kind != asm.ExternUnknown {
		t.Fatalf("externs %+v", o.Externs)
	}
	for i, want := range []*asm.Extern{&o.Externs[0].Extern, &o.Externs[0].Extern, nil} {
		if got := o.Programs[i].Instructions[0].Extern(); got != want {
			t.Errorf("%s: refers to %v, want %v", o.Programs[i].Name, got, want)
		}
	}
}

// Unknown sections make programs of unspecified type.
func TestUnknownSection(t *testing.T) {
	b := newObject(t)
	b.function("f", b.code("?ingres", exit), 0, 1)
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	p := o.Programs[0]
	if p.Def != nil || p.Type != 0 || p.Section != "?ingres" || !p.Optional {
		t.Errorf("got %+v", p)
	}
}

// Recursion is for the verifier to refuse.
func TestRecursion(t *testing.T) {
	b := newObject(t)
	text := b.code(".text", call(1), exit, call(-3), exit)
	b.function("even", text, 0, 2)
	b.function("odd", text, 2, 2)
	s := b.code("xdp", callNext, exit)
	b.function("f", s, 0, 2)
	s.Relocate(&elfbuild.Reloc{Symbol: b.sectionSymbol(text), Type: 10})
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var symbols []string
	for i := range o.Programs[0].Instructions {
		if s := o.Programs[0].Instructions[i].Symbol(); s != "" {
			symbols = append(symbols, s)
		}
	}
	if got := strings.Join(symbols, " "); got != "f even odd" {
		t.Errorf("linked %s", got)
	}
}

// Static functions of the same name, as linking several files makes, stay
// apart.
func TestSameNameTwice(t *testing.T) {
	b := newObject(t)
	text := b.code(".text", zero, exit, exit)
	for i, size := range []uint64{2, 1} {
		b.function("helper", text, uint64(2*i), size).Bind = stdelf.STB_LOCAL
	}
	s := b.code("xdp", callNext, call(1), exit)
	b.function("f", s, 0, 3)
	section := b.sectionSymbol(text)
	s.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: section, Type: 10})
	s.Relocate(&elfbuild.Reloc{Offset: 8, Symbol: section, Type: 10})
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	insns := o.Programs[0].Instructions
	if a, b := insns[0].Reference(), insns[1].Reference(); a != "helper" || b != "helper@.text+0x10" {
		t.Errorf("calls %s and %s", a, b)
	}
	if _, err := insns.Encode(nil, o.ByteOrder()); err != nil {
		t.Error(err)
	}
}

// Old compilers' functions have neither type nor size.
func TestUntypedFunctions(t *testing.T) {
	b := newObject(t)
	s := b.code("xdp", zero, exit, exit)
	for i, name := range []string{"first", "second"} {
		b.AddSymbol(&elfbuild.Symbol{Name: name, Section: s, Bind: stdelf.STB_GLOBAL, Value: uint64(i) * 16})
	}
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Programs) != 2 || len(o.Programs[0].Instructions) != 2 || len(o.Programs[1].Instructions) != 1 {
		t.Errorf("got %s", dump(o))
	}
}

// Where every function calls all after it, what programs reach grows with the
// square of the file, which is refused before it hurts.
func TestTooMuchCode(t *testing.T) {
	const n, size = 600, 40
	b := newObject(t)
	insns := make([]asm.Instruction, 0, n*size)
	for i := range n {
		for range size - 2 {
			insns = append(insns, zero)
		}
		if i < n-1 {
			insns = append(insns, call(1))
		} else {
			insns = append(insns, zero)
		}
		insns = append(insns, exit)
	}
	s := b.code("xdp", insns...)
	for i := range uint64(n) {
		b.function(fmt.Sprint("f", i), s, i*size, size)
	}
	start := time.Now()
	wantError(t, b.Bytes(), fmt.Sprintf("with all that they call, the programs of the file have more than %d instructions", maxInstructions))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// Cutting a file off anywhere, or flipping any bit, gives an error or an
// object, soon.
func TestDamagedFiles(t *testing.T) {
	data := readObject(t, "nested-el")
	for n := range data {
		if o, err := Parse(data[:n]); err == nil {
			dump(o)
		}
	}
	for i := range data {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			data[i] ^= mask
			if o, err := Parse(data); err == nil {
				dump(o)
			}
			data[i] ^= mask
		}
	}
}

// A kernel version of another integer type is as good as one of 32 bits.
func TestLongVersion(t *testing.T) {
	b := newObject(t)
	b.section("version", []byte{1, 2, 3, 0, 0, 0, 0, 0})
	o, err := Parse(b.Bytes())
	if err != nil || o.Version != 0x030201 {
		t.Errorf("%#x, %v", o.Version, err)
	}
}
