package linker

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/btf"
)

// Sections that exist in BTF alone, or that mean something to the linker.
const (
	externSection = ".extern" // of declarations that don't say where to look
	mapsSection   = ".maps"
	tablesSection = ".jumptables"
)

// declaration is a variable or function that isn't static, as BTF has it.
type declaration struct {
	id      uint32
	section string // of BTF that lists it, or ""
	twice   bool   // another one has the same name
}

// Linkage of variables and functions in BTF.
const (
	linkStatic = 0
	linkExtern = 2
)

// isDeclaration tells whether other files can mean the same.
func isDeclaration(t btf.Type) bool {
	return (t.Kind() == btf.KindVar || t.Kind() == btf.KindFunc) && t.Linkage() != linkStatic
}

// declared returns what BTF says about a global symbol.
func (in *input) declared(name string) (declaration, bool) {
	d, ok := in.named[name]
	return d, ok
}

// readDeclarations fills in named. Functions that the file defines are in no
// section of BTF.
func (in *input) readDeclarations() error {
	in.named = map[string]declaration{}
	for t := range in.types.All() {
		switch {
		case isDeclaration(t):
			name, err := t.Name()
			if err != nil {
				return err
			}
			if _, ok := in.named[name]; !ok {
				in.named[name] = declaration{id: t.ID()}
			}
		case t.Kind() == btf.KindDatasec:
			if err := in.readDatasec(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *input) readDatasec(sec btf.Type) error {
	section, err := sec.Name()
	if err != nil {
		return err
	}
	for i := range sec.Vlen() {
		t, err := in.types.Type(sec.VarSecinfo(i).Type)
		if err != nil {
			return fmt.Errorf("BTF section %s: %w", section, err)
		}
		if !isDeclaration(t) {
			continue
		}
		name, err := t.Name()
		if err != nil {
			return err
		}
		other, ok := in.named[name]
		in.named[name] = declaration{id: t.ID(), section: section, twice: ok && other.section != "" && other.id != t.ID()}
	}
	return nil
}

var errWithoutBTF = errors.New("only BTF tells whether both files mean the same by this name: compile with -g, and without stripping .BTF")

// compare checks that an occurrence declares the same as the owner.
func (g *global) compare(o occurrence) error {
	if g.isAt(o) {
		return nil
	}
	there, ok := g.owner.in.declared(g.name)
	here, ok2 := o.in.declared(g.name)
	switch {
	case !ok || !ok2:
		return errWithoutBTF
	case here.twice || there.twice:
		return errors.New("a file's BTF has two of this name")
	}
	c := comparison{x: o.in.types, y: g.owner.in.types}
	if g.section == mapsSection {
		return c.maps(here.id, there.id)
	}
	return c.types(here.id, there.id, true)
}
