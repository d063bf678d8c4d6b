package corerelo_test

import (
	"bytes"
	"debug/elf"
	"path/filepath"
	"strings"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Relocations that contradict the program's own types are errors, which say how.
func TestMalformed(t *testing.T) {
	spec := build(t, func(b *builder) {
		i := b.integer("int", 4, true)                                                                // 1
		arr := b.array(i, 4)                                                                          // 2
		b.structure("s", 32, field{"a", i, 0, 0}, field{"arr", arr, 32, 0}, field{"self", 3, 160, 0}) // 3
		b.ref(rawbtf.KindTypedef, "loop", 4)                                                          // 4
		b.ref(rawbtf.KindConst, "", 3)                                                                // 5
		b.enum("e", false, value{"A", 0}, value{"", 1})                                               // 6
		b.add(rawbtf.KindFwd, false, 0, "fwd", 0)                                                     // 7
		b.structure("bad", 4, field{"x", 99, 0, 0})                                                   // 8
		b.structure("deep", 4, field{"x", 10, 0, 0})                                                  // 9
		b.array(10, 1)                                                                                // 10
		huge := b.array(i, 1<<31)                                                                     // 11
		b.structure("huge", 4, field{"x", huge, 0, 0})                                                // 12
		b.structure("", 4, field{"x", i, 0, 0})                                                       // 13
		b.structure("oddbits", 16, field{"x", 3, 0, 3}, field{"y", 15, 0, 3})                         // 14
		b.integer("int24", 3, false)                                                                  // 15
		b.ref(rawbtf.KindTypedef, "fn", 17)                                                           // 16
		b.proto(0)                                                                                    // 17
	})
	for _, test := range []struct {
		id     btf.TypeID
		kind   btf.COREKind
		access string
		want   string
	}{
		{3, btf.COREFieldByteOffset, "", "it is empty"},
		{3, btf.COREFieldByteOffset, "0:x", "not a decimal number"},
		{3, btf.COREFieldByteOffset, "0:-1", "not a decimal number"},
		{3, btf.COREFieldByteOffset, strings.Repeat("0:", 64) + "0", "more than 64 indices"},
		{3, btf.COREFieldByteOffset, "0:3", "struct s has no member #3"},
		{3, btf.COREFieldByteOffset, "0:1:4", "no element #4"},
		{3, btf.COREFieldByteOffset, "0:0:0", "int has neither members nor elements"},
		{3, btf.COREFieldSigned, "0:1:0", "only offset, size and existence"},
		{3, btf.COREFieldLShiftU64, "0:1", "larger than the 64 bits"},
		{3, btf.COREFieldByteOffset, "2147483647", "exceeds 4 GiB"},
		{3, btf.CORETypeSize, "0:1", `takes "0"`},
		{3, btf.COREEnumvalValue, "0", "isn't an enum"},
		{3, 13, "0", "kind is not known"},
		{3, 1<<32 - 1, "0", "kind is not known"},
		{4, btf.COREFieldByteOffset, "0:1", "more than 32 times"},
		{4, btf.CORETypeSize, "0", "more than 32 times"},
		{5, btf.COREFieldByteOffset, "0:0", "without a name"},
		{6, btf.COREEnumvalValue, "2", "no enumerator #2"},
		{6, btf.COREEnumvalValue, "1", "#1 has no name"},
		{6, btf.COREEnumvalValue, "0:0", "single index"},
		{7, btf.COREFieldByteOffset, "0", "no size"},
		{7, btf.CORETypeSize, "0", "no size"},
		{8, btf.COREFieldByteOffset, "0:0", "type ID 99"},
		{9, btf.COREFieldByteOffset, "0:0", "more than 32 times"},
		{12, btf.COREFieldByteSize, "0:0", "exceeds 4 GiB"},
		{13, btf.COREFieldByteOffset, "0:0", "without a name"},
		{14, btf.COREFieldByteOffset, "0:0", "its type has 32 bytes"},
		{14, btf.COREFieldByteOffset, "0:1", "its type has 3 bytes"},
		{16, btf.CORETypeSize, "0", "no size"},
		{99, btf.COREFieldByteOffset, "0", "type ID 99"},
		{0, btf.COREFieldByteOffset, "0", "without a name"},
	} {
		_, err := corerelo.Relocate([]corerelo.Reloc{reloc(spec, test.id, test.kind, test.access)}, corerelo.Target{Kernel: spec})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s of type %d, %q: error %v, want %s", test.kind, test.id, test.access, err, test.want)
		}
	}
}

func TestMissingParts(t *testing.T) {
	for _, r := range []corerelo.Reloc{{}, {CORERelocation: &btf.CORERelocation{Accessor: "0"}}} {
		if _, err := corerelo.Relocate([]corerelo.Reloc{r}, corerelo.Target{}); err == nil || !strings.Contains(err.Error(), "has no type") {
			t.Errorf("error %v", err)
		}
	}
	_, err := corerelo.Relocate([]corerelo.Reloc{offsetOf(local(t), "0:0")}, corerelo.Target{})
	if err == nil || !strings.Contains(err.Error(), "CONFIG_DEBUG_INFO_BTF") {
		t.Errorf("error %v", err)
	}
	fixups, err := corerelo.Relocate(nil, corerelo.Target{})
	if err != nil || len(fixups) != 0 {
		t.Errorf("%v, %v", fixups, err)
	}
}

// Types of a kernel that would take forever to search, or that never end, are errors too.
func TestHostileKernel(t *testing.T) {
	// Each union has the next one twice, without a name.
	doubling := func(b *builder, name string) {
		for i := range uint32(50) {
			b.union(name, 4, field{"", i + 2, 0, 0}, field{"", i + 2, 0, 0})
			name = ""
		}
		b.union("", 4)
	}
	for name, test := range map[string]struct {
		types func(b *builder)
		kind  btf.COREKind
		want  string
	}{
		"embeds itself": {func(b *builder) { b.union("s", 4, field{"", 1, 0, 0}) }, btf.COREFieldExists, "more than 64 levels"},
		"doubles":       {func(b *builder) { doubling(b, "s") }, btf.COREFieldExists, "too many steps"},
		"no type":       {func(b *builder) { b.union("s", 4, field{"", 99, 0, 0}) }, btf.COREFieldExists, "type ID 99"},
		"far away": {func(b *builder) {
			for i := range uint32(300) {
				b.union("s", 4, field{"", i + 2, 1<<32 - 1, 0})
			}
		}, btf.COREFieldExists, "type ID"},
	} {
		t.Run(name, func(t *testing.T) {
			l := build(t, func(b *builder) { b.union("s", 4, field{"a", b.integer("int", 4, true), 0, 0}) })
			_, err := corerelo.Relocate([]corerelo.Reloc{reloc(l, 2, test.kind, "0:0")}, corerelo.Target{Kernel: build(t, test.types)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// Comparing types whole ends as well, though every function here takes itself twice.
func TestHostileMatch(t *testing.T) {
	spec := func() *btf.Spec {
		return build(t, func(b *builder) {
			b.ref(rawbtf.KindTypedef, "f", 2)
			b.proto(0, 2, 2)
			b.ref(rawbtf.KindTypedef, "g", 4)
			b.structure("", 4, field{"x", 5, 0, 0}, field{"y", 6, 0, 0})
			b.structure("", 4, field{"x", 6, 0, 0}, field{"y", 4, 0, 0})
			b.structure("", 4, field{"x", 4, 0, 0}, field{"y", 5, 0, 0})
			b.ref(rawbtf.KindTypedef, "p", 8)
			b.ref(rawbtf.KindPointer, "", 8)
		})
	}
	l, kernel := spec(), corerelo.Target{Kernel: spec()}
	for _, id := range []btf.TypeID{1, 3, 7} {
		for _, kind := range []btf.COREKind{btf.CORETypeExists, btf.CORETypeMatches} {
			_, err := corerelo.Relocate([]corerelo.Reloc{reloc(l, id, kind, "0")}, kernel)
			if id == 3 && kind == btf.CORETypeExists {
				check(t, err) // structs are not looked into
				continue
			}
			if err == nil || !strings.Contains(err.Error(), "more than 32 times") {
				t.Errorf("%s of %d: error %v", kind, id, err)
			}
		}
	}
}

// FuzzRelocate changes the types of program and kernel. Nothing panics or hangs, and whatever is solved can be shown.
func FuzzRelocate(f *testing.F) {
	local, kernel := rawBTF(f, "local-el.o"), rawBTF(f, "target-el.o")
	asks := readObject(f, "local-el.o").asks
	for _, a := range asks {
		f.Add(local, kernel, uint32(a.relo.Type.ID()), uint32(a.relo.Kind), a.relo.Accessor)
	}
	f.Fuzz(func(t *testing.T, local, kernel []byte, id, kind uint32, access string) {
		if len(local) > 1<<16 || len(kernel) > 1<<16 {
			return
		}
		l, err := btf.LoadSpecFromBytes(bytes.Clone(local))
		if err != nil {
			return
		}
		k, err := btf.LoadSpecFromBytes(bytes.Clone(kernel))
		if err != nil {
			return
		}
		relos := []corerelo.Reloc{reloc(l, btf.TypeID(id), btf.COREKind(kind), access)}
		for _, a := range asks {
			relos = append(relos, reloc(l, a.relo.Type.ID(), a.relo.Kind, a.relo.Accessor))
		}
		for i := range relos {
			fixups, err := corerelo.Relocate(relos[i:i+1], corerelo.Target{Kernel: k})
			if err != nil {
				_ = err.Error()
				continue
			}
			_ = fixups[0].String()
			for _, ins := range []asm.Instruction{asm.LoadMem(0, 0, 0, asm.Word), asm.LoadImm(0, 0, asm.DWord), asm.Mov.Imm(0, 0)} {
				if err := fixups[0].Apply(&ins); err != nil {
					_ = err.Error()
				} else if p := corerelo.PoisonOf(&ins); p != nil {
					_ = p.Error()
				}
			}
		}
	})
}

func rawBTF(tb testing.TB, name string) []byte {
	tb.Helper()
	f, err := elf.Open(filepath.Join("testdata", name))
	check(tb, err)
	defer f.Close()
	return section(tb, f, ".BTF")
}
