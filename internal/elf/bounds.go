package elf

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

// checkSections names all sections, and makes sure that they lie inside the file
// and apart from each other: the work of reading every section is then bounded by
// the length of the file, however many there are. It also notes the symbol tables.
func (f *File) checkSections() error {
	length := uint64(len(f.data))
	if length > math.MaxUint32 {
		return malformed("", 0, "a file of %d bytes: objects have less than 4 GiB", length)
	}
	if err := f.openNames(); err != nil {
		return err
	}
	var room [32]span // enough for most objects, without an allocation
	spans, sections, order := room[:0], f.Sections, f.order
	headers := f.data[f.header.sectionOffset:]
	for i := range sections {
		s := &sections[i]
		if name := order.u32(headers); name != 0 && f.names != "" {
			var reason string
			if s.Name, reason = nameAt(f.names, name); reason != "" {
				return malformed(f.label(s.Index), 0, "name at %#x of the string table: %s", name, reason)
			}
		}
		headers = headers[sectionSize:]
		if s.Type != SHT_PROGBITS {
			if err := f.noteTable(s); err != nil {
				return err
			}
			if s.Type == SHT_NOBITS || s.Type == SHT_NULL {
				continue
			}
		}
		if s.Size == 0 {
			continue
		}
		if s.Offset > length || s.Size > length-s.Offset {
			return f.beyond(s)
		}
		at := len(spans)
		spans = append(spans, span(s.Offset<<32|(s.Offset+s.Size)))
		if at < len(room) { // its place is near: files are nearly in order
			for ; at > 0 && spans[at-1] > spans[at]; at-- {
				spans[at-1], spans[at] = spans[at], spans[at-1]
			}
		}
	}
	if len(spans) > len(room) {
		slices.Sort(spans)
	}
	for i := 1; i < len(spans); i++ {
		if spans[i-1].end() > spans[i].start() {
			return f.overlap(spans[i].start())
		}
	}
	return nil
}

// beyond says that a section isn't inside the file.
func (f *File) beyond(s *Section) error {
	return malformed(f.label(s.Index), 0, "%d bytes at file offset %#x are beyond the end of the file at %#x", s.Size, s.Offset, len(f.data))
}

// noteTable remembers the first symbol table; a file may have only one.
func (f *File) noteTable(s *Section) error {
	switch s.Type {
	case SHT_REL, SHT_RELA:
		if uint64(s.Info) >= uint64(len(f.Sections)) {
			return malformed(f.label(s.Index), 0, "relocates section %d of %d", s.Info, len(f.Sections))
		}
	case SHT_SYMTAB:
		if f.symtab == nil {
			f.symtab = s
		}
	case SHT_SYMTAB_SHNDX:
		if f.shndx == nil {
			f.shndx = s
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
		case !s.hasBytes() || start < s.Offset || start-s.Offset >= s.Size:
		case s.Offset == start && first < 0:
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
	if !table.hasBytes() || table.Offset > length || table.Size > length-table.Offset || offset >= table.Size {
		return ""
	}
	rest := f.data[table.Offset+offset : table.Offset+table.Size]
	name, _, terminated := bytes.Cut(rest[:min(len(rest), maxName+1)], []byte{0})
	if !terminated {
		return ""
	}
	return string(name)
}
