package codegen

import (
	"cmp"
	"errors"
	"fmt"
	"go/types"
	"slices"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// ownLayout compares a Go type of the user's with the C type it stands for, as
// one architecture lays it out.
type ownLayout struct {
	sizes types.Sizes
}

// compare tells what is different, the first in memory. path leads to where the
// types are, and is empty at the top.
func (o ownLayout) compare(t types.Type, c btf.Type, path string, depth int) error {
	core, _, _ := peel(c)
	size, err := btf.Sizeof(core)
	if depth > maxDepth || core == nil || err != nil {
		return fmt.Errorf("%s%s can't be compared with C's %s", where(path), t, cSpelling(c))
	}
	if err := o.compareCore(t, core, path, depth); err != nil {
		return err
	}
	if got := o.sizes.Sizeof(t); got != int64(size) {
		return fmt.Errorf("%s%s has %d bytes, C's %s has %d", where(path), t, got, cSpelling(c), size)
	}
	return nil
}

func (o ownLayout) compareCore(t types.Type, core btf.Type, path string, depth int) error {
	if isByteArray(t) {
		return nil // bytes may be anything
	}
	differ := func() error {
		return fmt.Errorf("%sGo has %s, C has %s", where(path), t, cSpelling(core))
	}
	switch c := core.(type) {
	case *btf.Struct:
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return differ()
		}
		return o.compareFields(s, c.Members, path, depth)
	case *btf.Union:
		for _, m := range c.Members {
			if o.sizes.Sizeof(t) == int64(c.Size) && o.compareCore(t, m.Type, path, depth+1) == nil {
				return nil
			}
		}
		return fmt.Errorf("%s%s is no member of C's %s: [%d]byte stands for all of them", where(path), t, cSpelling(core), c.Size)
	case *btf.Array:
		a, ok := t.Underlying().(*types.Array)
		if !ok || a.Len() != int64(c.Nelems) {
			return differ()
		}
		if c.Nelems == 0 {
			return nil
		}
		return o.compare(a.Elem(), c.Type, path+"[0]", depth+1)
	case *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag, *btf.Typedef:
		inner, _, _ := peel(core)
		if inner == nil {
			return differ()
		}
		return o.compareCore(t, inner, path, depth+1)
	}
	if !sameKind(t, core) {
		return differ()
	}
	return nil
}

// sameKind compares types that aren't made of others.
func sameKind(t types.Type, core btf.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	if !ok {
		a, isArray := t.Underlying().(*types.Array)
		c, isInt := core.(*btf.Int)
		return isArray && isInt && c.Size == 16 && a.Len() == 2 && isUint64(a.Elem())
	}
	info := basic.Info()
	switch basic.Kind() {
	case types.Int, types.Uint, types.Uintptr:
		return false // their size depends on the machine
	}
	switch c := core.(type) {
	case *btf.Int:
		switch {
		case info&types.IsBoolean != 0:
			return c.Encoding == btf.Bool
		case c.Encoding == btf.Bool, c.Size == 1 && c.Name == "char":
			return info&types.IsInteger != 0
		default:
			return info&types.IsInteger != 0 && (info&types.IsUnsigned == 0) == (c.Encoding == btf.Signed)
		}
	case *btf.Enum:
		return info&types.IsInteger != 0 // which sign an enum has is the compiler's choice
	case *btf.Pointer:
		return basic.Kind() == types.Uint64
	case *btf.Float:
		return info&types.IsFloat != 0
	}
	return false
}

func isUint64(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Uint64
}

// isByteArray tells whether a type is [N]byte.
func isByteArray(t types.Type) bool {
	a, ok := t.Underlying().(*types.Array)
	if !ok {
		return false
	}
	basic, ok := a.Elem().Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Uint8
}

// ownField is a field of a Go struct, or of one that is embedded in it.
type ownField struct {
	*types.Var
	start, end int64
	used       bool // by a member in C
}

func (o ownLayout) fieldsOf(s *types.Struct, base int64) []ownField {
	vars := make([]*types.Var, s.NumFields())
	for i := range vars {
		vars[i] = s.Field(i)
	}
	var fields []ownField
	for i, offset := range o.sizes.Offsetsof(vars) {
		inner, isStruct := vars[i].Type().Underlying().(*types.Struct)
		start := base + offset
		switch size := o.sizes.Sizeof(vars[i].Type()); {
		case size == 0: // structs.HostLayout
		case vars[i].Embedded() && isStruct:
			fields = append(fields, o.fieldsOf(inner, start)...)
		default:
			fields = append(fields, ownField{Var: vars[i], start: start, end: start + size})
		}
	}
	return fields
}

// compareFields looks for the field of each member, and then for fields that no
// member has asked for.
func (o ownLayout) compareFields(s *types.Struct, members []btf.Member, path string, depth int) error {
	fields := o.fieldsOf(s, 0)
	for _, m := range flatMembers(members, 0, 0) {
		if err := o.compareMember(fields, m, path, depth); err != nil {
			return err
		}
	}
	for _, f := range fields {
		if !f.used && f.Name() != "_" {
			return fmt.Errorf("field %s at offset %d: C has nothing there", dotted(path, f.Name()), f.start)
		}
	}
	return nil
}

func (o ownLayout) compareMember(fields []ownField, m btf.Member, path string, depth int) error {
	size, err := btf.Sizeof(m.Type)
	start, name := int64(m.Offset.Bytes()), cmp.Or(m.Name, "the anonymous member")
	end := start + int64(size)
	if m.BitfieldSize > 0 {
		end = (int64(m.Offset) + int64(m.BitfieldSize) + 7) / 8
	}
	if err != nil || start == end {
		return nil // a flexible array has no bytes in the struct
	}
	at := start
	for i := range fields {
		f := &fields[i]
		if f.end <= at || f.start > at || at >= end {
			continue
		}
		f.used = true
		basic, _ := f.Type().Underlying().(*types.Basic)
		isInt := basic != nil && basic.Info()&types.IsInteger != 0
		switch {
		case f.Name() == "_", m.BitfieldSize > 0 && (isInt || isByteArray(f.Type())):
			at = f.end // not looked at, or bits of it
		case isByteArray(f.Type()) && f.start <= start && f.end >= end:
			return nil
		case f.start != start:
			return fmt.Errorf("field %s is at offset %d, C's %s at %d", dotted(path, f.Name()), f.start, name, start)
		default:
			return o.compare(f.Type(), m.Type, dotted(path, f.Name()), depth+1)
		}
	}
	if at < end {
		return fmt.Errorf("%sno field is at offset %d, where C has %s", where(path), at, name)
	}
	return nil
}

// flatMembers returns members by offset, those of anonymous structs as if they
// were declared outside.
func flatMembers(members []btf.Member, base btf.Bits, depth int) []btf.Member {
	var flat []btf.Member
	for _, m := range members {
		m.Offset += base
		core, _, _ := peel(m.Type)
		inner, ok := core.(*btf.Struct)
		if ok && m.Name == "" && depth < maxDepth {
			flat = append(flat, flatMembers(inner.Members, m.Offset, depth+1)...)
			continue
		}
		flat = append(flat, m)
	}
	slices.SortStableFunc(flat, func(a, b btf.Member) int { return cmp.Compare(a.Offset, b.Offset) })
	return flat
}

func where(path string) string {
	if path == "" {
		return ""
	}
	return "field " + path + ": "
}

func dotted(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// hasFixedLayout tells whether t is made of numbers, bools, arrays and structs
// alone. The error names what isn't.
func hasFixedLayout(t types.Type, path string, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for i := range u.NumFields() {
			if err := hasFixedLayout(u.Field(i).Type(), dotted(path, u.Field(i).Name()), depth+1); err != nil {
				return err
			}
		}
		return nil
	case *types.Array:
		return hasFixedLayout(u.Elem(), path, depth+1)
	case *types.Basic:
		switch u.Kind() {
		case types.Int, types.Uint, types.Uintptr:
			return fmt.Errorf("%sthe size of %s depends on the machine: use a type with a size in its name", where(path), t)
		case types.Invalid:
			return fmt.Errorf("%sits type isn't known: it can't be a generated one, nor use one", where(path))
		}
		if u.Info()&(types.IsNumeric|types.IsBoolean) != 0 && u.Info()&types.IsUntyped == 0 {
			return nil
		}
	case *types.TypeParam, *types.Interface:
		return errors.New(where(path) + t.String() + " is no type of values in memory")
	}
	return fmt.Errorf("%s%s refers to memory of Go's, which C can't have", where(path), t)
}
