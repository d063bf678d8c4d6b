package elf

import (
	"bytes"
	"math"
	"slices"
	"strconv"
)

// checkBounds makes sure that all sections lie inside the file and apart from
// each other: the work of reading every section is then bounded by the length
// of the file, however many there are.
func (f *File) checkBounds() error {
	var room [64]span // enough for most objects, without an allocation
	spans := room[:0]
	length := uint64(len(f.data))
	if length > math.MaxUint32 {
		return malformed("", 0, "a file of %d bytes: objects have less than 4 GiB", length)
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if (s.Type == SHT_REL || s.Type == SHT_RELA) && uint64(s.Info) >= uint64(len(f.Sections)) {
			return malformed(f.label(i), 0, "relocates section %d of %d", s.Info, len(f.Sections))
		}
		if !s.hasBytes() {
			continue
		}
		if s.Offset > length || s.Size > length-s.Offset {
			return malformed(f.label(i), 0, "%d bytes at file offset %#x are beyond the end of the file at %#x", s.Size, s.Offset, length)
		}
		spans = append(spans, span(s.Offset<<32|(s.Offset+s.Size)))
	}
	slices.Sort(spans)
	for i := 1; i < len(spans); i++ {
		if spans[i-1].end() > spans[i].start() {
			return f.overlap(spans[i].start())
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
	first, other := -1, -1
	for i := range f.Sections {
		switch s := &f.Sections[i]; {
		case !s.hasBytes() || start < s.Offset || start-s.Offset >= s.Size:
		case s.Offset == start && first < 0:
			first = i
		default:
			other = i
		}
	}
	return malformed(f.label(first), 0, "overlaps section %s at file offset %#x", printable(f.label(other)), start)
}

// label names a section in an error, also before names are known to be good.
func (f *File) label(index int) string {
	name := f.Sections[index].Name
	if name == "" && f.names == "" {
		name = f.peekName(index)
	}
	if name == "" {
		return "#" + strconv.Itoa(index)
	}
	return name
}

// peekName reads the name of a section if it can, trusting nothing.
func (f *File) peekName(index int) string {
	if uint64(f.header.nameTable) >= uint64(len(f.Sections)) {
		return ""
	}
	table := &f.Sections[f.header.nameTable]
	length := uint64(len(f.data))
	offset := uint64(f.order.u32(f.data[f.header.sectionOffset+uint64(index)*sectionSize:]))
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
