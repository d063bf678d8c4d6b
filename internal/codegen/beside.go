package codegen

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
)

// beside returns those names of the destination package that an output depends
// on: which it declares too, or has to avoid, or did when known was recorded.
//
// Unlike neighbours it looks at all files whatever their build constraints: it
// only tells whether something has changed, and takes no more than reading.
func (req *Request) beside(generated, known []string) []string {
	all := req.possiblyDeclared()
	relevant := slices.Concat(generated, known, importNames(), req.topNames())
	var names []string
	for name := range all.names {
		if slices.Contains(relevant, name) {
			names = append(names, name)
		}
	}
	for name := range all.imports {
		if slices.Contains(relevant, name) && !slices.Contains(importNames(), name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (req *Request) topNames() []string {
	names, err := topNames(req.Ident)
	if err != nil {
		return nil
	}
	if req.Untyped {
		names = names.untyped()
	}
	return names.all()
}

// declaredIn returns what a Go file declares.
func declaredIn(code []byte) []string {
	all := newDeclared()
	all.addSource("", code)
	return all.list()
}

// declarationsOf returns what those of the files declare that are Go.
func declarationsOf(paths []string) []string {
	all := newDeclared()
	for _, path := range paths {
		if filepath.Ext(path) == ".go" {
			all.addFile(path)
		}
	}
	return all.list()
}

func (d declared) list() []string {
	names := make([]string, 0, len(d.names))
	for name := range d.names {
		names = append(names, name)
	}
	return names
}

func parseGo(fset *token.FileSet, path string, source any) *ast.File {
	file, _ := parser.ParseFile(fset, path, source, parser.SkipObjectResolution)
	return file
}
