package btf

import (
	"fmt"
	"math"
)

// maxDepth limits how far typedefs, qualifiers and arrays are followed. The
// kernel doesn't take more either.
const maxDepth = 32

// peel returns the type behind a qualifier, or behind a typedef if asked for.
func peel(typ Type, typedefs bool) (Type, bool) {
	switch v := typ.(type) {
	case qualifier:
		return v.qualified(), true
	case *Typedef:
		return v.Type, typedefs
	}
	return nil, false
}

// strip peels typ down to something else. What is nested too deeply, as in a
// cycle, comes back as void: nothing can be done with it.
func strip(typ Type, typedefs bool) Type {
	for range maxDepth {
		next, ok := peel(typ, typedefs)
		if !ok {
			return typ
		}
		typ = next
	}
	return (*Void)(nil)
}

// UnderlyingType skips qualifiers and typedefs. It returns [*Void] for types
// that are nested too deeply or form a cycle.
func UnderlyingType(typ Type) Type { return strip(typ, true) }

// QualifiedType skips qualifiers: const, volatile, restrict and type tags. It
// returns [*Void] for types that are nested too deeply or form a cycle.
func QualifiedType(typ Type) Type { return strip(typ, false) }

// As returns typ, or what is left of it without some qualifiers and typedefs,
// as soon as that is a T. It returns false if there is no T.
func As[T Type](typ Type) (T, bool) {
	for range maxDepth {
		if t, ok := typ.(T); ok {
			return t, true
		}
		next, ok := peel(typ, true)
		if !ok {
			break
		}
		typ = next
	}
	var zero T
	return zero, false
}

// Sizeof returns the size of a type in bytes.
//
// Returns an error for types without one, such as functions, for types that
// are nested too deeply and for sizes that an int can't hold.
func Sizeof(typ Type) (int, error) {
	n := uint64(1)
	for range maxDepth {
		var size uint32
		switch v := typ.(type) {
		case *Void:
			size = 0
		case *Int:
			size = v.Size
		case *Pointer:
			size = 8
		case *Struct:
			size = v.Size
		case *Union:
			size = v.Size
		case *Enum:
			size = v.Size
		case *Datasec:
			size = v.Size
		case *Float:
			size = v.Size
		case *Array:
			if n > math.MaxInt/max(uint64(v.Nelems), 1) {
				return 0, fmt.Errorf("size of %s overflows", typ)
			}
			n *= uint64(v.Nelems)
			typ = v.Type
			continue
		case *Var:
			typ = v.Type
			continue
		default:
			next, ok := peel(typ, true)
			if !ok {
				return 0, fmt.Errorf("size of %v: %w", typ, errUnsized)
			}
			typ = next
			continue
		}
		if n > math.MaxInt/max(uint64(size), 1) {
			return 0, fmt.Errorf("size of %s overflows", typ)
		}
		return int(n * uint64(size)), nil
	}
	return 0, fmt.Errorf("size of %s: %w", typ, errTooDeep)
}

// children calls f with each place in typ that holds another type, until it
// returns false.
func children(typ Type, f func(*Type)) {
	switch v := typ.(type) {
	case *Pointer:
		f(&v.Target)
	case *Array:
		f(&v.Index)
		f(&v.Type)
	case *Struct:
		for i := range v.Members {
			f(&v.Members[i].Type)
		}
	case *Union:
		for i := range v.Members {
			f(&v.Members[i].Type)
		}
	case *Typedef:
		f(&v.Type)
	case *Volatile:
		f(&v.Type)
	case *Const:
		f(&v.Type)
	case *Restrict:
		f(&v.Type)
	case *TypeTag:
		f(&v.Type)
	case *Func:
		f(&v.Type)
	case *FuncProto:
		f(&v.Return)
		for i := range v.Params {
			f(&v.Params[i].Type)
		}
	case *Var:
		f(&v.Type)
	case *Datasec:
		for i := range v.Vars {
			f(&v.Vars[i].Type)
		}
	case *declTag:
		f(&v.Type)
	}
}

// Copy returns a copy of typ and of everything it refers to, cycles included.
func Copy(typ Type) Type { return copier{}.copy(typ) }

// copier maps types to their copies.
type copier map[Type]Type

func (c copier) copy(typ Type) Type {
	var pending []Type
	shallow := func(t Type) Type {
		if t == nil {
			return nil
		}
		cpy, ok := c[t]
		if !ok {
			cpy = t.copy()
			c[t] = cpy
			pending = append(pending, cpy)
		}
		return cpy
	}
	root := shallow(typ)
	for len(pending) > 0 {
		next := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		children(next, func(child *Type) { *child = shallow(*child) })
	}
	return root
}
