package object

import (
	"cmp"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// externTable is what the file doesn't define.
type externTable struct {
	list        []Extern
	of          []int32 // by symbol, counted from one
	kconfigSize uint32  // bytes
}

// readExterns collects what the file refers to but doesn't define. Its BTF says
// what the kernel is to provide, and how; nobody knows the rest, which keeps
// from loading only the programs that use it.
func (p *parser) readExterns() error {
	n := int(p.counts.externs)
	if n == 0 {
		return nil
	}
	t := &externTable{list: make([]Extern, 0, n), of: make([]int32, len(p.file.Decoded))}
	p.externs = t
	for i := range p.file.Decoded {
		if sym := &p.file.Decoded[i]; isExtern(sym) {
			t.list = append(t.list, Extern{
				Extern: asm.Extern{Name: sym.Name, Weak: sym.Bind == elf.STB_WEAK},
				symbol: uint32(i),
			})
		}
	}
	t.index()
	kconfig := p.types.datasec(kconfigSection)
	for _, sec := range []*datasec{kconfig, p.types.datasec(ksymsSection)} {
		if err := p.describeExterns(sec); err != nil {
			return err
		}
	}
	t.sort()
	t.index()
	p.obj.Externs = make([]*Extern, n)
	for i := range t.list {
		t.list[i].Index = uint32(i)
		p.obj.Externs[i] = &t.list[i]
	}
	return p.layoutKconfig(kconfig)
}

func isExtern(sym *elf.Symbol) bool {
	return sym.Section == elf.SHN_UNDEF && isGlobal(sym) && sym.Name != ""
}

func (t *externTable) index() {
	for i := range t.list {
		t.of[t.list[i].symbol] = int32(i) + 1
	}
}

// describeExterns adds what BTF says about the externs of one section.
func (p *parser) describeExterns(sec *datasec) error {
	if sec == nil {
		return nil
	}
	for i := range sec.record.Vlen() {
		info := sec.record.VarSecinfo(i)
		r, err := p.types.raw.Type(info.Type)
		if err != nil {
			return errorAt(sec.name, "", 0, "type of extern %d: %w", i, err)
		}
		name, err := r.Name()
		if err != nil {
			return errorAt(sec.name, "", 0, "name of extern %d: %w", i, err)
		}
		n, ok := p.symbol(name)
		if !ok || p.extern(n) == nil {
			continue // nothing refers to it
		}
		e := p.extern(n)
		e.Section, e.Type = sec.name, p.types.spec.Ref(btf.TypeID(info.Type))
		if err := p.classifyExtern(e, r); err != nil {
			return errorAt(sec.name, name, 0, "%w", err)
		}
	}
	return nil
}

func (p *parser) classifyExtern(e *Extern, r rawbtf.Type) (err error) {
	switch {
	case e.Section == kconfigSection:
		e.Kind = asm.ExternKconfig
		e.Size, e.align, err = p.types.sizeof(r.TypeID())
		return err
	case r.Kind() == rawbtf.KindFunc:
		e.Kind = asm.ExternKfunc
		return nil
	}
	e.Kind = asm.ExternKsym
	if typ, err := p.types.raw.Resolve(r.TypeID()); err != nil {
		return err
	} else if typ.Kind() == rawbtf.KindVoid {
		e.Kind = asm.ExternAddress
	}
	return nil
}

// sort puts them into libbpf's order: kconfig options so that they need
// no padding, kernel symbols by name.
func (t *externTable) sort() {
	sorting.Stable(t.list, func(a, b *Extern) int {
		return cmp.Or(
			strings.Compare(a.Section, b.Section),
			cmp.Compare(b.align, a.align),
			cmp.Compare(a.Size, b.Size),
			strings.Compare(a.Name, b.Name),
		)
	})
}

// layoutKconfig gives each option a place in the map, and tells the type of
// the section so.
func (p *parser) layoutKconfig(sec *datasec) error {
	end := uint64(0)
	for i := range p.externs.list {
		e := &p.externs.list[i]
		if e.Kind != asm.ExternKconfig {
			continue
		}
		align := uint64(e.align)
		start := (end + align - 1) / align * align
		if end = start + uint64(e.Size); end > 1<<32-1 {
			return errorAt(kconfigSection, e.Name, 0, "the options are larger than 4 GiB")
		}
		e.Offset = uint32(start)
	}
	if p.externs.kconfigSize = uint32(end); end == 0 {
		return nil
	}
	sec.record.SetWord(wordSize, p.externs.kconfigSize)
	for i := range sec.record.Vlen() {
		r, e := p.kconfigOption(sec.record.VarSecinfo(i).Type)
		if e == nil {
			continue
		}
		r.SetWord(wordLinkage, linkGlobal)
		sec.record.SetWord(wordVar(i)+1, e.Offset)
		sec.visible = true
	}
	p.types.sortVars(sec.record)
	return nil
}

// kconfigOption finds the extern of a variable in .kconfig, or nil.
func (p *parser) kconfigOption(id uint32) (rawbtf.Type, *Extern) {
	r, err := p.types.raw.Type(id)
	if err != nil || r.Kind() != rawbtf.KindVar {
		return r, nil
	}
	name, err := r.Name()
	if err != nil {
		return r, nil
	}
	n, ok := p.symbol(name)
	if !ok {
		return r, nil
	}
	return r, p.extern(n)
}

// extern returns the extern that a symbol stands for, or nil if the file
// doesn't say what it is.
func (p *parser) extern(symbol uint32) *Extern {
	if p.externs == nil || p.externs.of[symbol] == 0 {
		return nil
	}
	return &p.externs.list[p.externs.of[symbol]-1]
}
