package ebpf

import (
	"fmt"
	"reflect"
	"runtime"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// variableView is a typed view of a variable: as a field, it takes the place of
// a *Variable.
type variableView interface {
	bindVariable(v *Variable) error
	Untyped() *Variable
}

// variableSpecView is a typed view of a variable before it is loaded.
type variableSpecView interface {
	bindVariableSpec(vs *VariableSpec) error
}

func typeOfVar(v *btf.Var) btf.Type {
	if v == nil {
		return nil
	}
	return v.Type
}

// shared is a variable's memory, and how Go sees it. The memory lives as long as
// the view does; once the map is closed, it is nobody else's.
type shared[T any] struct {
	v      *Variable
	memory *Memory
	p      *T
	shape  *shape // nil if memory means the same to both
}

func (s *shared[T]) bind(v *Variable) error {
	t := reflect.TypeFor[T]()
	shape, err := v.shapeOf(t)
	if err != nil {
		return err
	}
	memory, err := v.m.Memory()
	if err != nil {
		return fmt.Errorf("variable %q: %w: typed variables are read and written in memory that is shared with the kernel, which needs Linux 5.5", v.name, err)
	}
	b, err := memory.at(v.offset, v.codec.size)
	if err != nil {
		return fmt.Errorf("variable %q: %w", v.name, err)
	}
	*s = shared[T]{v: v, memory: memory, p: typed[T](b)}
	if len(shape.padding)+len(shape.bools) > 0 {
		s.shape = &shape
	}
	return nil
}

func (v *Variable) shapeOf(t reflect.Type) (shape, error) {
	s, err := shapeOf(t, v.codec.size, typeOfVar(v.typ))
	switch {
	case err == nil && v.codec.size == 0:
		err = fmt.Errorf("%s has no size", t)
	case err == nil && v.offset%int64(t.Align()) != 0:
		err = fmt.Errorf("%s must be at a multiple of %d bytes, the variable is at %d", t, t.Align(), v.offset)
	}
	if err != nil {
		return s, fmt.Errorf("variable %q: %w: %w", v.name, ErrInvalidType, err)
	}
	return s, nil
}

func (s shared[T]) get() T {
	value := loadWord(s.p)
	if s.shape != nil {
		s.shape.repair(memoryAt(&value))
	}
	runtime.KeepAlive(s.memory)
	return value
}

func (s shared[T]) set(value T) {
	if s.shape != nil {
		s.shape.clean(memoryAt(&value))
	}
	storeWord(s.p, value)
	runtime.KeepAlive(s.memory)
}

// Var is a global variable of a loaded program. Get and Set take no system call:
// they read and write memory that is shared with the kernel. Values of four and
// eight bytes are read and written whole; larger ones may be changed by programs
// while they are read. Once the map is closed, programs no longer see the value.
// Needs 5.5.
type Var[T any] struct{ shared shared[T] }

func (v *Var[T]) bindVariable(u *Variable) error {
	if u.constant {
		return fmt.Errorf("variable %q: it is a constant, which a Const is for: %w", u.name, ErrReadOnly)
	}
	if err := v.shared.bind(u); err != nil {
		return err
	}
	if v.shared.memory.ReadOnly() {
		return fmt.Errorf("variable %q: its map is frozen, so that it can only be a Const: %w", u.name, ErrReadOnly)
	}
	return nil
}

// Get is the value.
func (v Var[T]) Get() T { return v.shared.get() }

// Set changes the value.
func (v Var[T]) Set(value T) { v.shared.set(value) }

// Untyped is the variable itself.
func (v Var[T]) Untyped() *Variable { return v.shared.v }

// Integer is what an IntVar can be: what atomic operations can be done on.
type Integer interface {
	~int32 | ~uint32 | ~int64 | ~uint64
}

// IntVar is a Var that can be added to.
type IntVar[T Integer] struct{ Var[T] }

func (v *IntVar[T]) bindVariable(u *Variable) error {
	if err := v.Var.bindVariable(u); err != nil {
		return err
	}
	if !aligned(v.shared.p) { // possible where Go aligns int64 to four bytes
		return fmt.Errorf("variable %q: %w: at offset %d it isn't aligned, which an IntVar's has to be", u.name, ErrInvalidType, u.offset)
	}
	return nil
}

// Get and Set are those of Var in so few words that the compiler puts them where
// they are called: one load or store.

// Get is the value.
func (v IntVar[T]) Get() T {
	value := loadInt(v.shared.p)
	runtime.KeepAlive(v.shared.memory)
	return value
}

// Set changes the value.
func (v IntVar[T]) Set(value T) {
	storeInt(v.shared.p, value)
	runtime.KeepAlive(v.shared.memory)
}

// Add adds to the value atomically, also with respect to programs, and returns
// the new one.
func (v IntVar[T]) Add(delta T) T {
	value := addWord(v.shared.p, delta)
	runtime.KeepAlive(v.shared.memory)
	return value
}

// Const is a global constant of a loaded program. Its value is set before that,
// by VarSpec.Set. Needs 5.5.
type Const[T any] struct{ shared shared[T] }

func (c *Const[T]) bindVariable(u *Variable) error { return c.shared.bind(u) }

// Get is the value.
func (c Const[T]) Get() T { return c.shared.get() }

// Untyped is the variable itself.
func (c Const[T]) Untyped() *Variable { return c.shared.v }

// VarSpec is a global variable, or constant, of an object that isn't loaded yet.
type VarSpec[T any] struct {
	*VariableSpec
	shape *shape
}

func (vs *VarSpec[T]) bindVariableSpec(u *VariableSpec) error {
	s, err := shapeOf(reflect.TypeFor[T](), int(u.Size()), typeOfVar(u.Type))
	if err != nil {
		return fmt.Errorf("variable %q: %w: %w", u.Name, ErrInvalidType, err)
	}
	*vs = VarSpec[T]{u, &s}
	return nil
}

// Set changes the initial value.
func (vs VarSpec[T]) Set(value T) {
	vs.shape.clean(memoryAt(&value))
	if mem := memoryAt(&value); len(vs.Value) == len(mem) {
		copy(vs.Value, mem)
	} else {
		vs.VariableSpec.Value = append([]byte(nil), mem...)
	}
}

// Get is the initial value.
func (vs VarSpec[T]) Get() (value T) {
	copy(memoryAt(&value), vs.Value)
	vs.shape.repair(memoryAt(&value))
	return value
}
