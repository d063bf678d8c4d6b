package elf

import (
	"bytes"
	"cmp"
	"math"
	"strconv"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

// readSections decodes the section table, and makes sure that all sections lie
// inside the file and apart from each other: the work of reading every section is
// then bounded by the length of the file, however many there are. It also notes
// the symbol tables.
func (f *File) readSections() error {
	sections, headers, names, order := f.Sections, f.data[f.header.sectionOffset:], f.names, f.order
	length := uint64(len(f.data))
	end, inOrder := uint64(0), true // apart from the names, which come last
	for i := range sections {
		s, b := &sections[i], headers[:sectionSize:sectionSize]
		headers = headers[sectionSize:]
		s.Index = int32(i)
		offset := s.decode(b, order)
		if name := order.u32(b); name != 0 && names != "" {
			var reason string
			if s.Name, reason = nameAt(names, name); reason != "" {
				return malformed(f.label(s.Index), 0, "name at %#x of the string table: %s", name, reason)
			}
		}
		if s.Type != SHT_PROGBITS {
			if err := f.noteTable(s); err != nil {
				return err
			}
		}
		if !s.hasBytes() {
			continue
		}
		if !isInside(length, offset, s.Size) {
			return f.beyond(s, offset)
		}
		if uint32(i) != f.header.nameTable {
			inOrder = inOrder && offset >= end
			end = offset + s.Size
		}
	}
	if inOrder && (names == "" || uint64(sections[f.header.nameTable].Offset) >= end) {
		return nil
	}
	return f.checkOverlaps()
}

// checkOverlaps looks for sections that overlap, whatever their order.
func (f *File) checkOverlaps() error {
	var room [64]span // enough for most objects, without an allocation
	spans := room[:0]
	for i := range f.Sections {
		if s := &f.Sections[i]; s.hasBytes() {
			spans = append(spans, span(uint64(s.Offset)<<32|(uint64(s.Offset)+s.Size)))
		}
	}
	sorting.Unstable(spans, cmp.Compare[span])
	for i := 1; i < len(spans); i++ {
		if spans[i-1].end() > spans[i].start() {
			return f.overlap(spans[i].start())
		}
	}
	return nil
}

// isInside tells whether something lies inside a file of some length.
func isInside(length, offset, size uint64) bool { return offset <= length && size <= length-offset }

// beyond says that a section isn't inside the file.
func (f *File) beyond(s *Section, offset uint64) error {
	return malformed(f.label(s.Index), 0, "%d bytes at file offset %#x are beyond the end of the file at %#x", s.Size, offset, len(f.data))
}

// noteTable remembers the first symbol table; a file may have only one.
func (f *File) noteTable(s *Section) error {
	switch s.Type {
	case SHT_REL, SHT_RELA:
		if target := f.Relocated(s); uint64(target) >= uint64(len(f.Sections)) {
			return malformed(f.label(s.Index), 0, "relocates section %d of %d", target, len(f.Sections))
		}
	case SHT_SYMTAB:
		if f.symtab == 0 {
			f.symtab = s.Index
		}
	case SHT_SYMTAB_SHNDX:
		if f.shndx == 0 {
			f.shndx = s.Index
		}
	}
	return nil
}

// span is where a section is in the file: the start on top, the end below.
type span uint64

func (s span) start() uint64 { return uint64(s >> 32) }
func (s span) end() uint64   { return uint64(s & math.MaxUint32) }

// overlap says that a section starts at a file offset that others have as well.
func (f *File) overlap(start uint64) error {
	first, other := int32(-1), int32(-1)
	for i := range f.Sections {
		switch s := &f.Sections[i]; {
		case !s.hasBytes() || start < uint64(s.Offset) || start-uint64(s.Offset) >= s.Size:
		case uint64(s.Offset) == start && first < 0:
			first = int32(i)
		default:
			other = int32(i)
		}
	}
	return malformed(f.label(first), 0, "overlaps section %s at file offset %#x", printable(f.label(other)), start)
}

// label names a section in an error, also before names are known to be good.
func (f *File) label(index int32) string {
	name := f.Sections[index].Name
	if name == "" && f.names == "" {
		name = f.peekName(index)
	}
	if name == "" {
		return "#" + strconv.Itoa(int(index))
	}
	return name
}

// peekName reads the name of a section if it can, trusting nothing.
func (f *File) peekName(index int32) string {
	if uint64(f.header.nameTable) >= uint64(len(f.Sections)) {
		return ""
	}
	table := &f.Sections[f.header.nameTable]
	length := uint64(len(f.data))
	offset := uint64(f.order.u32(f.rawHeader(&f.Sections[index])))
	at := f.order.u64(f.rawHeader(table)[24:])
	if !table.hasBytes() || !isInside(length, at, table.Size) || offset >= table.Size {
		return ""
	}
	rest := f.data[at+offset : at+table.Size]
	end := bytes.IndexByte(rest[:min(len(rest), maxName+1)], 0)
	if end < 0 {
		return ""
	}
	return string(rest[:end])
}
