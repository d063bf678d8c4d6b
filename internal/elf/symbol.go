package elf

// Symbol is an entry of the symbol table.
type Symbol struct {
	Name       string
	Value      uint64 // in relocatable files: offset in its section
	Size       uint64 // in bytes
	Section    SectionIndex
	Type       SymType
	Bind       SymBind
	Visibility SymVis
}

// Symbols returns the symbol table, including its null symbol, so that symbol
// numbers of relocations are indices; nil if there is none. The Section of each
// is an index of [File.Sections] or reserved. It is decoded once; don't modify.
func (f *File) Symbols() ([]Symbol, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Decoded == nil && f.symtab != 0 {
		symbols, err := f.decodeSymbols(&f.Sections[f.symtab])
		if err != nil {
			return nil, err
		}
		f.Decoded = symbols
	}
	return f.Decoded, nil
}

// records returns the contents of a section made of records of a fixed size.
func (f *File) records(s *Section, size uint64) ([]byte, error) {
	data, err := f.Data(s)
	if err != nil {
		return nil, err
	}
	if entSize := f.order.u64(f.rawHeader(s)[56:]); entSize != size {
		return nil, malformed(f.label(s.Index), 0, "entries of %d bytes, want %d", entSize, size)
	}
	if n := uint64(len(data)); n%size != 0 {
		return nil, malformed(f.label(s.Index), n-n%size, "the last of its %d-byte entries is cut off", size)
	}
	return data, nil
}

func (f *File) decodeSymbols(table *Section) ([]Symbol, error) {
	data, err := f.records(table, symbolSize)
	if err != nil {
		return nil, err
	}
	names, err := f.stringTable(f.link(table), f.label(table.Index))
	if err != nil {
		return nil, err
	}
	symbols := sized(f.room.symbols[:], uint64(len(data)/symbolSize))
	order, sections := f.order, min(len(f.Sections), int(rawReserveLow))
	for i := range symbols {
		s, b := &symbols[i], data[:symbolSize:symbolSize]
		data = data[symbolSize:]
		if offset := order.u32(b); offset != 0 {
			var reason string
			if s.Name, reason = nameAt(names, offset); reason != "" {
				return nil, malformed(f.label(table.Index), uint64(i*symbolSize), "name of symbol %d at %#x of the string table: %s", i, offset, reason)
			}
		}
		s.Bind = SymBind(b[4] >> 4)
		s.Type = SymType(b[4] & 0xf)
		s.Visibility = SymVis(b[5] & 3)
		s.Value = order.u64(b[8:])
		s.Size = order.u64(b[16:])
		if raw := order.u16(b[6:]); int(raw) < sections {
			s.Section = SectionIndex(raw)
		} else if s.Section, err = f.symbolSection(table, i, raw); err != nil {
			return nil, err
		}
	}
	return symbols, nil
}

// symbolSection finds the section of symbol i, whose 16-bit field is raw and
// isn't, as most are, the index of a section.
func (f *File) symbolSection(table *Section, i int, raw uint16) (SectionIndex, error) {
	index := SectionIndex(raw)
	switch {
	case raw == rawXIndex:
		wide, err := f.wideIndex(table, i)
		if err != nil {
			return 0, err
		}
		index = wide
	case raw >= rawReserveLow:
		return reserveHigh | index, nil
	}
	if uint64(index) >= uint64(len(f.Sections)) {
		return 0, malformed(f.label(table.Index), uint64(i*symbolSize), "symbol %d is in section %d of %d", i, index, len(f.Sections))
	}
	return index, nil
}

// wideIndex reads the section of symbol i from the table of indices that need
// more than 16 bits.
func (f *File) wideIndex(table *Section, i int) (SectionIndex, error) {
	s := &f.Sections[f.shndx]
	if f.shndx == 0 {
		return 0, malformed(f.label(table.Index), uint64(i*symbolSize), "the section of symbol %d needs a table of extended section indices, but there is none", i)
	}
	data, err := f.Data(s)
	if err != nil {
		return 0, err
	}
	if len(data)/4 <= i {
		return 0, malformed(f.label(s.Index), uint64(len(data)), "ends before the section of symbol %d", i)
	}
	return SectionIndex(f.order.u32(data[i*4:])), nil
}
