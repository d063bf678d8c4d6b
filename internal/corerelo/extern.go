package corerelo

import (
	"fmt"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Compatible compares the declaration of a function or variable with the kernel's own: it is nil if a program that was compiled with
// the one can use the other, or else an error that says what is different. As with CO-RE, outlines have to agree: the kinds of types,
// what pointers lead to, and how many parameters functions have.
func Compatible(declared, kernel btf.TypeRef) error {
	work := budget(baseWork)
	p := pair{
		local:  &types{BTF: declared.Spec().Records(), name: "program", pointer: 8},
		target: &types{BTF: kernel.Spec().Records(), name: "kernel"},
		work:   &work,
	}
	l, err := p.local.Type(uint32(declared.ID()))
	if err != nil {
		return err
	}
	t, err := p.target.Type(uint32(kernel.ID()))
	if err != nil {
		return err
	}
	ok, err := p.compatible(l.TypeID(), t.TypeID(), 0)
	if err != nil || ok {
		return err
	}
	return p.difference(l.TypeID(), t.TypeID())
}

// difference says what makes two types incompatible.
func (p pair) difference(localID, targetID uint32) error {
	l, t, err := p.resolve(localID, targetID)
	if err != nil {
		return err
	}
	if l.Kind() != rawbtf.KindFuncProto || t.Kind() != rawbtf.KindFuncProto {
		return fmt.Errorf("declared as %s, but it is %s", p.local.spellType(localID), p.target.spellType(targetID))
	}
	if l.Vlen() != t.Vlen() {
		return fmt.Errorf("declared with %d parameters, but it has %d", l.Vlen(), t.Vlen())
	}
	for i := range l.Vlen() {
		declared, own := l.Param(i).Type, t.Param(i).Type
		if ok, err := p.compatible(declared, own, 0); err != nil || !ok {
			return fmt.Errorf("parameter %d declared as %s, but it is %s", i+1, p.local.spellType(declared), p.target.spellType(own))
		}
	}
	return fmt.Errorf("declared to return %s, but it returns %s", p.local.spellType(l.TypeID()), p.target.spellType(t.TypeID()))
}

// spellType spells a type in C, with the pointers around it.
func (t *types) spellType(id uint32) string {
	stars := ""
	for range maxNesting {
		typ, err := t.resolve(id)
		if err != nil {
			return err.Error()
		}
		switch typ.Kind() {
		case rawbtf.KindPointer:
		case rawbtf.KindFwd:
			return t.describe(typ) + stars + " (without members)"
		default:
			return t.describe(typ) + stars
		}
		if id = typ.TypeID(); stars == "" {
			stars = " "
		}
		stars += "*"
	}
	return errCycle.Error()
}
