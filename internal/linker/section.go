package linker

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// section is a section of the output: the sections of that name, one after
// another.
type section struct {
	name    string
	typ     elf.SectionType // PROGBITS or NOBITS
	flags   elf.SectionFlag
	align   uint64
	entSize uint64
	size    uint64
	data    []byte // size bytes, or none if typ is NOBITS
	relocs  []reloc

	first  *input // that has one
	index  int    // in the output
	symbol uint32 // number of the symbol for the section, 0 for none
}

// Bounds that keep hostile alignments and sizes from filling memory.
const (
	maxAlign   = 1 << 16
	maxPadding = 1 << 26       // zeros that are written out though no file has them
	maxSection = math.MaxInt32 // BTF counts the bytes of a section in 32 bits
)

// placeSections decides for each section of each input whether it is linked, and
// where it goes.
func (l *linker) placeSections() error {
	for _, in := range l.inputs {
		for i := range in.file.Sections {
			s := &in.file.Sections[i]
			keep, err := in.isLinked(s)
			if err != nil {
				return err
			}
			if !keep {
				continue
			}
			if err := l.place(in, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// isLinked leaves out what the linker writes anew and what is for debuggers. It
// refuses what it doesn't know how to link.
func (in *input) isLinked(s *elf.Section) (bool, error) {
	switch s.Type {
	case elf.SHT_NULL, elf.SHT_STRTAB, elf.SHT_SYMTAB, elf.SHT_SYMTAB_SHNDX, elf.SHT_LLVM_ADDRSIG:
		return false, nil
	case elf.SHT_PROGBITS, elf.SHT_NOBITS:
		emptyText := s.Name == ".text" && s.Size == 0 // compilers emit it always
		return !isDebug(s.Name) && !emptyText && s.Name != btfSection && s.Name != extSection, nil
	case elf.SHT_REL:
		return false, nil // goes with the section that it relocates
	case elf.SHT_RELA:
		if target := in.file.Sections[in.file.Relocated(s)].Name; isDebug(target) || target == btfSection || target == extSection {
			return false, nil
		}
		return false, in.errorf(s.Name, "relocations with addends (SHT_RELA) aren't what BPF compilers emit")
	}
	return false, in.errorf(s.Name, "sections of type %#x can't be linked", uint32(s.Type))
}

func isDebug(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
}

// isShared tells whether all files must have the same contents: there is one of
// these for a whole object.
func isShared(name string) bool { return name == "license" || name == "version" }

// place appends a section to the output's section of that name.
func (l *linker) place(in *input, s *elf.Section) error {
	if s.Name == "" {
		return in.errorf("", "section %d has no name", s.Index)
	}
	h := in.file.Header(s)
	if h.Align > maxAlign || h.Align&(h.Align-1) != 0 {
		return in.errorf(s.Name, "the section's alignment of %d isn't a power of two of up to %d", h.Align, maxAlign)
	}
	if s.Flags&elf.SHF_EXECINSTR != 0 && s.Size%instructionSize != 0 {
		return in.errorf(s.Name, "%d bytes aren't a number of whole instructions", s.Size)
	}
	data, err := in.file.Data(s)
	if err != nil {
		return &Error{File: in.name, Err: err}
	}
	out := l.sectionOf[s.Name]
	if out == nil {
		out = &section{name: s.Name, typ: s.Type, flags: s.Flags, entSize: h.EntSize, first: in}
		l.sections = append(l.sections, out)
		l.sectionOf[s.Name] = out
	} else if isShared(s.Name) {
		return l.share(in, s, out, data)
	}
	return l.append(out, in, &h, data)
}

// share keeps one copy of what all files must agree on.
func (l *linker) share(in *input, s *elf.Section, out *section, data []byte) error {
	if !bytes.Equal(data, out.data) {
		return in.errorWith(out.first, s.Name, "the files have different contents in this section, %q and %q: one object has one %s",
			text(data), text(out.data), s.Name)
	}
	in.parts[s.Index] = part{out: out, copied: true}
	return nil
}

func text(data []byte) []byte { return bytes.TrimRight(data[:min(len(data), 40)], "\x00") }

// append makes room for the section and copies its contents.
func (l *linker) append(out *section, in *input, s *elf.Header, data []byte) error {
	if s.Flags != out.flags || s.EntSize != out.entSize {
		return in.errorWith(out.first, s.Name, "the section has other flags: %s with entries of %d bytes, and %s with entries of %d: what is in it must be of the same kind, and const in both or in none",
			flagNames(s.Flags), s.EntSize, flagNames(out.flags), out.entSize)
	}
	out.align = max(out.align, s.Align, 1)
	offset := (out.size + out.align - 1) &^ (out.align - 1)
	if s.Size > maxSection || offset+s.Size > maxSection {
		return in.errorf(s.Name, "the section gets larger than 2 GiB")
	}
	in.parts[s.Index] = part{out: out, offset: offset}
	end := offset + s.Size
	// Zeros are written out once there is something else to write as well.
	if s.Type != elf.SHT_NOBITS || out.typ != elf.SHT_NOBITS {
		if l.padding += end - uint64(len(data)) - uint64(len(out.data)); l.padding > maxPadding {
			return in.errorf(s.Name, "it takes more than %d bytes of zeros to align sections, and to write out those whose variables aren't zero in every file", maxPadding)
		}
		out.typ = elf.SHT_PROGBITS
		out.data = slices.Grow(out.data, int(end)-len(out.data))
		out.data = append(out.data, make([]byte, int(offset)-len(out.data))...)
		out.data = append(out.data, data...)
		out.data = append(out.data, make([]byte, int(end)-len(out.data))...)
	}
	out.size = end
	return nil
}

// flagNames spells flags like readelf does.
func flagNames(flags elf.SectionFlag) string {
	var b strings.Builder
	for _, f := range []struct {
		flag elf.SectionFlag
		name byte
	}{{elf.SHF_WRITE, 'W'}, {elf.SHF_ALLOC, 'A'}, {elf.SHF_EXECINSTR, 'X'}, {elf.SHF_MERGE, 'M'}, {elf.SHF_STRINGS, 'S'}, {elf.SHF_GROUP, 'G'}} {
		if flags&f.flag != 0 {
			b.WriteByte(f.name)
		}
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}
