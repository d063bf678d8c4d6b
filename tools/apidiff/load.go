package main

import (
	"errors"
	"fmt"
	"go/types"
	"os"
	"path"
	"strings"

	"golang.org/x/tools/go/packages"
)

// side is one of the two modules: its packages and how its types are called.
type side struct {
	root     string
	packages map[string]*types.Package // by path under root
	// public names types of internal packages by the exported alias that
	// stands for them (type TypeID = sys.TypeID).
	public map[*types.TypeName]string
}

// loadSide type-checks all packages at and below root, for Linux.
func loadSide(root string) (s *side, version string, err error) {
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedModule,
		Env:  append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"),
	}, root+"/...")
	if err != nil {
		return nil, "", err
	}
	s = &side{root: root, packages: make(map[string]*types.Package), public: make(map[*types.TypeName]string)}
	for _, sub := range compared {
		for _, p := range pkgs {
			if p.PkgPath != path.Join(root, sub) {
				continue
			}
			for _, e := range p.Errors {
				err = errors.Join(err, e)
			}
			s.packages[sub] = p.Types
			if p.Module != nil {
				version = p.Module.Version
			}
			s.addAliases(sub, p.Types)
		}
	}
	if err == nil && len(s.packages) == 0 {
		err = fmt.Errorf("no package at or below %s", root)
	}
	return s, version, err
}

func (s *side) addAliases(sub string, pkg *types.Package) {
	for _, name := range pkg.Scope().Names() {
		tn, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || !tn.Exported() || !tn.IsAlias() {
			continue
		}
		target, ok := types.Unalias(tn.Type()).(*types.Named)
		if ok && target.Obj().Pkg() != nil && strings.Contains(target.Obj().Pkg().Path(), "/internal/") {
			s.public[target.Obj()] = packageName(sub) + "." + name
		}
	}
}

// packageName is how the package at a path under the root is called.
func packageName(sub string) string {
	if sub == "" {
		return "ebpf"
	}
	return path.Base(sub)
}
