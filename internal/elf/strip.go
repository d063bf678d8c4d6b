package elf

import "strings"

// StripDWARF removes the DWARF debugging information from a relocatable object:
// its .debug_* sections, their relocations, the symbols that name removed
// sections or source files, and the names of all of these. Everything a loader
// reads is kept: code, data, BTF, and their relocations and symbols, in their
// order. The result is what llvm-strip -g would give, but for .llvm_addrsig: a
// hint to linkers in terms of symbol numbers, which is removed, not left stale.
//
// It depends on nothing but data. Data without anything to remove is returned
// as it is, not copied; StripDWARF of its own result therefore changes nothing.
func StripDWARF(data []byte) ([]byte, error) {
	f, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if f.header.segments != 0 {
		return nil, unsupported("", 56, "has program headers: only relocatable objects can be stripped")
	}
	s := &stripper{File: f}
	if err := s.selectSections(); err != nil {
		return nil, err
	}
	if err := s.selectSymbols(); err != nil {
		return nil, err
	}
	if !s.removes {
		return data, nil
	}
	if err := s.compactNames(); err != nil {
		return nil, err
	}
	return s.write()
}

// stripper decides what to keep, and where it moves to.
type stripper struct {
	*File
	removes bool // there is something to remove

	sections     []uint32 // by old index: the new one, or 0 if removed
	sectionCount uint32
	symbolMap    []uint32 // by old number: the new one, or 0 if removed
	symbolCount  uint32

	sectionNames, symbolNames *nameCompactor // may be the same
}

// isDWARF goes by names, as all tools do; but what is loaded isn't DWARF whatever
// its name, nor are the file's own tables.
func isDWARF(s *Section) bool {
	if s.Flags&SHF_ALLOC != 0 {
		return false
	}
	switch s.Type {
	case SHT_NULL, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_REL, SHT_GROUP, SHT_SYMTAB_SHNDX:
		return false
	}
	return strings.HasPrefix(s.Name, ".debug_") || strings.HasPrefix(s.Name, ".zdebug_") || s.Name == ".gdb_index"
}

const removed = ^uint32(0)

// selectSections numbers the sections to keep.
func (s *stripper) selectSections() error {
	s.sections = make([]uint32, len(s.Sections))
	for i := range s.Sections {
		if isDWARF(&s.Sections[i]) {
			s.sections[i] = removed
			s.removes = true
		}
	}
	for i := range s.Sections {
		sec := &s.Sections[i]
		switch sec.Type {
		case SHT_REL, SHT_RELA:
			if s.sections[s.Relocated(sec)] == removed {
				s.sections[i] = removed
			}
		case SHT_LLVM_ADDRSIG:
			if s.removes {
				s.sections[i] = removed
			}
		case SHT_SYMTAB:
			if sec.Index != s.symtab {
				return malformed(s.label(sec.Index), 0, "a second symbol table, after %s", printable(s.label(s.symtab)))
			}
		}
	}
	if err := s.selectGroups(); err != nil {
		return err
	}
	for i := range s.sections {
		if s.sections[i] == removed {
			s.sections[i] = 0
		} else {
			s.sections[i] = s.sectionCount
			s.sectionCount++
		}
	}
	return nil
}

// selectGroups removes groups of sections none of which is kept.
func (s *stripper) selectGroups() error {
	for i := range s.Sections {
		sec := &s.Sections[i]
		if sec.Type != SHT_GROUP || sec.Size <= groupHeader {
			continue
		}
		members, err := s.groupMembers(sec)
		if err != nil {
			return err
		}
		kept := false
		for at := 0; at < len(members); at += 4 {
			kept = kept || s.sections[s.order.u32(members[at:])] != removed
		}
		if !kept {
			s.sections[i] = removed
		}
	}
	return nil
}

const groupHeader = 4 // bytes of flags before the section indices of a group

// groupMembers returns the section indices of a group, all of which are valid.
func (s *stripper) groupMembers(sec *Section) ([]byte, error) {
	data, err := s.records(sec, 4)
	if err != nil {
		return nil, err
	}
	members := data[groupHeader:]
	for at := 0; at < len(members); at += 4 {
		if m := s.order.u32(members[at:]); uint64(m) >= uint64(len(s.Sections)) {
			return nil, malformed(s.label(sec.Index), uint64(groupHeader+at), "has section %d of %d as a member", m, len(s.Sections))
		}
	}
	return members, nil
}

// selectSymbols numbers the symbols to keep: not those of removed sections, and
// not those of source files, which only debuggers read.
func (s *stripper) selectSymbols() error {
	symbols, err := s.Symbols()
	if err != nil || len(symbols) == 0 {
		return err
	}
	s.symbolMap = make([]uint32, len(symbols))
	s.symbolCount = 1 // the null symbol
	for i := 1; i < len(symbols); i++ {
		sym := &symbols[i]
		gone := sym.Type == STT_FILE ||
			sym.Section != SHN_UNDEF && !sym.Section.Reserved() && s.sections[sym.Section] == 0
		if gone {
			s.removes = true
			continue
		}
		s.symbolMap[i] = s.symbolCount
		s.symbolCount++
	}
	return nil
}
