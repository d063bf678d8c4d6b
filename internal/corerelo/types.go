package corerelo

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// maxNesting bounds how many typedefs, qualifiers, pointers or arrays are followed from one type to another, and how deeply
// function prototypes and structs are compared. Whatever nests deeper is a cycle, or made to look like one.
const maxNesting = 32

// maxBits is the largest offset of a field, in bits from the start of its root.
const maxBits = 8 * math.MaxUint32

var (
	errCycle    = errors.New("types refer to each other more than 32 times over") // maxNesting
	errNoSize   = errors.New("type has no size")
	errTooLarge = errors.New("size or offset exceeds 4 GiB")
	errTooMuch  = errors.New("types take too many steps to compare")
)

// budget is how many more members, parameters and enumerators may be looked at. Comparing types that were made to be hard takes
// time that is exponential in their nesting; this keeps it short.
type budget int

func (b *budget) spend(n int) error {
	if *b -= budget(n); *b < 0 {
		return errTooMuch
	}
	return nil
}

// types is one BTF: the program's own, the kernel's or a module's.
type types struct {
	*rawbtf.BTF
	name    string // "vmlinux", a module's name, "program"
	pointer uint32 // bytes; zero means unknown so far
}

// resolve returns a type without the typedefs, qualifiers and tags around it.
func (t *types) resolve(id uint32) (rawbtf.Type, error) {
	for range maxNesting {
		typ, err := t.Type(id)
		if err != nil {
			return rawbtf.Type{}, err
		}
		if !wrapper.Has(typ.Kind()) {
			return typ, nil
		}
		id = typ.TypeID()
	}
	return rawbtf.Type{}, fmt.Errorf("type ID %d: %w", id, errCycle)
}

// element returns a type without the arrays around it, and all that resolve removes.
func (t *types) element(id uint32) (rawbtf.Type, error) {
	for range maxNesting {
		typ, err := t.resolve(id)
		if err != nil || typ.Kind() != rawbtf.KindArray {
			return typ, err
		}
		id, _, _ = typ.Array()
	}
	return rawbtf.Type{}, fmt.Errorf("type ID %d: %w", id, errCycle)
}

// size returns how many bytes a value of a type takes.
func (t *types) size(id uint32) (uint32, error) {
	count := uint64(1)
	for range maxNesting {
		typ, err := t.resolve(id)
		if err != nil {
			return 0, err
		}
		size := typ.Size()
		switch typ.Kind() {
		case rawbtf.KindArray:
			var n uint32
			id, _, n = typ.Array()
			if count *= uint64(n); count > math.MaxUint32 {
				return 0, fmt.Errorf("array type ID %d: %w", typ.ID(), errTooLarge)
			}
			continue
		case rawbtf.KindPointer:
			size = t.pointerSize()
		case rawbtf.KindVar, rawbtf.KindDeclTag:
			id = typ.TypeID()
			continue
		case rawbtf.KindInt, rawbtf.KindStruct, rawbtf.KindUnion, rawbtf.KindEnum, rawbtf.KindEnum64, rawbtf.KindFloat, rawbtf.KindDatasec:
		default:
			return 0, fmt.Errorf("%s type ID %d: %w", typ.Kind(), typ.ID(), errNoSize)
		}
		if count *= uint64(size); count > math.MaxUint32 {
			return 0, fmt.Errorf("type ID %d: %w", typ.ID(), errTooLarge)
		}
		return uint32(count), nil
	}
	return 0, fmt.Errorf("type ID %d: %w", id, errCycle)
}

// pointerSize returns how many bytes a pointer takes. BTF doesn't say, but in C on Linux it is as large as a long.
func (t *types) pointerSize() uint32 {
	if t.pointer == 0 {
		t.pointer = longSize(t.BTF)
	}
	return t.pointer
}

func longSize(b *rawbtf.BTF) uint32 {
	if base := b.Base(); base != nil {
		return longSize(base)
	}
	for typ := range b.All() {
		if typ.Kind() != rawbtf.KindInt || typ.Size() != 4 && typ.Size() != 8 {
			continue
		}
		if typ.NameIs("long unsigned int") || typ.NameIs("unsigned long") || typ.NameIs("long int") || typ.NameIs("long") {
			return typ.Size()
		}
	}
	return 8
}

var (
	wrapper   = rawbtf.Kinds(rawbtf.KindTypedef, rawbtf.KindConst, rawbtf.KindVolatile, rawbtf.KindRestrict, rawbtf.KindTypeTag)
	composite = rawbtf.Kinds(rawbtf.KindStruct, rawbtf.KindUnion)
	anyEnum   = rawbtf.Kinds(rawbtf.KindEnum, rawbtf.KindEnum64)
)

// sameKind says whether two kinds may stand for one another: they are equal, or both are enums.
func sameKind(a, b rawbtf.Kind) bool {
	return a == b || anyEnum.Has(a) && anyEnum.Has(b)
}

// essentialIs says whether the name at an offset is name, but for its flavour. name itself has none.
func (t *types) essentialIs(off uint32, name string) bool {
	b := t.NameBytes(off)
	same := len(b) >= len(name) && string(b[:len(name)]) == name && len(rawbtf.EssentialName(b)) == len(name)
	runtime.KeepAlive(t.BTF)
	return same
}
