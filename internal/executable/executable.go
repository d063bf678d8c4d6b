//go:build unix

// Package executable reads from programs and shared libraries what places of
// probes are found by: segments, symbols and sections.
//
// internal/elf, which reads objects, takes them whole, 64-bit and strictly; these
// have up to gigabytes, of which a few tables matter. debug/elf brings DWARF and
// two decompressors into every program that attaches anything.
package executable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/bpfgen/bpfgen/internal/files"
)

// ErrMalformed is in errors about files that aren't ELF, or contradict themselves.
var ErrMalformed = errors.New("not an ELF file, or damaged")

// Types of files.
const (
	TypeExecutable = 2
	TypeShared     = 3
)

// Machines.
const (
	MachineX86_64  = 62
	MachineAArch64 = 183
)

// File is an open file.
type File struct {
	Order    binary.ByteOrder
	Is64     bool
	Type     uint16
	Machine  uint16
	Segments []Segment // that are loaded
	Sections []Section

	file *files.File
	size uint64
}

// Segment is a part of the file that will be in memory.
type Segment struct {
	Writable, Executable  bool
	Offset, Address, Size uint64 // Size in memory
}

// Section is a part of the file with a name.
type Section struct {
	Name         string
	Type         uint32
	Address      uint64
	Offset, Size uint64
	Link, Info   uint32
	name         uint32
	flags        uint64
}

// Open reads the headers of a file.
func Open(path string) (*File, error) {
	file, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file}
	if err := f.readHeaders(); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

// Close must be called once.
func (f *File) Close() error { return f.file.Close() }

// layout is how many bytes things have in files of a class.
type layout struct {
	word                             int // addresses and what else grows with them
	header, segment, section, symbol int
}

func (f *File) layout() layout {
	if f.Is64 {
		return layout{8, 64, 56, 64, 24}
	}
	return layout{4, 52, 32, 40, 16}
}

func (f *File) readHeaders() error {
	size, err := f.file.Size()
	if err != nil {
		return err
	}
	f.size = uint64(max(size, 0))
	start, err := f.read(0, min(f.size, 64))
	if err != nil {
		return err
	}
	if len(start) < 52 || string(start[:4]) != "\x7fELF" || start[4]-1 > 1 || start[5]-1 > 1 {
		return ErrMalformed
	}
	f.Order, f.Is64 = binary.LittleEndian, start[4] == 2
	if start[5] == 2 {
		f.Order = binary.BigEndian
	}
	at := f.layout()
	if len(start) < at.header {
		return ErrMalformed
	}
	f.Type, f.Machine = f.Order.Uint16(start[16:]), f.Order.Uint16(start[18:])
	tables := start[24+at.word:]
	counts := start[at.header-10:]
	if err := f.readSegments(f.word(tables), f.Order.Uint16(counts), f.Order.Uint16(counts[2:])); err != nil {
		return err
	}
	return f.readSections(f.word(tables[at.word:]), f.Order.Uint16(counts[4:]), f.Order.Uint16(counts[6:]), f.Order.Uint16(counts[8:]))
}

// word reads a number that has as many bytes as an address.
func (f *File) word(b []byte) uint64 {
	if f.Is64 {
		return f.Order.Uint64(b)
	}
	return uint64(f.Order.Uint32(b))
}

// read returns a part of the file.
func (f *File) read(offset, size uint64) ([]byte, error) {
	if offset > f.size || size > f.size-offset || size > math.MaxInt32 {
		return nil, fmt.Errorf("%d bytes at %#x of a file of %d: %w", size, offset, f.size, ErrMalformed)
	}
	data := make([]byte, size)
	return data, f.file.ReadAt(data, int64(offset))
}

// Kinds and rights of segments.
const (
	segmentLoaded     = 1
	segmentExecutable = 1
	segmentWritable   = 2
)

func (f *File) readSegments(offset uint64, size, count uint16) error {
	at := f.layout()
	if count == 0 {
		return nil
	}
	if int(size) < at.segment {
		return fmt.Errorf("segments in %d bytes: %w", size, ErrMalformed)
	}
	table, err := f.read(offset, uint64(size)*uint64(count))
	if err != nil {
		return fmt.Errorf("segments: %w", err)
	}
	for ; len(table) > 0; table = table[size:] {
		if f.Order.Uint32(table) != segmentLoaded {
			continue
		}
		words, flags := table[4:], table[24:]
		if f.Is64 {
			words, flags = table[8:], table[4:]
		}
		rights := f.Order.Uint32(flags)
		f.Segments = append(f.Segments, Segment{
			Writable: rights&segmentWritable != 0, Executable: rights&segmentExecutable != 0,
			Offset: f.word(words), Address: f.word(words[at.word:]), Size: f.word(words[4*at.word:]),
		})
	}
	return nil
}

// FileOffset is where in the file is what will be at an address, in a segment
// that is fit.
func (f *File) FileOffset(address uint64, fit func(*Segment) bool) (uint64, bool) {
	for i := range f.Segments {
		if s := &f.Segments[i]; fit(s) && s.Address <= address && address-s.Address < s.Size {
			return address - s.Address + s.Offset, true
		}
	}
	return 0, false
}

// readSections takes what the header says. Numbers that don't fit it are in the
// first section.
func (f *File) readSections(offset uint64, size, count, names uint16) error {
	at := f.layout()
	if offset == 0 {
		return nil
	}
	if int(size) < at.section {
		return fmt.Errorf("sections in %d bytes: %w", size, ErrMalformed)
	}
	first, err := f.read(offset, uint64(at.section))
	if err != nil {
		return fmt.Errorf("sections: %w", err)
	}
	n, nameTable := uint64(count), uint32(names)
	null := f.section(first)
	if n == 0 {
		n = null.Size
	}
	if names == math.MaxUint16 {
		nameTable = null.Link
	}
	if n > f.size/uint64(size) {
		return fmt.Errorf("%d sections: %w", n, ErrMalformed)
	}
	table, err := f.read(offset, n*uint64(size))
	if err != nil {
		return fmt.Errorf("sections: %w", err)
	}
	f.Sections = make([]Section, n)
	for i := range f.Sections {
		f.Sections[i] = f.section(table[i*int(size):])
	}
	text, err := f.strings(nameTable)
	if err != nil {
		return fmt.Errorf("names of sections: %w", err)
	}
	for i := range f.Sections {
		f.Sections[i].Name = nameAt(text, f.Sections[i].name)
	}
	return nil
}

func (f *File) section(b []byte) Section {
	word := f.layout().word
	rest := b[8+4*word:]
	return Section{
		name: f.Order.Uint32(b), Type: f.Order.Uint32(b[4:]), flags: f.word(b[8:]),
		Address: f.word(b[8+word:]), Offset: f.word(b[8+2*word:]), Size: f.word(b[8+3*word:]),
		Link: f.Order.Uint32(rest), Info: f.Order.Uint32(rest[4:]),
	}
}

// Section returns the first section with a name, nil if there is none.
func (f *File) Section(name string) *Section {
	for i := range f.Sections {
		if f.Sections[i].Name == name {
			return &f.Sections[i]
		}
	}
	return nil
}

// What sections may be.
const (
	sectionNoBits     = 8
	sectionCompressed = 1 << 11 // a flag
)

// Data reads a section, which is empty if it has no place in the file.
func (f *File) Data(s *Section) ([]byte, error) {
	if s.Type == sectionNoBits {
		return nil, nil
	}
	if s.flags&sectionCompressed != 0 {
		return nil, fmt.Errorf("section %s is compressed: %w", s.Name, errors.ErrUnsupported)
	}
	return f.read(s.Offset, s.Size)
}

// strings reads a table of names.
func (f *File) strings(section uint32) (string, error) {
	if uint64(section) >= uint64(len(f.Sections)) {
		return "", nil
	}
	data, err := f.Data(&f.Sections[section])
	return string(data), err
}
