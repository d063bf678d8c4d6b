package elf

// nameCompactor drops from a string table what no name needs any more. Names may
// share tails, and go on sharing them. Whatever the names, it takes time and
// memory in proportion to the table.
type nameCompactor struct {
	table  string
	moved  []uint32 // by old offset: the new one; before compact: 1 if needed
	result []byte
}

func newNameCompactor(table string) *nameCompactor {
	return &nameCompactor{table: table, moved: make([]uint32, len(table)+1)}
}

// keep marks the name at an offset as needed. Marks always reach to the end of a
// name, so that no byte is visited twice.
func (c *nameCompactor) keep(offset uint32) {
	if offset == 0 {
		return
	}
	for i := offset; c.moved[i] == 0; i++ {
		c.moved[i] = 1
		if c.table[i] == 0 {
			return
		}
	}
}

func (c *nameCompactor) compact() {
	c.result = append(c.result, 0)
	for i := range len(c.table) { // bytes, not runes
		if c.moved[i] != 0 {
			c.moved[i] = uint32(len(c.result))
			c.result = append(c.result, c.table[i])
		}
	}
}

// compactNames prepares the string tables.
func (s *stripper) compactNames() error {
	if err := s.checkNameUsers(); err != nil {
		return err
	}
	s.sectionNames = newNameCompactor(s.names)
	s.symbolNames = s.sectionNames
	if table := s.symbolNameTable(); table != 0 && table != s.header.nameTable {
		names, err := s.stringTable(table, s.label(s.symtab))
		if err != nil {
			return err
		}
		s.symbolNames = newNameCompactor(names)
	}
	for i, n := range s.sections {
		if n != 0 {
			s.sectionNames.keep(s.sectionName(int32(i)))
		}
	}
	if s.symtab != 0 {
		data := s.raw(&s.Sections[s.symtab])
		for i, n := range s.symbolMap {
			if n != 0 {
				s.symbolNames.keep(s.order.u32(data[i*symbolSize:]))
			}
		}
	}
	s.sectionNames.compact()
	if s.symbolNames != s.sectionNames {
		s.symbolNames.compact()
	}
	return nil
}

// sectionName returns the offset of the name of section i.
func (s *stripper) sectionName(i int32) uint32 {
	if s.names == "" {
		return 0
	}
	return s.order.u32(s.rawHeader(&s.Sections[i]))
}

// isNameTable reports whether section i is a string table that is rewritten.
func (s *stripper) isNameTable(i uint32) bool {
	return i != 0 && (i == s.header.nameTable || i == s.symbolNameTable())
}

// symbolNameTable is the section with the names of symbols, or 0.
func (s *stripper) symbolNameTable() uint32 {
	if s.symtab == 0 {
		return 0
	}
	return s.link(&s.Sections[s.symtab])
}

// checkNameUsers makes sure that nothing unknown refers to a string table that
// changes.
func (s *stripper) checkNameUsers() error {
	for i := range s.Sections {
		sec := &s.Sections[i]
		if sec.Index != s.symtab && s.sections[i] != 0 && s.isNameTable(s.link(sec)) {
			return unsupported(s.label(sec.Index), 0, "refers to names in %s, which only the symbol table may", printable(s.label(int32(s.link(sec)))))
		}
	}
	return nil
}
