package elf

// Sizes of the records of an ELF64 file, in bytes.
const (
	headerSize  = 64
	sectionSize = 64
	symbolSize  = 24
	relSize     = 16
	relaSize    = 24
)

// Object file types, in [File.Type].
const (
	ET_NONE uint16 = 0
	ET_REL  uint16 = 1 // relocatable: what compilers emit
	ET_EXEC uint16 = 2
	ET_DYN  uint16 = 3
	ET_CORE uint16 = 4
)

// Machines, in [File.Machine].
const (
	EM_NONE uint16 = 0 // what LLVM wrote before BPF had a number
	EM_BPF  uint16 = 247
)

// SectionType is the sh_type of a section.
type SectionType uint32

// Section types.
const (
	SHT_NULL         SectionType = 0
	SHT_PROGBITS     SectionType = 1
	SHT_SYMTAB       SectionType = 2
	SHT_STRTAB       SectionType = 3
	SHT_RELA         SectionType = 4
	SHT_HASH         SectionType = 5
	SHT_DYNAMIC      SectionType = 6
	SHT_NOTE         SectionType = 7
	SHT_NOBITS       SectionType = 8 // occupies no bytes of the file: .bss
	SHT_REL          SectionType = 9
	SHT_DYNSYM       SectionType = 11
	SHT_GROUP        SectionType = 17
	SHT_SYMTAB_SHNDX SectionType = 18
	SHT_LLVM_ADDRSIG SectionType = 0x6fff4c03
)

// SectionFlag is the sh_flags of a section. Nothing defines the upper half.
type SectionFlag uint32

// Section flags.
const (
	SHF_WRITE      SectionFlag = 0x1
	SHF_ALLOC      SectionFlag = 0x2
	SHF_EXECINSTR  SectionFlag = 0x4
	SHF_MERGE      SectionFlag = 0x10
	SHF_STRINGS    SectionFlag = 0x20
	SHF_INFO_LINK  SectionFlag = 0x40 // sh_info is a section index
	SHF_LINK_ORDER SectionFlag = 0x80
	SHF_GROUP      SectionFlag = 0x200
	SHF_COMPRESSED SectionFlag = 0x800
)

// SectionIndex is the section a symbol is defined in: an index into
// [File.Sections], or one of the reserved values.
//
// The reserved values lie above every possible index, not where the 16-bit
// field of a symbol has them: in a file with more than 65,279 sections those
// are indices of real sections.
type SectionIndex uint32

// Reserved section indices.
const (
	SHN_UNDEF  SectionIndex = 0
	SHN_ABS    SectionIndex = 0xfffffff1
	SHN_COMMON SectionIndex = 0xfffffff2
)

// How 16-bit fields of the file spell section indices.
const (
	rawReserveLow uint16 = 0xff00
	rawXIndex     uint16 = 0xffff // the index is too large for this field and stands elsewhere
	reserveHigh          = 0xffff0000
)

// Reserved reports whether i is not an index: SHN_ABS, SHN_COMMON and what
// processors and systems define.
func (i SectionIndex) Reserved() bool { return i >= reserveHigh|SectionIndex(rawReserveLow) }

// SymType is the type of a symbol.
type SymType uint8

// Symbol types.
const (
	STT_NOTYPE  SymType = 0
	STT_OBJECT  SymType = 1
	STT_FUNC    SymType = 2
	STT_SECTION SymType = 3
	STT_FILE    SymType = 4
	STT_COMMON  SymType = 5
	STT_TLS     SymType = 6
)

// SymBind is the binding of a symbol.
type SymBind uint8

// Symbol bindings.
const (
	STB_LOCAL  SymBind = 0
	STB_GLOBAL SymBind = 1
	STB_WEAK   SymBind = 2
)

// SymVis is the visibility of a symbol.
type SymVis uint8

// Symbol visibilities.
const (
	STV_DEFAULT   SymVis = 0
	STV_INTERNAL  SymVis = 1
	STV_HIDDEN    SymVis = 2
	STV_PROTECTED SymVis = 3
)
