package ebpf

import (
	"fmt"
	"reflect"
)

// layout says which bytes of a Go type's memory are data, and which are
// padding that C may have elsewhere or filled with something else.
type layout struct {
	size  int   // of the type in Go
	data  int   // sum of the lengths of runs: the size without padding
	runs  []run // in order, adjoining ones merged
	bools []int // offsets of bools, which must not be anything but 0 and 1
}

type run struct{ off, len int }

// solid tells whether the type has no padding.
func (l *layout) solid() bool { return l.data == l.size }

// layoutOf is the layout of a type made of fixed-size numbers, bools, arrays
// and structs. Other types have none.
func layoutOf(t reflect.Type) (*layout, error) {
	l := &layout{size: int(t.Size())}
	if err := l.add(t, 0); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *layout) add(t reflect.Type, off int) error {
	switch t.Kind() {
	case reflect.Bool:
		l.bools = append(l.bools, off)
		fallthrough
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		l.addRun(run{off, int(t.Size())})
		return nil
	case reflect.Array:
		return l.addArray(t, off)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if err := l.add(f.Type, off+int(f.Offset)); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
		return nil
	case reflect.Int, reflect.Uint, reflect.Uintptr:
		return fmt.Errorf("the size of %s depends on the machine: use a type with a size in its name", t)
	}
	return fmt.Errorf("%s has no fixed size", t)
}

func (l *layout) addArray(t reflect.Type, off int) error {
	elem, err := layoutOf(t.Elem())
	if err != nil {
		return err
	}
	if elem.solid() && len(elem.bools) == 0 {
		l.addRun(run{off, int(t.Size())})
		return nil
	}
	for i := range t.Len() {
		base := off + i*elem.size
		for _, r := range elem.runs {
			l.addRun(run{base + r.off, r.len})
		}
		for _, b := range elem.bools {
			l.bools = append(l.bools, base+b)
		}
	}
	return nil
}

func (l *layout) addRun(r run) {
	if r.len == 0 {
		return
	}
	l.data += r.len
	if n := len(l.runs); n > 0 && l.runs[n-1].off+l.runs[n-1].len == r.off {
		l.runs[n-1].len += r.len
		return
	}
	l.runs = append(l.runs, r)
}

// gather copies a value to bytes for the kernel: either laid out as in Go, with
// zeros for padding, or without padding, as a packed struct in C. dst is zero.
func (l *layout) gather(dst, mem []byte) {
	at := 0
	for _, r := range l.runs {
		if len(dst) == l.size {
			at = r.off
		}
		copy(dst[at:], mem[r.off:r.off+r.len])
		at += r.len
	}
}

// scatter is the reverse of gather.
func (l *layout) scatter(mem, src []byte) {
	at := 0
	for _, r := range l.runs {
		if len(src) == l.size {
			at = r.off
		}
		copy(mem[r.off:r.off+r.len], src[at:])
		at += r.len
	}
	for _, b := range l.bools {
		if mem[b] != 0 {
			mem[b] = 1
		}
	}
}

// fits tells whether gather and scatter can fill size bytes.
func (l *layout) fits(size int) bool { return size == l.size || size == l.data }

// sizeMismatch is the error for Go and C disagreeing about a size.
func (l *layout) sizeMismatch(t reflect.Type, size int) error {
	if l.solid() {
		return fmt.Errorf("%s has %d bytes, needed are %d", t, l.size, size)
	}
	return fmt.Errorf("%s has %d bytes (%d without padding), needed are %d", t, l.size, l.data, size)
}
