package codegen

import (
	"fmt"

	"github.com/dave/jennifer/jen"
)

// linkPath is what generated code imports if there is something to attach.
const linkPath = runtimePath + "/link"

func inLink(name string) *jen.Statement { return jen.Qual(linkPath, name) }

// linkTypeCode is the type of a link: link.Link or *link.Iter.
func linkTypeCode(a *Attach) *jen.Statement {
	if name := a.linkType(); name[0] == '*' {
		return jen.Op("*").Add(inLink(name[1:]))
	}
	return inLink("Link")
}

// emitAttach declares the way from objects to links.
func (m *Model) emitAttach(f *jen.File) {
	items := m.attachable()
	if m.Names.NewSpecs == "" || len(items) == 0 {
		return
	}
	params := m.emitAttachOptions(f, items)
	m.emitLinks(f, items)

	docComment(f,
		"Attach attaches everything that is loaded. If something fails, what was attached",
		"before is detached again. The caller has to Close the links.")
	f.Func().Params(jen.Id("o").Op("*").Id(m.Names.Objects)).Id("Attach").Params(params...).
		Params(jen.Op("*").Id(m.Names.Links), jen.Error()).BlockFunc(func(g *jen.Group) {
		g.Id("links").Op(":=").New(jen.Id(m.Names.Links))
		g.Var().Err().Error()
		done := map[string]bool{}
		for _, item := range items {
			switch group := item.Alternative; {
			case group == "":
				g.Add(attachOne(item))
			case !done[group]:
				done[group] = true
				g.Add(chooseOne(group, alternatives(items, group)))
			}
		}
		g.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Qual("errors", "Join").Call(
			jen.Qual("fmt", "Errorf").Call(jen.Lit("attach "+m.Names.Ident+": %w"), jen.Err()),
			jen.Id("links").Dot("Close").Call(),
		)))
		g.Return(jen.Id("links"), jen.Nil())
	})
	for _, item := range items {
		m.emitAttachMethod(f, item)
	}
}

// emitAttachOptions declares what the sections leave open, if they do, and
// returns the parameters of Attach.
func (m *Model) emitAttachOptions(f *jen.File, items []Item) (params []jen.Code) {
	var options []jen.Code
	for _, item := range items {
		if item.Attach.Options != "" {
			options = append(options, jen.Id(item.Field).Add(inLink(item.Attach.Options)).Comment(comment(secOf(item.Section))))
		}
	}
	if len(options) == 0 {
		return nil
	}
	docComment(f,
		m.Names.Attach+" is what the sections of programs leave open. Fields Program and Attach",
		"that options have are filled in.")
	f.Type().Id(m.Names.Attach).Struct(options...)
	return []jen.Code{jen.Id("opts").Id(m.Names.Attach)}
}

// emitLinks declares the links and how to close them.
func (m *Model) emitLinks(f *jen.File, items []Item) {
	n := m.Names
	docComment(f,
		n.Links+" are what Attach has attached: nil for what isn't loaded. They stay attached",
		"until Close, or until the process ends.")
	f.Type().Id(n.Links).StructFunc(func(g *jen.Group) {
		for _, item := range items {
			g.Id(item.Field).Add(linkTypeCode(item.Attach)).Comment(comment(secOf(item.Section)))
		}
	})
	docComment(f, "Close detaches everything, and joins the errors.")
	m.emitCloseMethod(f, "l", n.Links, selectors("l", items))
}

// attachCall calls the method for an item of o, with what opts has for it.
func attachCall(item Item) *jen.Statement {
	call := jen.Id("o").Dot(item.Attach.Method)
	switch {
	case item.Attach.Options != "":
		return call.Call(jen.Id("opts").Dot(item.Field))
	case item.Attach.Kind == AttachIter:
		return call.Call(inLink("IterOptions").Values())
	}
	return call.Call()
}

// attachOne attaches an item, unless something failed before.
func attachOne(item Item) jen.Code {
	return jen.If(jen.Id("o").Dot(item.Field).Op("!=").Nil().Op("&&").Err().Op("==").Nil()).Block(
		jen.List(jen.Id("links").Dot(item.Field), jen.Err()).Op("=").Add(attachCall(item)),
	)
}

// chooseOne attaches the first of several alternatives.
func chooseOne(group string, items []Item) jen.Code {
	args := []jen.Code{jen.Lit(group)}
	for _, item := range items {
		args = append(args, ebpf("Alternative").Custom(literal,
			jen.Id("Name").Op(":").Lit(item.C),
			jen.Id("Program").Op(":").Op("&").Id("o").Dot(item.Field),
			jen.Id("Attach").Op(":").Func().Params().Params(jen.Err().Error()).Block(
				jen.List(jen.Id("links").Dot(item.Field), jen.Err()).Op("=").Add(attachCall(item)),
				jen.Return(jen.Err()),
			),
		))
	}
	return jen.If(jen.Err().Op("==").Nil()).Block(
		jen.Err().Op("=").Id("o").Dot("report").Dot("Choose").CustomFunc(multiline, func(g *jen.Group) {
			for _, arg := range args {
				g.Add(arg)
			}
		}),
	)
}

// moreOptions says what can be said to a program that needs to be told nothing.
func moreOptions(item Item) string {
	if item.Attach.More == "" {
		return ""
	}
	return " A link." + item.Attach.More + " can say more."
}

// emitAttachMethod declares the method that attaches one item.
func (m *Model) emitAttachMethod(f *jen.File, item Item) {
	a, object := item.Attach, jen.Id("o").Dot(item.Field)
	var doc string
	var params, body []jen.Code
	switch {
	case a.Kind == AttachStructOps:
		doc = "%s lets the kernel call the programs of the struct in %s."
		body = []jen.Code{jen.Return(inLink("AttachStructOps").Call(inLink("StructOpsOptions").Values(jen.Dict{jen.Id("Map"): object})))}
	case a.Kind == AttachIter:
		doc = "%s attaches the iterator in %s."
		params = []jen.Code{jen.Id("opts").Add(inLink("IterOptions"))}
		body = []jen.Code{
			jen.Id("opts").Dot("Program").Op("=").Add(object),
			jen.Return(inLink("AttachIter").Call(jen.Id("opts"))),
		}
	case a.Options != "":
		doc = "%s attaches the program in %s."
		params = []jen.Code{jen.Id("opts").Add(inLink(a.Options))}
		body = []jen.Code{jen.Return(inLink("Auto").Call(object, jen.Id("opts")))}
	default:
		doc = "%s attaches the program in %s." + moreOptions(item)
		params = []jen.Code{jen.Id("opts").Op("...").Add(inLink("Options"))}
		body = []jen.Code{jen.Return(inLink("Auto").Call(object, jen.Id("opts").Op("...")))}
	}
	docComment(f, fmt.Sprintf(doc, a.Method, secOf(item.Section)))
	f.Func().Params(jen.Id("o").Op("*").Id(m.Names.Objects)).Id(a.Method).Params(params...).
		Params(linkTypeCode(a), jen.Error()).Block(body...)
}
