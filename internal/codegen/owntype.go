package codegen

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/tools/go/packages"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// TypeRequest asks for a Go type for a C type.
type TypeRequest struct {
	C string // name of a struct, union, enum or typedef

	// Go is the name of a type of the user's that stands for it, and Pkg the
	// import path of its package, empty for the one generated. Without Go, a
	// type is declared.
	Go, Pkg string
}

// String is what ParseTypeRequest reads.
func (r TypeRequest) String() string {
	switch {
	case r.Go == "":
		return r.C
	case r.Pkg == "":
		return r.C + "=" + r.Go
	}
	return r.C + "=" + r.Pkg + "." + r.Go
}

// ParseTypeRequest reads what -type is given: event, event=Event or
// event=example.com/pkg.Event.
func ParseTypeRequest(text string) (TypeRequest, error) {
	c, own, replaced := strings.Cut(text, "=")
	r := TypeRequest{C: c}
	if c == "" || strings.ContainsFunc(c, func(r rune) bool { return r != '_' && !isASCIIAlnum(r) }) {
		return r, errors.New("a C type is named by letters, digits and underscores alone, without struct or enum before it")
	}
	if !replaced {
		return r, nil
	}
	r.Go = own
	if dot := strings.LastIndexByte(own, '.'); dot > strings.LastIndexByte(own, '/') {
		r.Pkg, r.Go = own[:dot], own[dot+1:]
	}
	switch {
	case !token.IsIdentifier(r.Go):
		return r, fmt.Errorf("what stands for %s is a Go type: %s=Name, or %[1]s=import/path.Name", c, c)
	case r.Pkg != "" && !token.IsExported(r.Go):
		return r, fmt.Errorf("package %s doesn't export %s", r.Pkg, r.Go)
	case r.Pkg != "":
		if err := module.CheckImportPath(r.Pkg); err != nil {
			return r, err
		}
	}
	return r, nil
}

func isASCIIAlnum(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// ownType is a type of the user's, read.
type ownType struct {
	request TypeRequest
	typ     types.Type
	pkgName string
	files   []string // that declare it, and the types it is made of
}

// ownTypes reads the types of the user's that stand for C types, as target's
// architecture sees them.
func (req *Request) ownTypes(ctx context.Context, target Target) ([]ownType, error) {
	var all []ownType
	for _, r := range req.Types {
		if r.Go == "" {
			continue
		}
		own, err := req.ownType(ctx, target, r)
		if err != nil {
			return nil, fmt.Errorf("-type %s: %w", r, err)
		}
		all = append(all, own)
	}
	return all, nil
}

func (req *Request) ownType(ctx context.Context, target Target, r TypeRequest) (ownType, error) {
	dir, pattern := req.path(req.OutputDir), r.Pkg
	if pattern == "" {
		pattern = "."
	}
	overlay, err := req.withoutOutputs()
	if err != nil {
		return ownType{}, err
	}
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx, Dir: dir, Tests: r.Pkg == "", Overlay: overlay,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedTypes | packages.NeedSyntax,
		Env:  append(slices.Clone(req.Env), "GOOS=linux", "GOARCH="+target.goArch()), BuildFlags: buildTags(req.Tags),
	}, pattern)
	if err != nil {
		return ownType{}, fmt.Errorf("find package %s: %w", pattern, err)
	}
	var reasons []error
	for _, pkg := range pkgs {
		if pkg.Types == nil || r.Pkg == "" && pkg.Name != req.Package {
			continue
		}
		name, ok := pkg.Types.Scope().Lookup(r.Go).(*types.TypeName)
		if !ok {
			for _, e := range pkg.Errors {
				reasons = append(reasons, e)
			}
			continue
		}
		if len(pkg.GoFiles) > 0 && filepath.Dir(pkg.GoFiles[0]) == dir && pkg.Name == req.Package {
			r.Pkg = "" // the long name of the package generated
		}
		if err := hasFixedLayout(name.Type(), "", 0); err != nil {
			return ownType{}, err
		}
		return ownType{request: r, typ: name.Type(), pkgName: pkg.Name, files: req.declaringFiles(name.Type(), pkg.Fset)}, nil
	}
	if len(reasons) == 0 {
		reasons = []error{fmt.Errorf("package %s has no type of that name", pattern)}
	}
	return ownType{}, reasons[0]
}

// withoutOutputs makes the files of an earlier run empty: a type that stands for
// a generated one can't be made of those.
func (req *Request) withoutOutputs() (map[string][]byte, error) {
	files, err := filepath.Glob(filepath.Join(req.path(req.OutputDir), "*.go"))
	if err != nil {
		return nil, err
	}
	overlay := map[string][]byte{}
	for _, file := range files {
		if req.isOutput(filepath.Base(file)) {
			overlay[file] = []byte("package " + req.Package + "\n")
		}
	}
	return overlay, nil
}

// declaringFiles returns the files that decide about the layout of a type, apart
// from those that are part of the machine, such as the standard library's.
func (req *Request) declaringFiles(t types.Type, fset *token.FileSet) []string {
	l := req.locator()
	var files []string
	seen := map[types.Type]bool{}
	var visit func(types.Type)
	visit = func(t types.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		if named, ok := types.Unalias(t).(*types.Named); ok {
			file := fset.Position(named.Obj().Pos()).Filename
			if filepath.IsAbs(file) && !isSystem(l.name(file)) {
				files = append(files, file)
			}
		}
		switch u := t.Underlying().(type) {
		case *types.Struct:
			for i := range u.NumFields() {
				visit(u.Field(i).Type())
			}
		case *types.Array:
			visit(u.Elem())
		}
	}
	visit(t)
	slices.Sort(files)
	return slices.Compact(files)
}

// check compares the type with the C type it stands for on each of the target's
// architectures, and returns it for the model.
func (own ownType) check(c btf.Type, target Target) (GoType, error) {
	first := target.goArch()
	arches := append([]string{first}, slices.DeleteFunc(slices.Clone(target.arches), func(a string) bool { return a == first })...)
	for _, arch := range arches {
		err := ownLayout{types.SizesFor("gc", arch)}.compare(own.typ, c, "", 0)
		if err != nil && arch != first {
			err = fmt.Errorf("on %s, %w", arch, err)
		}
		if err != nil {
			return GoType{}, err
		}
	}
	wide := types.SizesFor("gc", "amd64")
	t := GoType{
		Name: own.request.Go, Pkg: own.request.Pkg,
		Size: uint32(wide.Sizeof(own.typ)), Align: uint32(wide.Alignof(own.typ)),
	}
	if basic, ok := own.typ.Underlying().(*types.Basic); ok {
		t.Signed = basic.Info()&(types.IsInteger|types.IsUnsigned) == types.IsInteger
		t.Bool = basic.Info()&types.IsBoolean != 0
	}
	return t, nil
}

// useOwn has the user's types stand for the C types that they name.
func (b *typeBuilder) useOwn(spec *btf.Spec, own []ownType, target Target) error {
	for _, o := range own {
		c, err := typeNamed(spec, o.request.C)
		if err != nil {
			return err
		}
		t, err := o.check(c, target)
		if err != nil {
			return fmt.Errorf("-type %s: %w", o.request, err)
		}
		b.own[c] = t
		if core, _, _ := peel(c); isComposite(core) {
			b.own[core], b.names[core] = t, place{t.Name, cSpelling(c)}
		}
		b.decls = append(b.decls, TypeDecl{
			Kind: DeclOwn, Name: t.Name, C: cSpelling(c), Type: t, PkgName: o.pkgName,
			Size: t.Size, Align: t.Align, Fields: o.fields(),
		})
	}
	return nil
}

// ownOf returns the user's type for a C type or what it is another name of.
func (b *typeBuilder) ownOf(c btf.Type) (GoType, bool) {
	for range maxDepth {
		if t, ok := b.own[c]; ok {
			return t, true
		}
		switch v := c.(type) {
		case *btf.Typedef:
			c = v.Type
		case *btf.Const:
			c = v.Type
		case *btf.Volatile:
			c = v.Type
		case *btf.Restrict:
			c = v.Type
		case *btf.TypeTag:
			c = v.Type
		default:
			return GoType{}, false
		}
	}
	return GoType{}, false
}

// fields returns what generated code can see of the type, to be checked again by
// the Go compiler.
func (own ownType) fields() []Field {
	s, ok := own.typ.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	vars := make([]*types.Var, s.NumFields())
	for i := range vars {
		vars[i] = s.Field(i)
	}
	var fields []Field
	for i, offset := range types.SizesFor("gc", "amd64").Offsetsof(vars) {
		if name := vars[i].Name(); name != "_" && (own.request.Pkg == "" || vars[i].Exported()) {
			fields = append(fields, Field{Name: name, Offset: uint32(offset)})
		}
	}
	return fields
}
