package elf

// Reloc is an entry of a relocation section.
type Reloc struct {
	Offset uint64 // in the section that [File.Relocated] says
	Symbol uint32 // index into [File.Symbols]
	Type   uint32
	Addend int64 // 0 in a SHT_REL section, which keeps it in the place relocated
}

// Relocations decodes a section of type SHT_REL or SHT_RELA. All Symbol are
// valid indices of [File.Symbols].
func (f *File) Relocations(s *Section) ([]Reloc, error) {
	return f.AppendRelocations(nil, s)
}

// AppendRelocations is like [File.Relocations], and appends to relocs, for
// callers that read many sections one after another.
func (f *File) AppendRelocations(relocs []Reloc, s *Section) ([]Reloc, error) {
	size := uint64(relSize)
	switch s.Type {
	case SHT_REL:
	case SHT_RELA:
		size = relaSize
	default:
		return relocs, malformed(f.label(s.Index), 0, "type %d, want relocations", s.Type)
	}
	data, err := f.records(s, size)
	if err != nil {
		return relocs, err
	}
	if f.symtab == 0 || f.link(s) != uint32(f.symtab) {
		return relocs, malformed(f.label(s.Index), 0, "refers to symbols of section %d, which is not the symbol table", f.link(s))
	}
	count := f.Sections[f.symtab].Size / symbolSize
	start := len(relocs)
	relocs = append(relocs, make([]Reloc, uint64(len(data))/size)...)
	for i := range relocs[start:] {
		b := data[uint64(i)*size:][:size]
		info := f.order.u64(b[8:])
		r := Reloc{Offset: f.order.u64(b), Symbol: uint32(info >> 32), Type: uint32(info)}
		if uint64(r.Symbol) >= count {
			return relocs[:start], malformed(f.label(s.Index), uint64(i)*size, "refers to symbol %d of %d", r.Symbol, count)
		}
		if size == relaSize {
			r.Addend = int64(f.order.u64(b[16:]))
		}
		relocs[start+i] = r
	}
	return relocs, nil
}
