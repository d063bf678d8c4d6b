package codegen

import (
	"strings"

	"github.com/dave/jennifer/jen"
)

// What generated code imports if there is a ring buffer, or a perf event array.
const (
	ringbufPath = runtimePath + "/ringbuf"
	perfPath    = runtimePath + "/perf"
)

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
func (m *Model) objectFields(items []Item, untyped string) []jen.Code {
	return m.typedFields(items, untyped, func(item Item) *View { return item.View })
}

// specFields are the fields for what isn't loaded yet.
func (m *Model) specFields(items []Item, untyped string) []jen.Code {
	return m.typedFields(items, untyped, func(item Item) *View { return item.SpecView })
}

func (m *Model) typedFields(items []Item, untyped string, view func(Item) *View) []jen.Code {
	fields := make([]jen.Code, len(items))
	for i, item := range items {
		field := jen.Id(item.Field)
		if v := view(item); v != nil {
			field.Add(viewCode(v))
		} else {
			field.Op("*").Add(ebpf(untyped))
		}
		fields[i] = field.Add(m.tagCode(item, untyped))
	}
	return fields
}

// tagCode is the tag of a field, and a comment on what is in the kernel.
func (m *Model) tagCode(item Item, typ string) *jen.Statement {
	tag := item.C
	inKernel := typ == "Map" || typ == "Program" || typ == "Variable"
	if inKernel && m.Names.NewSpecs != "" && item.mayBeMissing() {
		tag += ",optional"
	}
	code := jen.Tag(map[string]string{"ebpf": tag})
	if inKernel && item.Comment != "" {
		code.Comment(comment(item.Comment))
	}
	return code
}

// emitTypedSpecs declares the way from specs to objects.
func (m *Model) emitTypedSpecs(f *jen.File) {
	n := m.Names
	if n.NewSpecs == "" {
		return
	}
	docComment(f,
		n.NewSpecs+" parses the embedded object: what its fields hold can be changed until Load.",
		"Instructions of programs, and types of maps, are nil until their Decode is called.")
	f.Func().Id(n.NewSpecs).Params().Params(jen.Op("*").Id(n.Specs), jen.Error()).Block(
		m.parsed("LoadEncodedSpecFromReader"),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), m.loadError())),
		jen.Id("s").Op(":=").New(jen.Id(n.Specs)),
		jen.If(jen.Err().Op(":=").Id("spec").Dot("AssignEncoded").Call(jen.Id("s")), jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), m.loadError()),
		),
		jen.Id("s").Dot("collection").Op("=").Id("spec"),
		jen.Return(jen.Id("s"), jen.Nil()),
	)

	docComment(f,
		"Load loads everything into the kernel, as the specs say: what they call Optional is",
		"left out, and its fields stay empty. The caller has to Close it. opts may be nil.",
		"",
		"s has to come from "+n.NewSpecs+".")
	call := jen.Id("s").Dot("collection").Dot("LoadAndReport").Call(jen.Id("objs"), jen.Id("opts"))
	failed := []jen.Code{jen.Err().Op("!=").Nil()}
	load := jen.If(jen.List(jen.Id("_"), jen.Err()).Op(":=").Add(call), failed[0]).Block(jen.Return(jen.Nil(), jen.Err()))
	if m.hasReport() {
		load = jen.List(jen.Id("report"), jen.Err()).Op(":=").Add(call).Line().
			If(failed...).Block(jen.Return(jen.Nil(), jen.Err())).Line().
			Id("objs").Dot("report").Op("=").Id("report")
	}
	f.Func().Params(jen.Id("s").Op("*").Id(n.Specs)).Id("Load").Params(
		jen.Id("opts").Op("*").Add(ebpf("CollectionOptions")),
	).Params(jen.Op("*").Id(n.Objects), jen.Error()).Block(
		jen.If(jen.Id("s").Dot("collection").Op("==").Nil()).Block(
			jen.Return(jen.Nil(), jen.Qual("errors", "New").Call(jen.Lit("load "+n.Ident+": these specs are not from "+n.NewSpecs))),
		),
		jen.Id("objs").Op(":=").New(jen.Id(n.Objects)),
		load,
		jen.Return(jen.Id("objs"), jen.Nil()),
	)
	if m.hasReport() {
		docComment(f, "Report says which programs were loaded and attached, and why others weren't. It is nil",
			"for objects that are not from Load.")
		f.Func().Params(jen.Id("o").Op("*").Id(n.Objects)).Id("Report").Params().Op("*").Add(ebpf("Report")).Block(
			jen.Return(jen.Id("o").Dot("report")))
	}
}
