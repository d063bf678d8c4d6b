package codegen

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a printer makes of code that it has is what printing it again gives.
func TestPrinter(t *testing.T) {
	names, err := topNames("Test")
	if err != nil {
		t.Fatal(err)
	}
	bits := func(bigEndian bool) []TypeDecl {
		flag := Accessor{Get: "Flag", Set: "SetFlag", C: "flag", Type: intType(4, false), Storage: "Bits", Bits: 3, BigEndian: bigEndian}
		return []TypeDecl{{Kind: DeclStruct, Name: "TestBits", C: "struct bits", Size: 4, Align: 1, Fields: []Field{{Name: "Bits", Type: bytesType(4)}}, Accessors: []Accessor{flag}}}
	}
	for _, test := range []struct {
		about  string
		models []Model
		prints int
	}{
		{"two targets", []Model{{Constraint: "386 || amd64", ObjectFile: "test_bpfel.o"}, {Constraint: "mips || s390x", ObjectFile: "test_bpfeb.o"}}, 1},
		{"tags", []Model{{Constraint: "(386 || amd64) && a && !b", ObjectFile: "test_bpfel.o"}, {Constraint: "s390x", ObjectFile: "test_bpfeb.o"}}, 1},
		{"no constraint", []Model{{ObjectFile: "test_bpf.o"}, {Constraint: "s390x", ObjectFile: "test_bpfeb.o"}}, 2},
		{"a quoted name", []Model{{Constraint: "amd64", ObjectFile: "my test.o"}, {Constraint: "s390x", ObjectFile: "x.o"}}, 1},
		{"the stand-ins", []Model{{Constraint: anyConstraint, ObjectFile: anyObjectFile}}, 1},
		{"types without bits", []Model{{Constraint: "amd64", Types: bits(false)[:0]}, {Constraint: "s390x", Types: bits(true)[:0]}}, 1},
		{"bits", []Model{{Constraint: "amd64", Types: bits(false)}, {Constraint: "s390x", Types: bits(true)}}, 2},
		{"other items", []Model{{Maps: []Item{{C: "a", Field: "A", Const: "TestMapA"}}}, {Maps: []Item{{C: "b", Field: "B", Const: "TestMapB"}}}}, 2},
	} {
		t.Run(test.about, func(t *testing.T) {
			p := new(printer)
			for _, m := range test.models {
				m.Package, m.Names = "test", names
				if m.ObjectFile == "" {
					m.ObjectFile = "test.o"
				}
				want, err := m.Emit()
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.print(&m)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(got.text)); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(declaredIn(want), got.names, asSet); diff != "" {
					t.Error(diff)
				}
			}
			if len(p.done) != test.prints {
				t.Errorf("printed %d times, want %d", len(p.done), test.prints)
			}
		})
	}
}

var asSet = cmp.Transformer("set", func(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
})
