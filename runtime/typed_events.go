package ebpf

import (
	"fmt"
	"reflect"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// EventSize checks that T can be the type of the events of a map: that it is
// laid out as C declares the map's value, where it does. It returns the size in
// bytes, and wraps ErrInvalidType if T can't.
func EventSize[T any](m *Map) (int, error) {
	t := reflect.TypeFor[T]()
	c := m.valueType
	if m.typ == PerfEventArray && !isComposite(c) {
		c = nil // the value of such a map is a descriptor, if it isn't an event
	}
	_, err := shapeOf(t, int(t.Size()), c)
	if err != nil {
		return 0, fmt.Errorf("map %q: %w: event: %w", m.name, ErrInvalidType, err)
	}
	return int(t.Size()), nil
}

func isComposite(t btf.Type) bool {
	if t == nil {
		return false
	}
	switch btf.UnderlyingType(t).(type) {
	case *btf.Struct, *btf.Union:
		return true
	}
	return false
}
