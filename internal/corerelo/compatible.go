package corerelo

import (
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// A pair compares types of a program with those of a kernel.
type pair struct {
	local, target *types
	work          *budget
}

func (p pair) resolve(localID, targetID uint32) (l, t rawbtf.Type, err error) {
	if l, err = p.local.resolve(localID); err == nil {
		t, err = p.target.resolve(targetID)
	}
	return l, t, err
}

// sameName says whether two names are equal but for their flavours.
func (p pair) sameName(local, target uint32) (bool, error) {
	name, err := p.local.Name(local)
	return err == nil && p.target.essentialIs(target, rawbtf.EssentialName(name)), err
}

// fields says whether a field can stand for another one although their types differ: the size and signedness of integers don't
// matter, nor what pointers point to, how many elements arrays have, or what is in structs and unions. Enums and forward
// declarations have to have the same name, if both have one.
func (p pair) fields(localID, targetID uint32) (bool, error) {
	for range maxNesting {
		l, t, err := p.resolve(localID, targetID)
		if err != nil {
			return false, err
		}
		if composite.Has(l.Kind()) && composite.Has(t.Kind()) {
			return true, nil
		}
		if !sameKind(l.Kind(), t.Kind()) {
			return false, nil
		}
		switch l.Kind() {
		case rawbtf.KindPointer, rawbtf.KindFloat:
			return true, nil
		case rawbtf.KindFwd, rawbtf.KindEnum, rawbtf.KindEnum64:
			if l.NameOff() == 0 || t.NameOff() == 0 {
				return true, nil
			}
			return p.sameName(l.NameOff(), t.NameOff())
		case rawbtf.KindInt:
			return wholeInt(l) && wholeInt(t), nil
		case rawbtf.KindArray:
			localID, _, _ = l.Array()
			targetID, _, _ = t.Array()
		default:
			return false, nil
		}
	}
	return false, errCycle
}

// wholeInt rejects the integers that old compilers described bitfields with.
func wholeInt(typ rawbtf.Type) bool {
	_, offset, _ := typ.Int()
	return offset == 0
}

// compatible says whether a type can stand for another one of the same name. Only the outlines count: kinds, what pointers and
// typedefs lead to, and the signatures of functions; neither members nor sizes do.
func (p pair) compatible(localID, targetID uint32, nesting int) (bool, error) {
	if nesting == maxNesting {
		return false, errCycle
	}
	for range maxNesting {
		l, t, err := p.resolve(localID, targetID)
		if err != nil || !sameKind(l.Kind(), t.Kind()) {
			return false, err
		}
		switch l.Kind() {
		case rawbtf.KindVoid, rawbtf.KindStruct, rawbtf.KindUnion, rawbtf.KindFwd, rawbtf.KindEnum, rawbtf.KindEnum64:
			return true, nil
		case rawbtf.KindInt:
			return wholeInt(l) && wholeInt(t), nil
		case rawbtf.KindArray:
			localID, _, _ = l.Array()
			targetID, _, _ = t.Array()
			continue
		case rawbtf.KindPointer:
		case rawbtf.KindFuncProto:
			same, err := p.params(l, t, func(l, t uint32) (bool, error) { return p.compatible(l, t, nesting+1) })
			if err != nil || !same {
				return false, err
			}
		default:
			return false, nil
		}
		localID, targetID = l.TypeID(), t.TypeID()
	}
	return false, errCycle
}

// params says whether two function prototypes have as many parameters, each pair of which is the same.
func (p pair) params(l, t rawbtf.Type, same func(localID, targetID uint32) (bool, error)) (bool, error) {
	if l.Vlen() != t.Vlen() {
		return false, nil
	}
	if err := p.work.spend(l.Vlen()); err != nil {
		return false, err
	}
	for i := range l.Vlen() {
		if ok, err := same(l.Param(i).Type, t.Param(i).Type); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// matching says whether a type has everything that another one has, in the same shape: integers have the same size and signedness,
// arrays as many elements, and each local member and enumerator has a counterpart of its name. What is behind a pointer has to agree
// in name and kind only, and a forward declaration will do for a struct or union there.
func (p pair) matching(localID, targetID uint32, behindPointer bool, nesting int) (bool, error) {
	if nesting == maxNesting {
		return false, errCycle
	}
	for range maxNesting {
		l, t, err := p.resolve(localID, targetID)
		if err != nil {
			return false, err
		}
		if same, err := p.sameTypeName(l, t); err != nil || !same {
			return false, err
		}
		if decided, same := sameOutline(l, t, behindPointer); decided {
			return same, nil
		}
		switch l.Kind() {
		case rawbtf.KindEnum, rawbtf.KindEnum64:
			return p.enumerators(l, t)
		case rawbtf.KindStruct, rawbtf.KindUnion:
			return p.members(l, t, behindPointer, nesting)
		case rawbtf.KindArray:
			localID, _, _ = l.Array()
			targetID, _, _ = t.Array()
			continue
		case rawbtf.KindPointer:
			behindPointer = true
		case rawbtf.KindFuncProto:
			same, err := p.params(l, t, func(l, t uint32) (bool, error) { return p.matching(l, t, behindPointer, nesting+1) })
			if err != nil || !same {
				return false, err
			}
		}
		localID, targetID = l.TypeID(), t.TypeID()
	}
	return false, errCycle
}

// sameOutline compares all of two types but for what they refer to and contain. It says whether that decides if they match.
func sameOutline(l, t rawbtf.Type, behindPointer bool) (decided, same bool) {
	lk, tk := l.Kind(), t.Kind()
	switch lk {
	case rawbtf.KindVoid:
		return true, lk == tk
	case rawbtf.KindInt:
		le, _, _ := l.Int()
		te, _, _ := t.Int()
		return true, lk == tk && l.Size() == t.Size() && le&intSigned == te&intSigned
	case rawbtf.KindStruct, rawbtf.KindUnion, rawbtf.KindFwd:
		if behindPointer && lk != tk {
			return true, (composite.Has(tk) || tk == rawbtf.KindFwd) && (composite.Has(lk) != composite.Has(tk)) && isUnion(l) == isUnion(t)
		}
		if lk == rawbtf.KindFwd {
			return true, lk == tk && isUnion(l) == isUnion(t)
		}
		return behindPointer || lk != tk, lk == tk
	case rawbtf.KindEnum, rawbtf.KindEnum64:
		if !anyEnum.Has(tk) || l.Size() != t.Size() || l.Vlen() > t.Vlen() {
			return true, false
		}
		return false, false
	case rawbtf.KindPointer, rawbtf.KindFuncProto:
		return lk != tk, false
	case rawbtf.KindArray:
		_, _, ln := l.Array()
		_, _, tn := t.Array()
		return lk != tk || ln != tn, false
	default:
		return true, false
	}
}

// isUnion says whether a union, struct or forward declaration is or declares a union.
func isUnion(typ rawbtf.Type) bool {
	return typ.Kind() == rawbtf.KindUnion || typ.Kind() == rawbtf.KindFwd && typ.KindFlag()
}

const intSigned = 1 // encoding of an int

// sameTypeName compares the names of types. gcc calls one type "long unsigned int" that clang calls "unsigned long"; these are the
// same.
func (p pair) sameTypeName(l, t rawbtf.Type) (bool, error) {
	same, err := p.sameName(l.NameOff(), t.NameOff())
	if err != nil || same || l.Kind() != rawbtf.KindInt || t.Kind() != rawbtf.KindInt {
		return same, err
	}
	local, err := l.Name()
	if err != nil {
		return false, err
	}
	target, err := t.Name()
	return err == nil && sameSpecifiers(local, target), err
}

// sameSpecifiers says whether two names of integer types consist of the same words, leaving aside their order and "int".
func sameSpecifiers(a, b string) bool {
	count := func(words []string, word string) int {
		n := 0
		for _, w := range words {
			if w == word {
				n++
			}
		}
		return n
	}
	wordsA, wordsB := strings.Fields(a), strings.Fields(b)
	for _, w := range append(wordsA, wordsB...) {
		if w != "int" && count(wordsA, w) != count(wordsB, w) {
			return false
		}
	}
	return true
}

// enumerators says whether each local enumerator has a counterpart, of whatever value.
func (p pair) enumerators(l, t rawbtf.Type) (bool, error) {
	for i := range l.Vlen() {
		if err := p.work.spend(t.Vlen()); err != nil {
			return false, err
		}
		name, err := p.local.Name(l.EnumValue(i).NameOff)
		if err != nil {
			return false, err
		}
		if !p.hasEnumerator(t, rawbtf.EssentialName(name)) {
			return false, nil
		}
	}
	return true, nil
}

func (p pair) hasEnumerator(t rawbtf.Type, name string) bool {
	for j := range t.Vlen() {
		if p.target.essentialIs(t.EnumValue(j).NameOff, name) {
			return true
		}
	}
	return false
}

// members says whether each local member has a counterpart of a type that matches.
func (p pair) members(l, t rawbtf.Type, behindPointer bool, nesting int) (bool, error) {
	if l.Vlen() > t.Vlen() {
		return false, nil
	}
	for i := range l.Vlen() {
		m := l.Member(i)
		name, err := p.local.Name(m.NameOff)
		if err != nil {
			return false, err
		}
		if same, err := p.hasMember(t, rawbtf.EssentialName(name), m.Type, behindPointer, nesting); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (p pair) hasMember(t rawbtf.Type, name string, localID uint32, behindPointer bool, nesting int) (bool, error) {
	if err := p.work.spend(t.Vlen()); err != nil {
		return false, err
	}
	for j := range t.Vlen() {
		m := t.Member(j)
		if !p.target.essentialIs(m.NameOff, name) {
			continue
		}
		if same, err := p.matching(localID, m.Type, behindPointer, nesting+1); err != nil || same {
			return same, err
		}
	}
	return false, nil
}
