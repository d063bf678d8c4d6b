package codegen

import (
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/token"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/tools/go/packages"
)

// declared is what the package that generated code becomes a part of has.
type declared struct {
	// names maps identifiers to where they are declared: "main.go:12".
	names map[string]string
	// imports are names of imports, which only their own files see, but which
	// nothing in the package may have.
	imports map[string]string
}

func newDeclared() declared { return declared{map[string]string{}, map[string]string{}} }

// where returns where the package uses a name, or "" if it is free.
func (d declared) where(name string) string { return cmp.Or(d.names[name], d.imports[name]) }

// neighbours is what the rest of the destination package declares, read exactly
// only when it matters. The go command, which knows which files belong to a
// build, takes longer than all else that the generator does itself.
type neighbours struct {
	possible declared        // by all Go files of the folder, whatever they are built for
	exact    func() declared // by those that are built with the output
}

// neighbours looks at the destination package on behalf of one target.
func (req *Request) neighbours(ctx context.Context, possible declared, target Target) neighbours {
	return neighbours{possible, sync.OnceValue(func() declared { return req.declared(ctx, target) })}
}

// where returns where the package uses a name, or "" if it is free.
func (n neighbours) where(name string) string {
	if n.possible.where(name) == "" {
		return ""
	}
	return n.exact().where(name)
}

// declares tells whether the package has something of that name in all its files.
func (n neighbours) declares(name string) bool {
	return n.possible.names[name] != "" && n.exact().names[name] != ""
}

// renamedImports gives those imports other names that the package uses for
// something else.
func (n neighbours) renamedImports(own []ownType) map[string]string {
	names := importNames()
	for _, o := range own {
		names = append(names, o.pkgName)
	}
	renamed := map[string]string{}
	for _, name := range names {
		free := name
		for n.declares(free) {
			free = "_" + free
		}
		if free != name {
			renamed[name] = free
		}
	}
	return renamed
}

// possiblyDeclared reads all Go files of the destination folder but those that
// this run writes.
func (req *Request) possiblyDeclared() declared {
	all := newDeclared()
	files, err := filepath.Glob(filepath.Join(req.path(req.OutputDir), "*.go"))
	if err != nil {
		return all // a folder with a bad pattern in its name can't be searched
	}
	for _, file := range files {
		if !req.isOutput(filepath.Base(file)) {
			all.addFile(file)
		}
	}
	return all
}

// declared reads the destination package as target's architecture sees it,
// without what earlier runs have generated.
//
// Without a go command or a module there is nothing to ask. Generated code is
// right in itself then, and the Go compiler will name what collides.
func (req *Request) declared(ctx context.Context, target Target) declared {
	dir := req.path(req.OutputDir)
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx, Dir: dir, Tests: true,
		Mode:       packages.NeedName | packages.NeedFiles,
		Env:        append(slices.Clone(req.Env), "GOOS=linux", "GOARCH="+target.goArch()),
		BuildFlags: buildTags(req.Tags),
	}, ".")
	if err != nil {
		return newDeclared()
	}
	names := newDeclared()
	seen := map[string]bool{}
	for _, pkg := range pkgs {
		if pkg.Name != req.Package {
			continue
		}
		for _, file := range pkg.GoFiles {
			if filepath.Dir(file) == dir && !seen[file] && !req.isOutput(filepath.Base(file)) {
				seen[file] = true
				names.addFile(file)
			}
		}
	}
	return names
}

// isOutput tells whether a run like this one, for any target, writes that file.
func (req *Request) isOutput(name string) bool {
	for _, id := range TargetNames() {
		if target, err := findTarget(id); err == nil && name == req.fileName(target, ".go") {
			return true
		}
	}
	return false
}

// addFile adds what a Go file declares. What is wrong with it is the Go
// compiler's to say: it may well wait for this generator to run.
func (d declared) addFile(path string) { d.addSource(path, nil) }

// addSource is addFile for a source in memory, or in the file if it is nil.
func (d declared) addSource(path string, source any) {
	fset := token.NewFileSet()
	file := parseGo(fset, path, source)
	if file == nil {
		return
	}
	add := func(to map[string]string, name *ast.Ident) {
		if name != nil && name.Name != "_" && name.Name != "." {
			to[name.Name] = fmt.Sprintf("%s:%d", filepath.Base(path), fset.Position(name.Pos()).Line)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil && decl.Name.Name != "init" {
				add(d.names, decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.ImportSpec:
					add(d.imports, spec.Name)
				case *ast.TypeSpec:
					add(d.names, spec.Name)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						add(d.names, name)
					}
				}
			}
		}
	}
}

// checkTop refuses a package that has names which aren't ours to change.
func (n neighbours) checkTop(names TopNames) error {
	for _, name := range names.all() {
		if where := n.where(name); where != "" {
			return fmt.Errorf("%s is declared at %s, and would be generated as well: choose another identifier than %s, or rename it", name, where, names.Ident)
		}
	}
	return nil
}

// goArch returns one GOARCH that builds the target's output, this one if it can be.
func (t Target) goArch() string {
	if len(t.arches) == 0 || slices.Contains(t.arches, runtime.GOARCH) {
		return runtime.GOARCH
	}
	return t.arches[0]
}

// buildTags returns the option that sets the tags which expr wants set.
func buildTags(expr constraint.Expr) []string {
	var tags []string
	var walk func(constraint.Expr)
	walk = func(e constraint.Expr) {
		switch e := e.(type) {
		case *constraint.TagExpr:
			tags = append(tags, e.Tag)
		case *constraint.AndExpr:
			walk(e.X)
			walk(e.Y)
		case *constraint.OrExpr:
			walk(e.X)
		}
	}
	walk(expr)
	if len(tags) == 0 {
		return nil
	}
	return []string{"-tags=" + strings.Join(tags, ",")}
}
