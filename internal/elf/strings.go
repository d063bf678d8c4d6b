package elf

import (
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
		return "", malformed(f.label(int(index)), 0, "type %d, want a string table", s.Type)
	}
	data, err := f.Data(s)
	if err != nil {
		return "", err
	}
	if n := len(data); n > 0 && data[n-1] != 0 {
		return "", malformed(f.label(int(index)), uint64(n-1), "the string table doesn't end in NUL")
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
	end := strings.IndexByte(rest[:min(len(rest), maxName+1)], 0)
	if end < 0 {
		return "", "longer than " + strconv.Itoa(maxName) + " bytes"
	}
	return rest[:end], ""
}

func (f *File) nameSections() error {
	if len(f.Sections) == 0 || f.header.nameTable == 0 {
		return nil
	}
	if n := len(f.Sections); uint64(f.header.nameTable) >= uint64(n) {
		return malformed("", 62, "section names are in section %d of %d", f.header.nameTable, n)
	}
	names, err := f.stringTable(f.header.nameTable, "")
	if err != nil {
		return err
	}
	f.names = names
	for i := range f.Sections {
		at := f.header.sectionOffset + uint64(i)*sectionSize
		offset := f.order.u32(f.data[at:])
		name, reason := nameAt(names, offset)
		if reason != "" {
			return malformed(f.label(i), 0, "name at %#x of the string table: %s", offset, reason)
		}
		f.Sections[i].Name = name
	}
	return nil
}
