package codegen

import (
	"cmp"
	"slices"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// maxDepth bounds how deep types nest, arrays in arrays in structs, in BTF that
// may have been made to overflow the stack.
const maxDepth = 64

// typeRoot is a C type that the output has to have.
type typeRoot struct {
	typ  btf.Type
	hint string // what to call it if C has no name for it: "conf", "execs_value"
}

// namedType is a type that gets a declaration because C has a name for it.
type namedType struct {
	core  btf.Type // struct, union or enum
	c     string
	label string // what to call it in text: "struct event"
}

// peel removes typedefs and qualifiers. name is that of the innermost typedef,
// the one that names an anonymous struct, outer that of the outermost.
func peel(t btf.Type) (core btf.Type, name, outer string) {
	for range maxDepth {
		switch v := t.(type) {
		case *btf.Typedef:
			if outer == "" {
				outer = v.Name
			}
			name, t = v.Name, v.Type
		case *btf.Const:
			t = v.Type
		case *btf.Volatile:
			t = v.Type
		case *btf.Restrict:
			t = v.Type
		case *btf.TypeTag:
			t = v.Type
		default:
			return t, name, outer
		}
	}
	return nil, name, outer
}

// peelArrays is like peel for the element of an array of arrays.
func peelArrays(t btf.Type) (core btf.Type, name, outer string) {
	for range maxDepth {
		core, name, outer = peel(t)
		array, ok := core.(*btf.Array)
		if !ok {
			return core, name, outer
		}
		t = array.Type
	}
	return nil, name, outer
}

// collector finds all types with names that the roots are made of.
type collector struct {
	seen  map[btf.Type]bool
	named []namedType
}

// collect walks everything that is part of t by value.
func (c *collector) collect(t btf.Type, hint string, depth int) {
	core, name, _ := peelArrays(t)
	if core == nil || depth > maxDepth || !isComposite(core) || c.seen[core] {
		return
	}
	c.seen[core] = true
	switch own := core.TypeName(); {
	case own != "":
		c.named = append(c.named, namedType{core, own, cSpelling(core)})
	case name != "":
		c.named = append(c.named, namedType{core, name, name})
	case hint != "":
		c.named = append(c.named, namedType{core, hint, "the type of " + hint})
	}
	if isOpaque(core) {
		return
	}
	for _, m := range membersOf(core) {
		c.collect(m.Type, "", depth+1)
	}
}

// sorted returns what was found by name, so that the order doesn't depend on
// where in the object a type was met first.
func (c *collector) sorted() []namedType {
	slices.SortStableFunc(c.named, func(a, b namedType) int {
		return cmp.Or(cmp.Compare(a.c, b.c), cmp.Compare(kindWord(a.core), kindWord(b.core)))
	})
	return c.named
}

func isComposite(t btf.Type) bool {
	switch t.(type) {
	case *btf.Struct, *btf.Union, *btf.Enum:
		return true
	}
	return false
}

func membersOf(t btf.Type) []btf.Member {
	switch v := t.(type) {
	case *btf.Struct:
		return v.Members
	case *btf.Union:
		return v.Members
	}
	return nil
}

func kindWord(t btf.Type) string {
	switch t.(type) {
	case *btf.Struct:
		return "Struct"
	case *btf.Union:
		return "Union"
	case *btf.Enum:
		return "Enum"
	}
	return "Type"
}

// isOpaque tells whether only the kernel may look into t: locks, timers and the
// like, which user space passes on but never reads.
func isOpaque(t btf.Type) bool {
	s, ok := t.(*btf.Struct)
	if !ok {
		return false
	}
	switch s.Name {
	case "bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_task_work", "bpf_refcount", "bpf_dynptr",
		"bpf_list_head", "bpf_list_node", "bpf_rb_root", "bpf_rb_node":
		return true
	}
	return false
}
