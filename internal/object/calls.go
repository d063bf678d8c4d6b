package object

import (
	"errors"
	"fmt"
	"slices"
	"strings"

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
	return slot{op: code[0], src: asm.Register(regs & 0xf), imm: int32(p.file.ByteOrder.Uint32(code[4:]))}
}

// findCalls lists which functions f refers to, and counts its instructions.
// That takes no decoding: most of it would be of code in no program, or be
// copied where it is needed.
func (p *parser) findCalls(f *function) error {
	code, err := p.bytes(f)
	if err != nil {
		return err
	}
	info := p.info(f.section)
	relocs := info.relocs[info.firstReloc(f.start):]
	f.edge = int32(len(p.code.edges))
	for at := uint32(0); at < uint32(len(code)); at += asm.InstructionSize {
		f.count++
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
			return p.codeError(f, offset, err)
		}
		if op == opLoadImm64 {
			at += asm.InstructionSize
		}
	}
	f.edges = int32(len(p.code.edges)) - f.edge
	return nil
}

// findCall adds the function that an instruction refers to, if it does. r is
// its relocation, or nil.
func (p *parser) findCall(f *function, offset uint32, s slot, r *elf.Reloc) error {
	switch {
	case r != nil:
		sym := &p.syms[r.Symbol]
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

// entry is a program: its function and those that it reaches.
type entry struct {
	function int32
	from, to int32 // in linker.order
	insns    int
}

// linker finds out what programs reach. One for all programs, so that it costs
// no allocations for each.
type linker struct {
	code  *codeTable
	seen  []int32 // number of the last entry that reached the function, counted from one
	round int32
	order []int32 // functions of all entries, one after another
	stack []frame
	total int
}

// frame is a function whose references from edge on are still to be followed.
type frame struct{ function, edge int32 }

var errTooMuchCode = fmt.Errorf("with all that they call, the programs of the file have more than %d instructions", maxInstructions)

// reach follows references depth first: a function is put where it is first
// referred to, followed by what it refers to itself. This is the order in which
// libbpf lays out programs. Recursion ends where it comes back: whether it is
// allowed is for the verifier to say. The exception callback, if there is one,
// comes last: no instruction refers to it.
func (l *linker) reach(root, callback int32) (entry, error) {
	e := entry{function: root, from: int32(len(l.order))}
	l.round++
	err := l.follow(root, &e)
	if err == nil && callback >= 0 {
		err = l.follow(callback, &e)
	}
	l.total += e.insns
	return e, err
}

// follow adds a function and what it refers to, as far as e hasn't them yet.
func (l *linker) follow(function int32, e *entry) error {
	if l.seen[function] == l.round {
		return nil
	}
	l.stack = l.stack[:0]
	l.visit(function, e)
	for len(l.stack) > 0 {
		top := &l.stack[len(l.stack)-1]
		f := &l.code.funcs[top.function]
		if top.edge == f.edges {
			l.stack = l.stack[:len(l.stack)-1]
			continue
		}
		callee := l.code.edges[f.edge+top.edge].function
		top.edge++
		if l.seen[callee] != l.round {
			l.visit(callee, e)
		}
		if l.total+e.insns > maxInstructions {
			return errTooMuchCode
		}
	}
	e.to = int32(len(l.order))
	return nil
}

func (l *linker) visit(function int32, e *entry) {
	l.seen[function] = l.round
	l.order = append(l.order, function)
	l.stack = append(l.stack, frame{function: function})
	e.insns += int(l.code.funcs[function].count)
}

// link makes programs of the functions outside of .text, each with all that it
// refers to.
func (p *parser) link() error {
	n := p.countPrograms()
	l := linker{
		code: &p.code, seen: sized(p.buf.seen[:], len(p.code.funcs)),
		order: p.buf.order[:0], stack: p.buf.stack[:0],
	}
	entries := sized(p.buf.entries[:], n)[:0]
	for i := range p.code.funcs {
		f := &p.code.funcs[i]
		if !p.isProgram(f) {
			continue
		}
		e, err := l.reach(int32(i), p.exceptionCallback(f))
		if err != nil {
			return errorAt(p.file.Sections[f.section].Name, f.name, uint64(f.start), "%w", err)
		}
		entries = append(entries, e)
	}
	p.code.insns = make(asm.Instructions, 0, l.total)
	p.reserveNotes(&l)
	programs := sized(p.buf.programs[:], n)
	p.obj.Programs = sized(p.obj.programs[:], n)
	for i, e := range entries {
		p.obj.Programs[i] = &programs[i]
		p.describe(&programs[i], &p.code.funcs[e.function])
		first := len(p.code.insns)
		for _, f := range l.order[e.from:e.to] {
			if err := p.place(&p.code.funcs[f]); err != nil {
				return err
			}
		}
		last := len(p.code.insns)
		programs[i].Instructions = p.code.insns[first:last:last]
	}
	return nil
}

func (p *parser) isProgram(f *function) bool {
	return p.file.Sections[f.section].Name != textSection
}

func (p *parser) countPrograms() int {
	n := 0
	for i := range p.code.funcs {
		if p.isProgram(&p.code.funcs[i]) {
			n++
		}
	}
	return n
}

// exceptionCallback is the function that a tag of a program says bpf_throw shall
// call, or -1. If there are several, or none of that name, the kernel will say so.
func (p *parser) exceptionCallback(f *function) int32 {
	callback := int32(-1)
	for _, tag := range p.tagsOf(f) {
		name, ok := strings.CutPrefix(tag, "exception_callback:")
		if !ok {
			continue
		}
		if callback >= 0 {
			return -1
		}
		callback = int32(slices.IndexFunc(p.code.funcs, func(f function) bool { return f.name == name && !p.isProgram(&f) }))
	}
	return callback
}

// tagsOf returns the BTF declaration tags of a function.
func (p *parser) tagsOf(f *function) []string {
	if len(p.types.tags) == 0 {
		return nil
	}
	info := p.fullInfo(f.section)
	i := info.firstFunc(f.start)
	if i == info.funcs.Len() || info.funcs.Offset(i) != f.start {
		return nil
	}
	return p.types.tagsOf(uint32(info.funcs.Func(i).ID()))
}

// describe fills in everything but the instructions.
func (p *parser) describe(prog *Program, f *function) {
	sym := &p.syms[f.symbol]
	section := p.file.Sections[f.section].Name
	*prog = Program{
		Name: sym.Name, Section: section, Static: sym.Bind == elf.STB_LOCAL,
		ByteOrder: p.obj.ByteOrder, License: p.obj.License, Version: p.obj.Version,
		Tags: p.tagsOf(f),
	}
	var ok bool
	if prog.Def, prog.AttachTo, prog.Optional, ok = MatchSection(section); ok {
		prog.Type, prog.AttachType, prog.Flags = prog.Def.Type, prog.Def.Attach, prog.Def.ProgFlags()
	}
}

// place appends the instructions of a function to those of a program. What
// they refer to is resolved the first time; further copies share that.
func (p *parser) place(f *function) error {
	c := &p.code
	if f.placed != 0 {
		first := f.placed - 1
		c.insns = append(c.insns, c.insns[first:first+f.count]...)
		return nil
	}
	first := len(c.insns)
	c.insns = c.insns[:first+int(f.count)]
	f.placed = int32(first) + 1
	return p.decode(f, c.insns[first:])
}
