package objdiff

import (
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// typed is something in memory: its type, if the object says, and its size.
type typed struct {
	ref  btf.TypeRef
	size uint32
}

// field is a part of a type that has no parts itself.
type field struct {
	path   string
	offset uint32 // bits
	bits   uint32
	shape  string // what the bits are, without the names that C has for them
}

func (f field) place() string {
	if f.offset%8 == 0 && f.bits%8 == 0 {
		return fmt.Sprintf("%s at byte %d", f.shape, f.offset/8)
	}
	return fmt.Sprintf("%s at bit %d", f.shape, f.offset)
}

// layout compares two types by what is where.
func (d *differ) layout(thing, what string, a, b typed) {
	d.add(Layout, thing, what+" size", fmt.Sprintf("%d bytes", a.size), fmt.Sprintf("%d bytes", b.size))
	before, okA := fields(a.ref)
	after, okB := fields(b.ref)
	if !okA || !okB {
		return // nothing more is known than the sizes
	}
	matched := make([]bool, len(after))
	for _, f := range before {
		i := findField(after, matched, func(g field) bool { return g.path == f.path })
		if i < 0 {
			i = findField(after, matched, func(g field) bool { return g.place() == f.place() && !hasPath(before, g.path) })
			if i < 0 {
				d.add(Layout, thing, what+f.path, f.place(), "gone")
				continue
			}
			matched[i] = true
			d.add(Addition, thing, what+f.path, "", "renamed to "+what+after[i].path)
			continue
		}
		matched[i] = true
		d.add(Layout, thing, what+f.path, f.place(), after[i].place())
	}
	for i, g := range after {
		if !matched[i] {
			d.add(Layout, thing, what+g.path, "", g.place())
		}
	}
}

func findField(fields []field, taken []bool, match func(field) bool) int {
	for i, f := range fields {
		if !taken[i] && match(f) {
			return i
		}
	}
	return -1
}

func hasPath(fields []field, path string) bool {
	return findField(fields, make([]bool, len(fields)), func(f field) bool { return f.path == path }) >= 0
}

// maxFields bounds the comparison of one type: C code has no larger ones, and
// hostile BTF can nest without end.
const maxFields = 1 << 12

// fields takes a type apart; ok is false if the object doesn't say what it is.
func fields(ref btf.TypeRef) (list []field, ok bool) {
	typ, err := ref.Type()
	if err != nil {
		return nil, false
	}
	if v, ok := typ.(*btf.Var); ok {
		typ = v.Type
	}
	w := walker{}
	w.walk(typ, "", 0, 0, 0)
	return w.fields, !w.overflow
}

type walker struct {
	fields   []field
	overflow bool
}

func (w *walker) add(path string, offset, bits uint32, shape string) {
	if len(w.fields) >= maxFields {
		w.overflow = true
		return
	}
	w.fields = append(w.fields, field{path, offset, bits, shape})
}

// walk adds the parts of typ, which is at an offset in bits. bits is the size of
// a bitfield, or zero.
func (w *walker) walk(typ btf.Type, path string, offset, bits uint32, depth int) {
	if depth > 32 || w.overflow {
		w.overflow = true
		return
	}
	size, err := btf.Sizeof(typ)
	if err != nil {
		w.overflow = true
		return
	}
	if bits == 0 {
		bits = uint32(size) * 8
	}
	switch t := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		w.members(t.Members, path, offset, depth)
	case *btf.Union:
		w.members(t.Members, path, offset, depth)
	case *btf.Array:
		w.array(t, path, offset, depth)
	default:
		w.add(path, offset, bits, shape(t, bits))
	}
}

func (w *walker) members(members []btf.Member, path string, offset uint32, depth int) {
	for _, m := range members {
		name := path
		if m.Name != "" {
			name += "." + m.Name
		}
		w.walk(m.Type, name, offset+uint32(m.Offset), uint32(m.BitfieldSize), depth+1)
	}
}

// array is a single part if its elements are. Of others the first element stands
// for all.
func (w *walker) array(a *btf.Array, path string, offset uint32, depth int) {
	inner := walker{}
	inner.walk(a.Type, "", 0, 0, depth+1)
	if inner.overflow {
		w.overflow = true
		return
	}
	for _, f := range inner.fields {
		w.add(fmt.Sprintf("%s[]%s", path, f.path), offset+f.offset, f.bits, fmt.Sprintf("%d × %s", a.Nelems, f.shape))
	}
}

// shape is what a scalar is, in the names of the kernel: u32, s64, char, bool.
func shape(typ btf.Type, bits uint32) string {
	switch t := typ.(type) {
	case *btf.Int:
		switch t.Encoding {
		case btf.Signed:
			return fmt.Sprintf("s%d", bits)
		case btf.Char:
			return "char"
		case btf.Bool:
			return "bool"
		}
		return fmt.Sprintf("u%d", bits)
	case *btf.Enum:
		return fmt.Sprintf("enum of %d bytes", bits/8)
	case *btf.Float:
		return fmt.Sprintf("float of %d bytes", bits/8)
	case *btf.Pointer:
		return "pointer"
	}
	return fmt.Sprintf("%T of %d bits", typ, bits)
}
