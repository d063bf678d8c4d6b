package object

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// textSection has the functions that are no programs by themselves.
const textSection = ".text"

// function is a function of the file, program or not.
type function struct {
	symbol  uint32
	section int32
	start   uint32 // bytes from the start of the section
	end     uint32
}

// body is what there is in a function.
type body struct {
	name string // of the function, unique within the object

	count       int32 // instructions, 0 until scanned
	edge, edges int32 // what it refers to, in inner.edges

	placed int32 // where it was decoded for the batch, in linker.insns, counted from one
	batch  int   // of the programs that it was last decoded for, see linker.batch
	seen   int   // by the program of this number, see linker.round
}

// codeTable is all code of the object.
type codeTable struct {
	funcs  []function // by section and start
	*inner            // nil until somebody wants to know what is in them
}

// inner is what there is in functions.
type inner struct {
	bodies []body           // of the functions with the same numbers
	edges  []edge           // what each function refers to, in order of its instructions
	infos  []codeInfo       // of the sections with code
	tables []*asm.JumpTable // by symbol, nil unless something refers to it
	ext    btf.ExtInfos     // what BTF tells about instructions
	extErr error            // why it can't
	linker linker

	// room for the tables of small objects
	bodyRoom  [2]body
	edgeRoom  [4]edge
	infoRoom  [1]codeInfo
	orderRoom [4]int32
	stackRoom [2]frame
	entryRoom [1]entry
	usedRoom  [1]*codeInfo
}

// look makes room for what there is in functions.
func (p *parser) look() {
	if p.code.inner != nil {
		return
	}
	in := new(inner)
	in.bodies, in.edges = sized(in.bodyRoom[:], len(p.code.funcs)), in.edgeRoom[:0]
	in.linker = linker{p: p, entries: in.entryRoom[:0], order: slices.Grow(in.orderRoom[:0], len(p.code.funcs)), stack: in.stackRoom[:0], infos: in.usedRoom[:0]}
	p.code.inner = in
	p.nameBodies()
	p.listInfos()
	in.extErr = p.readExt()
}

// edge is a reference to a function.
type edge struct {
	offset   uint32 // of the instruction, in its section
	function int32
}

// maxInstructions bounds what all programs together can have, each with what
// it calls: more than any kernel would take, but in the memory of any machine.
const maxInstructions = 1 << 22

// readCode finds the functions. What is in them is looked at when somebody wants
// the instructions.
func (p *parser) readCode() error {
	if err := p.findFunctions(); err != nil {
		return err
	}
	return p.makeStatics()
}

// makeStatics changes the linkage of functions that only the object itself can
// call. The kernel verifies a static function with what its callers give it, but
// a global one with any arguments.
func (p *parser) makeStatics() error {
	for i := range p.code.funcs {
		f := &p.code.funcs[i]
		if !isHidden(&p.file.Decoded[f.symbol]) || p.isProgram(f) {
			continue
		}
		info, err := p.fullInfo(f.section)
		if err != nil {
			return err
		}
		if ref, ok := info.funcOf(f); ok {
			p.types.makeStatic(uint32(ref.ID()))
		}
	}
	return nil
}

// findFunctions lists the functions in order of their place in the file.
func (p *parser) findFunctions() error {
	funcs := sized(p.buf.funcs[:], int(p.counts.functions+p.counts.untyped))[:0]
	for i := range p.file.Decoded {
		sym := &p.file.Decoded[i]
		if !p.isFunction(sym) && (!p.mayBeFunction(sym) || p.sections[sym.Section].count > 0) {
			continue
		}
		f, err := p.newFunction(uint32(i), sym)
		if err != nil {
			return err
		}
		funcs = append(funcs, f)
	}
	p.code.funcs = funcs
	sorting.Stable(funcs, p.byPlace)
	return p.checkFunctions()
}

// nameOf is what the file calls a function.
func (p *parser) nameOf(f *function) string { return p.file.Decoded[f.symbol].Name }

// isFunction leaves out functions that are nowhere, or where there is no code.
func (p *parser) isFunction(sym *elf.Symbol) bool {
	return sym.Type == elf.STT_FUNC && p.roleAt(sym) == roleCode
}

// mayBeFunction is for old compilers, which give functions symbols without type.
// New ones use these for labels, in sections that have functions.
func (p *parser) mayBeFunction(sym *elf.Symbol) bool {
	return sym.Type == elf.STT_NOTYPE && isGlobal(sym) && p.roleAt(sym) == roleCode
}

func (p *parser) newFunction(n uint32, sym *elf.Symbol) (function, error) {
	s := p.inSection(sym)
	switch {
	case sym.Name == "":
		return function{}, errorAt(s.Name, "", sym.Value, "a function without a name")
	case sym.Value > s.Size || sym.Size > s.Size-sym.Value || s.Size > 1<<31:
		return function{}, errorAt(s.Name, sym.Name, sym.Value, "function of %d bytes exceeds the section's %d bytes", sym.Size, s.Size)
	case sym.Value%asm.InstructionSize != 0 || sym.Size%asm.InstructionSize != 0:
		return function{}, errorAt(s.Name, sym.Name, sym.Value, "offset or size of %d bytes is no multiple of an instruction's %d bytes", sym.Size, asm.InstructionSize)
	}
	return function{
		symbol: n, section: int32(sym.Section),
		start: uint32(sym.Value), end: uint32(sym.Value + sym.Size),
	}, nil
}

// byPlace orders the functions of a parser by place. Of several names for the
// same place, the first is one that others can see.
func (p *parser) byPlace(a, b *function) int {
	return cmp.Or(
		cmp.Compare(a.section, b.section), cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end),
		cmp.Compare(p.file.Decoded[b.symbol].Bind, p.file.Decoded[a.symbol].Bind), strings.Compare(p.file.Decoded[a.symbol].Name, p.file.Decoded[b.symbol].Name),
	)
}

// checkFunctions refuses functions that overlap in part, and tells each
// section which functions it has.
func (p *parser) checkFunctions() error {
	p.sizeFunctions()
	funcs := p.code.funcs
	total := uint64(0)
	for i := range funcs {
		f := &funcs[i]
		s := &p.file.Sections[f.section]
		if f.start == f.end {
			return errorAt(s.Name, p.nameOf(f), uint64(f.start), "function without instructions")
		}
		if i > 0 {
			if g := &funcs[i-1]; g.section == f.section && f.start < g.end && (f.start != g.start || f.end != g.end) {
				return errorAt(s.Name, p.nameOf(f), uint64(f.start), "function overlaps %s, which ends at offset %#x", p.nameOf(g), g.end)
			}
		}
		if total += uint64(f.end - f.start); total > maxInstructions*asm.InstructionSize {
			return errorAt(s.Name, p.nameOf(f), uint64(f.start), "the functions of the file have more than %d instructions", maxInstructions)
		}
		sec := &p.sections[f.section]
		if i == 0 || funcs[i-1].section != f.section {
			sec.item, sec.count = int32(i), 0
		}
		sec.count++
	}
	return nil
}

// sizeFunctions lets functions of unknown size, as hand-written ones are, end
// where the next one begins.
func (p *parser) sizeFunctions() {
	funcs := p.code.funcs
	next := uint32(0)
	for i := len(funcs) - 1; i >= 0; i-- {
		f := &funcs[i]
		if i == len(funcs)-1 || funcs[i+1].section != f.section {
			next = uint32(p.file.Sections[f.section].Size)
		} else if funcs[i+1].start > f.start {
			next = funcs[i+1].start
		}
		if f.start == f.end {
			f.end = next
		}
	}
}

// nameBodies makes references by name unambiguous. Only static functions, of
// several files linked into one, can have the same name.
func (p *parser) nameBodies() {
	funcs, bodies := p.code.funcs, p.code.bodies
	for i := range bodies {
		bodies[i].name = p.nameOf(&funcs[i])
	}
	if len(bodies) < 2 {
		return
	}
	var room [32]uint32
	order := sized(room[:], len(bodies))
	for i := range order {
		order[i] = uint32(i)
	}
	sorting.Unstable(order, func(a, b uint32) int {
		return cmp.Or(
			strings.Compare(bodies[a].name, bodies[b].name),
			cmp.Compare(p.file.Decoded[funcs[b].symbol].Bind, p.file.Decoded[funcs[a].symbol].Bind), cmp.Compare(a, b),
		)
	})
	for i := 1; i < len(order); i++ {
		f := &funcs[order[i]]
		if name := p.nameOf(f); name == p.nameOf(&funcs[order[i-1]]) {
			bodies[order[i]].name = fmt.Sprintf("%s@%s+%#x", name, p.file.Sections[f.section].Name, f.start)
		}
	}
}

// functionAt returns the number of the function that begins at an offset.
func (p *parser) functionAt(section int32, offset uint64) (int32, error) {
	s := p.file.Sections[section]
	sec := p.sections[section]
	if sec.role != roleCode {
		return 0, fmt.Errorf("section %s has no code", s.Name)
	}
	funcs := p.code.funcs[sec.item : sec.item+sec.count]
	i, ok := sort.Find(len(funcs), func(i int) int { return cmp.Compare(offset, uint64(funcs[i].start)) })
	switch {
	case ok:
		return sec.item + int32(i), nil
	case i > 0 && offset < uint64(funcs[i-1].end):
		return 0, fmt.Errorf("offset %#x of section %s is in the middle of function %s", offset, s.Name, p.nameOf(&funcs[i-1]))
	}
	return 0, fmt.Errorf("no function at offset %#x of section %s", offset, s.Name)
}

// bytes returns the code of a function.
func (p *parser) bytes(f *function) ([]byte, error) {
	data, err := p.file.Data(&p.file.Sections[f.section])
	if err != nil {
		return nil, err
	}
	return data[f.start:f.end], nil
}
