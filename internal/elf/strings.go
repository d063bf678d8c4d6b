package elf

import (
	"math/bits"
	"strconv"
	"strings"
)

// maxName bounds the length of a name. Without a bound, a file of n bytes whose
// symbols all point into one endless string costs n² to read.
const maxName = 8192

// stringTable returns the contents of section index as one string, of which
// names are substrings. For an error, owner is who refers to the table.
func (f *File) stringTable(index uint32, owner string) (string, error) {
	if uint64(index) >= uint64(len(f.Sections)) {
		return "", malformed(owner, 0, "names in section %d of %d", index, len(f.Sections))
	}
	if index == f.header.nameTable && f.names != "" {
		return f.names, nil // compilers put all names into one table
	}
	s := &f.Sections[index]
	if s.Type != SHT_STRTAB {
		return "", malformed(f.label(int32(index)), 0, "type %d, want a string table", s.Type)
	}
	data, err := f.Data(s)
	if err != nil {
		return "", err
	}
	if n := len(data); n > 0 && data[n-1] != 0 {
		return "", malformed(f.label(int32(index)), uint64(n-1), "the string table doesn't end in NUL")
	}
	if text := f.Text(s); text != "" {
		return text, nil
	}
	return string(data), nil
}

// nameAt returns the string at an offset of a string table; reason is empty if
// there is one.
func nameAt(table string, offset uint32) (name, reason string) {
	if offset == 0 {
		return "", ""
	}
	if uint64(offset) >= uint64(len(table)) {
		return "", "beyond the end of the string table"
	}
	rest := table[offset:]
	if len(rest) >= 16 { // most names are so short that calling strings.IndexByte takes longer
		n := firstNUL(rest)
		if n == 8 {
			n += firstNUL(rest[8:])
		}
		if n < 16 {
			return rest[:n], ""
		}
	}
	end := strings.IndexByte(rest[:min(len(rest), maxName+1)], 0)
	if end < 0 {
		return "", "longer than " + strconv.Itoa(maxName) + " bytes"
	}
	return rest[:end], ""
}

// firstNUL returns where the first NUL of the first eight bytes is, or eight.
func firstNUL(b string) uint {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	word := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
	return uint(bits.TrailingZeros64((word-ones)&^word&tops)) / 8
}

// openNames finds the names of sections.
func (f *File) openNames() error {
	if len(f.Sections) == 0 || f.header.nameTable == 0 {
		return nil
	}
	if n := len(f.Sections); uint64(f.header.nameTable) >= uint64(n) {
		return malformed("", 62, "section names are in section %d of %d", f.header.nameTable, n)
	}
	s := &f.Sections[f.header.nameTable]
	s.Index = int32(f.header.nameTable)
	offset := s.decode(f.rawHeader(s), f.order)
	if s.hasBytes() && !isInside(uint64(len(f.data)), offset, s.Size) {
		return f.beyond(s, offset)
	}
	names, err := f.stringTable(f.header.nameTable, "")
	f.names = names
	return err
}
