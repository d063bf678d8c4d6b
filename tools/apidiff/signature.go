package main

import (
	"fmt"
	"go/types"
	"path"
	"strings"
)

// typeString writes a type so that equal types of the two sides read equal:
// packages below the root by their name, no parameter names, no aliases.
func (s *side) typeString(t types.Type) string {
	switch t := t.(type) {
	case *types.Alias:
		if name, ok := s.public[named(t)]; ok {
			return name
		}
		return s.typeString(types.Unalias(t))
	case *types.Named:
		return s.namedString(t)
	case *types.TypeParam:
		return fmt.Sprintf("T%d", t.Index())
	case *types.Pointer:
		return "*" + s.typeString(t.Elem())
	case *types.Slice:
		return "[]" + s.typeString(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), s.typeString(t.Elem()))
	case *types.Map:
		return "map[" + s.typeString(t.Key()) + "]" + s.typeString(t.Elem())
	case *types.Chan:
		return [...]string{"chan ", "chan<- ", "<-chan "}[t.Dir()] + s.typeString(t.Elem())
	case *types.Signature:
		return "func" + s.signature(t)
	case *types.Interface:
		return s.interfaceString(t)
	case *types.Struct:
		return s.structString(t)
	case *types.Union:
		return s.unionString(t)
	}
	return t.String()
}

func named(t types.Type) *types.TypeName {
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj()
	}
	return nil
}

func (s *side) namedString(t *types.Named) string {
	obj := t.Obj()
	name, ok := s.public[obj]
	switch pkg := obj.Pkg(); {
	case ok:
	case pkg == nil:
		name = obj.Name()
	case pkg.Path() == s.root:
		name = "ebpf." + obj.Name()
	default:
		name = path.Base(pkg.Path()) + "." + obj.Name()
	}
	if args := t.TypeArgs(); args.Len() > 0 {
		list := make([]string, args.Len())
		for i := range list {
			list[i] = s.typeString(args.At(i))
		}
		name += "[" + strings.Join(list, ", ") + "]"
	}
	return name
}

func (s *side) signature(sig *types.Signature) string {
	out := s.typeParams(sig.TypeParams()) + s.tuple(sig.Params(), sig.Variadic())
	switch res := sig.Results(); res.Len() {
	case 0:
		return out
	case 1:
		return out + " " + s.typeString(res.At(0).Type())
	default:
		return out + " " + s.tuple(res, false)
	}
}

func (s *side) typeParams(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	params := make([]string, list.Len())
	for i := range params {
		params[i] = fmt.Sprintf("T%d %s", i, s.typeString(list.At(i).Constraint()))
	}
	return "[" + strings.Join(params, ", ") + "]"
}

func (s *side) tuple(t *types.Tuple, variadic bool) string {
	list := make([]string, t.Len())
	for i := range list {
		list[i] = s.typeString(t.At(i).Type())
		if variadic && i == len(list)-1 {
			list[i] = "..." + strings.TrimPrefix(list[i], "[]")
		}
	}
	return "(" + strings.Join(list, ", ") + ")"
}

func (s *side) interfaceString(t *types.Interface) string {
	var parts []string
	for m := range t.Methods() {
		parts = append(parts, m.Name()+s.signature(m.Signature()))
	}
	for e := range t.EmbeddedTypes() {
		if !types.IsInterface(e) {
			parts = append(parts, s.typeString(e))
		}
	}
	if len(parts) == 0 {
		return "any"
	}
	return "interface{ " + strings.Join(parts, "; ") + " }"
}

func (s *side) structString(t *types.Struct) string {
	parts := make([]string, t.NumFields())
	for i := range parts {
		parts[i] = t.Field(i).Name() + " " + s.typeString(t.Field(i).Type())
	}
	return "struct{ " + strings.Join(parts, "; ") + " }"
}

func (s *side) unionString(t *types.Union) string {
	parts := make([]string, t.Len())
	for i := range parts {
		parts[i] = s.typeString(t.Term(i).Type())
		if t.Term(i).Tilde() {
			parts[i] = "~" + parts[i]
		}
	}
	return strings.Join(parts, " | ")
}
