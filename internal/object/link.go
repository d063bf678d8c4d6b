package object

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// readPrograms makes programs of the functions outside of .text.
func (p *parser) readPrograms() error {
	n := 0
	for i := range p.code.funcs {
		if p.isProgram(&p.code.funcs[i]) {
			n++
		}
	}
	programs := sized(p.buf.programs[:], n)
	p.obj.Programs = sized(p.obj.programs[:], n)[:0]
	for i := range p.code.funcs {
		f := &p.code.funcs[i]
		if !p.isProgram(f) {
			continue
		}
		prog := &programs[len(p.obj.Programs)]
		prog.file, prog.function = p, int32(i)
		if err := p.describe(prog, f); err != nil {
			return err
		}
		p.obj.Programs = append(p.obj.Programs, prog)
	}
	return nil
}

func (p *parser) isProgram(f *function) bool {
	return p.file.Sections[f.section].Name != textSection
}

// describe fills in everything but the instructions.
func (p *parser) describe(prog *Program, f *function) (err error) {
	sym := &p.file.Decoded[f.symbol]
	prog.Name, prog.Section, prog.Static = sym.Name, p.file.Sections[f.section].Name, sym.Bind == elf.STB_LOCAL
	if prog.Tags, err = p.tagsOf(f); err != nil {
		return err
	}
	var ok bool
	if prog.Def, prog.AttachTo, prog.Optional, ok = MatchSection(prog.Section); ok {
		prog.Type, prog.AttachType, prog.Flags = prog.Def.Type, prog.Def.Attach, prog.Def.ProgFlags()
	}
	return nil
}

// tagsOf returns the BTF declaration tags of a function.
func (p *parser) tagsOf(f *function) ([]string, error) {
	if !p.types.tags {
		return nil, nil
	}
	info, err := p.fullInfo(f.section)
	if err != nil {
		return nil, err
	}
	ref, ok := info.funcOf(f)
	if !ok {
		return nil, nil
	}
	return p.types.tagsOf(uint32(ref.ID())), nil
}

// Decode fills in the instructions of all programs.
func (o *Object) Decode() error {
	if err := o.file.decode(o.Programs); err != nil {
		return fmt.Errorf("parse object: %w", err)
	}
	return nil
}

// Decode returns the program's instructions, new ones each time. Several
// goroutines may do so at once.
func (p *Program) Decode() (asm.Instructions, error) {
	decoded := *p
	if err := p.file.decode([]*Program{&decoded}); err != nil {
		return nil, fmt.Errorf("program %q: %w", p.Name, err)
	}
	return decoded.Instructions, nil
}

// decode decodes programs, each with all that it refers to.
func (p *parser) decode(programs []*Program) error {
	p.decoding.Lock()
	defer p.decoding.Unlock()
	p.look()
	return p.code.linker.link(programs)
}

// linker puts programs together of what they reach. There is one for an object,
// so that it costs no allocations for each program.
type linker struct {
	p     *parser
	round int // counts programs
	batch int // counts calls of link

	entries []entry // of the programs of the batch
	order   []int32 // functions of all entries, one after another
	stack   []frame
	infos   []*codeInfo // of the sections that the functions are from
	total   int         // instructions
	notes   int         // annotations, or a few less

	insns asm.Instructions // of the batch
}

// entry is what a program has of linker.order.
type entry struct {
	from, to int32
	insns    int
}

// frame is a function whose references from edge on are still to be followed.
type frame struct{ function, edge int32 }

// link makes the instructions of programs. What a function refers to is resolved
// once for all of them.
func (l *linker) link(programs []*Program) error {
	l.batch++
	l.entries, l.order, l.infos, l.total, l.notes = l.entries[:0], l.order[:0], l.infos[:0], 0, 0
	for _, prog := range programs {
		f := &l.p.code.funcs[prog.function]
		e, err := l.reach(prog.function, l.p.exceptionCallback(prog))
		if err != nil {
			return err
		}
		if e.insns > maxInstructions || l.total > maxInstructions {
			return errorAt(prog.Section, l.p.nameOf(f), uint64(f.start), "with all that they call, the programs of the file have more than %d instructions", maxInstructions)
		}
		l.entries = append(l.entries, e)
	}
	l.insns = make(asm.Instructions, 0, l.total)
	l.reserveNotes()
	defer func() { l.insns = nil }() // not for whoever keeps the rest
	for i, e := range l.entries {
		first := len(l.insns)
		for _, f := range l.order[e.from:e.to] {
			if err := l.place(f); err != nil {
				return err
			}
		}
		programs[i].Instructions = l.insns[first:len(l.insns):len(l.insns)]
	}
	return nil
}

// exceptionCallback is the function that a tag of a program says bpf_throw shall
// call, or -1. If there are several, or none of that name, the kernel will say so.
func (p *parser) exceptionCallback(prog *Program) int32 {
	callback := int32(-1)
	for _, tag := range prog.Tags {
		name, ok := strings.CutPrefix(tag, "exception_callback:")
		if !ok {
			continue
		}
		if callback >= 0 {
			return -1
		}
		callback = int32(slices.IndexFunc(p.code.funcs, func(f function) bool { return p.nameOf(&f) == name && !p.isProgram(&f) }))
	}
	return callback
}

// reach follows references depth first: a function is put where it is first
// referred to, followed by what it refers to itself. This is the order in which
// libbpf lays out programs. Recursion ends where it comes back: whether it is
// allowed is for the verifier to say. The exception callback, if there is one,
// comes last: no instruction refers to it.
func (l *linker) reach(root, callback int32) (entry, error) {
	e := entry{from: int32(len(l.order))}
	l.round++
	err := l.follow(root, &e)
	if err == nil && callback >= 0 {
		err = l.follow(callback, &e)
	}
	e.to = int32(len(l.order))
	l.total += e.insns
	return e, err
}

// follow adds a function and what it refers to, as far as e hasn't them yet.
func (l *linker) follow(function int32, e *entry) error {
	l.stack = l.stack[:0]
	if err := l.visit(function, e); err != nil {
		return err
	}
	for len(l.stack) > 0 {
		top := &l.stack[len(l.stack)-1]
		b := &l.p.code.bodies[top.function]
		if top.edge == b.edges {
			l.stack = l.stack[:len(l.stack)-1]
			continue
		}
		callee := l.p.code.edges[b.edge+top.edge].function
		top.edge++
		if err := l.visit(callee, e); err != nil {
			return err
		}
		if l.total+e.insns > maxInstructions {
			return nil // link says so
		}
	}
	return nil
}

// visit adds a function, unless e has it.
func (l *linker) visit(function int32, e *entry) error {
	f, b := &l.p.code.funcs[function], &l.p.code.bodies[function]
	if b.seen == l.round {
		return nil
	}
	b.seen = l.round
	if b.count == 0 {
		if err := l.p.findCalls(f, b); err != nil {
			return err
		}
	}
	if b.batch != l.batch {
		b.batch, b.placed = l.batch, 0
		if err := l.expectNotes(f, int(b.edges)); err != nil {
			return err
		}
	}
	l.order = append(l.order, function)
	l.stack = append(l.stack, frame{function: function})
	e.insns += int(b.count)
	return nil
}

// expectNotes counts as many annotations as a function's instructions will have,
// or a few less: relocated ones have some, those with edges, and the first.
func (l *linker) expectNotes(f *function, edges int) error {
	info, err := l.p.fullInfo(f.section)
	if err != nil {
		return err
	}
	if info.batch != l.batch {
		info.batch, info.notes = l.batch, 0
		l.infos = append(l.infos, info)
	}
	n := 1 + edges + info.firstReloc(f.end) - info.firstReloc(f.start) + info.firstCORE(f.end) - info.firstCORE(f.start)
	info.notes += n
	l.notes += n
	return nil
}

// ownNotes is what the instructions of a single section share, in one allocation
// if it isn't much.
type ownNotes struct {
	shared [1]asm.Shared
	notes  [1]asm.Annotations
}

// reserveNotes makes room for annotations.
func (l *linker) reserveNotes() {
	var shared []asm.Shared
	var room []asm.Annotations
	if len(l.infos) == 1 && l.notes == 1 {
		own := new(ownNotes)
		shared, room = own.shared[:], own.notes[:]
	} else {
		shared, room = make([]asm.Shared, len(l.infos)), make([]asm.Annotations, l.notes)
	}
	for i, info := range l.infos {
		info.shared = &shared[i]
		info.shared.SetLines(info.lines)
		info.shared.Reserve(room[:info.notes:info.notes])
		room = room[info.notes:]
	}
}

// place appends the instructions of a function to those of a program. What
// they refer to is resolved the first time; further copies share that.
func (l *linker) place(function int32) error {
	b := &l.p.code.bodies[function]
	if b.placed != 0 {
		first := b.placed - 1
		l.insns = append(l.insns, l.insns[first:first+b.count]...)
		return nil
	}
	first := len(l.insns)
	l.insns = l.insns[:first+int(b.count)]
	b.placed = int32(first) + 1
	return l.p.resolve(&l.p.code.funcs[function], b, l.insns[first:])
}
