package linker

import (
	"cmp"
	"slices"

	"github.com/bpfgen/bpfgen/internal/btf"
)

// datasec is a section as BTF describes it: a list of variables.
type datasec struct {
	name string
	size uint32
	vars []btf.VarSecinfo // with IDs among all types
}

// datasecs lists the variables of all files at their places in the output, by
// section. Sections that BTF alone has, such as those of externs, are listed
// like others.
func (l *linker) datasecs() []*datasec {
	var all []*datasec
	byName := map[string]*datasec{}
	for _, in := range l.inputs {
		if in.types == nil {
			continue
		}
		for t := range in.types.All() {
			if t.Kind() != btf.KindDatasec || in.isCopied(t) {
				continue
			}
			name, err := t.Name()
			if err != nil {
				continue // not for a type that readDeclarations has seen
			}
			sec := byName[name]
			if sec == nil {
				sec = &datasec{name: name, size: t.Size()}
				if out := l.sectionOf[name]; out != nil {
					sec.size = uint32(out.size)
				}
				byName[name] = sec
				all = append(all, sec)
			}
			l.addVars(sec, in, t)
		}
	}
	// Of declarations that don't say where to look, only those are left that no
	// file defines.
	all = slices.DeleteFunc(all, func(s *datasec) bool { return len(s.vars) == 0 && l.sectionOf[s.name] == nil })
	for _, sec := range all {
		slices.SortStableFunc(sec.vars, func(a, b btf.VarSecinfo) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	return all
}

// addVars adds what an input has of a section.
func (l *linker) addVars(sec *datasec, in *input, t btf.Type) {
	_, p := in.partOf(t.NameOff())
	for i := range t.Vlen() {
		v := t.VarSecinfo(i)
		if in.fates[v.Type] != kept {
			continue
		}
		v.Offset += uint32(p.offset)
		// Compilers leave it to relocations to say where globals are.
		if g := l.globalFor(in, v.Type); g != nil && g.isDefined {
			_, offset := g.owner.place()
			v.Offset = uint32(offset)
		}
		v.Type = in.ids[v.Type]
		sec.vars = append(sec.vars, v)
	}
}

// globalFor returns the global symbol that a type is the owner's type of, or nil.
func (l *linker) globalFor(in *input, id uint32) *global {
	t, err := in.types.Type(id)
	if err != nil || !isDeclaration(t) {
		return nil
	}
	name, err := t.Name()
	if err != nil {
		return nil
	}
	if g := l.globalOf[name]; g != nil && g.owner.in == in {
		return g
	}
	return nil
}
