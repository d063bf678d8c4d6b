package btf

import (
	"encoding/binary"
	"strings"
)

// Replace is a set of things that an older kernel doesn't take.
type Replace uint32

// What can be replaced, see [Writer.Sanitize].
const (
	ReplaceDatasec      Replace = 1 << iota // var → int, datasec → struct
	ReplaceFunc                             // func → typedef, func proto → enum
	StripFuncLinkage                        // all static
	ReplaceFloat                            // float → anonymous struct
	ReplaceDeclTags                         // decl tag → int
	ReplaceTypeTags                         // type tag → const
	ReplaceEnum64                           // enum64 → union, signed enum → unsigned
	ReplaceQuestionMark                     // ? at the start of a section's name → _
	StripAttributes                         // attributes → plain tags
)

// Sanitize replaces what the kernel doesn't take by records of the same size,
// in the same way as libbpf does, so that neither IDs nor layouts change. It
// comes after the last record and before Finish. Placeholders that are needed
// get IDs after the last one.
func (w *Writer) Sanitize(what Replace) {
	if what == 0 {
		return
	}
	s := sanitizer{Writer: w, what: what}
	end := len(w.buf)
	for off := w.start + headerLen; off < end; {
		size := knownSizes.of(s.get(off + 4)) // before it changes
		s.record(off)
		off += size
	}
}

type sanitizer struct {
	*Writer
	what        Replace
	placeholder uint32 // ID of the type of members that stand for enumerators
	heads       []int  // offsets of records by ID, once needed
}

func (s *sanitizer) get(off int) uint32 {
	return s.swapped(binary.LittleEndian.Uint32(s.buf[off:]))
}

func (s *sanitizer) put(off int, v uint32) {
	binary.LittleEndian.PutUint32(s.buf[off:], s.swapped(v))
}

// setKind keeps the number of elements, but no flag.
func (s *sanitizer) setKind(off int, kind Kind, vlen uint32) { s.put(off+4, uint32(kind)<<24|vlen) }

func (s *sanitizer) record(off int) {
	info := s.get(off + 4)
	vlen, data := info&maxVlen, off+recordLen
	replace := func(r Replace) bool { return s.what&r != 0 }
	switch kind := kindOf(info); {
	case kind == KindVar && replace(ReplaceDatasec), kind == KindDeclTag && replace(ReplaceDeclTags):
		// One byte fits wherever the variable did.
		s.setKind(off, KindInt, 0)
		s.put(off+8, 1)
		s.put(data, 8)
	case kind == KindDatasec && replace(ReplaceDatasec):
		s.datasec(off, vlen)
	case kind == KindDatasec && replace(ReplaceQuestionMark):
		if name := s.strs.at(s.get(off)); strings.HasPrefix(name, "?") {
			s.put(off, s.String("_"+name[1:]))
		}
	case kind == KindFuncProto && replace(ReplaceFunc):
		s.setKind(off, KindEnum, vlen)
		s.put(off+8, 4)
		for i := range int(vlen) {
			if s.get(data+8*i) == 0 {
				s.put(data+8*i, s.String("arg")) // enumerators need a name
			}
		}
	case kind == KindFunc && replace(ReplaceFunc):
		s.setKind(off, KindTypedef, 0)
	case kind == KindFunc && replace(StripFuncLinkage):
		s.setKind(off, KindFunc, 0)
	case kind == KindFloat && replace(ReplaceFloat):
		s.put(off, 0) // "float" is no name for a struct
		s.setKind(off, KindStruct, 0)
	case kind == KindTypeTag && replace(ReplaceTypeTags):
		s.put(off, 0)
		s.setKind(off, KindConst, 0)
	case kind == KindEnum && replace(ReplaceEnum64):
		s.setKind(off, KindEnum, vlen)
	case kind == KindEnum64 && replace(ReplaceEnum64):
		s.setKind(off, KindUnion, vlen)
		for i := range int(vlen) {
			s.put(data+12*i+4, s.placeholderID())
			s.put(data+12*i+8, 0)
		}
	case (kind == KindTypeTag || kind == KindDeclTag) && replace(StripAttributes):
		s.setKind(off, kind, vlen)
	}
}

// datasec turns variables into members.
func (s *sanitizer) datasec(off int, vlen uint32) {
	name := []byte(s.strs.at(s.get(off)))
	for i, c := range name {
		if c == '.' || c == '?' {
			name[i] = '_'
		}
	}
	s.put(off, s.String(string(name)))
	s.setKind(off, KindStruct, vlen)
	for i := range int(vlen) {
		m := off + recordLen + 12*i
		typ, offset := s.get(m), s.get(m+4)
		s.put(m, s.nameOf(typ))
		s.put(m+4, typ)
		s.put(m+8, offset*8)
	}
}

// nameOf returns the offset of the name of the type with the given ID.
func (s *sanitizer) nameOf(id uint32) uint32 {
	if s.heads == nil {
		for off := s.start + headerLen; off < len(s.buf); off += knownSizes.of(s.get(off + 4)) {
			s.heads = append(s.heads, off)
		}
	}
	if id == 0 || id > uint32(len(s.heads)) {
		return 0
	}
	return s.get(s.heads[id-1])
}

func (s *sanitizer) placeholderID() uint32 {
	if s.placeholder == 0 {
		s.Type(KindInt, false, 0, "enum64_placeholder", 1)
		s.U32(8)
		s.placeholder = s.count
	}
	return s.placeholder
}
