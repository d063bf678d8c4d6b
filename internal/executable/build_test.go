//go:build unix

package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// build makes a file with one segment, of code, and one symbol, for the dynamic
// linker, with a version.
func build(class, order byte) []byte {
	bo := binary.ByteOrder(binary.LittleEndian)
	if order == 2 {
		bo = binary.BigEndian
	}
	names := []byte("\x00.dynsym\x00.dynstr\x00.gnu.version\x00.gnu.version_d\x00name\x00V1\x00")
	nameOf := func(s string) uint32 { return uint32(bytes.Index(names, []byte(s+"\x00"))) }
	var b bytes.Buffer
	put := func(v any) int {
		at := b.Len()
		if err := binary.Write(&b, bo, v); err != nil {
			panic(err)
		}
		return at
	}
	put(make([]byte, 64)) // for the header
	var segments, symbols int
	if class == 2 {
		segments = put(elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: 0x1000, Memsz: 0x100})
		symbols = put([]elf.Sym64{{}, {Name: nameOf("name"), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: 0x1010, Size: 8}})
	} else {
		segments = put(elf.Prog32{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: 0x1000, Memsz: 0x100})
		symbols = put([]elf.Sym32{{}, {Name: nameOf("name"), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: 0x1010, Size: 8}})
	}
	strs := put(names)
	numbers := put([]uint16{0, 2 | versionOld})
	versions := put(struct {
		Version, Flags, Index, Count  uint16
		Hash, Aux, Next, Name, NextOf uint32
	}{1, 0, 2, 1, 0, 20, 0, nameOf("V1"), 0})
	end := b.Len()
	type section struct {
		name             string
		kind             elf.SectionType
		start, end, link int
	}
	sections := put([]byte{})
	for _, s := range []section{
		{}, {".dynsym", elf.SHT_DYNSYM, symbols, strs, 2}, {".dynstr", elf.SHT_STRTAB, strs, numbers, 0},
		{".gnu.version", elf.SHT_GNU_VERSYM, numbers, versions, 1}, {".gnu.version_d", elf.SHT_GNU_VERDEF, versions, end, 2},
	} {
		if class == 2 {
			put(elf.Section64{Name: nameOf(s.name), Type: uint32(s.kind), Off: uint64(s.start), Size: uint64(s.end - s.start), Link: uint32(s.link), Info: 1})
		} else {
			put(elf.Section32{Name: nameOf(s.name), Type: uint32(s.kind), Off: uint32(s.start), Size: uint32(s.end - s.start), Link: uint32(s.link), Info: 1})
		}
	}
	file := bytes.Clone(b.Bytes())
	b.Reset()
	ident := [16]byte{0x7f, 'E', 'L', 'F', class, order, 1}
	if class == 2 {
		put(elf.Header64{Ident: ident, Type: 3, Machine: 62, Version: 1, Phoff: uint64(segments), Shoff: uint64(sections), Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: 5, Shstrndx: 2})
	} else {
		put(elf.Header32{Ident: ident, Type: 3, Machine: 3, Version: 1, Phoff: uint32(segments), Shoff: uint32(sections), Ehsize: 52, Phentsize: 32, Phnum: 1, Shentsize: 40, Shnum: 5, Shstrndx: 2})
	}
	copy(file, b.Bytes())
	return file
}
