package codegen

import (
	"fmt"
	"go/token"
)

// topNames returns the names that are made of the identifier alone. What would
// be exported is, if the identifier is.
func topNames(ident string) (TopNames, error) {
	if err := CheckIdent(ident); err != nil {
		return TopNames{}, err
	}
	upper := upperFirst(ident)
	load, newSpecs := "load"+upper, "new"+upper+"Specs"
	if token.IsExported(ident) {
		load, newSpecs = "Load"+upper, "New"+upper+"Specs"
	}
	return TopNames{
		Ident: ident,
		Load:  load, LoadObjects: load + "Objects",
		Specs: ident + "Specs", ProgramSpecs: ident + "ProgramSpecs", MapSpecs: ident + "MapSpecs", VariableSpecs: ident + "VariableSpecs",
		Objects: ident + "Objects", Programs: ident + "Programs", Maps: ident + "Maps", Variables: ident + "Variables",
		OptionalPrograms: ident + "OptionalPrograms",
		Close:            "_" + upper + "Close", Bytes: "_" + upper + "Bytes",
		NewSpecs: newSpecs, Attach: ident + "Attach", Links: ident + "Links",
		Requirements: ident + "Requirements",
	}, nil
}

// CheckIdent tells whether generated names can start with ident. The error
// proposes another one.
func CheckIdent(ident string) error {
	if token.IsIdentifier(ident) {
		return nil
	}
	return fmt.Errorf("%q can't be the start of Go names: use letters, digits and underscores, as in %q", ident, suggestIdent(ident))
}

// untyped is the names without those that only typed code has.
func (n TopNames) untyped() TopNames {
	n.NewSpecs, n.Attach, n.Links = "", "", ""
	return n
}

func (n TopNames) all() []string {
	all := []string{
		n.Load, n.LoadObjects,
		n.Specs, n.ProgramSpecs, n.MapSpecs, n.VariableSpecs,
		n.Objects, n.Programs, n.Maps, n.Variables, n.OptionalPrograms,
		n.Close, n.Bytes, n.Requirements,
	}
	if n.NewSpecs != "" {
		all = append(all, n.NewSpecs, n.Attach, n.Links)
	}
	return all
}

func suggestIdent(bad string) string {
	if name := goName(identifierRunes(bad)); token.IsIdentifier(name) {
		return name
	}
	return exported(goName(identifierRunes(bad)))
}

// predeclared returns Go's types that generated code uses by name. An
// identifier such as int, and a C type _8, must not hide them.
func predeclared() []string {
	return []string{
		"any", "bool", "byte", "error", "string",
		"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
	}
}
