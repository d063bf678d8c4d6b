package linker

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/btf"
)

// comparison compares types of two files, by libbpf's rules for what a
// declaration and a definition may differ in: qualifiers, typedefs and names of
// parameters, lengths of arrays, signs of integers, and what is behind a pointer
// to a struct, of which the name decides.
type comparison struct {
	x, y  *btf.BTF
	steps int
}

// maxSteps is more than any types take that weren't made to take forever.
const maxSteps = 1 << 18

var errTooComplex = errors.New("the types are too complex to compare")

// types returns how two types differ, nil if not. Pointers make it inexact: then
// the names of structs are all that counts, and one may be declared only.
func (c *comparison) types(xid, yid uint32, exact bool) error {
	if c.steps++; c.steps > maxSteps {
		return errTooComplex
	}
	x, err := c.x.Resolve(xid)
	if err != nil {
		return err
	}
	y, err := c.y.Resolve(yid)
	if err != nil {
		return err
	}
	if !exact && (x.Kind() == btf.KindFwd) != (y.Kind() == btf.KindFwd) {
		return forward(x, y)
	}
	if x.Kind() != y.Kind() {
		return fmt.Errorf("%s here, %s there", describe(x), describe(y))
	}
	if err := sameName(x, y); err != nil {
		return err
	}
	switch x.Kind() {
	case btf.KindVoid, btf.KindFwd:
		return nil
	case btf.KindInt, btf.KindFloat, btf.KindEnum, btf.KindEnum64:
		if x.Size() != y.Size() {
			return fmt.Errorf("%s of %d bytes here, %s of %d there", describe(x), x.Size(), describe(y), y.Size())
		}
		return nil
	case btf.KindPointer:
		return c.types(x.TypeID(), y.TypeID(), false)
	case btf.KindArray:
		xe, _, _ := x.Array()
		ye, _, _ := y.Array()
		return c.types(xe, ye, exact)
	case btf.KindVar, btf.KindFunc:
		if (x.Linkage() == linkStatic) != (y.Linkage() == linkStatic) {
			return errors.New("static in one file only")
		}
		return c.types(x.TypeID(), y.TypeID(), exact)
	case btf.KindStruct, btf.KindUnion:
		if !exact {
			return nil
		}
		return c.members(x, y)
	case btf.KindFuncProto:
		return c.protos(x, y, exact)
	}
	return fmt.Errorf("a %v has no place in a declaration", x.Kind())
}

// forward compares a declaration of a struct or union with what is to be its
// definition.
func forward(x, y btf.Type) error {
	if err := sameText(x, y, x.NameOff(), y.NameOff()); err != nil {
		return err
	}
	declared, defined := x, y
	if y.Kind() == btf.KindFwd {
		declared, defined = y, x
	}
	want := btf.KindStruct
	if declared.KindFlag() {
		want = btf.KindUnion
	}
	if defined.Kind() != want {
		return fmt.Errorf("%s here, %s there", describe(x), describe(y))
	}
	return nil
}

// sameName compares the names of what has to have the same.
func sameName(x, y btf.Type) error {
	switch x.Kind() {
	case btf.KindStruct, btf.KindUnion, btf.KindEnum, btf.KindEnum64, btf.KindFwd, btf.KindFunc, btf.KindVar:
		return sameText(x, y, x.NameOff(), y.NameOff())
	}
	return nil
}

func sameText(x, y btf.Type, xoff, yoff uint32) error {
	xname, err := x.BTF().Name(xoff)
	if err != nil {
		return err
	}
	yname, err := y.BTF().Name(yoff)
	if err == nil && xname != yname {
		err = fmt.Errorf("%s here, %s there", describe(x), describe(y))
	}
	return err
}

func (c *comparison) members(x, y btf.Type) error {
	if x.Vlen() != y.Vlen() {
		return fmt.Errorf("%s has %d members here, %d there", describe(x), x.Vlen(), y.Vlen())
	}
	for i := range x.Vlen() {
		xm, ym := x.Member(i), y.Member(i)
		if sameText(x, y, xm.NameOff, ym.NameOff) != nil || xm.Offset != ym.Offset || xm.Bitfield != ym.Bitfield {
			return fmt.Errorf("member %d of %s has another name or offset there", i, describe(x))
		}
		if err := c.types(xm.Type, ym.Type, true); err != nil {
			return fmt.Errorf("member %d of %s: %w", i, describe(x), err)
		}
	}
	return nil
}

func (c *comparison) protos(x, y btf.Type, exact bool) error {
	if x.Vlen() != y.Vlen() {
		return fmt.Errorf("%d parameters here, %d there", x.Vlen(), y.Vlen())
	}
	for i := range x.Vlen() {
		if err := c.types(x.Param(i).Type, y.Param(i).Type, exact); err != nil {
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	if err := c.types(x.TypeID(), y.TypeID(), exact); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	return nil
}

// describe names a type as C does, as far as it has a name.
func describe(t btf.Type) string {
	kind := t.Kind().String()
	switch {
	case t.Kind() == btf.KindFwd && t.KindFlag():
		kind = "union"
	case t.Kind() == btf.KindFwd:
		kind = "struct"
	case t.Kind() == btf.KindEnum64:
		kind = "enum"
	}
	name, err := t.Name()
	switch {
	case err != nil || name == "":
		return kind
	case t.Kind() == btf.KindInt || t.Kind() == btf.KindFloat:
		return name
	}
	return kind + " " + name
}
