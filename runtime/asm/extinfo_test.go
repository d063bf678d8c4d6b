package asm_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// functions returns a program of two functions with their BTF and lines.
func functions(t *testing.T) (Instructions, *btf.Spec) {
	t.Helper()
	integer := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	ctx := btf.FuncParam{Name: "ctx", Type: &btf.Pointer{Target: (*btf.Void)(nil)}}
	index := btf.FuncParam{Name: "index", Type: &btf.Int{Name: "unsigned int", Size: 4}}
	builder, err := btf.NewBuilder([]btf.Type{
		&btf.Struct{Name: "unrelated", Size: 4, Members: []btf.Member{{Name: "x", Type: integer}}},
		&btf.Func{Name: "main", Type: &btf.FuncProto{Return: integer, Params: []btf.FuncParam{ctx}}},
		&btf.Func{Name: "step", Type: &btf.FuncProto{Return: integer, Params: []btf.FuncParam{index, ctx}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := builder.Spec()
	if err != nil {
		t.Fatal(err)
	}
	ref := func(name string) btf.TypeRef {
		refs, err := spec.RefsByName(name)
		if err != nil || len(refs) != 1 {
			t.Fatalf("%s: %v %v", name, refs, err)
		}
		return refs[0]
	}
	loop := btf.NewLine("main.c", "return bpf_loop(10, step, 0, 0);", 10, 9)
	one := btf.NewLine("main.c", "return 1;", 5, 2)
	return Instructions{
		Mov.Imm(R1, 10).WithSymbol("main").WithFunc(ref("main")).WithSource(&loop),
		LoadFunc(R2, "step"),
		Mov.Imm(R3, 0),
		Mov.Imm(R4, 0),
		FnLoop.Call(),
		Return(),
		Mov.Imm(R0, 1).WithSymbol("step").WithFunc(ref("step")).WithSource(&one),
		Return().WithSource(Comment("by hand")),
	}, spec
}

// target writes down what it is asked to add.
type target struct {
	types   []string
	strings []string
	err     error
}

func (t *target) AddRef(ref btf.TypeRef) (btf.TypeID, error) {
	t.types = append(t.types, ref.Name())
	return btf.TypeID(100 + len(t.types)), t.err
}

func (t *target) AddString(s string) (uint32, error) {
	i := slices.Index(t.strings, s)
	if i < 0 {
		i = len(t.strings)
		t.strings = append(t.strings, s)
	}
	return uint32(1000 + i), t.err
}

func words(b []byte, bo binary.ByteOrder) (w []uint32) {
	for ; len(b) >= 4; b = b[4:] {
		w = append(w, bo.Uint32(b))
	}
	return w
}

// The records are those of the UAPI, with offsets in slots.
func TestMarshalExtInfos(t *testing.T) {
	insns, _ := functions(t)
	for _, bo := range byteOrders {
		var tgt target
		funcs, lines, err := MarshalExtInfos(insns, &tgt, bo)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"main", "step"}, tgt.types); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"main.c", "return bpf_loop(10, step, 0, 0);", "return 1;", "by hand"}, tgt.strings); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]uint32{
			0, 101,
			7, 102,
		}, words(funcs, bo)); diff != "" {
			t.Errorf("%v: func infos:\n%s", bo, diff)
		}
		if diff := cmp.Diff([]uint32{
			0, 1000, 1001, 10<<10 | 9,
			7, 1000, 1002, 5<<10 | 2,
			8, 0, 1003, 0,
		}, words(lines, bo)); diff != "" {
			t.Errorf("%v: line infos:\n%s", bo, diff)
		}
	}
}

func TestMarshalExtInfosWithout(t *testing.T) {
	funcs, lines, err := MarshalExtInfos(Instructions{Return()}, new(target), binary.LittleEndian)
	if funcs != nil || lines != nil || err != nil {
		t.Errorf("got %v %v %v", funcs, lines, err)
	}
}

func TestMarshalExtInfosErrors(t *testing.T) {
	insns, _ := functions(t)
	failure := errors.New("full")
	for _, part := range []Instructions{insns, insns[7:]} {
		if _, _, err := MarshalExtInfos(part, &target{err: failure}, binary.LittleEndian); !errors.Is(err, failure) {
			t.Errorf("error %v", err)
		}
	}
}
