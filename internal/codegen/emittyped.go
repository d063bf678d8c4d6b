package codegen

import (
	"strings"

	"github.com/dave/jennifer/jen"
)

// ringbufPath is what generated code imports if there is a ring buffer.
const ringbufPath = runtimePath + "/ringbuf"

// viewCode is a view as a type: ebpf.HashMap[uint32, uint64].
func viewCode(v *View) *jen.Statement {
	code := &jen.Statement{}
	name, pointer := strings.CutPrefix(v.Name, "*")
	if pointer {
		code.Op("*")
	}
	code.Qual(v.Pkg, name)
	if len(v.Args) == 0 {
		return code
	}
	args := make([]jen.Code, len(v.Args))
	for i, arg := range v.Args {
		if arg.View != nil {
			args[i] = viewCode(arg.View)
		} else {
			args[i] = typeCode(arg.Type)
		}
	}
	return code.Index(jen.List(args...))
}

// objectFields are the fields for what is in the kernel: views, or else pointers
// to untyped.
func objectFields(items []Item, untyped string) []jen.Code {
	return typedFields(items, untyped, func(item Item) *View { return item.View })
}

// specFields are the fields for what isn't loaded yet.
func specFields(items []Item, untyped string) []jen.Code {
	return typedFields(items, untyped, func(item Item) *View { return item.SpecView })
}

func typedFields(items []Item, untyped string, view func(Item) *View) []jen.Code {
	fields := make([]jen.Code, len(items))
	for i, item := range items {
		field := jen.Id(item.Field)
		if v := view(item); v != nil {
			field.Add(viewCode(v))
		} else {
			field.Op("*").Add(ebpf(untyped))
		}
		field.Tag(map[string]string{"ebpf": item.C})
		if item.Comment != "" && untyped == "Map" {
			field.Comment("// " + item.Comment)
		}
		fields[i] = field
	}
	return fields
}

// emitTypedSpecs declares the way from specs to objects.
func (m *Model) emitTypedSpecs(f *jen.File) {
	n := m.Names
	if n.NewSpecs == "" {
		return
	}
	docComment(f,
		n.NewSpecs+" parses the embedded object, like "+n.Load+": what its fields hold can be",
		"changed until Load.")
	f.Func().Id(n.NewSpecs).Params().Params(jen.Op("*").Id(n.Specs), jen.Error()).Block(
		jen.List(jen.Id("spec"), jen.Err()).Op(":=").Id(n.Load).Call(),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Id("s").Op(":=").New(jen.Id(n.Specs)),
		jen.If(jen.Err().Op(":=").Id("spec").Dot("Assign").Call(jen.Id("s")), jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), jen.Qual("fmt", "Errorf").Call(jen.Lit(n.Ident+": %w"), jen.Err())),
		),
		jen.Id("s").Dot("collection").Op("=").Id("spec"),
		jen.Return(jen.Id("s"), jen.Nil()),
	)

	docComment(f,
		"Load loads everything but optional programs into the kernel, as the specs say. The",
		"caller has to Close it. opts may be nil.",
		"",
		"s has to come from "+n.NewSpecs+".")
	f.Func().Params(jen.Id("s").Op("*").Id(n.Specs)).Id("Load").Params(
		jen.Id("opts").Op("*").Add(ebpf("CollectionOptions")),
	).Params(jen.Op("*").Id(n.Objects), jen.Error()).Block(
		jen.If(jen.Id("s").Dot("collection").Op("==").Nil()).Block(
			jen.Return(jen.Nil(), jen.Qual("errors", "New").Call(jen.Lit(n.Ident+": these specs are not from "+n.NewSpecs))),
		),
		jen.Id("objs").Op(":=").New(jen.Id(n.Objects)),
		jen.If(jen.Err().Op(":=").Id("s").Dot("collection").Dot("LoadAndAssign").Call(jen.Id("objs"), jen.Id("opts")), jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), jen.Err()),
		),
		jen.Return(jen.Id("objs"), jen.Nil()),
	)
}
