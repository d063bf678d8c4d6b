package object

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// slot is what telling references apart needs of an encoded instruction.
type slot struct {
	op  byte
	src asm.Register
	imm int32
}

// Operations that can refer to functions.
const (
	opLoadImm64 = 0x18 // the only instruction that takes two slots
	opCall      = 0x85
)

func (p *parser) slot(code []byte) slot {
	regs := code[1]
	if !p.bigEndian {
		regs >>= 4
	}
	return slot{op: code[0], src: asm.Register(regs & 0xf), imm: int32(p.file.ByteOrder().Uint32(code[4:]))}
}

// findCalls lists which functions f, of which b is the body, refers to, and counts
// its instructions.
// That takes no decoding: most of it would be of code in no program, or be
// copied where it is needed.
func (p *parser) findCalls(f *function, b *body) error {
	code, err := p.bytes(f)
	if err != nil {
		return err
	}
	info, err := p.info(f.section)
	if err != nil {
		return err
	}
	relocs := info.relocs[info.firstReloc(f.start):]
	first, count := len(p.code.edges), int32(0)
	for at := uint32(0); at < uint32(len(code)); at += asm.InstructionSize {
		count++
		op := code[at]
		if op != opCall && op != opLoadImm64 {
			continue
		}
		offset := f.start + at
		for len(relocs) > 0 && relocs[0].Offset < uint64(offset) {
			relocs = relocs[1:]
		}
		var r *elf.Reloc
		if len(relocs) > 0 && relocs[0].Offset == uint64(offset) {
			r = &relocs[0]
		}
		if err := p.findCall(f, offset, p.slot(code[at:]), r); err != nil {
			p.code.edges = p.code.edges[:first]
			return p.codeError(f, offset, err)
		}
		if op == opLoadImm64 {
			at += asm.InstructionSize
		}
	}
	b.count, b.edge, b.edges = count, int32(first), int32(len(p.code.edges)-first)
	return nil
}

// findCall adds the function that an instruction refers to, if it does. r is
// its relocation, or nil.
func (p *parser) findCall(f *function, offset uint32, s slot, r *elf.Reloc) error {
	switch {
	case r != nil:
		sym := &p.file.Decoded[r.Symbol]
		if p.roleAt(sym) != roleCode {
			return nil
		}
		return p.findTarget(offset, s, sym, r.Addend+int64(s.imm))
	case s.op == opCall && s.src == asm.PseudoCall:
		// Within a section, calls of static functions have no relocation.
		return p.addEdge(offset, f.section, int64(offset)+asm.InstructionSize*(int64(s.imm)+1))
	case s.op == opLoadImm64 && s.src == asm.PseudoFunc:
		return errors.New("address of a function without a relocation that says of which")
	}
	return nil
}

// findTarget adds the function that a symbol stands for: a global one itself,
// a static one by its distance from its section. Calls count that in
// instructions, from the one after them; addresses count it in bytes.
func (p *parser) findTarget(at uint32, s slot, sym *elf.Symbol, addend int64) error {
	if s.op == opLoadImm64 {
		return p.addEdge(at, int32(sym.Section), int64(sym.Value)+addend)
	}
	if s.src != asm.PseudoCall {
		return fmt.Errorf("call of %s by an instruction that doesn't call functions", p.symbolName(sym))
	}
	return p.addEdge(at, int32(sym.Section), int64(sym.Value)+asm.InstructionSize*(addend+1))
}

// addEdge adds what the instruction at an offset refers to.
func (p *parser) addEdge(at uint32, section int32, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("reference to offset %d of section %s", offset, p.file.Sections[section].Name)
	}
	n, err := p.functionAt(section, uint64(offset))
	if err != nil {
		return err
	}
	p.code.edges = append(p.code.edges, edge{at, n})
	return nil
}
