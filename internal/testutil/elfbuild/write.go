package elfbuild

import (
	"debug/elf"
	"encoding/binary"
	"slices"
)

// Bytes returns the object. It may be called again, after changes.
func (b *Builder) Bytes() []byte {
	w := writer{Builder: b, all: slices.Clone(b.sections)}
	w.number()
	w.strtab = &Section{Name: ".strtab", Type: elf.SHT_STRTAB, Align: 1, Edit: w.EditStrtab, Data: []byte{0}}
	w.shstrtab = w.strtab
	if w.SeparateNames {
		w.shstrtab = &Section{Name: ".shstrtab", Type: elf.SHT_STRTAB, Align: 1, Data: []byte{0}}
	}
	w.tables()
	return w.file()
}

const headerSize = 64

// writer is the state of one call of Bytes.
type writer struct {
	*Builder
	all              []*Section // those of the builder, then the generated ones
	strtab, shstrtab *Section   // the same, unless SeparateNames
}

// number sorts local symbols first, and numbers all from 1.
func (w *writer) number() {
	slices.SortStableFunc(w.symbols, func(a, b *Symbol) int {
		return min(int(a.Bind), 1) - min(int(b.Bind), 1)
	})
	for i, s := range w.symbols {
		s.number = i + 1
	}
}

// tables generates the sections for relocations, symbols and names.
func (w *writer) tables() {
	var relocated []*Section
	for _, s := range w.sections {
		if len(s.relocs) > 0 {
			relocated = append(relocated, s)
		}
	}
	symtab := uint32(len(w.all) + len(relocated) + 1)
	for _, s := range relocated {
		w.all = append(w.all, w.relocations(s, symtab))
	}
	symbols, wide := w.symbolTable(symtab + 1)
	w.all = append(w.all, symbols, w.strtab)
	if w.Extended {
		w.all = append(w.all, &Section{Name: ".symtab_shndx", Type: elf.SHT_SYMTAB_SHNDX, Data: wide, Link: symtab, Align: 4, EntSize: 4})
	}
	if w.SeparateNames {
		w.all = append(w.all, w.shstrtab)
	}
}

// intern appends name to a string table, and returns its offset.
func intern(table *Section, name string) uint32 {
	if name == "" {
		return 0
	}
	offset := len(table.Data)
	table.Data = append(append(table.Data, name...), 0)
	return uint32(offset)
}

func (w *writer) encode(record any) []byte {
	out, err := binary.Append(nil, w.Order, record)
	if err != nil {
		panic(err) // records have a fixed size
	}
	return out
}

func (w *writer) relocations(target *Section, symtab uint32) *Section {
	s := &Section{
		Name: ".rel" + target.Name, Type: elf.SHT_REL, EntSize: 16, Align: 8,
		Flags: elf.SHF_INFO_LINK, Link: symtab, Info: uint32(target.index), Edit: target.EditRelocs,
	}
	if w.Rela {
		s.Name, s.Type, s.EntSize = ".rela"+target.Name, elf.SHT_RELA, 24
	}
	for _, r := range target.relocs {
		record := elf.Rela64{Off: r.Offset, Info: elf.R_INFO(0, r.Type), Addend: r.Addend}
		if r.Symbol != nil {
			record.Info = elf.R_INFO(uint32(r.Symbol.number), r.Type)
		}
		if r.Edit != nil {
			r.Edit(&record)
		}
		s.Data = append(s.Data, w.encode(record)[:s.EntSize]...)
	}
	return s
}

// symbolTable also returns the table of section indices that don't fit.
func (w *writer) symbolTable(strtab uint32) (table *Section, wide []byte) {
	table = &Section{Name: ".symtab", Type: elf.SHT_SYMTAB, EntSize: elf.Sym64Size, Link: strtab, Align: 8, Edit: w.EditSymtab}
	table.Data = make([]byte, elf.Sym64Size)
	table.Info = 1
	wide = make([]byte, 4)
	for _, s := range w.symbols {
		record := elf.Sym64{
			Name: intern(w.strtab, s.Name), Info: elf.ST_INFO(s.Bind, s.Type), Other: uint8(s.Visibility),
			Shndx: uint16(s.Reserved), Value: s.Value, Size: s.Size,
		}
		var index uint32
		switch {
		case s.Section != nil && w.Extended:
			record.Shndx, index = uint16(elf.SHN_XINDEX), uint32(s.Section.index)
		case s.Section != nil:
			record.Shndx = uint16(s.Section.index)
		}
		if s.Edit != nil {
			s.Edit(&record)
		}
		if s.Bind == elf.STB_LOCAL {
			table.Info++
		}
		table.Data = append(table.Data, w.encode(record)...)
		wide = append(wide, w.encode(index)...)
	}
	return table, wide
}

// file lays everything out: header, contents in order, section table.
func (w *writer) file() []byte {
	names := make([]uint32, len(w.all))
	for i, s := range w.all {
		names[i] = intern(w.shstrtab, s.Name)
	}
	nameTable := slices.Index(w.all, w.shstrtab) + 1
	if w.EditStrings != nil {
		w.strtab.Data = w.EditStrings(w.strtab.Data)
	}

	out := make([]byte, headerSize)
	var table []byte
	for i, s := range w.all {
		h := w.sectionHeader(s)
		h.Name = names[i]
		out = pad(out, h.Addralign)
		h.Off = uint64(len(out))
		out = append(out, s.Data...)
		if s.Edit != nil {
			s.Edit(&h)
		}
		table = append(table, w.encode(h)...)
	}
	out = pad(out, 8)
	header := w.header(uint64(len(out)), len(w.all)+1, nameTable)
	null := w.null(&header, len(w.all)+1, nameTable)
	if w.EditHeader != nil {
		w.EditHeader(&header)
	}
	copy(out, w.encode(header))
	out = append(out, w.encode(null)...)
	return append(out, table...)
}

func (w *writer) sectionHeader(s *Section) elf.Section64 {
	h := elf.Section64{
		Type: uint32(s.Type), Flags: uint64(s.Flags), Size: uint64(len(s.Data)), Link: s.Link, Info: s.Info,
		Addralign: s.Align, Entsize: s.EntSize,
	}
	if s.Type == elf.SHT_NULL {
		h.Type = uint32(elf.SHT_PROGBITS)
	}
	if s.Data == nil {
		h.Size = s.Size
	}
	if h.Addralign == 0 {
		h.Addralign = 8
	}
	return h
}

func (w *writer) header(shoff uint64, count, nameTable int) elf.Header64 {
	h := elf.Header64{
		Type: uint16(w.Type), Machine: uint16(w.Machine), Version: 1,
		Shoff: shoff, Ehsize: headerSize, Shentsize: 64, Shnum: uint16(count), Shstrndx: uint16(nameTable),
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	h.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if w.Order == binary.BigEndian {
		h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	return h
}

// null returns section 0, which has what header has no room for.
func (w *writer) null(header *elf.Header64, count, nameTable int) elf.Section64 {
	var null elf.Section64
	if w.Extended {
		header.Shnum, null.Size = 0, uint64(count)
		header.Shstrndx, null.Link = uint16(elf.SHN_XINDEX), uint32(nameTable)
	}
	if w.EditNull != nil {
		w.EditNull(&null)
	}
	return null
}

func pad(b []byte, align uint64) []byte {
	for align > 1 && uint64(len(b))%align != 0 {
		b = append(b, 0)
	}
	return b
}
