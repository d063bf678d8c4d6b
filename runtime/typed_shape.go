package ebpf

import (
	"fmt"
	"reflect"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// shape is what has to be done to the memory of a Go value between Go and the
// kernel: mostly nothing. Padding, which Go leaves as it finds it when it copies
// a value, would make two equal keys differ for the kernel; and a bool that C
// has set must be 0 or 1 in Go.
type shape struct {
	padding []run
	bools   []int
}

// clean makes a value ready for the kernel.
func (s *shape) clean(mem []byte) {
	if len(s.padding) > 0 {
		s.clearPadding(mem)
	}
}

// repair makes what the kernel wrote a valid Go value.
func (s *shape) repair(mem []byte) {
	if len(s.bools) > 0 {
		s.limitBools(mem)
	}
}

// The work of clean and repair is kept out of their callers, which are as straight
// as possible: around a system call, the processor predicts no jumps.

//go:noinline
func (s *shape) clearPadding(mem []byte) {
	for _, r := range s.padding {
		clear(mem[r.off : r.off+r.len])
	}
}

//go:noinline
func (s *shape) limitBools(mem []byte) {
	for _, b := range s.bools {
		if mem[b] > 1 {
			mem[b] = 1
		}
	}
}

// shapeOf checks that t is what the kernel has in size bytes, and in C as type c
// if that is known. The error names the first field that differs.
func shapeOf(t reflect.Type, size int, c btf.Type) (shape, error) {
	var s shape
	l, err := layoutOf(t)
	if err != nil {
		return s, fmt.Errorf("%s: %w", t, err)
	}
	if c != nil {
		if err := sameLayout(t, c, ""); err != nil {
			return s, err
		}
	}
	if l.size != size {
		return s, fmt.Errorf("%s has %d bytes, in C it has %d", t, l.size, size)
	}
	return shape{padding: paddingOf(t), bools: l.bools}, nil
}

// paddingOf is the bytes of t that no field with a name has.
func paddingOf(t reflect.Type) []run {
	named := make([]bool, t.Size())
	markNamed(t, 0, named)
	var padding []run
	for i, ok := range named {
		switch n := len(padding); {
		case ok:
		case n > 0 && padding[n-1].off+padding[n-1].len == i:
			padding[n-1].len++
		default:
			padding = append(padding, run{i, 1})
		}
	}
	return padding
}

func markNamed(t reflect.Type, off int, named []bool) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.Name != "_" {
				markNamed(f.Type, off+int(f.Offset), named)
			}
		}
	case reflect.Array:
		for i := range t.Len() {
			markNamed(t.Elem(), off+i*int(t.Elem().Size()), named)
		}
	default:
		for i := range int(t.Size()) {
			named[off+i] = true
		}
	}
}

// maxNesting bounds how deep types nest, in BTF that may be made to hurt.
const maxNesting = 32

// sameLayout compares a Go type with a C type. path leads to where they are.
func sameLayout(t reflect.Type, c btf.Type, path string) error {
	return compareLayout(t, c, path, 0)
}

func compareLayout(t reflect.Type, c btf.Type, path string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%stypes are nested too deeply", prefixed(path))
	}
	c, name := btf.UnderlyingType(c), nameOf(c)
	size, err := btf.Sizeof(c)
	if err != nil {
		return nil // a type without size is nothing to compare with
	}
	if int(t.Size()) != size && t.Kind() != reflect.Struct {
		return fmt.Errorf("%s%s has %d bytes, C's %s has %d", prefixed(path), t, t.Size(), name, size)
	}
	switch c := c.(type) {
	case *btf.Struct:
		if t.Kind() == reflect.Struct {
			return compareStruct(t, c, size, path, depth)
		}
		if !isBytes(t) {
			return fmt.Errorf("%s%s is no struct, C's %s is one", prefixed(path), t, name)
		}
	case *btf.Array:
		if t.Kind() == reflect.Array && t.Len() == int(c.Nelems) && t.Len() > 0 {
			return compareLayout(t.Elem(), c.Type, path+"[0]", depth+1)
		}
	case *btf.Int, *btf.Enum, *btf.Pointer, *btf.Float:
		if t.Kind() == reflect.Struct && size <= 8 { // larger numbers are structs in Go
			return fmt.Errorf("%s%s is a struct, C's %s is none", prefixed(path), t, name)
		}
	}
	if int(t.Size()) != size {
		return fmt.Errorf("%s%s has %d bytes, C's %s has %d", prefixed(path), t, t.Size(), name, size)
	}
	return nil
}

// compareStruct looks for a Go field for each member of a C struct. Bytes can
// stand for anything: unions, bitfields, and what Go would align otherwise.
func compareStruct(t reflect.Type, c *btf.Struct, size int, path string, depth int) error {
	for _, m := range c.Members {
		if m.BitfieldSize > 0 {
			continue
		}
		off := int(m.Offset.Bytes())
		n, err := btf.Sizeof(m.Type)
		if err != nil || n == 0 {
			continue
		}
		f, ok := fieldAt(t, off)
		switch {
		case !ok:
			return fmt.Errorf("%s%s has no field at offset %d, where C's %s has %s", prefixed(path), t, off, nameOf(c), memberName(m))
		case f.Name == "_":
			continue // not to be looked at
		case isBytes(f.Type) && off+n <= int(f.Offset+f.Type.Size()):
			continue
		case int(f.Offset) != off:
			return fmt.Errorf("%sfield %s of %s is at offset %d, C's %s of %s at %d", prefixed(path), f.Name, t, f.Offset, memberName(m), nameOf(c), off)
		}
		if inner, ok := btf.UnderlyingType(m.Type).(*btf.Struct); ok && f.Type.Kind() != reflect.Struct {
			if err := compareInlined(t, inner, off, path, depth); err != nil {
				return err
			}
			continue
		}
		if err := compareLayout(f.Type, m.Type, dotted(path, f.Name), depth+1); err != nil {
			return err
		}
	}
	if int(t.Size()) != size {
		return fmt.Errorf("%s%s has %d bytes, C's %s has %d", prefixed(path), t, t.Size(), nameOf(c), size)
	}
	return nil
}

// compareInlined compares the members of a struct in a struct, at an offset, with
// fields of the outer one: how Go has anonymous ones.
func compareInlined(t reflect.Type, c *btf.Struct, at int, path string, depth int) error {
	moved := *c
	moved.Members = make([]btf.Member, len(c.Members))
	for i, m := range c.Members {
		m.Offset += btf.Bits(at * 8)
		moved.Members[i] = m
	}
	return compareStruct(t, &moved, int(t.Size()), path, depth+1)
}

// fieldAt is the field of a struct that has the byte at an offset.
func fieldAt(t reflect.Type, off int) (reflect.StructField, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if int(f.Offset) <= off && off < int(f.Offset+f.Type.Size()) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// isBytes tells whether a type is bytes, or a struct that is nothing else: a
// union.
func isBytes(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Struct:
		var data int
		for i := range t.NumField() {
			if f := t.Field(i); f.Type.Size() > 0 && !isBytes(f.Type) {
				return false
			}
			data++
		}
		return data > 0
	}
	return false
}

func dotted(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

func prefixed(path string) string {
	if path == "" {
		return ""
	}
	return "field " + path + ": "
}

func memberName(m btf.Member) string {
	if m.Name == "" {
		return "an anonymous member"
	}
	return m.Name
}

// nameOf is how C calls a type.
func nameOf(t btf.Type) string {
	name := t.TypeName()
	switch t := t.(type) {
	case *btf.Const:
		return nameOf(t.Type)
	case *btf.Volatile:
		return nameOf(t.Type)
	case *btf.Struct:
		return "struct " + orAnonymous(name)
	case *btf.Union:
		return "union " + orAnonymous(name)
	case *btf.Enum:
		return "enum " + orAnonymous(name)
	case *btf.Pointer:
		return "pointer"
	case *btf.Array:
		return "array"
	}
	return name
}

func orAnonymous(name string) string {
	if name == "" {
		return "{…}"
	}
	return name
}
