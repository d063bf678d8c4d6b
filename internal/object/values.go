package object

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// readMapValues reads the initial contents of maps of maps and program arrays:
// pointers in .maps that the linker was to fill in.
func (p *parser) readMapValues() error {
	s := p.section(p.named.maps)
	if s == nil || p.sections[s.Index].role != roleMaps || p.sections[s.Index].reloc == 0 {
		return nil
	}
	relocs, err := p.file.Relocations(&p.file.Sections[p.sections[s.Index].reloc])
	if err != nil {
		return err
	}
	sorting.Stable(relocs, relocsByOffset)
	sec := p.sections[s.Index]
	maps := p.maps[sec.item : sec.item+sec.count]
	values := make([]MapValue, 0, len(relocs))
	for i := range maps {
		m := &maps[i]
		first := len(values)
		for len(relocs) > 0 && relocs[0].Offset < uint64(m.offset)+uint64(m.size) {
			v, err := p.mapValue(s, m, &relocs[0])
			if err != nil {
				return errorAt(s.Name, m.Name, relocs[0].Offset, "%w", err)
			}
			values = append(values, v)
			relocs = relocs[1:]
		}
		if len(values) > first {
			m.Values = values[first:len(values):len(values)]
		}
	}
	if len(relocs) > 0 {
		return errorAt(s.Name, "", relocs[0].Offset, "a pointer to %s outside of any map", p.symbolName(&p.file.Decoded[relocs[0].Symbol]))
	}
	return nil
}

// mapValue reads the pointer that r relocates.
func (p *parser) mapValue(s *elf.Section, m *Map, r *elf.Reloc) (MapValue, error) {
	values := uint64(m.offset) + uint64(m.values)
	switch {
	case r.Offset < uint64(m.offset), m.values == 0, r.Offset < values:
		return MapValue{}, errors.New("a pointer outside of the member `values`")
	case (r.Offset-values)%pointerSize != 0, r.Offset+pointerSize > uint64(m.offset)+uint64(m.size):
		return MapValue{}, errors.New("a pointer across elements of `values`")
	}
	data, err := p.file.Data(s)
	if err != nil {
		return MapValue{}, err
	}
	addend := r.Addend + int64(p.file.ByteOrder().Uint64(data[r.Offset:]))
	v := MapValue{Index: uint32((r.Offset - values) / pointerSize)}
	if m.Type == uapi.MapTypeProgramArray {
		v.Kind = ProgramReference
		v.Name, err = p.programAt(&p.file.Decoded[r.Symbol], addend)
		return v, err
	}
	v.Name, err = p.innerMapAt(m, &p.file.Decoded[r.Symbol], addend)
	return v, err
}

// programAt returns the name of the program that a pointer is to.
func (p *parser) programAt(sym *elf.Symbol, addend int64) (string, error) {
	s := p.inSection(sym)
	if s == nil || p.roleAt(sym) != roleCode || int64(sym.Value)+addend < 0 {
		return "", fmt.Errorf("%s is no program", p.symbolName(sym))
	}
	n, err := p.functionAt(int32(sym.Section), uint64(int64(sym.Value)+addend))
	if err != nil {
		return "", err
	}
	f := &p.code.funcs[n]
	if s.Name == textSection {
		return "", fmt.Errorf("%s is a function in %s, not a program: give it a SEC()", p.nameOf(f), textSection)
	}
	return p.file.Decoded[f.symbol].Name, nil
}

// innerMapAt returns the name of the map that a pointer is to.
func (p *parser) innerMapAt(m *Map, sym *elf.Symbol, addend int64) (string, error) {
	if p.roleAt(sym) != roleMaps {
		return "", fmt.Errorf("%s isn't a BTF-defined map", p.symbolName(sym))
	}
	if m.Type == uapi.MapTypeHashOfMaps && m.KeySize != 4 {
		return "", fmt.Errorf("a hash of maps with values needs keys of 4 bytes, these have %d", m.KeySize)
	}
	inner, err := p.mapAt(sym, addend)
	if err != nil {
		return "", err
	}
	return inner.Name, nil
}
