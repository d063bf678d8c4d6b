package ebpf

import (
	"fmt"
	"reflect"
)

// SharedArrayMap is an Array made with BPF_F_MMAPABLE: an ArrayMap, whose elements
// can also be used in place. Needs 5.5.
type SharedArrayMap[K, V any] struct {
	ArrayMap[K, V]
	values []V
}

func (v *SharedArrayMap[K, V]) bindMap(m *Map) error {
	if err := v.ArrayMap.bindMap(m); err != nil {
		return err
	}
	values, err := sharedValues[V](m)
	v.values = values
	return err
}

func sharedValues[V any](m *Map) ([]V, error) {
	t := reflect.TypeFor[V]()
	if t.Size() == 0 || t.Size()%8 != 0 {
		return nil, fmt.Errorf("map %q: %w: %s has %d bytes, elements in memory are a multiple of 8 apart: pad the C type, or use an ArrayMap",
			m.name, ErrInvalidType, t, t.Size())
	}
	mm, err := m.Memory()
	if err != nil {
		return nil, err
	}
	b, err := mm.at(0, int(m.maxEntries)*int(t.Size()))
	if err != nil {
		return nil, fmt.Errorf("memory of map %q: %w", m.name, err)
	}
	mm.mapped.Keep()
	return sliceAt[V](b), nil
}

// Values are the elements, in memory that is shared with the kernel: reading and
// writing them takes no system call. Use sync/atomic where programs write at the
// same time.
//
// The slice is valid for ever, see VariablePointer. It must not be written to if
// the map is frozen.
func (v SharedArrayMap[K, V]) Values() []V { return v.values }
