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

// shortSizes holds the sizes of records with few elements, by kind and number of
// elements; zero for those that it knows nothing of. A pass over the records waits
// for one size after another, and this takes a third less than multiplying.
var shortSizes = [32 << 4]uint8{
	int(KindInt) << 4:     16,
	int(KindPointer) << 4: 12,
	int(KindArray) << 4:   24,
	int(KindStruct) << 4:  12, 24, 36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156, 168, 180, 192,
	int(KindUnion) << 4: 12, 24, 36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156, 168, 180, 192,
	int(KindEnum) << 4: 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124, 132,
	int(KindFwd) << 4:      12,
	int(KindTypedef) << 4:  12,
	int(KindVolatile) << 4: 12,
	int(KindConst) << 4:    12,
	int(KindRestrict) << 4: 12,
	int(KindFunc) << 4:     12, 12, 12, // static, global, extern
	int(KindFuncProto) << 4: 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124, 132,
	int(KindVar) << 4:     16,
	int(KindFloat) << 4:   12,
	int(KindDeclTag) << 4: 16,
	int(KindTypeTag) << 4: 12,
}

// of returns the size in bytes of a record with the given info word, or zero
// if its kind is unknown.
func (s *sizes) of(info uint32) int {
	const kind, elems, flag = 0x1f << 24, 0xf, 1 << 31
	if info&^(kind|elems|flag) == 0 {
		if n := shortSizes[info&kind>>20|info&elems]; n > 0 {
			return int(n)
		}
	}
	return s.any(info)
}

// any is of for records of any kind and number of elements.
func (s *sizes) any(info uint32) int {
	size := s[info>>24&0x7f]
	return int(size.head) + int(size.elem)*int(info&maxVlen)
}
