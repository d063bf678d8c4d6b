package linker

import (
	"github.com/bpfgen/bpfgen/internal/elf"
)

// reloc is a relocation of the output.
type reloc struct {
	offset uint64
	symbol uint32
	typ    uint32
}

// Relocation types of BPF.
const (
	relocLoad   = 1 // of a 64-bit load: its first 32-bit immediate
	relocAbs64  = 2
	relocAbs32  = 3
	relocNoLink = 4 // like relocAbs32, for a loader to ignore
	relocCall   = 10
)

const (
	instructionSize = 8
	immediate       = 4 // offset of the 32-bit immediate in an instruction
	opCall          = 0x85
)

// moveRelocs gives the relocations of all inputs new offsets and symbols.
func (l *linker) moveRelocs() error {
	for _, in := range l.inputs {
		for i := range in.file.Sections {
			s := &in.file.Sections[i]
			if s.Type != elf.SHT_REL {
				continue
			}
			if p := in.parts[in.file.Relocated(s)]; p.out == nil || p.copied {
				continue
			}
			if err := in.moveRelocs(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (in *input) moveRelocs(s *elf.Section) error {
	relocs, err := in.file.Relocations(s)
	if err != nil {
		return &Error{File: in.name, Err: err}
	}
	index := in.file.Relocated(s)
	target, p := &in.file.Sections[index], in.parts[index]
	for _, r := range relocs {
		number := in.number[r.Symbol]
		if number == 0 {
			return in.errorf(target.Name, "what is at offset %#x refers to symbol %d, which isn't linked", r.Offset, r.Symbol)
		}
		if target.Type == elf.SHT_NOBITS || r.Offset > target.Size {
			return in.errorf(target.Name, "a relocation at offset %#x, where there is nothing", r.Offset)
		}
		switch sym := &in.symbols[r.Symbol]; {
		case in.isJumpTable(sym) && target.Flags&elf.SHF_EXECINSTR != 0:
			if err := in.moveJumpTable(r.Symbol, p.offset); err != nil {
				return err
			}
		case sym.Type == elf.STT_SECTION && in.section(sym) != nil:
			if err := in.moveAddend(target, r, in.parts[sym.Section].offset); err != nil {
				return err
			}
		}
		p.out.relocs = append(p.out.relocs, reloc{p.offset + r.Offset, number, r.Type})
	}
	return nil
}

// moveJumpTable corrects the entries of a jump table, once. They are offsets in
// the section of the code that uses it, which now begins so many bytes further
// on, and no relocation says so.
func (in *input) moveJumpTable(symbol uint32, by uint64) error {
	sym := &in.symbols[symbol]
	p := in.parts[sym.Section]
	data := p.out.data[min(p.offset, uint64(len(p.out.data))):]
	if n := uint64(len(data)); sym.Value > n || sym.Size > n-sym.Value || sym.Size%8 != 0 {
		return in.errorf(sym.Name, "a jump table of %d bytes at offset %#x, where there are fewer, or which aren't whole entries", sym.Size, sym.Value)
	}
	if in.movedTables[symbol] {
		return nil
	}
	if in.movedTables == nil {
		in.movedTables = map[uint32]bool{}
	}
	in.movedTables[symbol] = true
	for table := data[sym.Value:][:sym.Size]; len(table) > 0; table = table[8:] {
		in.file.ByteOrder().PutUint64(table, in.file.ByteOrder().Uint64(table)+by)
	}
	return nil
}

// moveAddend corrects what refers to an offset in a section, because that
// section now begins so many bytes further on. Other symbols carry their new
// offset themselves.
func (in *input) moveAddend(target *elf.Section, r elf.Reloc, by uint64) error {
	p := in.parts[target.Index]
	place := p.out.data[p.offset+r.Offset : p.offset+target.Size]
	at, size := 0, 4
	switch r.Type {
	case relocLoad, relocCall:
		if target.Flags&elf.SHF_EXECINSTR == 0 || r.Offset%instructionSize != 0 {
			return in.errorf(target.Name, "a relocation of type %d at offset %#x, where no instruction is", r.Type, r.Offset)
		}
		at = immediate
	case relocAbs64:
		size = 8
	case relocAbs32, relocNoLink:
	default:
		return in.errorf(target.Name, "unknown relocation type %d at offset %#x", r.Type, r.Offset)
	}
	if len(place) < at+size {
		return in.errorf(target.Name, "a relocation at offset %#x, where there is less than it changes", r.Offset)
	}
	order, field := in.file.ByteOrder(), place[at:]
	switch {
	case size == 8:
		order.PutUint64(field, order.Uint64(field)+by)
	case at == immediate && place[0] == opCall:
		order.PutUint32(field, order.Uint32(field)+uint32(by/instructionSize)) // calls count instructions
	default:
		order.PutUint32(field, order.Uint32(field)+uint32(by))
	}
	return nil
}
