package object

import (
	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// link makes programs of the functions outside of .text, each with all that it
// refers to.
func (p *parser) link() error {
	l := linker{code: &p.code, seen: make([]int32, len(p.code.funcs))}
	entries := make([]entry, 0, p.countPrograms())
	copied := 0
	for i := range p.code.funcs {
		f := &p.code.funcs[i]
		if p.file.Sections[f.section].Name == textSection {
			continue
		}
		e, err := l.reach(int32(i))
		if err != nil {
			return errorAt(p.file.Sections[f.section].Name, f.name, uint64(f.start), "%w", err)
		}
		if e.to-e.from > 1 {
			copied += e.insns
		}
		entries = append(entries, e)
	}
	programs := make([]Program, len(entries))
	p.obj.Programs = make([]*Program, len(entries))
	room := make(asm.Instructions, 0, copied)
	for i, e := range entries {
		p.obj.Programs[i] = &programs[i]
		p.describe(&programs[i], &p.code.funcs[e.function])
		programs[i].Instructions, room = l.assemble(e, room)
	}
	return nil
}

func (p *parser) countPrograms() int {
	n := 0
	for i := range p.code.funcs {
		if p.file.Sections[p.code.funcs[i].section].Name != textSection {
			n++
		}
	}
	return n
}

// describe fills in everything but the instructions.
func (p *parser) describe(prog *Program, f *function) {
	sym := &p.syms[f.symbol]
	section := p.file.Sections[f.section].Name
	*prog = Program{
		Name: sym.Name, Section: section, Static: sym.Bind == elf.STB_LOCAL,
		ByteOrder: p.obj.ByteOrder, License: p.obj.License, Version: p.obj.Version,
	}
	var ok bool
	if prog.Def, prog.AttachTo, prog.Optional, ok = MatchSection(section); ok {
		prog.Type, prog.AttachType, prog.Flags = prog.Def.Type, prog.Def.Attach, prog.Def.ProgFlags()
	}
}

// entry is a program: its function and those that it reaches.
type entry struct {
	function int32
	from, to int // in linker.order
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

// reach follows references depth first: a function is put where it is first
// referred to, followed by what it refers to itself. This is the order in which
// libbpf lays out programs. Recursion ends where it comes back: whether it is
// allowed is for the verifier to say.
func (l *linker) reach(root int32) (entry, error) {
	e := entry{function: root, from: len(l.order)}
	l.round++
	l.stack = l.stack[:0]
	l.visit(root, &e)
	for len(l.stack) > 0 {
		top := &l.stack[len(l.stack)-1]
		f := &l.code.funcs[top.function]
		if top.edge == f.edges {
			l.stack = l.stack[:len(l.stack)-1]
			continue
		}
		callee := l.code.edges[f.edge+top.edge]
		top.edge++
		if l.seen[callee] != l.round {
			l.visit(callee, &e)
		}
		if l.total+e.insns > maxInstructions {
			return e, errTooMuchCode
		}
	}
	e.to = len(l.order)
	l.total += e.insns
	return e, nil
}

func (l *linker) visit(function int32, e *entry) {
	l.seen[function] = l.round
	l.order = append(l.order, function)
	l.stack = append(l.stack, frame{function: function})
	e.insns += int(l.code.funcs[function].count)
}

// assemble returns the instructions of an entry. Those of several functions are
// copied to room, the rest of which is returned.
func (l *linker) assemble(e entry, room asm.Instructions) (program, rest asm.Instructions) {
	if e.to-e.from == 1 {
		return l.code.instructions(e.function), room
	}
	for _, f := range l.order[e.from:e.to] {
		room = append(room, l.code.instructions(f)...)
	}
	return room[:e.insns:e.insns], room[e.insns:]
}

// instructions returns those of one function, without room to append to.
func (c *codeTable) instructions(function int32) asm.Instructions {
	f := &c.funcs[function]
	return c.insns[f.first : f.first+f.count : f.first+f.count]
}
