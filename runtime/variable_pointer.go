package ebpf

import (
	"errors"
	"fmt"
	"reflect"
)

// VariablePointer is a pointer to a variable in the memory that it shares with
// the kernel: for instance for use with sync/atomic. T is what Get and Set take,
// except that it is laid out as C has it, padding included, and of the same size;
// else VariablePointer wraps ErrInvalidType. It is ErrReadOnly for a variable
// that can't be set. Needs 5.5.
//
// The pointer is valid for ever. Once the map is closed, it points to memory that
// nobody shares. For that, the address range stays reserved until the process
// ends.
func VariablePointer[T comparable](v *Variable) (*T, error) {
	p, err := pointerInto[T](v)
	if err != nil {
		return nil, fmt.Errorf("pointer to variable %q: %w", v.name, err)
	}
	return p, nil
}

func pointerInto[T comparable](v *Variable) (*T, error) {
	t := reflect.TypeFor[T]()
	if _, err := layoutOf(t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidType, err)
	}
	if size := int(t.Size()); size != v.codec.size {
		return nil, fmt.Errorf("%w: %s has %d bytes, the variable %d", ErrInvalidType, t, size, v.codec.size)
	}
	if v.offset%int64(t.Align()) != 0 {
		return nil, fmt.Errorf("%w: the variable is not aligned as %s must be", ErrInvalidType, t)
	}
	if v.constant {
		return nil, ErrReadOnly
	}
	mm, err := v.m.Memory()
	if err != nil {
		return nil, err
	}
	if mm.ReadOnly() {
		return nil, ErrReadOnly
	}
	b, err := mm.at(v.offset, v.codec.size)
	if err != nil {
		return nil, err
	}
	if len(b) == 0 {
		return nil, errors.New("the variable has no size")
	}
	mm.mapped.Keep()
	return typed[T](b), nil
}
