package btf

// sizes holds the size of records by kind.
type sizes [128]size

type size struct {
	head uint8 // bytes of a record without elements, zero if the kind is unknown
	elem uint8 // bytes of an element
}

// knownSizes has a row for each kind this package knows.
var knownSizes = sizes{
	KindInt:       {16, 0},
	KindPointer:   {12, 0},
	KindArray:     {24, 0},
	KindStruct:    {12, 12},
	KindUnion:     {12, 12},
	KindEnum:      {12, 8},
	KindFwd:       {12, 0},
	KindTypedef:   {12, 0},
	KindVolatile:  {12, 0},
	KindConst:     {12, 0},
	KindRestrict:  {12, 0},
	KindFunc:      {12, 0}, // vlen is the linkage, not a count
	KindFuncProto: {12, 8},
	KindVar:       {16, 0},
	KindDatasec:   {12, 12},
	KindFloat:     {12, 0},
	KindDeclTag:   {16, 0},
	KindTypeTag:   {12, 0},
	KindEnum64:    {12, 12},
}

// readSizes returns the sizes of known kinds and of those in a blob's layout
// section, with which BTF from a newer compiler can be read around what this
// package doesn't know.
func readSizes(section []byte) *sizes {
	const row = 4 // fixed size, element size, flags
	if len(section) <= int(numKinds)*row {
		return &knownSizes
	}
	s := knownSizes
	for k := int(numKinds); k < len(s) && k < len(section)/row; k++ {
		fixed, elem := section[k*row], section[k*row+1]
		if fixed <= 255-recordLen {
			s[k] = size{recordLen + fixed, elem}
		}
	}
	return &s
}

func kindOf(info uint32) Kind { return Kind(info >> 24 & 0x7f) }

// of returns the size in bytes of a record with the given info word, or zero
// if its kind is unknown.
func (s *sizes) of(info uint32) int {
	size := s[info>>24&0x7f]
	return int(size.head) + int(size.elem)*int(info&maxVlen)
}
