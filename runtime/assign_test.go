package ebpf

import (
	"errors"
	"reflect"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

func TestSpecAssign(t *testing.T) {
	spec := parse(t, objectFile("data"))
	type maps struct {
		Data *MapSpec `ebpf:".data"`
	}
	type Embedded struct {
		Pid *VariableSpec `ebpf:"target_pid"`
	}
	type node struct {
		Next *node    // types that point to themselves have an end
		Bss  *MapSpec `ebpf:".bss"`
	}
	var to struct {
		maps
		*Embedded
		Node     node
		Programs struct {
			Sum *ProgramSpec `ebpf:"sum"`
		}
		Untagged *MapSpec
		Other    *testing.T
	}
	to.Embedded = new(Embedded)
	if err := spec.Assign(&to); err != nil {
		t.Fatal(err)
	}
	if to.Data != spec.Maps[".data"] || to.Pid != spec.Variables["target_pid"] || to.Programs.Sum != spec.Programs["sum"] || to.Node.Bss != spec.Maps[".bss"] {
		t.Error("fields aren't assigned")
	}
	if to.Untagged != nil || to.Other != nil {
		t.Error("fields without a tag are assigned")
	}
}

type cyclic struct {
	Next *cyclic
	Data *MapSpec `ebpf:".data"`
}

// Each error names the field and the object; nothing is assigned.
func TestAssignErrors(t *testing.T) {
	type unexported struct {
		data *MapSpec `ebpf:".data"`
	}
	type Inner struct {
		Data *MapSpec `ebpf:".data"`
	}
	cycle := new(cyclic)
	cycle.Next = cycle
	for _, c := range []struct {
		name string
		to   any
		want string
	}{
		{"missing map", &struct {
			A *MapSpec `ebpf:"nope"`
		}{}, `assign specs: field A: map "nope": not in the collection`},
		{"missing program", &struct {
			A *ProgramSpec `ebpf:"nope"`
		}{}, `assign specs: field A: program "nope": not in the collection`},
		{"missing variable", &struct {
			A *VariableSpec `ebpf:"nope"`
		}{}, `assign specs: field A: variable "nope": not in the collection`},
		{"program as map", &struct {
			A *MapSpec `ebpf:"sum"`
		}{}, `assign specs: field A: map "sum": not in the collection, but a program of that name is`},
		{"object for spec", &struct {
			A *Map `ebpf:".data"`
		}{}, `assign specs: field A: ".data" can't go into a *ebpf.Map: the field has to be a *ebpf.MapSpec or a *ebpf.ProgramSpec or a *ebpf.VariableSpec`},
		{"value", &struct {
			A MapSpec `ebpf:".data"`
		}{}, `assign specs: field A: ".data" can't go into a ebpf.MapSpec: the field has to be a *ebpf.MapSpec or a *ebpf.ProgramSpec or a *ebpf.VariableSpec`},
		{"unexported", &unexported{data: nil}, `assign specs: field data for ".data": it is unexported, and can't be set`},
		{"in nested unexported", &struct{ inner Inner }{}, `assign specs: field inner.Data for ".data": it is unexported, and can't be set`},
		{"twice", &struct {
			A *MapSpec `ebpf:".data"`
			B struct {
				C *MapSpec `ebpf:".data"`
			}
		}{}, `assign specs: field B.C: ".data" is already assigned to field A`},
		{"nil pointer", &struct{ I *Inner }{}, "assign specs: field I: nil pointer to a struct with `ebpf:` tags: point it to a ebpf.Inner"},
		{"cycle", cycle, "assign specs: field Next: a ebpf.cyclic inside of another asks for the same objects twice"},
		{"no pointer", struct{}{}, "assign specs: struct {} is not a pointer to a struct"},
		{"nil", (*Inner)(nil), "assign specs: *ebpf.Inner is nil"},
		{"no struct", new(int), "assign specs: *int is not a pointer to a struct"},
		{"nothing", nil, "assign specs: <nil> is not a pointer to a struct"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := errorText(parse(t, objectFile("data")).Assign(c.to)); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestLoadAndAssignErrors(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for _, c := range []struct {
		name string
		to   any
		want string
	}{
		{"missing map", &struct {
			A *Map `ebpf:"nope"`
		}{}, `load and assign: field A: map "nope": not in the collection`},
		{"missing program", &struct {
			A *Map     `ebpf:".data"`
			B *Program `ebpf:"nope"`
		}{}, `load and assign: field B: program "nope": not in the collection`},
		{"variable as program", &struct {
			A *Program `ebpf:"counter"`
		}{}, `load and assign: field A: program "counter": not in the collection, but a variable of that name is`},
		{"spec for object", &struct {
			A *MapSpec `ebpf:".data"`
		}{}, `load and assign: field A: ".data" can't go into a *ebpf.MapSpec: the field has to be a *ebpf.Map or a *ebpf.Program or a *ebpf.Variable`},
		{"twice", &struct {
			A, B *Map `ebpf:".data"`
		}{}, `load and assign: field B: ".data" is already assigned to field A`},
	} {
		t.Run(c.name, func(t *testing.T) {
			testutil.CheckFDs(t)
			err := parse(t, objectFile("data")).LoadAndAssign(c.to, nil)
			if errorText(err) != c.want {
				t.Errorf("\n got %s\nwant %s", errorText(err), c.want)
			}
			if !reflect.ValueOf(c.to).Elem().IsZero() {
				t.Error("a field was assigned:", c.to)
			}
		})
	}
}

// Loaded is what is named and what that depends on, and nothing else; after a
// failure, nothing is.
func TestLoadAndAssignSelects(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("nested"))
	spec.Maps["outer_hash"].MaxEntries = 0 // can't be made
	var to struct {
		Enter *Program `ebpf:"enter"`
		Inner *Map     `ebpf:"inner_b"`
	}
	if err := spec.LoadAndAssign(&to, nil); err != nil {
		t.Fatal(err)
	}
	defer to.Enter.Close()
	defer to.Inner.Close()

	var broken struct {
		Inner *Map `ebpf:"inner_a"`
		Outer *Map `ebpf:"outer_hash"`
	}
	if err := spec.LoadAndAssign(&broken, nil); err == nil || broken.Inner != nil {
		t.Error("loaded:", broken, err)
	}
}

func TestCollectionAssign(t *testing.T) {
	coll := collection(t, "data")
	var to struct {
		Data *Map      `ebpf:".data"`
		Sum  *Program  `ebpf:"sum"`
		Var  *Variable `ebpf:"counter"`
	}
	if err := coll.Assign(&to); err != nil {
		t.Fatal(err)
	}
	defer to.Sum.Close()
	coll.Close()
	if coll.Maps[".data"] != nil || coll.Programs["sum"] != nil || coll.Variables["counter"] != nil {
		t.Error("what was assigned is still in the collection")
	}
	var v uint64
	if err := to.Var.Get(&v); err != nil || v != 1000 {
		t.Error(v, err)
	}
	if err := to.Data.Close(); err != nil {
		t.Error(err)
	}
	if err := to.Var.Get(&v); !errors.Is(err, ErrClosed) {
		t.Error("the variable outlives its map:", err)
	}
	err := coll.Assign(&to)
	if want := `assign objects: field Data: map ".data": not in the collection`; errorText(err) != want {
		t.Error(err)
	}
}

func TestCollectionDetach(t *testing.T) {
	coll := collection(t, "minimal")
	m, p := coll.DetachMap("my_map"), coll.DetachProgram("my_prog")
	if m == nil || p == nil || coll.DetachMap("my_map") != nil || coll.DetachProgram("my_prog") != nil {
		t.Fatal(m, p)
	}
	defer m.Close()
	defer p.Close()
	coll.Close()
	if _, _, err := p.Test(make([]byte, 14)); err != nil {
		t.Error(err)
	}
}
