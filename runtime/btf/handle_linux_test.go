package btf

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// newTestHandle loads a type, until the end of the test.
func newTestHandle(t *testing.T, typ Type) *Handle {
	t.Helper()
	testutil.Needs(t, testutil.BTF)
	testutil.CheckFDs(t)
	b, err := NewBuilder([]Type{typ}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHandle(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, h) })
	return h
}

func mustClose(t *testing.T, h *Handle) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// specHas fails unless the handle's types include a struct.
func specHas(t *testing.T, h *Handle, base *Spec, name string) {
	t.Helper()
	spec, err := h.Spec(base)
	if err != nil {
		t.Fatal(err)
	}
	var s *Struct
	if err := spec.TypeByName(name, &s); err != nil {
		t.Error(err)
	}
}

// point is a struct with a 64-bit enum, which kernels before 6.0 lack.
func point() Type {
	wide := &Enum{Name: "wide", Size: 8, Values: []EnumValue{{"TOP", 1 << 63}}}
	number := &Int{Name: "int", Size: 4, Encoding: Signed}
	return &Struct{Name: "point", Size: 16, Members: []Member{
		{Name: "x", Type: number},
		{Name: "y", Type: number, Offset: 32},
		{Name: "w", Type: wide, Offset: 64},
	}}
}

func TestHandle(t *testing.T) {
	h := newTestHandle(t, point())
	specHas(t, h, nil, "point")
	info, err := h.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.ID == 0 || info.Name != "" || info.IsKernel || info.IsModule() || info.IsVmlinux() {
		t.Errorf("unexpected info %+v", info)
	}

	clone, err := h.Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, clone)
	mustClose(t, h)
	mustClose(t, h)
	if fd := h.FD(); fd != -1 {
		t.Errorf("descriptor after Close: got %d, want -1", fd)
	}
	for op, err := range map[string]error{
		"Info":  errorOf(h.Info()),
		"Spec":  errorOf(h.Spec(nil)),
		"Clone": errorOf(h.Clone()),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after Close: got %v, want ErrClosed", op, err)
		}
	}
	specHas(t, clone, nil, "point")
}

func errorOf[T any](_ T, err error) error { return err }

func TestHandleFromID(t *testing.T) {
	h := newTestHandle(t, point())
	info, err := h.Info()
	if err != nil {
		t.Fatal(err)
	}
	same, err := NewHandleFromID(info.ID)
	if err != nil {
		t.Fatal(err)
	}
	specHas(t, same, nil, "point")
	mustClose(t, same)
	if _, err := NewHandleFromID(1<<32 - 1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("handle from an ID that nothing has: got %v, want ErrNotExist", err)
	}
}

func TestHandleOfNothing(t *testing.T) {
	var h *Handle
	mustClose(t, h)
	if clone, err := h.Clone(); clone != nil || err != nil {
		t.Errorf("clone of nil: got %v, %v, want nil", clone, err)
	}
	testutil.Needs(t, testutil.BTF)
	empty, err := NewHandle(new(Builder))
	if err != nil {
		t.Fatal("an empty builder gets a placeholder:", err)
	}
	mustClose(t, empty)
}

func TestHandleRefused(t *testing.T) {
	testutil.Needs(t, testutil.BTF)
	testutil.CheckFDs(t)
	negative := &Datasec{Name: ".data", Size: 4, Vars: []VarSecinfo{{
		Type: &Var{Name: "v", Type: &Int{Name: "int", Size: 4}, Linkage: GlobalVar}, Offset: 4, Size: 4,
	}}}
	b, err := NewBuilder([]Type{negative}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = NewHandle(b); !errors.Is(err, syscall.EINVAL) || !strings.Contains(fmt.Sprint(err), "Invalid offset") {
		t.Errorf("variable beyond its section: got %v, want the kernel's reason", err)
	}
	for _, blob := range [][]byte{nil, []byte("no BTF")} {
		if _, err := NewHandleFromRawBTF(blob); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("blob %q: got %v, want EINVAL", blob, err)
		}
	}
}

func TestHandleIterator(t *testing.T) {
	h := newTestHandle(t, point())
	info, err := h.Info()
	if err != nil {
		t.Fatal(err)
	}
	var it HandleIterator
	last := ID(0)
	seen := false
	for it.Next() {
		if it.ID <= last {
			t.Errorf("ID %d after %d", it.ID, last)
		}
		last = it.ID
		seen = seen || it.ID == info.ID
	}
	if err := it.Err(); err != nil || it.Handle != nil {
		t.Errorf("at the end: error %v, handle %v, want none", err, it.Handle)
	}
	if !seen {
		t.Errorf("ID %d wasn't among those up to %d", info.ID, last)
	}
}

func TestFindHandle(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTFHandle)
	testutil.CheckFDs(t)
	h, err := FindHandle((*HandleInfo).IsVmlinux)
	if err != nil {
		t.Fatal(err)
	}
	specHas(t, h, nil, "task_struct")
	mustClose(t, h)
	if _, err := FindHandle(func(*HandleInfo) bool { return false }); !errors.Is(err, ErrNotFound) {
		t.Errorf("nothing: got %v, want ErrNotFound", err)
	}
}

func TestHandleOfModule(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTFHandle, testutil.ModuleBTF)
	testutil.CheckFDs(t)
	h, err := FindHandle((*HandleInfo).IsModule)
	if errors.Is(err, ErrNotFound) {
		t.Skip("needs a module with BTF: none is loaded")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, h)
	if _, err := h.Spec(nil); err == nil {
		t.Error("types of a module without the kernel's: want an error")
	}
	base, err := LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Spec(base); err != nil {
		t.Error(err)
	}
}
