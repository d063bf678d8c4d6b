package btf

import "strconv"

// Kind says what a type record describes. Values are those of the kernel's
// BTF_KIND_* constants.
type Kind uint8

// Kinds of type records, as in include/uapi/linux/btf.h.
const (
	KindVoid Kind = iota // not a record: the type with ID zero
	KindInt
	KindPointer
	KindArray
	KindStruct
	KindUnion
	KindEnum
	KindFwd
	KindTypedef
	KindVolatile
	KindConst
	KindRestrict
	KindFunc
	KindFuncProto
	KindVar
	KindDatasec
	KindFloat
	KindDeclTag
	KindTypeTag
	KindEnum64
	numKinds
)

var kindNames = [numKinds]string{
	KindVoid:      "void",
	KindInt:       "int",
	KindPointer:   "pointer",
	KindArray:     "array",
	KindStruct:    "struct",
	KindUnion:     "union",
	KindEnum:      "enum",
	KindFwd:       "fwd",
	KindTypedef:   "typedef",
	KindVolatile:  "volatile",
	KindConst:     "const",
	KindRestrict:  "restrict",
	KindFunc:      "func",
	KindFuncProto: "func proto",
	KindVar:       "var",
	KindDatasec:   "datasec",
	KindFloat:     "float",
	KindDeclTag:   "decl tag",
	KindTypeTag:   "type tag",
	KindEnum64:    "enum64",
}

// String returns a short lower-case name.
func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return "kind " + strconv.Itoa(int(k))
}

// Set returns a set with only k in it.
func (k Kind) Set() KindSet { return 1 << k }

// KindSet is a set of kinds, used to narrow a search. The zero value stands
// for every kind.
type KindSet uint32

// Kinds returns the set of the given kinds.
func Kinds(kinds ...Kind) KindSet {
	var s KindSet
	for _, k := range kinds {
		s |= k.Set()
	}
	return s
}

// Has reports whether k is in the set.
func (s KindSet) Has(k Kind) bool { return s == 0 || s&(1<<k) != 0 }
