package ebpf

import (
	"encoding"
	"fmt"
	"reflect"
)

// PossibleCPU is the number of CPUs that this kernel can ever have: the number
// of values that an element of a per-CPU map has.
func PossibleCPU() (int, error) { return possibleCPUs() }

// MustPossibleCPU is PossibleCPU for those who know that /sys is there. It
// panics if it isn't.
func MustPossibleCPU() int {
	cpus, err := PossibleCPU()
	if err != nil {
		panic(err)
	}
	return cpus
}

// perCPUStride is the distance between the values of two CPUs.
func (m *Map) perCPUStride() int { return (m.value.size + 7) &^ 7 }

// perCPUBuffer borrows memory for an element. It isn't cleared.
func (m *Map) perCPUBuffer() *[]byte {
	if buf, ok := m.scratch.Get().(*[]byte); ok {
		return buf
	}
	buf := make([]byte, m.cpus*m.perCPUStride())
	return &buf
}

// perCPUError is a value of a per-CPU map that isn't a slice.
func (m *Map) perCPUError(t reflect.Type) error {
	return fmt.Errorf("%v is not a slice: each of the %d possible CPUs has a value of its own", t, m.cpus)
}

func (m *Map) tooManyValues(n int) error {
	return fmt.Errorf("%d values are more than the %d possible CPUs", n, m.cpus)
}

// spread writes the values of all CPUs to buf, for the kernel. CPUs that values
// has nothing for get zeros.
func (m *Map) spread(buf []byte, values any) error {
	t := reflect.TypeOf(values)
	if t == nil {
		return errNilValue
	}
	elem, n, ok := sliceOf(values, t)
	if !ok {
		return m.perCPUError(t)
	}
	if n > m.cpus {
		return m.tooManyValues(n)
	}
	clear(buf)
	stride := m.perCPUStride()
	if solidElement(elem, m.value.size) {
		mem := sliceMemory(values, n*m.value.size)
		for i := range n {
			copy(buf[i*stride:], mem[i*m.value.size:(i+1)*m.value.size])
		}
		return nil
	}
	slice := reflect.Indirect(reflect.ValueOf(leaked(values)))
	for i := range n {
		if err := m.value.marshal(buf[i*stride:], slice.Index(i).Interface()); err != nil {
			return fmt.Errorf("CPU %d: %w", i, err)
		}
	}
	return nil
}

// collect reads the values of all CPUs from buf. If valuesOut points to a slice
// that is shorter than the number of CPUs, it gets a new one.
func (m *Map) collect(valuesOut any, buf []byte) error {
	t := reflect.TypeOf(valuesOut)
	if t == nil {
		return errNilValue
	}
	elem, n, ok := sliceOf(valuesOut, t)
	if !ok {
		return m.perCPUError(t)
	}
	if n < m.cpus && t.Kind() == reflect.Pointer {
		growSlice(valuesOut, t.Elem(), m.cpus)
		n = m.cpus
	}
	if n != m.cpus {
		return fmt.Errorf("%d values don't fit the %d possible CPUs", n, m.cpus)
	}
	stride := m.perCPUStride()
	if solidElement(elem, m.value.size) {
		mem := sliceMemory(valuesOut, n*m.value.size)
		for i := range n {
			copy(mem[i*m.value.size:(i+1)*m.value.size], buf[i*stride:])
		}
		return nil
	}
	slice := reflect.Indirect(reflect.ValueOf(leaked(valuesOut)))
	for i := range n {
		out := slice.Index(i)
		if elem.Kind() != reflect.Pointer {
			out = out.Addr()
		}
		if err := m.value.unmarshal(out.Interface(), buf[i*stride:i*stride+m.value.size]); err != nil {
			return fmt.Errorf("CPU %d: %w", i, err)
		}
	}
	return nil
}

// solidElement tells whether values of a type are as the kernel has them. It
// looks no further than at plain numbers and at what layoutOf says.
func solidElement(t reflect.Type, size int) bool {
	switch t.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Float32, reflect.Float64:
		return int(t.Size()) == size && t.PkgPath() == ""
	}
	if int(t.Size()) != size || isCustom(t) {
		return false
	}
	l, err := layoutOf(t)
	return err == nil && l.solid() && len(l.bools) == 0
}

// isCustom tells whether a type, or a pointer to it, codes itself.
func isCustom(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) || p.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]())
}
