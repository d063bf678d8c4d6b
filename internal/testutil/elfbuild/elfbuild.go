// Package elfbuild writes ELF64 objects for tests: valid ones from a few lines,
// and invalid ones by hooks that have the last word on every record.
//
//	b := elfbuild.New(binary.LittleEndian)
//	xdp := b.Add(&elfbuild.Section{Name: "xdp", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: code})
//	data := b.Add(&elfbuild.Section{Name: ".data", Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Data: make([]byte, 8)})
//	b.AddSymbol(&elfbuild.Symbol{Name: "prog", Section: xdp, Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL, Size: 16})
//	counter := b.AddSymbol(&elfbuild.Symbol{Name: "counter", Section: data, Type: elf.STT_OBJECT, Bind: elf.STB_GLOBAL, Size: 8})
//	xdp.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: counter, Type: 1})
//	object := b.Bytes()
//
// Types and constants are those of debug/elf, so that what a test expects
// doesn't depend on the package tested.
package elfbuild

import (
	"debug/elf"
	"encoding/binary"
)

// Builder collects what goes into an object. Sections are numbered from 1 in
// the order they are added; relocation sections, the symbol table and the
// string tables follow.
type Builder struct {
	Order   binary.ByteOrder
	Type    elf.Type    // default: ET_REL
	Machine elf.Machine // default: EM_BPF

	// SeparateNames puts the names of sections into a string table of their
	// own, .shstrtab, where clang shares one with the symbols.
	SeparateNames bool
	// Rela writes SHT_RELA instead of SHT_REL.
	Rela bool
	// Extended uses the encodings meant for more than 65,279 sections.
	Extended bool

	// EditHeader, unless nil, changes the file header before it is written.
	EditHeader func(*elf.Header64)
	// EditNull, unless nil, changes the header of section 0.
	EditNull func(*elf.Section64)
	// EditSymtab and EditStrtab, unless nil, change the headers of the symbol
	// table and of the (first) string table.
	EditSymtab, EditStrtab func(*elf.Section64)
	// EditStrings, unless nil, replaces the contents of the (first) string table.
	EditStrings func([]byte) []byte

	sections []*Section
	symbols  []*Symbol
}

// Section is a section to write.
type Section struct {
	Name    string
	Type    elf.SectionType // default: SHT_PROGBITS
	Flags   elf.SectionFlag
	Data    []byte
	Size    uint64 // of a section without Data, such as SHT_NOBITS
	Link    uint32
	Info    uint32
	Align   uint64 // default: 8
	EntSize uint64
	// Edit, unless nil, changes the header before it is written.
	Edit func(*elf.Section64)
	// EditRelocs, unless nil, changes the header of the section's relocations.
	EditRelocs func(*elf.Section64)

	index  int
	relocs []*Reloc
}

// Symbol is a symbol to write. Local symbols are moved in front of others, as
// ELF wants.
type Symbol struct {
	Name       string
	Section    *Section         // where it is defined; or nil, and Reserved says what it is
	Reserved   elf.SectionIndex // SHN_UNDEF, SHN_ABS, ...
	Type       elf.SymType
	Bind       elf.SymBind
	Visibility elf.SymVis
	Value      uint64
	Size       uint64
	// Edit, unless nil, changes the record before it is written.
	Edit func(*elf.Sym64)

	number int
}

// Reloc is a relocation to write.
type Reloc struct {
	Offset uint64
	Symbol *Symbol // nil: the null symbol
	Type   uint32
	Addend int64
	// Edit, unless nil, changes the record before it is written.
	Edit func(*elf.Rela64)
}

// New returns a builder of objects of the byte order.
func New(order binary.ByteOrder) *Builder {
	return &Builder{Order: order, Type: elf.ET_REL, Machine: elf.EM_BPF}
}

// Add appends s and returns it.
func (b *Builder) Add(s *Section) *Section {
	b.sections = append(b.sections, s)
	s.index = len(b.sections)
	return s
}

// AddSymbol appends s and returns it.
func (b *Builder) AddSymbol(s *Symbol) *Symbol {
	b.symbols = append(b.symbols, s)
	return s
}

// Relocate appends a relocation of s.
func (s *Section) Relocate(r *Reloc) { s.relocs = append(s.relocs, r) }

// Index returns the number of the section.
func (s *Section) Index() int { return s.index }
