package linker

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// Sizes of records in an ELF file, in bytes.
const (
	headerSize  = 64
	sectionSize = 64
	symbolSize  = 24
	relocSize   = 16
)

// byteOrder is what binary.LittleEndian and binary.BigEndian are.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// writer lays out the file: the header, the contents of sections in the order of
// their headers, and the section headers.
type writer struct {
	order    byteOrder
	out      []byte
	headers  []byte
	sections int
	names    map[string]uint32 // offsets in strings
	strings  []byte
}

func appendOrder(order binary.ByteOrder) byteOrder {
	if order == binary.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// write returns the object: linked sections, their relocations, BTF, and the
// tables.
func (l *linker) write() ([]byte, error) {
	w := &writer{order: appendOrder(l.order), out: make([]byte, headerSize), names: map[string]uint32{"": 0}, strings: []byte{0}}
	w.section(elf.Header{}, nil)
	for _, s := range l.sections {
		s.index = w.section(elf.Header{
			Section: elf.Section{Name: s.name, Type: s.typ, Flags: s.flags, Size: s.size}, Align: s.align, EntSize: s.entSize,
		}, s.data)
	}
	relocated := 0
	for _, s := range l.sections {
		if len(s.relocs) > 0 {
			relocated++
		}
	}
	types := 0
	for _, data := range [][]byte{l.btf, l.ext} {
		if data != nil {
			types++
		}
	}
	symtab := uint32(w.sections + relocated + types)
	if symtab >= math.MaxUint16&^0xff { // what is above stands for something else in symbols
		return nil, errors.New("link: the files have too many sections for one")
	}
	for _, s := range l.sections {
		if len(s.relocs) > 0 {
			w.section(elf.Header{
				Section: elf.Section{Name: ".rel" + s.name, Type: elf.SHT_REL, Flags: elf.SHF_INFO_LINK},
				Link:    symtab, Info: uint32(s.index), Align: 8, EntSize: relocSize,
			}, w.relocs(s.relocs))
		}
	}
	if l.btf != nil {
		w.section(elf.Header{Section: elf.Section{Name: btfSection, Type: elf.SHT_PROGBITS}, Align: 4}, l.btf)
	}
	if l.ext != nil {
		w.section(elf.Header{Section: elf.Section{Name: extSection, Type: elf.SHT_PROGBITS}, Align: 4}, l.ext)
	}
	w.section(elf.Header{
		Section: elf.Section{Name: ".symtab", Type: elf.SHT_SYMTAB},
		Link:    symtab + 1, Info: uint32(l.locals), Align: 8, EntSize: symbolSize,
	}, w.symbols(l.symbols))
	return w.finish(), nil
}

// section appends a section and returns its index. Its size is that of data,
// unless it has none in the file.
func (w *writer) section(h elf.Header, data []byte) int {
	if h.Align > 1 {
		// Alignment in the file is a courtesy to readers that map it.
		for len(w.out)%int(min(h.Align, 16)) != 0 {
			w.out = append(w.out, 0)
		}
	}
	offset := uint64(0)
	if h.Type != elf.SHT_NULL {
		offset = uint64(len(w.out))
	}
	if h.Type != elf.SHT_NOBITS {
		h.Size = uint64(len(data))
	}
	w.out = append(w.out, data...)
	w.u32(&w.headers, w.name(h.Name), uint32(h.Type))
	w.u64(&w.headers, uint64(h.Flags), 0, offset, h.Size)
	w.u32(&w.headers, h.Link, h.Info)
	w.u64(&w.headers, h.Align, h.EntSize)
	w.sections++
	return w.sections - 1
}

func (w *writer) u64(to *[]byte, values ...uint64) {
	for _, v := range values {
		*to = w.order.AppendUint64(*to, v)
	}
}

func (w *writer) u32(to *[]byte, values ...uint32) {
	for _, v := range values {
		*to = w.order.AppendUint32(*to, v)
	}
}

// name returns the offset of a string in the string table.
func (w *writer) name(s string) uint32 {
	off, ok := w.names[s]
	if !ok {
		off = uint32(len(w.strings))
		w.names[s] = off
		w.strings = append(append(w.strings, s...), 0)
	}
	return off
}

func (w *writer) relocs(relocs []reloc) []byte {
	data := make([]byte, 0, len(relocs)*relocSize)
	for _, r := range relocs {
		w.u64(&data, r.offset, uint64(r.symbol)<<32|uint64(r.typ))
	}
	return data
}

func (w *writer) symbols(symbols []symbol) []byte {
	data := make([]byte, 0, len(symbols)*symbolSize)
	for _, s := range symbols {
		section := uint16(s.Section) // the low bits of reserved values are what the file has
		if s.out != nil {
			section = uint16(s.out.index)
		}
		w.u32(&data, w.name(s.Name))
		data = append(data, byte(s.Bind)<<4|byte(s.Type), byte(s.Visibility))
		data = w.order.AppendUint16(data, section)
		w.u64(&data, s.Value, s.Size)
	}
	return data
}

// finish appends the string table and the section headers, and fills in the
// header.
func (w *writer) finish() []byte {
	w.name(".strtab")
	names := w.section(elf.Header{Section: elf.Section{Name: ".strtab", Type: elf.SHT_STRTAB}, Align: 1}, w.strings)
	for len(w.out)%8 != 0 {
		w.out = append(w.out, 0)
	}
	order := byte(1)
	if w.order == binary.BigEndian {
		order = 2
	}
	h := append(make([]byte, 0, headerSize), 0x7f, 'E', 'L', 'F', 2, order, 1)
	h = h[:16]
	h = w.order.AppendUint16(h, elf.ET_REL)
	h = w.order.AppendUint16(h, elf.EM_BPF)
	w.u32(&h, 1)
	w.u64(&h, 0, 0, uint64(len(w.out)))
	w.u32(&h, 0)
	for _, v := range []int{headerSize, 0, 0, sectionSize, w.sections, names} {
		h = w.order.AppendUint16(h, uint16(v))
	}
	copy(w.out, h)
	return append(w.out, w.headers...)
}
