package btf

import rawbtf "github.com/bpfgen/bpfgen/internal/btf"

// slabs hand out structs and slices from larger allocations. Types that are
// decoded together refer to each other anyway, so that they live and die
// together; one allocation each would dominate the cost of decoding. Kinds that
// are rare have no slab, each of which takes half a KB of code and tables.
type slabs struct {
	ints     slab[Int]
	pointers slab[Pointer]
	arrays   slab[Array]
	structs  slab[Struct]
	unions   slab[Union]
	enums    slab[Enum]
	typedefs slab[Typedef]
	consts   slab[Const]
	funcs    slab[Func]
	protos   slab[FuncProto]
	vars     slab[Var]
	sections slab[Datasec]

	members slab[Member]
	values  slab[EnumValue]
	params  slab[FuncParam]
}

type slab[T any] struct {
	free []T
	size int // of the last allocation
}

// maxSlab bounds what is wasted at the end of a slab.
const maxSlab = 256

// take returns n zeroed elements.
func take[T any](s *slab[T], n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n > maxSlab/4 {
			return make([]T, n)
		}
		s.size = min(max(2*s.size, n), maxSlab)
		s.free = make([]T, s.size)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

func one[T any](s *slab[T]) *T { return &take(s, 1)[0] }

// alloc returns an empty type for a record, or nil if its kind is unknown.
func (s *slabs) alloc(t rawbtf.Type) Type {
	switch t.Kind() {
	case rawbtf.KindInt:
		return one(&s.ints)
	case rawbtf.KindPointer:
		return one(&s.pointers)
	case rawbtf.KindArray:
		return one(&s.arrays)
	case rawbtf.KindStruct:
		return one(&s.structs)
	case rawbtf.KindUnion:
		return one(&s.unions)
	case rawbtf.KindEnum, rawbtf.KindEnum64:
		return one(&s.enums)
	case rawbtf.KindFwd:
		return new(Fwd)
	case rawbtf.KindTypedef:
		return one(&s.typedefs)
	case rawbtf.KindVolatile:
		return new(Volatile)
	case rawbtf.KindConst:
		return one(&s.consts)
	case rawbtf.KindRestrict:
		return new(Restrict)
	case rawbtf.KindFunc:
		return one(&s.funcs)
	case rawbtf.KindFuncProto:
		return one(&s.protos)
	case rawbtf.KindVar:
		return one(&s.vars)
	case rawbtf.KindDatasec:
		return one(&s.sections)
	case rawbtf.KindFloat:
		return new(Float)
	case rawbtf.KindDeclTag:
		return new(declTag)
	case rawbtf.KindTypeTag:
		return new(TypeTag)
	}
	return nil
}
