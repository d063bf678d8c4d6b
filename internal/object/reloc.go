package object

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

var errTooMuchCode = fmt.Errorf("with all that they call, the programs of the file have more than %d instructions", maxInstructions)

// codeInfo is what there is to say about the instructions of a section, each
// list by offset.
type codeInfo struct {
	relocs []elf.Reloc
	funcs  btf.FuncOffsets
	lines  btf.LineOffsets
	core   btf.CORERelocationOffsets
}

// annotate attaches what instructions refer to, and what the compiler tells
// about them.
func (p *parser) annotate() error {
	var relocs []elf.Reloc
	funcs := p.code.funcs
	for len(funcs) > 0 {
		section := funcs[0].section
		n := int(p.sections[section].count)
		info, rest, err := p.codeInfo(section, relocs)
		if err != nil {
			return err
		}
		relocs = rest
		p.reserveNotes(n + len(info.relocs) + len(info.core))
		for i := range funcs[:n] {
			if err := p.annotateFunction(&funcs[i], info); err != nil {
				return err
			}
		}
		funcs = funcs[n:]
	}
	return nil
}

// codeInfo collects what is known about a section. relocs is memory to use.
func (p *parser) codeInfo(section int32, relocs []elf.Reloc) (info codeInfo, rest []elf.Reloc, err error) {
	if n := p.sections[section].reloc; n != 0 {
		if relocs, err = p.file.AppendRelocations(relocs[:0], &p.file.Sections[n]); err != nil {
			return info, relocs, err
		}
		byOffset := func(a, b elf.Reloc) int { return cmp.Compare(a.Offset, b.Offset) }
		if !slices.IsSortedFunc(relocs, byOffset) {
			slices.SortStableFunc(relocs, byOffset)
		}
		info.relocs = relocs
	}
	if p.ext != nil {
		s := &p.file.Sections[section]
		if info.funcs, info.lines, info.core, err = p.ext.Section(s.Name); err != nil {
			return info, relocs, errorAt(s.Name, "", 0, "BTF about instructions: %w", err)
		}
	}
	return info, relocs, nil
}

// reserveNotes makes sure that the next n annotations need no allocation.
func (p *parser) reserveNotes(n int) {
	if len(p.code.notes) < n {
		p.code.notes = make([]asm.Annotations, n)
	}
}

// note returns annotations that belong to no instruction yet.
func (p *parser) note() *asm.Annotations {
	if len(p.code.notes) == 0 {
		p.code.notes = make([]asm.Annotations, 64)
	}
	n := &p.code.notes[0]
	p.code.notes = p.code.notes[1:]
	return n
}

// from returns the part of a list that begins at an offset.
func from[E any](list []E, start uint32, offset func(*E) uint64) []E {
	i, _ := slices.BinarySearchFunc(list, uint64(start), func(e E, start uint64) int { return cmp.Compare(offset(&e), start) })
	return list[i:]
}

// annotateFunction walks over the instructions and the lists side by side.
func (p *parser) annotateFunction(f *function, info codeInfo) error {
	w := walk{p: p, f: f, name: p.file.Sections[f.section].Name, offset: f.start}
	w.relocs = from(info.relocs, f.start, func(r *elf.Reloc) uint64 { return r.Offset })
	w.lines = from(info.lines, f.start, func(l *btf.LineOffset) uint64 { return uint64(l.Offset) })
	w.core = from(info.core, f.start, func(c *btf.CORERelocationOffset) uint64 { return uint64(c.Offset) })

	first := p.note()
	first.Symbol = f.name
	for _, fn := range from(info.funcs, f.start, func(o *btf.FuncOffset) uint64 { return uint64(o.Offset) }) {
		if fn.Offset == f.start {
			first.Func = fn.Func
		}
		break
	}
	f.edge = int32(len(p.code.edges))
	insns := p.code.instructions2(f)
	for i := range insns {
		w.ins, w.notes = &insns[i], first
		first = nil
		if err := w.step(); err != nil {
			return w.fail(err)
		}
		w.offset += uint32(insns[i].Size())
	}
	f.edges = int32(len(p.code.edges)) - f.edge
	return nil
}
