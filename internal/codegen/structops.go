package codegen

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// StructOpsDecl is the type of a struct_ops map that isn't loaded yet.
type StructOpsDecl struct {
	Name    string
	C       string // the map
	Struct  string // what C calls its type
	Section string
	Members []StructOpsMember
}

// StructOpsMember is a member that can be set: a function, or else of Type.
type StructOpsMember struct {
	Field string
	C     string
	Func  bool
	Type  GoType
}

// addStructOps declares types for struct_ops maps.
func (m *Model) addStructOps(obj *object.Object, types *typeBuilder, pkg *scope) {
	for i := range m.Maps {
		item := &m.Maps[i]
		for _, decl := range obj.Maps {
			if decl.Name != item.C || decl.Kind != object.StructOpsMap {
				continue
			}
			typ, err := decl.Value.Type()
			core, ok := btf.UnderlyingType(typ).(*btf.Struct)
			if err != nil || !ok {
				continue // loading says so
			}
			d := StructOpsDecl{
				Name: pkg.take(pkg.prefix + item.Field + "Spec"), C: decl.Name,
				Struct: cSpelling(core), Section: decl.Section, Members: types.members(core),
			}
			m.StructOps = append(m.StructOps, d)
			item.SpecView = &View{Name: d.Name}
		}
	}
}

// members are those that a program can set: numbers, text and functions. What
// else there is, the kernel wants to be zero.
func (b *typeBuilder) members(typ *btf.Struct) []StructOpsMember {
	var members []StructOpsMember
	var names []nameRequest
	for _, m := range typ.Members {
		member := StructOpsMember{C: m.Name}
		core, _, _ := peelArrays(m.Type)
		pointer, isPointer := core.(*btf.Pointer)
		if isPointer {
			_, member.Func = btf.UnderlyingType(pointer.Target).(*btf.FuncProto)
		}
		var ok bool
		if !member.Func {
			member.Type, ok = b.memberType(m, core)
		}
		if m.Name == "" || !member.Func && !ok {
			continue
		}
		members = append(members, member)
		names = append(names, nameRequest{m.Name, "Member"})
	}
	for i, field := range newScope("", "StructOpsSpec", "MapSpec").assign(names) {
		members[i].Field = field
	}
	return members
}

// memberType is the Go type of a member that is a number, or an array of them.
func (b *typeBuilder) memberType(m btf.Member, core btf.Type) (GoType, bool) {
	switch core.(type) {
	case *btf.Int, *btf.Float:
	case *btf.Enum:
		if size, err := btf.Sizeof(m.Type); err == nil && b.names[core].name == "" {
			return intType(uint32(size), false), size <= 8
		}
	default:
		return GoType{}, false
	}
	t, err := b.goType(m.Type, place{}, 0)
	return t, err == nil && m.BitfieldSize == 0
}

// emitStructOps declares what NewXSpecs fills for struct_ops maps.
func (m *Model) emitStructOps(f *jen.File) {
	for _, d := range m.StructOps {
		docComment(f,
			fmt.Sprintf("%s is the map %s in %s, before it is loaded.", d.Name, d.C, secOf(d.Section)),
			fmt.Sprintf("Its fields are members of %s; what it has besides is zero.", d.Struct))
		f.Type().Id(d.Name).StructFunc(func(g *jen.Group) {
			g.Add(ebpf("StructOpsSpec"))
			for _, member := range d.Members {
				field := g.Id(member.Field)
				if member.Func {
					field.Add(ebpf("FuncMember"))
				} else {
					field.Add(ebpf("Member")).Index(typeCode(member.Type))
				}
				field.Tag(map[string]string{"ebpf": member.C})
			}
		})
	}
}
