package main

import (
	"cmp"
	"go/types"
	"slices"
	"strings"
)

type state int

const (
	same state = iota
	different
	absent
	outOfScope
)

// row is one exported identifier of ebpf-go.
type row struct {
	pkg    string // "ebpf"
	name   string // "Map.Lookup", "MapSpec.Name", "Hash"
	kind   string // "type", "func", "method", "field", "const", "var"
	state  state
	theirs string // what it is, where the two differ
	ours   string
	reason string
}

// comparePackage lists all exported identifiers of a package of theirs.
func comparePackage(sub string, theirs, ours *side) []row {
	their := theirs.packages[sub]
	if their == nil {
		return nil
	}
	c := comparer{theirs: theirs, ours: ours, pkg: packageName(sub)}
	if p := ours.packages[sub]; p != nil {
		c.scope = p.Scope()
	}
	for _, name := range their.Scope().Names() {
		if obj := their.Scope().Lookup(name); obj.Exported() {
			c.object(obj)
		}
	}
	slices.SortStableFunc(c.rows, func(a, b row) int {
		return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name))
	})
	return c.rows
}

type comparer struct {
	theirs, ours *side
	pkg          string
	scope        *types.Scope // ours, nil if we have no such package
	rows         []row
}

func (c *comparer) object(obj types.Object) {
	var mine types.Object
	if c.scope != nil {
		mine = c.scope.Lookup(obj.Name())
	}
	c.add(obj.Name(), obj, mine)
	if tn, ok := obj.(*types.TypeName); ok {
		c.members(tn, mine)
	}
}

// members lists a type's fields and methods, with those it has from embedded
// types that can't be named outside.
func (c *comparer) members(tn *types.TypeName, mine types.Object) {
	lookup := func(name string) types.Object {
		m, ok := mine.(*types.TypeName)
		if !ok {
			return nil
		}
		obj, _, _ := types.LookupFieldOrMethod(m.Type(), true, m.Pkg(), name)
		return obj
	}
	for _, m := range exportedMembers(tn.Type()) {
		c.add(tn.Name()+"."+m.Name(), m, lookup(m.Name()))
	}
}

func exportedMembers(t types.Type) []types.Object {
	var list []types.Object
	if st, ok := t.Underlying().(*types.Struct); ok {
		for f := range st.Fields() {
			if f.Exported() {
				list = append(list, f)
			}
		}
	}
	recv := t
	if !types.IsInterface(t) {
		recv = types.NewPointer(t)
	}
	for sel := range types.NewMethodSet(recv).Methods() {
		if sel.Obj().Exported() && !throughExported(t, sel.Index()) {
			list = append(list, sel.Obj())
		}
	}
	return list
}

// throughExported reports whether a method comes from an exported embedded
// field: it is listed with that field's type already.
func throughExported(t types.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return false
		}
		if st.Field(i).Exported() {
			return true
		}
		t = st.Field(i).Type()
	}
	return false
}

func (c *comparer) add(name string, their, mine types.Object) {
	r := row{pkg: c.pkg, name: name, kind: kindOf(their)}
	if mine == nil || !mine.Exported() {
		r.state = absent
	} else if a, b := c.theirs.describe(their), c.ours.describe(mine); a != b {
		r.state, r.theirs, r.ours = different, a, b
	}
	c.rows = append(c.rows, r)
}

func kindOf(obj types.Object) string {
	switch obj := obj.(type) {
	case *types.TypeName:
		return "type"
	case *types.Const:
		return "const"
	case *types.Func:
		if obj.Signature().Recv() != nil {
			return "method"
		}
		return "func"
	case *types.Var:
		if obj.IsField() {
			return "field"
		}
	}
	return "var"
}

// describe writes what a user's code can depend on.
func (s *side) describe(obj types.Object) string {
	switch obj := obj.(type) {
	case *types.TypeName:
		return s.describeType(obj)
	case *types.Const:
		return "const " + s.typeString(obj.Type()) + " = " + obj.Val().ExactString()
	case *types.Func:
		return "func" + s.signature(obj.Signature())
	case *types.Var:
		return s.typeString(obj.Type())
	}
	return obj.String()
}

// describeType leaves out fields and methods, which have rows of their own.
func (s *side) describeType(tn *types.TypeName) string {
	params := ""
	if n, ok := types.Unalias(tn.Type()).(*types.Named); ok {
		params = s.typeParams(n.TypeParams())
	}
	switch u := tn.Type().Underlying().(type) {
	case *types.Struct:
		return "type" + params + " struct"
	case *types.Interface:
		if u.NumMethods() > 0 {
			return "type" + params + " interface"
		}
		return "type" + params + " " + s.typeString(u)
	default:
		return "type" + params + " " + s.typeString(u)
	}
}
