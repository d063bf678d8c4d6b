package btf

import (
	"errors"
	"fmt"
	"math"
)

// maxNesting bounds how many qualifiers, typedefs and arrays are followed from
// one type to another: what nests deeper was made to be a loop.
const maxNesting = 32

// Resolve returns the type behind typedefs, qualifiers and tags.
func (b *BTF) Resolve(id uint32) (Type, error) {
	for range maxNesting {
		t, err := b.Type(id)
		if err != nil {
			return t, err
		}
		switch t.Kind() {
		case KindTypedef, KindVolatile, KindConst, KindRestrict, KindTypeTag:
			id = t.TypeID()
		default:
			return t, nil
		}
	}
	return Type{}, fmt.Errorf("type ID %d: more than %d qualifiers and typedefs in a row", id, maxNesting)
}

// Sizeof returns the size in bytes of a type, on a machine with 64-bit pointers.
func (b *BTF) Sizeof(id uint32) (uint32, error) {
	size := uint64(1)
	for range maxNesting {
		t, err := b.Resolve(id)
		if err != nil {
			return 0, err
		}
		factor := t.Size()
		switch t.Kind() {
		case KindArray:
			id, _, factor = t.Array()
		case KindPointer:
			factor = 8
		case KindInt, KindFloat, KindEnum, KindEnum64, KindStruct, KindUnion, KindDatasec:
		default:
			return 0, fmt.Errorf("a %v has no size", t.Kind())
		}
		if size *= uint64(factor); size > math.MaxUint32 {
			return 0, errors.New("the type is larger than 4 GiB")
		}
		if t.Kind() != KindArray {
			return uint32(size), nil
		}
	}
	return 0, fmt.Errorf("type ID %d: arrays nested more than %d deep", id, maxNesting)
}
