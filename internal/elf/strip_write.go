package elf

import "bytes"

// maxFileAlign bounds the padding in front of a section. Alignment is a matter
// of addresses in memory; in a relocatable file it is a courtesy to readers that
// map it, and a trap where a small file asks for petabytes of it.
const maxFileAlign = 16

// write lays out what is kept: the sections in their order, the string tables
// last, then the section table.
func (s *stripper) write() ([]byte, error) {
	headers := make([]byte, int(s.sectionCount)*sectionSize)
	out := make([]byte, headerSize, len(s.data))
	for _, tables := range [...]bool{false, true} {
		for i := 1; i < len(s.Sections); i++ {
			if s.sections[i] == 0 || s.isNameTable(uint32(i)) != tables {
				continue
			}
			content, err := s.content(i)
			if err != nil {
				return nil, err
			}
			h := s.Header(&s.Sections[i])
			out = padTo(out, h.Align)
			offset := uint64(len(out))
			if h.Type != SHT_NOBITS {
				h.Size = uint64(len(content))
			}
			if err := s.moveReferences(&h); err != nil {
				return nil, err
			}
			s.encodeSection(headers[s.sections[i]*sectionSize:], &h, offset)
			out = append(out, content...)
		}
	}
	out = padTo(out, 8)
	s.encodeHeader(out, headers)
	return append(out, headers...), nil
}

func padTo(b []byte, align uint64) []byte {
	var zeros [maxFileAlign]byte
	if align = min(align, maxFileAlign); align > 1 {
		b = append(b, zeros[:(align-uint64(len(b))%align)%align]...)
	}
	return b
}

// content returns the new contents of section i.
func (s *stripper) content(i int) ([]byte, error) {
	sec := &s.Sections[i]
	switch {
	case sec.Index == s.symtab:
		return s.symbolContent(), nil
	case uint32(i) == s.symbolNameTable():
		return s.symbolNames.result, nil
	case uint32(i) == s.header.nameTable:
		return s.sectionNames.result, nil
	case sec.Index == s.shndx:
		return s.wideIndexContent()
	case sec.Type == SHT_REL:
		return s.relocContent(sec, relSize)
	case sec.Type == SHT_RELA:
		return s.relocContent(sec, relaSize)
	case sec.Type == SHT_GROUP && sec.Size > groupHeader:
		return s.groupContent(sec)
	}
	return s.raw(sec), nil
}

func (s *stripper) symbolContent() []byte {
	data := s.raw(&s.Sections[s.symtab])
	out := make([]byte, 0, int(s.symbolCount)*symbolSize)
	for i, n := range s.symbolMap {
		if n == 0 && i > 0 {
			continue
		}
		out = append(out, data[i*symbolSize:][:symbolSize]...)
		b := out[len(out)-symbolSize:]
		s.order.putU32(b, s.symbolNames.moved[s.order.u32(b)])
		index := s.Decoded[i].Section
		if index.Reserved() {
			continue
		}
		if moved := s.sections[index]; moved < uint32(rawReserveLow) {
			s.order.putU16(b[6:], uint16(moved))
		} else {
			s.order.putU16(b[6:], rawXIndex)
		}
	}
	return out
}

// wideIndexContent has an entry other than 0 for symbols whose section index
// still needs one. Where there were none, there are none now.
func (s *stripper) wideIndexContent() ([]byte, error) {
	if table := s.link(&s.Sections[s.shndx]); s.symtab == 0 || table != uint32(s.symtab) {
		return nil, malformed(s.label(s.shndx), 0, "refers to section %d, which is not the symbol table", table)
	}
	out := make([]byte, s.symbolCount*4)
	for i, n := range s.symbolMap {
		index := s.Decoded[i].Section
		if n == 0 || index.Reserved() || s.sections[index] < uint32(rawReserveLow) {
			continue
		}
		s.order.putU32(out[n*4:], s.sections[index])
	}
	return out, nil
}

func (s *stripper) relocContent(sec *Section, size int) ([]byte, error) {
	if _, err := s.Relocations(sec); err != nil {
		return nil, err
	}
	out := bytes.Clone(s.raw(sec))
	for at := 0; at < len(out); at += size {
		info := s.order.u64(out[at+8:])
		symbol := uint32(info >> 32)
		moved := s.symbolMap[symbol]
		if moved == 0 && symbol != 0 {
			return nil, unsupported(s.label(sec.Index), uint64(at), "a relocation needs symbol %d, which goes with the debugging information", symbol)
		}
		s.order.putU64(out[at+8:], uint64(moved)<<32|info&0xffffffff)
	}
	return out, nil
}

func (s *stripper) groupContent(sec *Section) ([]byte, error) {
	members, err := s.groupMembers(sec)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(s.raw(sec)[:groupHeader])
	for at := 0; at < len(members); at += 4 {
		if moved := s.sections[s.order.u32(members[at:])]; moved != 0 {
			out = append(out, 0, 0, 0, 0)
			s.order.putU32(out[len(out)-4:], moved)
		}
	}
	return out, nil
}

// moveReferences renumbers the sections and symbols that a header refers to.
func (s *stripper) moveReferences(h *Header) error {
	if uint64(h.Link) < uint64(len(s.Sections)) {
		h.Link = s.sections[h.Link]
	}
	switch {
	case h.Type == SHT_SYMTAB: // the number of local symbols, which come first
		locals := uint32(0)
		for i, n := range s.symbolMap[:min(uint64(h.Info), uint64(len(s.symbolMap)))] {
			if n != 0 || i == 0 {
				locals++
			}
		}
		h.Info = locals
	case h.Type == SHT_GROUP: // its signature
		if uint64(h.Info) >= uint64(len(s.symbolMap)) || h.Info != 0 && s.symbolMap[h.Info] == 0 {
			return malformed(s.label(h.Index), 0, "no symbol %d names the group", h.Info)
		}
		h.Info = s.symbolMap[h.Info]
	case h.Type == SHT_REL || h.Type == SHT_RELA || h.Flags&SHF_INFO_LINK != 0:
		if uint64(h.Info) < uint64(len(s.Sections)) {
			h.Info = s.sections[h.Info]
		}
	}
	return nil
}

func (s *stripper) encodeSection(b []byte, h *Header, offset uint64) {
	s.order.putU32(b, s.sectionNames.moved[s.sectionName(h.Index)])
	s.order.putU32(b[4:], uint32(h.Type))
	copy(b[8:16], s.rawHeader(&s.Sections[h.Index])[8:]) // flags
	s.order.putU64(b[16:], h.Addr)
	s.order.putU64(b[24:], offset)
	s.order.putU64(b[32:], h.Size)
	s.order.putU32(b[40:], h.Link)
	s.order.putU32(b[44:], h.Info)
	s.order.putU64(b[48:], h.Align)
	s.order.putU64(b[56:], h.EntSize)
}

// encodeHeader writes the file header at the start of out, and into the null
// section what doesn't fit there. The section table will follow out.
func (s *stripper) encodeHeader(out, headers []byte) {
	copy(out, s.data[:headerSize])
	s.order.putU64(out[32:], 0) // no segments
	s.order.putU64(out[40:], uint64(len(out)))
	if s.sectionCount < uint32(rawReserveLow) {
		s.order.putU16(out[60:], uint16(s.sectionCount))
	} else {
		s.order.putU16(out[60:], 0)
		s.order.putU64(headers[32:], uint64(s.sectionCount))
	}
	if table := s.sections[s.header.nameTable]; table < uint32(rawReserveLow) {
		s.order.putU16(out[62:], uint16(table))
	} else {
		s.order.putU16(out[62:], rawXIndex)
		s.order.putU32(headers[40:], table)
	}
}
