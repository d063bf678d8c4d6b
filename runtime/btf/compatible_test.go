package btf

import (
	"errors"
	"testing"
)

func TestCheckTypeCompatibility(t *testing.T) {
	number, long := &Int{Name: "int", Size: 4, Encoding: Signed}, &Int{Name: "long", Size: 8}
	a, b := &Struct{Name: "a", Size: 4}, &Struct{Name: "b", Size: 8, Members: []Member{{Name: "x", Type: long}}}
	small := &Enum{Name: "e", Size: 4}
	large := &Enum{Name: "f", Size: 8}
	takes := func(result Type, params ...Type) Type {
		fp := &FuncProto{Return: result}
		for _, p := range params {
			fp.Params = append(fp.Params, FuncParam{Type: p})
		}
		return fp
	}
	void := (*Void)(nil)
	loop := &Pointer{}
	loop.Target = loop
	for _, c := range []struct {
		name          string
		local, target Type
		same          bool
	}{
		{"void", void, void, true},
		{"sizes of integers", number, long, true},
		{"names and members", a, b, true},
		{"enums of any size", small, large, true},
		{"typedefs and qualifiers", &Typedef{Name: "t", Type: &Const{Type: number}}, &Volatile{Type: long}, true},
		{"lengths of arrays", &Array{Type: number, Index: number, Nelems: 2}, &Array{Type: long, Index: long, Nelems: 9}, true},
		{"pointers", &Pointer{Target: a}, &Pointer{Target: &Const{Type: b}}, true},
		{"functions", takes(number, &Pointer{Target: a}, long), takes(long, &Pointer{Target: b}, number), true},

		{"kinds", number, a, false},
		{"struct and union", a, &Union{Name: "a", Size: 4}, false},
		{"pointer to something else", &Pointer{Target: a}, &Pointer{Target: number}, false},
		{"array of something else", &Array{Type: number, Index: number}, &Array{Type: a, Index: number}, false},
		{"number of parameters", takes(number, long), takes(number), false},
		{"result", takes(number), takes(void), false},
		{"parameter", takes(number, a), takes(number, number), false},
		{"variables", &Var{Name: "v", Type: number}, &Var{Name: "v", Type: number}, false},
		{"cycle", loop, loop, false},
		{"nil", nil, number, false},
	} {
		if err := CheckTypeCompatibility(c.local, c.target); (err == nil) != c.same {
			t.Errorf("%s: got %v, want compatible: %v", c.name, err, c.same)
		}
	}
	if err := CheckTypeCompatibility(&Datasec{}, &Datasec{}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("sections: got %v, want ErrNotSupported", err)
	}
}

// TestCheckTypeCompatibilityOfKernel: every type can stand for itself.
func TestCheckTypeCompatibilityOfKernel(t *testing.T) {
	spec, err := LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	n := 0
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckTypeCompatibility(typ, typ); err != nil && !errors.Is(err, ErrNotSupported) {
			t.Errorf("%v: %v", typ, err)
		}
		if n++; n > 20_000 {
			break
		}
	}
}
