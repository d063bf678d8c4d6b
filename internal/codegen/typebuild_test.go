package codegen

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Types that no compiler makes: a size that is right, a warning, and an end.
func TestHostileTypes(t *testing.T) {
	i32 := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}

	self := &btf.Struct{Name: "self", Size: 8}
	self.Members = []btf.Member{{Name: "again", Type: self}}

	ring := &btf.Typedef{Name: "ring"}
	ring.Type = &btf.Const{Type: ring}

	matrix := &btf.Array{Nelems: 1}
	matrix.Type = matrix

	deep := btf.Type(i32)
	for range 1000 {
		deep = &btf.Array{Type: deep, Nelems: 1}
	}
	nested := &btf.Struct{Name: "leaf", Size: 4, Members: []btf.Member{{Name: "x", Type: i32}}}
	for range 1000 {
		nested = &btf.Struct{Size: 4, Members: []btf.Member{{Type: nested}}}
	}

	for _, test := range []struct {
		about   string
		size    uint32
		members []btf.Member
		warning string
	}{
		{"contains itself", 16, []btf.Member{{Name: "m", Type: self}}, "nested too deeply"},
		{"typedef of itself", 16, []btf.Member{{Name: "m", Type: ring}}, "nested too deeply"},
		{"array of itself", 16, []btf.Member{{Name: "m", Type: matrix}}, "nested too deeply"},
		{"deep arrays", 16, []btf.Member{{Name: "m", Type: deep}}, "nested too deeply"},
		{"deep anonymous structs", 16, []btf.Member{{Type: nested}}, ""},
		{"array larger than memory", 16, []btf.Member{{Name: "m", Type: &btf.Array{Type: i32, Nelems: 1 << 31}}}, "more than 2 GiB"},
		{"member behind the end", 2, []btf.Member{{Name: "m", Type: i32}}, "it ends 2 bytes after the type: left out"},
		{"member far behind the end", 16, []btf.Member{{Name: "m", Type: i32, Offset: 1 << 31}}, "left out"},
		{"members that overlap", 8, []btf.Member{{Name: "a", Type: i32}, {Name: "b", Type: i32, Offset: 16}}, "members overlap"},
		{"member without type", 8, []btf.Member{{Name: "m"}}, "left out"},
		{"member of type void", 8, []btf.Member{{Name: "m", Type: &btf.Void{}}}, "can't be stored"},
		{"function as member", 8, []btf.Member{{Name: "m", Type: &btf.Func{Name: "f"}}}, "f can't be stored"},
		{"undefined struct", 8, []btf.Member{{Name: "m", Type: &btf.Fwd{Name: "fwd"}}}, "struct fwd can't be stored: left out"},
		{"float that Go doesn't have", 16, []btf.Member{{Name: "m", Type: &btf.Float{Name: "long double", Size: 16}}}, "no float in Go has 16 bytes: 16 opaque bytes"},
		{"enum that Go doesn't have", 16, []btf.Member{{Name: "m", Type: &btf.Enum{Name: "e", Size: 3}}}, "Go has no 3-byte integers"},
		{"bitfield wider than its type", 16, []btf.Member{{Name: "m", Type: i32, BitfieldSize: 63, Offset: 5}}, "no accessor"},
		{"empty union", 8, []btf.Member{{Name: "m", Type: &btf.Union{}}}, ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			names, err := topNames("X")
			if err != nil {
				t.Fatal(err)
			}
			b := newTypeBuilder("hostile.c", newScope("X", names.all()...), binary.LittleEndian)
			root := &btf.Struct{Name: "root", Size: test.size, Members: test.members}
			m := Model{
				Package: "golden", Constraint: "amd64 || 386", ObjectFile: "x.o", Names: names,
				Types: b.build([]typeRoot{{typ: root}}),
			}
			code, err := m.Emit()
			if err != nil {
				t.Fatal(err)
			}
			typeCheck(t, "hostile.go", code)
			if !strings.Contains(string(code), "type XRoot struct") {
				t.Errorf("no XRoot in\n%s", code)
			}
			if all := strings.Join(b.warnings, "\n"); !strings.Contains(all, test.warning) || test.warning == "" && all != "" {
				t.Errorf("warnings, which want %q:\n%s", test.warning, all)
			}
		})
	}
}

// The kernel's own types have everything that C can do to a struct.
func TestKernelTypes(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	roots, err := namedRoots(spec, []TypeRequest{{C: "task_struct"}, {C: "sk_buff"}, {C: "bpf_map"}, {C: "iphdr"}, {C: "ethhdr"}, {C: "tcphdr"}, {C: "xdp_md"}, {C: "pid_t"}, {C: "bpf_attr"}})
	if err != nil {
		t.Fatal(err)
	}
	names, err := topNames("Kernel")
	if err != nil {
		t.Fatal(err)
	}
	b := newTypeBuilder("vmlinux", newScope("Kernel", names.all()...), binary.LittleEndian)
	m := Model{
		Package: "golden", Constraint: "amd64 || 386", ObjectFile: "x.o", Names: names,
		Types: b.build(roots),
	}
	for _, warning := range b.warnings {
		t.Error(warning)
	}
	code, err := m.Emit()
	if err != nil {
		t.Fatal(err)
	}
	typeCheck(t, "vmlinux.go", code)
}
