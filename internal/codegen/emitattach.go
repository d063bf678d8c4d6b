package codegen

import "github.com/dave/jennifer/jen"

// linkPath is what generated code imports if there is something to attach.
const linkPath = runtimePath + "/link"

func inLink(name string) *jen.Statement { return jen.Qual(linkPath, name) }

// attachable is the programs that Attach attaches.
func (m *Model) attachable() (all []Item, open bool) {
	for _, p := range m.Programs {
		if p.Attach != nil {
			all = append(all, p)
			open = open || p.Attach.Open
		}
	}
	return all, open
}

// emitAttach declares the way from objects to links.
func (m *Model) emitAttach(f *jen.File) {
	n := m.Names
	programs, open := m.attachable()
	if n.NewSpecs == "" || len(programs) == 0 {
		return
	}
	var options, links, closing, attach []jen.Code
	for _, p := range programs {
		if p.Attach.Open {
			options = append(options, jen.Id(p.Field).Add(inLink(p.Attach.Options)).Comment("// SEC(\""+p.Section+"\")"))
		}
		links = append(links, jen.Id(p.Field).Add(inLink("Link")).Comment("// SEC(\""+p.Section+"\")"))
		closing = append(closing, jen.If(jen.Id("l").Dot(p.Field).Op("!=").Nil()).Block(
			jen.Id("errs").Op("=").Append(jen.Id("errs"), jen.Id("l").Dot(p.Field).Dot("Close").Call())))
		attach = append(attach, m.attachCode(p)...)
	}
	var params []jen.Code
	if open {
		docComment(f, n.Attach+" is what the sections of programs leave open. The field Program is filled in.")
		f.Type().Id(n.Attach).Struct(options...)
		params = append(params, jen.Id("opts").Id(n.Attach))
	}

	docComment(f, n.Links+" are the attached programs. They stay attached until Close.")
	f.Type().Id(n.Links).Struct(links...)

	docComment(f, "Close detaches all programs, and joins the errors.")
	f.Func().Params(jen.Id("l").Op("*").Id(n.Links)).Id("Close").Params().Error().BlockFunc(func(g *jen.Group) {
		g.Var().Id("errs").Index().Error()
		for _, code := range closing {
			g.Add(code)
		}
		g.Return(jen.Qual("errors", "Join").Call(jen.Id("errs").Op("...")))
	})

	docComment(f,
		"Attach attaches all programs whose sections say to what. If one fails, those before it",
		"are detached again. The caller has to Close the links.")
	f.Func().Params(jen.Id("o").Op("*").Id(n.Objects)).Id("Attach").Params(params...).Params(jen.Op("*").Id(n.Links), jen.Error()).
		BlockFunc(func(g *jen.Group) {
			g.Id("links").Op(":=").New(jen.Id(n.Links))
			g.Var().Err().Error()
			for _, code := range attach {
				g.Add(code)
			}
			g.Return(jen.Id("links"), jen.Nil())
		})
}

// attachCode attaches one program.
func (m *Model) attachCode(p Item) []jen.Code {
	a, program := p.Attach, jen.Id("o").Dot(p.Field)
	var before []jen.Code
	var args []jen.Code
	switch {
	case a.Open:
		opts := func() *jen.Statement { return jen.Id("opts").Dot(p.Field) }
		before = append(before, opts().Dot("Program").Op("=").Add(program))
		if a.Type != "" {
			before = append(before, opts().Dot("Attach").Op("=").Add(ebpf("Attach"+a.Type)))
		}
		args = []jen.Code{opts()}
	case a.Options != "":
		fields := jen.Dict{jen.Id("Program"): program}
		if a.Name != "" {
			fields[jen.Id("Name")] = jen.Lit(a.Name)
		}
		args = []jen.Code{inLink(a.Options).Values(fields)}
	default:
		for _, arg := range a.Args {
			args = append(args, jen.Lit(arg))
		}
		args = append(args, program, jen.Nil())
	}
	return append(before, jen.If(
		jen.List(jen.Id("links").Dot(p.Field), jen.Err()).Op("=").Add(inLink(a.Func)).Call(args...),
		jen.Err().Op("!=").Nil(),
	).Block(jen.Return(jen.Nil(), jen.Qual("errors", "Join").Call(
		jen.Qual("fmt", "Errorf").Call(jen.Lit(m.Names.Ident+": program "+p.C+": %w"), jen.Err()),
		jen.Id("links").Dot("Close").Call(),
	))))
}
