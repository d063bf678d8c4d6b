package linker

import (
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
)

// mergeTypes makes the BTF of the output: the types of all inputs without
// duplicates, and what .BTF.ext says by means of them.
func (l *linker) mergeTypes() error {
	if !slices.ContainsFunc(l.inputs, func(in *input) bool { return in.types != nil }) {
		return nil
	}
	all, err := l.allTypes()
	if err != nil {
		return err
	}
	w := btf.NewWriter(nil, l.order, &btf.Strings{})
	ids, err := all.Dedup(w)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	if err := l.mergeExt(w, ids); err != nil {
		return err
	}
	if l.btf, err = w.Finish(); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

// allTypes returns the types of all inputs, with one for each name that they
// share, and sections with all their variables.
func (l *linker) allTypes() (*btf.BTF, error) {
	l.numberTypes()
	w := btf.NewWriter(nil, l.order, &btf.Strings{})
	for _, in := range l.inputs {
		if in.types == nil {
			continue
		}
		if err := in.copyTypes(w); err != nil {
			return nil, &Error{File: in.name, Err: err}
		}
	}
	for _, sec := range l.datasecs() {
		w.Type(btf.KindDatasec, false, len(sec.vars), sec.name, sec.size)
		for _, v := range sec.vars {
			w.U32(v.Type, v.Offset, v.Size)
		}
	}
	data, err := w.Finish()
	if err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	return btf.Parse(data, nil)
}

// fate is what becomes of a type of an input.
type fate uint8

const (
	kept     fate = iota
	replaced      // by the type of the file that owns the variable or function
	dropped
)

// numberTypes decides which types are copied, and numbers them.
func (l *linker) numberTypes() {
	next := uint32(1)
	for _, in := range l.inputs {
		if in.types == nil {
			continue
		}
		in.fates, in.ids = make([]fate, in.types.EndID()), make([]uint32, in.types.EndID())
		for t := range in.types.All() {
			in.fates[t.ID()], _, _ = l.fateOf(in, t)
		}
		in.dropTypes()
		for t := range in.types.All() {
			if in.fates[t.ID()] == kept {
				in.ids[t.ID()] = next
				next++
			}
		}
	}
	for _, in := range l.inputs {
		if in.types == nil {
			continue
		}
		for t := range in.types.All() {
			if in.fates[t.ID()] == replaced {
				_, owner, id := l.fateOf(in, t)
				in.ids[t.ID()] = owner.ids[id]
			}
		}
	}
}

// fateOf decides about a variable or function by its symbol: there is one type
// for all files, that of the owner, and none for declarations without a symbol,
// which nothing uses. Other types are kept.
func (l *linker) fateOf(in *input, t btf.Type) (f fate, owner *input, id uint32) {
	if !isDeclaration(t) {
		return kept, nil, 0
	}
	name, err := t.Name()
	if err != nil {
		return kept, nil, 0 // not for a type that readDeclarations has seen
	}
	g := l.globalOf[name]
	switch {
	case g == nil && t.Linkage() == linkExtern:
		return dropped, nil, 0
	case g == nil:
		return kept, nil, 0
	}
	d, ok := g.owner.in.declared(name)
	if !ok || g.owner.in == in && d.id == t.ID() {
		return kept, nil, 0
	}
	return replaced, g.owner.in, d.id
}

// dropTypes drops sections, which are made anew; variables in sections of which
// another file has brought the contents; and prototypes that only functions have
// that another file owns.
func (in *input) dropTypes() {
	for t := range in.types.All() {
		switch {
		case t.Kind() == btf.KindDatasec:
			in.fates[t.ID()] = dropped
			for i := range t.Vlen() {
				if id := t.VarSecinfo(i).Type; in.isCopied(t) && in.fates[id] == kept {
					in.fates[id] = dropped
				}
			}
		case t.Kind() == btf.KindFunc && in.fates[t.ID()] == replaced && in.isProto(t.TypeID()):
			in.fates[t.TypeID()] = dropped
		}
	}
	for t := range in.types.All() {
		if t.Kind() == btf.KindDeclTag && in.fates[t.TypeID()] == dropped {
			in.fates[t.ID()] = dropped
		}
		if in.fates[t.ID()] != kept {
			continue
		}
		t.Refs(func(id uint32) {
			if in.fates[id] == dropped && in.isProto(id) {
				in.fates[id] = kept
			}
		})
	}
}

func (in *input) isProto(id uint32) bool {
	t, err := in.types.Type(id)
	return err == nil && t.Kind() == btf.KindFuncProto
}

// isCopied tells whether another file has brought what is in a section.
func (in *input) isCopied(sec btf.Type) bool {
	_, p := in.partOf(sec.NameOff())
	return p.copied
}

// partOf returns the ELF section that BTF names, or nil, and where it went.
func (in *input) partOf(nameOff uint32) (*elf.Section, part) {
	name, err := in.types.Name(nameOff)
	if err != nil {
		return nil, part{}
	}
	s := in.file.Section(name)
	if s == nil {
		return nil, part{}
	}
	return s, in.parts[s.Index]
}

func (in *input) copyTypes(w *btf.Writer) error {
	id := func(id uint32) uint32 { return in.ids[id] }
	name := func(off uint32) (uint32, error) { return moveString(w, in, off) }
	for t := range in.types.All() {
		if in.fates[t.ID()] != kept {
			continue
		}
		if err := w.Copy(t, id, name); err != nil {
			return err
		}
	}
	return nil
}

func moveString(w *btf.Writer, in *input, off uint32) (uint32, error) {
	s, err := in.types.Name(off)
	if err != nil {
		return 0, err
	}
	return w.String(s), nil
}
