package codegen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
)

func (m *Model) emitTypes(f *jen.File) {
	for _, decl := range m.Types {
		switch decl.Kind {
		case DeclStruct:
			emitStruct(f, decl)
		case DeclUnion:
			emitUnion(f, decl)
		case DeclEnum:
			emitEnum(f, decl)
		case DeclText:
			emitText(f, decl)
		case DeclOpaque:
			emitOpaque(f, decl)
		case DeclAlias:
			docComment(f, fmt.Sprintf("%s is %s.", decl.Name, origin(decl)))
			f.Type().Id(decl.Name).Op("=").Add(typeCode(decl.Type))
		case DeclDefined:
			docComment(f, fmt.Sprintf("%s is %s.", decl.Name, origin(decl)))
			f.Type().Id(decl.Name).Add(typeCode(decl.Type))
		}
		for _, a := range decl.Accessors {
			emitAccessor(f, decl.Name, a)
		}
	}
}

func typeCode(t GoType) *jen.Statement {
	if t.Elem != nil {
		return jen.Index(jen.Lit(int(t.Len))).Add(typeCode(*t.Elem))
	}
	if t.Pkg != "" {
		return jen.Qual(t.Pkg, t.Name)
	}
	return jen.Id(t.Name)
}

// hostLayout marks a struct whose layout is that of C.
func hostLayout() *jen.Statement { return jen.Id("_").Qual("structs", "HostLayout") }

func emitStruct(f *jen.File, decl TypeDecl) {
	fields := []jen.Code{hostLayout()}
	for _, field := range decl.Fields {
		name := field.Name
		if name == "" {
			name = "_"
		}
		code := jen.Id(name).Add(typeCode(field.Type))
		if field.Comment != "" {
			code.Comment(comment(field.Comment))
		}
		fields = append(fields, code)
	}
	docComment(f, docOf(decl, fmt.Sprintf("%s is %s.", decl.Name, origin(decl)))...)
	f.Type().Id(decl.Name).Struct(fields...)
}

// origin says what a type is in C.
func origin(decl TypeDecl) string {
	if strings.HasPrefix(decl.C, "the ") {
		return decl.C
	}
	return "C's " + decl.C
}

// docOf returns the documentation of a type whose first sentence is given.
func docOf(decl TypeDecl, first string) []string {
	lines := []string{first}
	for _, line := range decl.Doc {
		lines = append(lines, "", line)
	}
	return lines
}

func emitUnion(f *jen.File, decl TypeDecl) {
	docComment(f, docOf(decl, fmt.Sprintf("%s is %s: the bytes that its members share.", decl.Name, origin(decl)))...)
	f.Type().Id(decl.Name).Struct(
		hostLayout(),
		jen.Id("_").Index(jen.Lit(0)).Add(typeCode(intType(decl.Align, false))),
		jen.Id("Raw").Add(typeCode(bytesType(decl.Size))),
	)
}

func emitOpaque(f *jen.File, decl TypeDecl) {
	docComment(f, fmt.Sprintf("%s is %s, which only the kernel looks into.", decl.Name, origin(decl)))
	f.Type().Id(decl.Name).Struct(
		hostLayout(),
		jen.Id("_").Add(typeCode(arrayOf(intType(decl.Align, false), decl.Size/decl.Align))),
	)
}

func emitEnum(f *jen.File, decl TypeDecl) {
	docComment(f, fmt.Sprintf("%s is %s.", decl.Name, origin(decl)))
	f.Type().Id(decl.Name).Add(typeCode(decl.Type))
	if len(decl.Values) == 0 {
		return
	}
	literal := func(v EnumValue) jen.Code {
		if decl.Type.Signed {
			return jen.Op(fmt.Sprint(v.Value))
		}
		return jen.Op(fmt.Sprint(uint64(v.Value)))
	}
	consts := make([]jen.Code, len(decl.Values))
	var cases []jen.Code
	named := map[int64]bool{}
	for i, v := range decl.Values {
		consts[i] = jen.Id(v.Name).Id(decl.Name).Op("=").Add(literal(v))
		if !named[v.Value] { // a switch takes each value once
			named[v.Value] = true
			cases = append(cases, jen.Case(jen.Id(v.Name)).Block(jen.Return(jen.Lit(v.C))))
		}
	}
	f.Line()
	f.Const().Defs(consts...)

	format, widen := "FormatUint", "uint64"
	if decl.Type.Signed {
		format, widen = "FormatInt", "int64"
	}
	docComment(f, "String returns the C name of the value, or its number if it has none.")
	f.Func().Params(jen.Id("e").Id(decl.Name)).Id("String").Params().String().Block(
		jen.Switch(jen.Id("e")).Block(cases...),
		jen.Return(jen.Qual("strconv", format).Call(jen.Id(widen).Call(jen.Id("e")), jen.Lit(10))),
	)
}

// emitText declares an array of char. Its methods are those that text needs.
func emitText(f *jen.File, decl TypeDecl) {
	docComment(f, fmt.Sprintf("%s is %s: text that ends at the first zero byte.", decl.Name, origin(decl)))
	f.Type().Id(decl.Name).Add(typeCode(decl.Type))

	docComment(f, "String returns the text.")
	f.Func().Params(jen.Id("c").Id(decl.Name)).Id("String").Params().String().Block(
		jen.List(jen.Id("text"), jen.Id("_"), jen.Id("_")).Op(":=").Qual("bytes", "Cut").Call(
			jen.Id("c").Index(jen.Op(":")), jen.Index().Byte().Values(jen.Lit(0)),
		),
		jen.Return(jen.String().Call(jen.Id("text"))),
	)

	docComment(f, "SetString stores text, cut to fit with the zero byte that ends it.")
	f.Func().Params(jen.Id("c").Op("*").Id(decl.Name)).Id("SetString").Params(jen.Id("text").String()).Block(
		jen.Id("n").Op(":=").Copy(jen.Id("c").Index(jen.Op(":").Len(jen.Id("c")).Op("-").Lit(1)), jen.Id("text")),
		jen.Clear(jen.Id("c").Index(jen.Id("n").Op(":"))),
	)
}

// emitLayoutChecks lets the compiler compare Go's layout with C's.
func (m *Model) emitLayoutChecks(f *jen.File) {
	var checks []jen.Code
	check := func(want uint32, got *jen.Statement) {
		empty := jen.Struct()
		checks = append(checks, jen.Id("_").Index(jen.Lit(int(want))).Add(empty).Op("=").Index(got).Struct().Values())
	}
	for _, decl := range m.Types {
		switch decl.Kind {
		case DeclStruct, DeclUnion, DeclOpaque, DeclOwn:
		default:
			continue
		}
		value := func() *jen.Statement { return jen.Id(decl.Name).Values() }
		if decl.Kind == DeclOwn { // any kind of type
			value = func() *jen.Statement {
				return jen.Parens(jen.Op("*").Parens(jen.Op("*").Add(typeCode(decl.Type))).Parens(jen.Nil()))
			}
		}
		check(decl.Size, jen.Qual("unsafe", "Sizeof").Call(value()))
		for _, field := range decl.Fields {
			if field.Name != "" {
				check(field.Offset, jen.Qual("unsafe", "Offsetof").Call(value().Dot(field.Name)))
			}
		}
	}
	if len(checks) == 0 {
		return
	}
	docComment(f, "The sizes and offsets that C has. If Go's differ, this doesn't compile.")
	f.Var().Defs(checks...)
}
