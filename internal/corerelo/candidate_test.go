package corerelo_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// local has struct s (ID 2) with int members a, b and c.
func local(tb testing.TB) *btf.Spec {
	return build(tb, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 12, field{"a", i, 0, 0}, field{"b", i, 32, 0}, field{"c", i, 64, 0})
	})
}

func reloc(spec *btf.Spec, id btf.TypeID, kind btf.COREKind, access string) corerelo.Reloc {
	return corerelo.Reloc{CORERelocation: &btf.CORERelocation{Type: spec.Ref(id), Accessor: access, Kind: kind}}
}

func offsetOf(spec *btf.Spec, access string) corerelo.Reloc {
	return reloc(spec, 2, btf.COREFieldByteOffset, access)
}

// solve returns the values of relocations, or "poison" in place of them.
func solve(tb testing.TB, target corerelo.Target, relos ...corerelo.Reloc) []any {
	tb.Helper()
	fixups, err := corerelo.Relocate(relos, target)
	check(tb, err)
	var values []any
	for _, f := range fixups {
		if f.Poisons() {
			values = append(values, "poison")
		} else {
			values = append(values, int(f.Value()))
		}
	}
	return values
}

func equal(tb testing.TB, got []any, want ...any) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			tb.Fatalf("%v, want %v", got, want)
		}
	}
}

// Two types of a name are as good as one if they agree.
func TestCandidatesAgree(t *testing.T) {
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 16, field{"a", i, 32, 0})
		b.structure("s", 20, field{"b", i, 64, 0}, field{"a", i, 32, 0})
	})
	l := local(t)
	equal(t, solve(t, corerelo.Target{Kernel: kernel}, offsetOf(l, "0:0"), reloc(l, 2, btf.CORETypeExists, "0")), 4, 1)
}

func TestCandidatesDisagree(t *testing.T) {
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 16, field{"a", i, 32, 0})
		b.structure("s", 20, field{"a", i, 64, 0})
		b.structure("bits", 4, field{"x", i, 3, 2})
		b.structure("bits", 4, field{"x", i, 4, 2})
	})
	l := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 4, field{"a", i, 0, 0})
		b.structure("bits", 4, field{"x", i, 0, 2})
	})
	for name, r := range map[string]corerelo.Reloc{
		"offset":       offsetOf(l, "0:0"),
		"size":         reloc(l, 2, btf.CORETypeSize, "0"),
		"type ID":      reloc(l, 2, btf.CORETypeIDTarget, "0"),
		"bit position": reloc(l, 3, btf.COREFieldSigned, "0:0"),
	} {
		_, err := corerelo.Relocate([]corerelo.Reloc{r}, corerelo.Target{Kernel: kernel})
		if !errors.Is(err, corerelo.ErrAmbiguous) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		ids := []string{"type ID 2 of vmlinux", "type ID 3 of vmlinux"}
		if r.Type.ID() == 3 {
			ids = []string{"type ID 4 of vmlinux", "type ID 5 of vmlinux"}
		}
		for _, id := range ids {
			if !strings.Contains(err.Error(), id) {
				t.Errorf("%s: %q doesn't say %s", name, err, id)
			}
		}
	}
}

// A type that lacks a field which another of the same name has is out of the running from then on.
func TestCandidatesRuledOut(t *testing.T) {
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 16, field{"a", i, 32, 0}, field{"b", i, 64, 0})
		b.structure("s", 16, field{"a", i, 96, 0}, field{"c", i, 64, 0})
	})
	l := local(t)
	target := corerelo.Target{Kernel: kernel}
	equal(t, solve(t, target, offsetOf(l, "0:1"), offsetOf(l, "0:0"), offsetOf(l, "0:2")), 8, 4, "poison")
	equal(t, solve(t, target, offsetOf(l, "0:2"), offsetOf(l, "0:0"), offsetOf(l, "0:1")), 8, 12, "poison")
	if _, err := corerelo.Relocate([]corerelo.Reloc{offsetOf(l, "0:0"), offsetOf(l, "0:1")}, target); !errors.Is(err, corerelo.ErrAmbiguous) {
		t.Errorf("error %v", err)
	}
}

// A program may have several flavours of one type, and so may the kernel.
func TestFlavours(t *testing.T) {
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 16, field{"a", i, 32, 0})
		b.structure("s___2", 16, field{"b", i, 64, 0})
		b.structure("s__3", 16, field{"c", i, 64, 0})
		b.structure("s_x", 16, field{"c", i, 64, 0})
		b.structure("xs", 16, field{"c", i, 64, 0})
	})
	l := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s___old", 4, field{"a", i, 0, 0})
		b.structure("s___very___old", 4, field{"b", i, 0, 0})
		b.structure("s", 4, field{"c", i, 0, 0})
		b.structure("s___new", 4, field{"b", i, 0, 0})
	})
	offset := func(id btf.TypeID) corerelo.Reloc { return reloc(l, id, btf.COREFieldByteOffset, "0:0") }
	equal(t, solve(t, corerelo.Target{Kernel: kernel}, offset(2), offset(3), offset(4), offset(5)), 4, "poison", "poison", 8)
}

// Modules are asked for types that vmlinux doesn't have, and for no others.
func TestModules(t *testing.T) {
	base := newBuilder(binary.LittleEndian)
	base.structure("s", 16, field{"a", base.integer("int", 4, true), 32, 0})
	kernel := base.spec(t)
	module := func(name string, bits uint32) corerelo.Module {
		own := build(t, func(b *builder) {
			i := b.integer("int", 4, true)
			b.structure("s", 16, field{"b", i, 0, 0})
			b.structure("m", 16, field{"a", i, bits, 0})
		})
		return corerelo.Module{Name: name, Types: own}
	}
	l := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 8, field{"a", i, 0, 0}, field{"b", i, 32, 0})
		b.structure("m", 4, field{"a", i, 0, 0})
	})
	asked := 0
	with := func(modules ...corerelo.Module) corerelo.Target {
		return corerelo.Target{Kernel: kernel, Modules: func() ([]corerelo.Module, error) {
			asked++
			return modules, nil
		}}
	}
	inS, inM := offsetOf(l, "0:1"), reloc(l, 3, btf.COREFieldByteOffset, "0:0")

	equal(t, solve(t, with(module("x", 64)), inS), "poison")
	if asked != 0 {
		t.Error("modules were asked for a type of vmlinux")
	}
	equal(t, solve(t, with(module("x", 64)), inS, inM, inM), "poison", 8, 8)
	if asked != 1 {
		t.Errorf("modules were asked %d times", asked)
	}
	equal(t, solve(t, with(module("x", 64), module("y", 64)), inM), 8)
	equal(t, solve(t, corerelo.Target{Kernel: kernel}, inM), "poison")

	_, err := corerelo.Relocate([]corerelo.Reloc{inM}, with(module("x", 64), module("y", 32)))
	if !errors.Is(err, corerelo.ErrAmbiguous) || !strings.Contains(err.Error(), "module x") || !strings.Contains(err.Error(), "module y") {
		t.Errorf("error %v", err)
	}
	broken := errors.New("broken")
	_, err = corerelo.Relocate([]corerelo.Reloc{inM}, corerelo.Target{Kernel: kernel, Modules: func() ([]corerelo.Module, error) { return nil, broken }})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// The name and the kind of the root have to be right; enum and enum64 are one kind.
func TestRootKind(t *testing.T) {
	kernel := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.union("s", 8, field{"a", i, 0, 0})
		b.ref(rawbtf.KindTypedef, "s", i)
		b.enum64("e", false, value{"A", 1 << 40})
	})
	l := build(t, func(b *builder) {
		i := b.integer("int", 4, true)
		b.structure("s", 8, field{"a", i, 0, 0})
		b.enum("e", false, value{"A", 1})
	})
	equal(t, solve(t, corerelo.Target{Kernel: kernel}, offsetOf(l, "0:0"), reloc(l, 3, btf.COREEnumvalValue, "0")), "poison", 1<<40)
}

// Local type IDs need no kernel, and are what the loader says.
func TestLocalID(t *testing.T) {
	l := local(t)
	r := reloc(l, 2, btf.CORETypeIDLocal, "0")
	equal(t, solve(t, corerelo.Target{}, r), 2)
	renumber := func(ref btf.TypeRef) (btf.TypeID, error) { return ref.ID() + 40, nil }
	equal(t, solve(t, corerelo.Target{LocalID: renumber}, r), 42)
	broken := errors.New("broken")
	_, err := corerelo.Relocate([]corerelo.Reloc{r}, corerelo.Target{LocalID: func(btf.TypeRef) (btf.TypeID, error) { return 0, broken }})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

// gcc and clang have different names for the same integers.
func TestMatchingIntegers(t *testing.T) {
	kernel := build(t, func(b *builder) {
		b.structure("s", 16, field{"a", b.integer("long unsigned int", 8, false), 0, 0}, field{"b", b.integer("short int", 2, true), 64, 0})
	})
	for _, test := range []struct {
		long, short string
		want        int
	}{
		{"unsigned long", "short", 1},
		{"long unsigned int", "short int", 1},
		{"unsigned long long", "short", 0},
		{"unsigned long", "char", 0},
	} {
		l := build(t, func(b *builder) {
			b.structure("s", 16, field{"a", b.integer(test.long, 8, false), 0, 0}, field{"b", b.integer(test.short, 2, true), 64, 0})
		})
		equal(t, solve(t, corerelo.Target{Kernel: kernel}, reloc(l, 3, btf.CORETypeMatches, "0")), test.want)
	}
}

// The types of real modules continue those of vmlinux, and refer to them.
func TestSplitModule(t *testing.T) {
	var strings rawbtf.Strings // one table: split BTF may also use the base's
	base := &builder{Writer: rawbtf.NewWriter(nil, binary.LittleEndian, &strings)}
	long := base.integer("long int", 4, true)
	pointer := base.ref(rawbtf.KindPointer, "", long)
	split := &builder{Writer: rawbtf.NewWriter(nil, binary.LittleEndian, &strings), ids: pointer}
	inner := split.union("", 8, field{"p", pointer, 0, 0})
	split.structure("m", 16, field{"i", long, 0, 0}, field{"", inner, 64, 0})
	splitBlob := split.blob(t)
	kernel := base.spec(t)
	module, err := btf.LoadSplitSpecFromBytes(splitBlob, kernel)
	check(t, err)

	l := build(t, func(b *builder) {
		p := b.ref(rawbtf.KindPointer, "", 0)
		b.structure("m", 8, field{"p", p, 0, 0})
	})
	target := corerelo.Target{Kernel: kernel, Modules: func() ([]corerelo.Module, error) {
		return []corerelo.Module{{Name: "x", Types: module}}, nil
	}}
	equal(t, solve(t, target,
		offsetOf(l, "0:0"), reloc(l, 2, btf.COREFieldByteSize, "0:0"), reloc(l, 2, btf.CORETypeIDTarget, "0"), reloc(l, 2, btf.CORETypeSize, "0"),
	), 8, 4, 4, 16)
}

// What a local type needs to match a kernel's.
func TestTypeMatches(t *testing.T) {
	const i, u, s, un, fwdS, fwdU, e = 1, 2, 3, 4, 5, 6, 7
	common := func(b *builder) {
		b.integer("int", 4, true)
		b.integer("unsigned int", 4, false)
		b.structure("in", 4, field{"x", i, 0, 0})
		b.union("un", 4, field{"x", i, 0, 0})
		b.add(rawbtf.KindFwd, false, 0, "in", 0)
		b.add(rawbtf.KindFwd, true, 0, "un", 0)
		b.enum("e", false, value{"A", 1}, value{"B", 2})
	}
	pointer := func(to uint32) func(b *builder) uint32 {
		return func(b *builder) uint32 { return b.ref(rawbtf.KindPointer, "", to) }
	}
	plain := func(id uint32) func(b *builder) uint32 { return func(*builder) uint32 { return id } }
	array := func(n uint32) func(b *builder) uint32 { return func(b *builder) uint32 { return b.array(i, n) } }
	enum := func(values ...value) func(b *builder) uint32 {
		return func(b *builder) uint32 { return b.enum("e", true, values...) }
	}
	nested := func(fields ...field) func(b *builder) uint32 {
		return func(b *builder) uint32 { return b.structure("n", 8, fields...) }
	}
	function := func(result uint32, params ...uint32) func(b *builder) uint32 {
		return func(b *builder) uint32 { return b.ref(rawbtf.KindPointer, "", b.proto(result, params...)) }
	}
	for _, test := range []struct {
		name          string
		local, kernel func(b *builder) uint32 // types of a member
		want          int
	}{
		{"same", plain(i), plain(i), 1},
		{"sign", plain(i), plain(u), 0},
		{"struct and pointer", plain(s), pointer(s), 0},
		{"pointers to anything of a name", pointer(s), pointer(s), 1},
		{"pointers to names that differ", pointer(s), pointer(un), 0},
		{"struct behind pointer declared in the kernel", pointer(s), pointer(fwdS), 1},
		{"struct behind pointer declared in the program", pointer(fwdS), pointer(s), 1},
		{"union behind pointer declared in the kernel", pointer(un), pointer(fwdU), 1},
		{"struct declared as such only", plain(s), plain(fwdS), 0},
		{"declarations", pointer(fwdS), pointer(fwdS), 1},
		{"pointer to int and to struct", pointer(i), pointer(s), 0},
		{"array length", array(3), array(4), 0},
		{"arrays", array(3), array(3), 1},
		{"enumerators, whatever their value", plain(e), enum(value{"C", 0}, value{"B", 7}, value{"A___x", 8}), 1},
		{"enumerator missing", plain(e), enum(value{"C", 0}, value{"B", 7}), 0},
		{"nested members", nested(field{"a", i, 0, 0}), nested(field{"b", i, 0, 0}, field{"a", i, 32, 0}), 1},
		{"nested member missing", nested(field{"a", i, 0, 0}, field{"c", i, 0, 0}), nested(field{"b", i, 0, 0}, field{"a", i, 32, 0}), 0},
		{"nested member of another type", nested(field{"a", i, 0, 0}), nested(field{"a", u, 0, 0}), 0},
		{"functions", function(i, s, un), function(i, s, un), 1},
		{"result", function(i, i), function(0, i), 0},
		{"parameter", function(i, i), function(i, u), 0},
		{"parameters", function(i, i), function(i, i, i), 0},
		{"no result", function(0), function(0), 1},
	} {
		outer := func(member func(b *builder) uint32) (spec *btf.Spec, id btf.TypeID) {
			spec = build(t, func(b *builder) {
				common(b)
				id = btf.TypeID(b.structure("s", 64, field{"m", member(b), 0, 0}))
			})
			return spec, id
		}
		l, id := outer(test.local)
		kernel, _ := outer(test.kernel)
		got := solve(t, corerelo.Target{Kernel: kernel}, reloc(l, id, btf.CORETypeMatches, "0"))
		if got[0] != test.want {
			t.Errorf("%s: %v, want %d", test.name, got[0], test.want)
		}
	}
}
