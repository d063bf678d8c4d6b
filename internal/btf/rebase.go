package btf

import (
	"errors"
	"fmt"
)

// Rebase writes the types of split as ones that continue base. What split
// continues is a distilled base: of each type of some base that split refers to,
// it has name, kind and size. Kernel modules have it if they are built apart
// from the kernel, which may then have other IDs (section .BTF.base).
//
// It is an error if base lacks one of the types, or has several that it could be.
func Rebase(split, base *BTF) ([]byte, error) {
	distilled := split.Base()
	ids, err := matchDistilled(split, distilled, base)
	if err != nil {
		return nil, err
	}
	var strs Strings
	w := NewWriter(nil, split.ByteOrder(), &strs)
	id := func(id uint32) uint32 {
		if id < distilled.EndID() {
			return ids[id]
		}
		return id - distilled.EndID() + base.EndID()
	}
	str := func(off uint32) (uint32, error) {
		name, err := split.Name(off)
		if err != nil || name == "" {
			return 0, err
		}
		return base.EndString() + w.String(name), nil
	}
	for t := range split.All() {
		if err := w.Copy(t, id, str); err != nil {
			return nil, err
		}
	}
	return w.Finish()
}

// matchDistilled finds the type of base that each distilled one stands for.
func matchDistilled(split, distilled, base *BTF) ([]uint32, error) {
	ids := make([]uint32, distilled.EndID())
	queries := make([]Query, 0, len(ids))
	for t := range distilled.All() {
		name, err := t.Name()
		if err != nil {
			return nil, err
		}
		kinds := distilledKinds(t)
		if name == "" || kinds == 0 {
			return nil, fmt.Errorf("distilled base: type ID %d is a %v, and not one with a name that a base can have", t.ID(), t.Kind())
		}
		queries = append(queries, Query{Name: name, Kinds: kinds})
	}
	embedded, err := embeddedIn(split, distilled)
	if err != nil {
		return nil, err
	}
	found := base.FindAll(queries)
	i := 0
	for t := range distilled.All() {
		ids[t.ID()], err = matchOne(t, embedded[t.ID()], base, found[i])
		if err != nil {
			return nil, fmt.Errorf("distilled base: %v %q: %w", t.Kind(), queries[i].Name, err)
		}
		i++
	}
	return ids, nil
}

// distilledKinds are those of types that a distilled type can stand for, none if
// it isn't of a kind that is distilled.
func distilledKinds(t Type) KindSet {
	switch t.Kind() {
	case KindInt, KindFloat, KindStruct, KindUnion:
		return t.Kind().Set()
	case KindEnum, KindEnum64:
		return Kinds(KindEnum, KindEnum64)
	case KindFwd:
		if t.KindFlag() {
			return Kinds(KindFwd, KindUnion)
		}
		return Kinds(KindFwd, KindStruct)
	}
	return 0
}

// matchOne picks the type that t stands for. The size of a struct only has to be
// right if types of split contain it, or if it tells several apart.
func matchOne(t Type, embedded bool, base *BTF, candidates []uint32) (uint32, error) {
	composite := t.Kind() == KindStruct || t.Kind() == KindUnion
	bySize := t.Kind() != KindFwd && (!composite || embedded || len(candidates) > 1)
	var match []uint32
	for _, id := range candidates {
		c, err := base.Type(id)
		if err != nil {
			return 0, err
		}
		if bySize && c.Size() != t.Size() || t.Kind() == KindInt && c.word(0) != t.word(0) {
			continue
		}
		match = append(match, id)
	}
	switch {
	case len(candidates) == 0:
		return 0, errors.New("the base doesn't have it")
	case len(match) == 0:
		return 0, fmt.Errorf("the base has none of that size (%d bytes)", t.Size())
	case len(match) > 1:
		return 0, fmt.Errorf("the base has several that are alike, with the IDs %v", match)
	}
	return match[0], nil
}

// embeddedIn tells which distilled types are a part of structs of split.
func embeddedIn(split, distilled *BTF) ([]bool, error) {
	embedded := make([]bool, distilled.EndID())
	for t := range split.All() {
		if t.Kind() != KindStruct && t.Kind() != KindUnion {
			continue
		}
		for i := range t.Vlen() {
			id, err := split.element(t.Member(i).Type)
			if err != nil {
				return nil, err
			}
			if id < uint32(len(embedded)) {
				embedded[id] = true
			}
		}
	}
	return embedded, nil
}

// element is the type behind typedefs, qualifiers and arrays.
func (b *BTF) element(id uint32) (uint32, error) {
	for range maxNesting {
		t, err := b.Resolve(id)
		if err != nil {
			return 0, err
		}
		if t.Kind() != KindArray {
			return t.ID(), nil
		}
		id, _, _ = t.Array()
	}
	return 0, fmt.Errorf("type ID %d: arrays nested too deeply", id)
}
