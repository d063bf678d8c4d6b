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

// layout is what follows the 12-byte head of a record.
type layout struct {
	fixed uint8 // bytes, once
	elem  uint8 // bytes, for each of vlen elements
	name  string
}

// layouts has one row a kind.
var layouts = [numKinds]layout{
	KindVoid:      {0, 0, "void"},
	KindInt:       {4, 0, "int"},
	KindPointer:   {0, 0, "pointer"},
	KindArray:     {12, 0, "array"},
	KindStruct:    {0, 12, "struct"},
	KindUnion:     {0, 12, "union"},
	KindEnum:      {0, 8, "enum"},
	KindFwd:       {0, 0, "fwd"},
	KindTypedef:   {0, 0, "typedef"},
	KindVolatile:  {0, 0, "volatile"},
	KindConst:     {0, 0, "const"},
	KindRestrict:  {0, 0, "restrict"},
	KindFunc:      {0, 0, "func"}, // vlen is the linkage, not a count
	KindFuncProto: {0, 8, "func proto"},
	KindVar:       {4, 0, "var"},
	KindDatasec:   {0, 12, "datasec"},
	KindFloat:     {0, 0, "float"},
	KindDeclTag:   {4, 0, "decl tag"},
	KindTypeTag:   {0, 0, "type tag"},
	KindEnum64:    {0, 12, "enum64"},
}

// String returns a short lower-case name.
func (k Kind) String() string {
	if k < numKinds {
		return layouts[k].name
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
