package ebpf

import (
	"fmt"
	"runtime"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Variable is a global variable of a loaded program. It lives in memory that is
// shared with the kernel: Get and Set take no system call. That needs 5.5, and
// that C declares the variable as visible, neither static nor hidden; else Get
// and Set wrap ErrNotSupported.
type Variable struct {
	name     string
	offset   int64
	codec    codec
	constant bool
	typ      *btf.Var
	m        *Map
}

// init makes v what spec describes, in a loaded map.
func (v *Variable) init(spec *VariableSpec, m *Map) {
	v.name, v.offset, v.typ, v.m = spec.Name, int64(spec.Offset)+m.globals, spec.Type, m
	v.constant = spec.Constant()
	v.codec.size = int(spec.Size())
}

// Size is the size in bytes.
func (v *Variable) Size() uint32 { return uint32(v.codec.size) }

// ReadOnly tells whether Set is an error: the variable is a constant, or can't
// be accessed at all.
func (v *Variable) ReadOnly() bool {
	if v.constant {
		return true
	}
	mm, err := v.m.Memory()
	return err != nil || mm.ReadOnly()
}

// Type is the type of the variable, nil without BTF.
func (v *Variable) Type() *btf.Var { return v.typ }

// String names the variable and its type.
func (v *Variable) String() string { return fmt.Sprintf("%s (type=%v)", v.name, v.typ) }

// Get copies the value to what out points to. Their sizes have to be the same;
// see Map for what out can be.
func (v *Variable) Get(out any) error {
	if p := known(out, v.codec.out.Load()); p != nil && v.load(p) {
		return nil
	}
	mm, err := v.m.Memory()
	if err != nil {
		return fmt.Errorf("get variable %q: %w", v.name, err)
	}
	b, err := mm.at(v.offset, v.codec.size)
	if err == nil {
		err = v.codec.unmarshal(out, b)
	}
	if err != nil {
		return fmt.Errorf("get variable %q: %w", v.name, err)
	}
	if mm.closed.Load() {
		return fmt.Errorf("get variable %q: %w", v.name, ErrClosed)
	}
	return nil
}

// Set changes the value. See Get.
func (v *Variable) Set(in any) error {
	if v.constant {
		return fmt.Errorf("set variable %q: it is a constant, to be set in the spec before loading: %w", v.name, ErrReadOnly)
	}
	mm, err := v.m.Memory()
	if err != nil {
		return fmt.Errorf("set variable %q: %w", v.name, err)
	}
	if mm.ReadOnly() {
		return fmt.Errorf("set variable %q: %w", v.name, ErrReadOnly)
	}
	b, err := mm.at(v.offset, v.codec.size)
	if err == nil {
		err = v.codec.marshal(b, in)
	}
	if err != nil {
		return fmt.Errorf("set variable %q: %w", v.name, err)
	}
	runtime.KeepAlive(mm) // without it, the memory may go
	return nil
}
