package asm_test

import (
	"reflect"
	"testing"

	. "github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Changing a copy doesn't change the original, and the other way round.
func TestMetadataCopyOnWrite(t *testing.T) {
	line := btf.NewLine("a.c", "return 0;", 3, 1)
	relo := &btf.CORERelocation{Accessor: "0:1"}
	extern := &Extern{Name: "x"}
	original := Mov.Imm(R0, 0).WithSymbol("f").WithReference("r").WithSource(&line).
		WithCORERelocation(relo).WithExtern(extern)
	type key struct{}
	original.Metadata.Set(key{}, 1)

	other := btf.NewLine("b.c", "return 1;", 4, 2)
	changed := original.WithSymbol("g").WithReference("s").WithSource(&other).
		WithCORERelocation(nil).WithExtern(nil)
	changed.Metadata.Set(key{}, 2)

	check := func(what string, ins Instruction, symbol, reference string, line *btf.Line, relo *btf.CORERelocation, extern *Extern, value int) {
		t.Helper()
		if ins.Symbol() != symbol || ins.Reference() != reference || ins.Source() != line ||
			ins.Metadata.Line() != line || ins.CORERelocation() != relo || ins.Extern() != extern ||
			ins.Metadata.Get(key{}) != value {
			t.Errorf("the %s changed: %+v, line %v, value %v", what, ins.Metadata.Annotations(), ins.Source(), ins.Metadata.Get(key{}))
		}
	}
	check("original", original, "f", "r", &line, relo, extern, 1)
	check("copy", changed, "g", "s", &other, nil, nil, 2)

	copied := Return().WithMetadata(original.Metadata)
	check("metadata's copy", copied, "f", "r", &line, relo, extern, 1)

	load := LoadMapPtr(R1, 0).WithReference("m")
	associated := load
	if err := associated.AssociateMap(&fakeMap{}); err != nil {
		t.Fatal(err)
	}
	if load.Reference() != "m" || load.Map() != nil {
		t.Error("associating a map with a copy changed the original")
	}
}

func TestMetadataValues(t *testing.T) {
	type a struct{}
	type b struct{}
	var m Metadata
	m.Set(a{}, nil)
	if m != (Metadata{}) {
		t.Error("removing nothing leaves something")
	}
	m.Set(a{}, 1)
	m.Set(b{}, "x")
	m.Set(a{}, 2)
	before := m
	m.Set(a{}, nil)
	if m.Get(a{}) != nil || m.Get(b{}) != "x" {
		t.Errorf("after removing: %v %v", m.Get(a{}), m.Get(b{}))
	}
	if before.Get(a{}) != 2 || before.Get(b{}) != "x" {
		t.Errorf("a copy from before: %v %v", before.Get(a{}), before.Get(b{}))
	}
}

// Source is a line of C, or a comment.
func TestWithSource(t *testing.T) {
	line := btf.NewLine("a.c", "return 0;", 3, 1)
	ins := Return().WithSource(Comment("done"))
	if ins.Source() != Comment("done") {
		t.Errorf("comment: %v", ins.Source())
	}
	if ins = ins.WithSource(&line); ins.Source() != &line || ins.Metadata.Annotations().Source != nil {
		t.Errorf("line over comment: %v", ins.Source())
	}
	if ins = ins.WithSource(nil); ins.Source() != nil {
		t.Errorf("nothing: %v", ins.Source())
	}
}

// Programs have many instructions, and most have no metadata.
func TestInstructionSize(t *testing.T) {
	if size := reflect.TypeFor[Instruction]().Size(); size > 40 {
		t.Errorf("an instruction takes %d bytes", size)
	}
}
