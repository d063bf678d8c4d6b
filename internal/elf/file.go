package elf

import (
	"encoding/binary"
	"math"
	"sync"
)

// File is a parsed ELF64 file. Its methods may be called concurrently.
type File struct {
	Type    uint16 // ET_REL, ...
	Machine uint16 // EM_BPF, ...
	Flags   uint32
	// Sections in the order of the file; the first is the null section.
	// Don't modify.
	Sections []Section

	// The symbol table, once Symbols has decoded it. Don't modify.
	Decoded []Symbol

	data   []byte
	names  string // contents of the section name table
	header header
	symtab int32 // the section with symbols, 0 if there are none
	shndx  int32 // that with section indices of symbols that need more than 16 bits, or 0
	order  byteOrder

	mu sync.Mutex // held while symbols are decoded

	text string // the whole file, if it came as one
	room room
}

// room is for the tables of small files, so that they cost no allocations.
type room struct {
	sections [10]Section
	symbols  [5]Symbol
}

// sized returns n zero elements, in room if there is enough.
func sized[T any](room []T, n uint64) []T {
	if n <= uint64(len(room)) {
		return room[:n:n]
	}
	return make([]T, n)
}

// Section is what most readers want to know of a section's header; [File.Header]
// has the rest.
type Section struct {
	Name   string
	Size   uint64
	Offset uint32 // of the contents, in the file, if it has some
	Flags  SectionFlag
	Type   SectionType
	Index  int32
}

// Header is all that a section's header says.
type Header struct {
	Section
	Link    uint32
	Info    uint32
	Addr    uint64
	Align   uint64
	EntSize uint64
}

// header is what the file header says about the tables.
type header struct {
	sectionOffset uint32
	sectionCount  uint32
	nameTable     uint32 // index of the section name table
	segments      uint16
}

// Parse reads the headers of an ELF64 file of either byte order. The file
// aliases data, which must not be modified as long as the file is used.
//
// Parse doesn't insist on BPF; see [File.CheckBPF].
func Parse(data []byte) (*File, error) {
	f := new(File)
	if err := f.Init(data, ""); err != nil {
		return nil, err
	}
	return f, nil
}

// Init is Parse into f, which must be zero. text is the same bytes once more, as
// a string that names can be parts of; or empty, then names are copied.
func (f *File) Init(data []byte, text string) error {
	f.data = data
	if len(text) == len(data) {
		f.text = text
	}
	if err := f.parseHeader(); err != nil {
		return err
	}
	if err := f.openNames(); err != nil {
		return err
	}
	return f.readSections()
}

// Text is [File.Data] as a string, if Init was given one, or empty.
func (f *File) Text(s *Section) string {
	if f.text == "" || !s.hasBytes() {
		return ""
	}
	return f.text[s.Offset : uint64(s.Offset)+s.Size]
}

func (f *File) parseHeader() error {
	if err := checkMagic(f.data); err != nil {
		return err
	}
	if len(f.data) < headerSize {
		return malformed("", 0, "the file ends after %d bytes of a %d-byte header", len(f.data), headerSize)
	}
	h := f.data[:headerSize]
	if h[4] != 2 {
		return malformed("", 4, "class %d, want 2 (64-bit)", h[4])
	}
	switch h[5] {
	case 1:
	case 2:
		f.order.big = true
	default:
		return malformed("", 5, "byte order %d, want 1 (little endian) or 2 (big endian)", h[5])
	}
	if h[6] != 1 {
		return malformed("", 6, "version %d of ELF, want 1", h[6])
	}
	f.Type = f.order.u16(h[16:])
	f.Machine = f.order.u16(h[18:])
	f.Flags = f.order.u32(h[48:])
	f.header = header{
		sectionCount: uint32(f.order.u16(h[60:])),
		nameTable:    uint32(f.order.u16(h[62:])),
		segments:     f.order.u16(h[56:]),
	}
	return f.openSections(f.order.u64(h[40:]), f.order.u16(h[58:]))
}

// openSections finds the section table. Counts that don't fit the fields of the
// header are in the null section.
func (f *File) openSections(offset uint64, size uint16) error {
	h := &f.header
	if offset != 0 && size != sectionSize {
		return malformed("", 58, "section headers of %d bytes, want %d", size, sectionSize)
	}
	if offset == 0 {
		if h.sectionCount != 0 {
			return malformed("", 60, "%d sections, but no section table", h.sectionCount)
		}
		return nil
	}
	length := uint64(len(f.data))
	if length > math.MaxUint32 {
		return malformed("", 0, "a file of %d bytes: objects have less than 4 GiB", length)
	}
	if offset > length || length-offset < sectionSize {
		return malformed("", 40, "the section table at %#x is beyond the end of the file at %#x", offset, length)
	}
	h.sectionOffset = uint32(offset)
	table := f.data[offset:]
	if typ := f.order.u32(table[4:]); typ != uint32(SHT_NULL) {
		return malformed("", offset, "the first section has type %d, want 0", typ)
	}
	count := uint64(h.sectionCount)
	if count == 0 {
		count = f.order.u64(table[32:])
	}
	if h.nameTable == uint32(rawXIndex) {
		h.nameTable = f.order.u32(table[40:])
	}
	if count > uint64(len(table)/sectionSize) {
		return malformed("", offset, "a table of %d sections is longer than the rest of the file, %d bytes", count, len(table))
	}
	h.sectionCount = uint32(count)
	f.Sections = sized(f.room.sections[:], count)
	return nil
}

// decode leaves the name to readSections. It returns the offset as it is in the
// file, for whoever checks it.
func (s *Section) decode(b []byte, order byteOrder) (offset uint64) {
	b = b[:sectionSize:sectionSize]
	if order.big {
		s.Type = SectionType(binary.BigEndian.Uint32(b[4:]))
		s.Flags = SectionFlag(binary.BigEndian.Uint64(b[8:]))
		offset, s.Size = binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])
	} else {
		s.Type = SectionType(binary.LittleEndian.Uint32(b[4:]))
		s.Flags = SectionFlag(binary.LittleEndian.Uint64(b[8:]))
		offset, s.Size = binary.LittleEndian.Uint64(b[24:]), binary.LittleEndian.Uint64(b[32:])
	}
	s.Offset = uint32(offset)
	return offset
}

// link is the field that says which section this one refers to.
func (f *File) link(s *Section) uint32 { return f.order.u32(f.rawHeader(s)[40:]) }

// Relocated returns the index of the section that a section with relocations is
// for; 0 if s has none.
func (f *File) Relocated(s *Section) uint32 {
	if s.Type != SHT_REL && s.Type != SHT_RELA {
		return 0
	}
	return f.order.u32(f.rawHeader(s)[44:])
}

// Header returns all of a section's header.
func (f *File) Header(s *Section) Header {
	b := f.rawHeader(s)
	return Header{*s, f.order.u32(b[40:]), f.order.u32(b[44:]), f.order.u64(b[16:]), f.order.u64(b[48:]), f.order.u64(b[56:])}
}

// rawHeader relies on openSections.
func (f *File) rawHeader(s *Section) []byte {
	return f.data[uint64(f.header.sectionOffset)+uint64(s.Index)*sectionSize:][:sectionSize]
}

// hasBytes reports whether the section occupies bytes of the file.
func (s *Section) hasBytes() bool {
	return s.Type != SHT_NOBITS && s.Type != SHT_NULL && s.Size > 0
}

// ByteOrder returns the order of bytes in integers.
func (f *File) ByteOrder() binary.ByteOrder { return f.order.binary() }

// Section returns the first section called name, or nil.
func (f *File) Section(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Name == name && i > 0 {
			return &f.Sections[i]
		}
	}
	return nil
}

// Data returns the contents of a section of f, aliasing what was given to
// [Parse]; nil for sections without bytes in the file, such as .bss. Compressed
// sections give an error of kind [Unsupported].
func (f *File) Data(s *Section) ([]byte, error) {
	if s.Flags&SHF_COMPRESSED != 0 {
		return nil, unsupported(s.Name, 0, "the section is compressed: compile without -gz, or decompress with llvm-objcopy --decompress-debug-sections")
	}
	return f.raw(s), nil
}

// raw relies on readSections.
func (f *File) raw(s *Section) []byte {
	if !s.hasBytes() {
		return nil
	}
	end := uint64(s.Offset) + s.Size
	return f.data[s.Offset:end:end]
}
