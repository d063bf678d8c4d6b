package btf

import (
	"errors"
	"fmt"
)

// CheckTypeCompatibility tells whether the kernel's type can stand for one that
// a program was compiled with, as CO-RE sees it (bpf_core_type_exists): nil, or
// what differs. Only the outlines count: kinds, what pointers and arrays are of,
// parameters and results of functions. Names, sizes, qualifiers and typedefs
// don't, nor do members.
func CheckTypeCompatibility(localType Type, targetType Type) error {
	return checkCompatible(localType, targetType, 0)
}

func checkCompatible(local, target Type, depth int) error {
	for ; depth < maxDepth; depth++ {
		if local == nil || target == nil {
			return errors.New("type is nil")
		}
		local, target = UnderlyingType(local), UnderlyingType(target)
		if local.kinds() != target.kinds() {
			return fmt.Errorf("%s and %s are of different kinds", local, target)
		}
		switch l := local.(type) {
		case *Void, *Int, *Struct, *Union, *Enum, *Fwd:
			return nil
		case *Pointer:
			local, target = l.Target, target.(*Pointer).Target
		case *Array:
			local, target = l.Type, target.(*Array).Type
		case *FuncProto:
			return checkCompatibleProtos(l, target.(*FuncProto), depth+1)
		default:
			return fmt.Errorf("CO-RE can't compare %s: %w", local, ErrNotSupported)
		}
	}
	return errTooDeep
}

func checkCompatibleProtos(local, target *FuncProto, depth int) error {
	if len(local.Params) != len(target.Params) {
		return fmt.Errorf("functions have %d and %d parameters", len(local.Params), len(target.Params))
	}
	if err := checkCompatible(local.Return, target.Return, depth); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	for i := range local.Params {
		if err := checkCompatible(local.Params[i].Type, target.Params[i].Type, depth); err != nil {
			return fmt.Errorf("parameter %d: %w", i, err)
		}
	}
	return nil
}
