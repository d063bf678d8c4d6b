package btf

import (
	"cmp"
	"encoding/binary"
	"math/bits"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

// Ext is the .BTF.ext section: what the compiler says about instructions. It
// aliases the bytes it was parsed from.
type Ext struct {
	big       bool
	funcs     []ExtSection
	lines     []ExtSection
	coreRelos []ExtSection
	room      [3]ExtSection // for the first sections
	used      int           // of room
}

// ExtSection holds the records for one ELF section.
type ExtSection struct {
	NameOff uint32 // name of the ELF section, in the strings of .BTF
	big     bool
	mixed   bool   // records aren't known to be in order of their instructions
	size    uint32 // of a record; a newer compiler may append fields
	data    []byte
}

// FuncInfo says that a function starts at an instruction.
type FuncInfo struct {
	InsnOff uint32 // bytes from the start of the section
	TypeID  uint32 // of a func
}

// LineInfo is where an instruction comes from.
type LineInfo struct {
	InsnOff     uint32 // bytes from the start of the section
	FileNameOff uint32
	LineOff     uint32 // text of the line
	LineCol     uint32 // line number << 10 | column
}

// CORERelo asks to adjust an instruction to the running kernel.
type CORERelo struct {
	InsnOff   uint32 // bytes from the start of the section
	TypeID    uint32
	AccessOff uint32 // string like "0:1:2"
	Kind      uint32
}

const (
	extHeaderLen     = 24 // without CO-RE relocations
	extFullHeaderLen = 32
)

// Sizes of records in bytes. A newer compiler may append fields.
const (
	FuncInfoSize = 8
	LineInfoSize = 16
	COREReloSize = 16
)

// ParseExt parses a .BTF.ext section. Its byte order is detected. The bounds of
// all records are validated; what they refer to is not.
func ParseExt(blob []byte) (*Ext, error) {
	e := new(Ext)
	if err := e.Init(blob); err != nil {
		return nil, err
	}
	return e, nil
}

// Init is ParseExt into e, which must be zero.
func (e *Ext) Init(blob []byte) error {
	if len(blob) < extHeaderLen {
		return malformed("ext header", 0, "%d bytes are too few for a header", len(blob))
	}
	switch magic {
	case binary.LittleEndian.Uint16(blob):
	case binary.BigEndian.Uint16(blob):
		e.big = true
	default:
		return malformed("ext header", 0, "magic %#x is not BTF", blob[:2])
	}
	if blob[2] != 1 {
		return malformed("ext header", 2, "unknown version %d", blob[2])
	}
	hdrLen := e.u32(blob[4:])
	if hdrLen < extHeaderLen || uint64(hdrLen) > uint64(len(blob)) {
		return malformed("ext header", 4, "header length %d is out of range", hdrLen)
	}
	parts := []struct {
		dst    *[]ExtSection
		at     int
		record uint32
	}{
		{&e.funcs, 8, FuncInfoSize},
		{&e.lines, 16, LineInfoSize},
		{&e.coreRelos, 24, COREReloSize},
	}
	if hdrLen < extFullHeaderLen {
		parts = parts[:2]
	}
	for _, p := range parts {
		off, length := e.u32(blob[p.at:]), e.u32(blob[p.at+4:])
		body := blob[hdrLen:]
		if uint64(off)+uint64(length) > uint64(len(body)) {
			return malformed("ext header", uint64(p.at), "part %d+%d is larger than the %d bytes there are", off, length, len(body))
		}
		var err error
		if *p.dst, err = e.parts(body[off:off+length], uint64(hdrLen)+uint64(off), p.record); err != nil {
			return err
		}
	}
	return nil
}

// parts splits one kind of info into its sections. at is where data starts in
// the blob, for messages.
func (e *Ext) parts(data []byte, at uint64, minRecord uint32) ([]ExtSection, error) {
	if len(data) == 0 {
		return nil, nil
	}
	if len(data) < 4 {
		return nil, malformed("ext", at, "record size is cut off")
	}
	size := e.u32(data)
	if size < minRecord || size%4 != 0 {
		return nil, malformed("ext", at, "record size %d is not a multiple of 4 of at least %d", size, minRecord)
	}
	at, data = at+4, data[4:]
	n, rest := 0, data
	for len(rest) > 0 {
		if len(rest) < 8 {
			return nil, malformed("ext", at, "section header is cut off")
		}
		count := uint64(e.u32(rest[4:]))
		if count == 0 {
			return nil, malformed("ext", at, "section has no records")
		}
		length := 8 + count*uint64(size) // < 2^64: both factors are 32 bits
		if length < count || length > uint64(len(rest)) {
			return nil, malformed("ext", at, "section of %d records extends past the end", count)
		}
		at, rest = at+length, rest[length:]
		n++
	}
	var sections []ExtSection
	if room := e.room[e.used:]; n <= len(room) {
		sections = room[:0:n]
		e.used += n
	} else {
		sections = make([]ExtSection, 0, n)
	}
	for rest = data; len(rest) > 0; {
		length := 8 + e.u32(rest[4:])*size
		sections = append(sections, ExtSection{NameOff: e.u32(rest), big: e.big, size: size, data: rest[8:length:length]})
		rest = rest[length:]
	}
	return sections, nil
}

func (e *Ext) u32(p []byte) uint32 {
	if e.big {
		return binary.BigEndian.Uint32(p)
	}
	return binary.LittleEndian.Uint32(p)
}

// Funcs returns the sections with func infos.
func (e *Ext) Funcs() []ExtSection { return e.funcs }

// Lines returns the sections with line infos.
func (e *Ext) Lines() []ExtSection { return e.lines }

// CORERelos returns the sections with CO-RE relocations.
func (e *Ext) CORERelos() []ExtSection { return e.coreRelos }

// rawSection returns records that are not part of an ELF section, such as
// those the kernel reports about a loaded program.
func rawSection(data []byte, bo binary.ByteOrder, size uint32) ExtSection {
	return ExtSection{big: isBig(bo), size: size, data: data}
}

// FuncInfos wraps data, which holds func infos without a section header.
func FuncInfos(data []byte, bo binary.ByteOrder) ExtSection {
	return rawSection(data, bo, FuncInfoSize)
}

// LineInfos wraps data, which holds line infos without a section header.
func LineInfos(data []byte, bo binary.ByteOrder) ExtSection {
	return rawSection(data, bo, LineInfoSize)
}

// Len returns how many records there are.
func (s *ExtSection) Len() int {
	if s.size == 0 {
		return 0
	}
	return len(s.data) / int(s.size)
}

// u32 reads a word of a record.
func (s *ExtSection) u32(p []byte) uint32 {
	v := binary.LittleEndian.Uint32(p)
	if s.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// InsnOff returns the offset of the instruction that record i is about.
func (s *ExtSection) InsnOff(i int) uint32 { return s.u32(s.data[i*int(s.size):]) }

// InOrder tells whether Check found the records in order of their instructions.
func (s *ExtSection) InOrder() bool { return !s.mixed }

// insnSize is what offsets of instructions are a multiple of.
const insnSize = 8

// Check returns the first record whose offset isn't that of an instruction, whose
// second word isn't below one limit, or whose third, if the other limit isn't
// zero, isn't below that; -1 if there is none.
func (s *ExtSection) Check(second, third uint32) int {
	s.mixed = false
	last := uint32(0)
	for i, p := 0, s.data; len(p) >= int(s.size) && s.size >= FuncInfoSize; i, p = i+1, p[s.size:] {
		off := s.u32(p)
		if off%insnSize != 0 || s.u32(p[4:]) >= second || third != 0 && s.u32(p[8:]) >= third {
			return i
		}
		s.mixed = s.mixed || off < last
		last = off
	}
	return -1
}

// Merge returns the records of sections, which are of one kind, as one section in
// order of their instructions. Those of the same instruction stay in order.
func Merge(sections []ExtSection) ExtSection {
	type place struct {
		off    uint32
		record []byte
	}
	var places []place
	out := ExtSection{NameOff: sections[0].NameOff, big: sections[0].big, size: sections[0].size}
	for i := range sections {
		s := &sections[i]
		for i := range s.Len() {
			places = append(places, place{s.InsnOff(i), s.data[i*int(s.size):][:s.size]})
		}
	}
	sorting.Stable(places, func(a, b *place) int { return cmp.Compare(a.off, b.off) })
	for _, p := range places {
		out.data = append(out.data, p.record...)
	}
	return out
}

func (s *ExtSection) words(i int, dst *[4]uint32, n int) {
	p := s.data[i*int(s.size):]
	for j := range n {
		if s.big {
			dst[j] = binary.BigEndian.Uint32(p[4*j:])
		} else {
			dst[j] = binary.LittleEndian.Uint32(p[4*j:])
		}
	}
}

// Func returns the i-th record of a section from [Ext.Funcs].
func (s *ExtSection) Func(i int) FuncInfo {
	var w [4]uint32
	s.words(i, &w, 2)
	return FuncInfo{w[0], w[1]}
}

// Line returns the i-th record of a section from [Ext.Lines].
func (s *ExtSection) Line(i int) LineInfo {
	var w [4]uint32
	s.words(i, &w, 4)
	return LineInfo{w[0], w[1], w[2], w[3]}
}

// CORERelo returns the i-th record of a section from [Ext.CORERelos].
func (s *ExtSection) CORERelo(i int) CORERelo {
	var w [4]uint32
	s.words(i, &w, 4)
	return CORERelo{w[0], w[1], w[2], w[3]}
}
