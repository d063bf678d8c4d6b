package ebpf

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
)

// codec hands Go values to the kernel as keys, values or contents of variables
// of one size, and takes them back. Where a value's memory is what the kernel
// wants, the kernel gets a pointer to it; nothing is copied or allocated.
//
// What is accepted, for size bytes:
//   - fixed-size numbers and bool, and arrays and structs of them: by value or
//     by pointer. Structs may be as C lays them out, or packed in C;
//   - []byte, string, and slices of the types above, of the right length;
//   - encoding.BinaryMarshaler and BinaryUnmarshaler. Their methods must not
//     keep the receiver, nor what it points to, after they return;
//   - unsafe.Pointer to size bytes.
//
// A codec remembers the last struct type it saw, because checking one means
// walking its fields, or the first number's, which is looked at first then.
type codec struct {
	size int
	in   atomic.Pointer[goType] // last type that source took as it is
	out  atomic.Pointer[goType] // last type that target took as it is
}

// errNilValue is for values without an address.
var errNilValue = errors.New("value is nil")

// bytesOf encodes a value that can't be passed as it is. mem is its memory if
// it is of fixed size, seen through one pointer.
func (c *codec) bytesOf(v any) ([]byte, error) {
	t := reflect.TypeOf(v)
	if t == nil {
		return nil, errNilValue
	}
	if t.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) {
		return c.marshalBinary(v, t)
	}
	if elem, n, ok := sliceOf(v, t); ok {
		return c.packSlice(v, elem, n)
	}
	fixed := t
	if t.Kind() == reflect.Pointer {
		fixed = t.Elem()
	}
	mem, err := memoryOf(v, fixed)
	if err != nil {
		return nil, err
	}
	l, err := layoutOf(fixed)
	if err != nil {
		return nil, fmt.Errorf("can't encode %s: %w", t, err)
	}
	if !l.fits(c.size) {
		return nil, l.sizeMismatch(fixed, c.size)
	}
	buf := make([]byte, c.size)
	l.gather(buf, mem)
	return buf, nil
}

func (c *codec) marshalBinary(v any, t reflect.Type) ([]byte, error) {
	copied, _, err := heapCopy(v, t)
	if err != nil {
		return nil, err
	}
	buf, err := copied.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	if len(buf) != c.size {
		return nil, fmt.Errorf("%s marshals to %d bytes, needed are %d", t, len(buf), c.size)
	}
	return buf, nil
}

// packSlice is for slices whose elements have padding, or the wrong number.
func (c *codec) packSlice(v any, elem reflect.Type, n int) ([]byte, error) {
	l, err := layoutOf(elem)
	if err != nil {
		return nil, fmt.Errorf("can't encode %s: %w", reflect.TypeOf(v), err)
	}
	if n*l.size != c.size && n*l.data != c.size {
		return nil, fmt.Errorf("%d elements of %s have %d bytes, needed are %d", n, elem, n*l.size, c.size)
	}
	buf := make([]byte, c.size)
	mem, each := sliceMemory(v, n*l.size), c.size/max(n, 1)
	for i := range n {
		l.gather(buf[i*each:(i+1)*each], mem[i*l.size:])
	}
	return buf, nil
}

// setFrom decodes buf into what v points to.
func (c *codec) setFrom(v any, buf []byte) error {
	t := reflect.TypeOf(v)
	switch p := v.(type) {
	case nil:
		return errNilValue
	case *[]byte:
		*p = append([]byte(nil), buf...)
		return nil
	case *string:
		*p = string(buf)
		return nil
	}
	if t.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]()) {
		return unmarshalBinary(v, t, buf)
	}
	if elem, n, ok := sliceOf(v, t); ok {
		return c.unpackSlice(v, elem, n, buf)
	}
	if t.Kind() != reflect.Pointer {
		return fmt.Errorf("can't decode into %s: it is not a pointer", t)
	}
	mem, err := memoryOf(v, t.Elem())
	if err != nil {
		return err
	}
	l, err := layoutOf(t.Elem())
	if err != nil {
		return fmt.Errorf("can't decode into %s: %w", t, err)
	}
	if !l.fits(len(buf)) {
		return l.sizeMismatch(t.Elem(), len(buf))
	}
	l.scatter(mem, buf)
	return nil
}

func unmarshalBinary(v any, t reflect.Type, buf []byte) error {
	copied, writeBack, err := heapCopy(v, t)
	if err != nil {
		return err
	}
	if err := copied.(encoding.BinaryUnmarshaler).UnmarshalBinary(buf); err != nil {
		return fmt.Errorf("%s: %w", t, err)
	}
	writeBack()
	return nil
}

func (c *codec) unpackSlice(v any, elem reflect.Type, n int, buf []byte) error {
	l, err := layoutOf(elem)
	if err != nil {
		return fmt.Errorf("can't decode into %s: %w", reflect.TypeOf(v), err)
	}
	if n*l.size != len(buf) && n*l.data != len(buf) {
		return fmt.Errorf("%d elements of %s have %d bytes, needed are %d", n, elem, n*l.size, len(buf))
	}
	mem, each := sliceMemory(v, n*l.size), len(buf)/max(n, 1)
	for i := range n {
		l.scatter(mem[i*l.size:(i+1)*l.size], buf[i*each:(i+1)*each])
	}
	return nil
}
