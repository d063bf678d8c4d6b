package object

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

var errTooMuchCode = fmt.Errorf("with all that they call, the programs of the file have more than %d instructions", maxInstructions)

// codeInfo is what there is to say about the instructions of a section, each
// list by offset.
type codeInfo struct {
	relocs []elf.Reloc
	funcs  btf.FuncOffsets
	lines  btf.LineOffsets
	core   btf.CORERelocationOffsets
}

// annotate attaches what instructions refer to, and what the compiler tells
// about them.
func (p *parser) annotate() error {
	var relocs []elf.Reloc
	funcs := p.code.funcs
	for len(funcs) > 0 {
		section := funcs[0].section
		n := int(p.sections[section].count)
		info, rest, err := p.codeInfo(section, relocs)
		if err != nil {
			return err
		}
		relocs = rest
		p.reserveNotes(n + len(info.relocs) + len(info.core))
		for i := range funcs[:n] {
			if err := p.annotateFunction(&funcs[i], info); err != nil {
				return err
			}
		}
		funcs = funcs[n:]
	}
	return nil
}

// codeInfo collects what is known about a section. relocs is memory to use.
func (p *parser) codeInfo(section int32, relocs []elf.Reloc) (info codeInfo, rest []elf.Reloc, err error) {
	if n := p.sections[section].reloc; n != 0 {
		if relocs, err = p.file.AppendRelocations(relocs[:0], &p.file.Sections[n]); err != nil {
			return info, relocs, err
		}
		byOffset := func(a, b elf.Reloc) int { return cmp.Compare(a.Offset, b.Offset) }
		if !slices.IsSortedFunc(relocs, byOffset) {
			slices.SortStableFunc(relocs, byOffset)
		}
		info.relocs = relocs
	}
	if p.ext != nil {
		s := &p.file.Sections[section]
		info.funcs, info.lines, info.core = p.ext.Section(s.Name)
	}
	return info, relocs, nil
}

// reserveNotes makes sure that the next n annotations need no allocation.
func (p *parser) reserveNotes(n int) {
	if len(p.code.notes) < n {
		p.code.notes = make([]asm.Annotations, n)
	}
}

// note returns annotations that belong to no instruction yet.
func (p *parser) note() *asm.Annotations {
	if len(p.code.notes) == 0 {
		p.code.notes = make([]asm.Annotations, 64)
	}
	n := &p.code.notes[0]
	p.code.notes = p.code.notes[1:]
	return n
}

// from returns the part of a list that begins at an offset.
func from[E any](list []E, start uint32, offset func(*E) uint64) []E {
	i, _ := slices.BinarySearchFunc(list, uint64(start), func(e E, start uint64) int { return cmp.Compare(offset(&e), start) })
	return list[i:]
}

// annotateFunction walks over the instructions and the lists side by side.
func (p *parser) annotateFunction(f *function, info codeInfo) error {
	w := walk{p: p, f: f, section: p.file.Sections[f.section].Name, offset: f.start}
	w.relocs = from(info.relocs, f.start, func(r *elf.Reloc) uint64 { return r.Offset })
	w.lines = from(info.lines, f.start, func(l *btf.LineOffset) uint64 { return uint64(l.Offset) })
	w.core = from(info.core, f.start, func(c *btf.CORERelocationOffset) uint64 { return uint64(c.Offset) })

	f.edge = int32(len(p.code.edges))
	insns := p.code.insns[f.first : f.first+f.count]
	for i := range insns {
		w.ins, w.notes = &insns[i], nil
		if i == 0 {
			w.begin(from(info.funcs, f.start, func(o *btf.FuncOffset) uint64 { return uint64(o.Offset) }))
		}
		if err := w.step(); err != nil {
			return w.fail(err)
		}
		w.offset += uint32(insns[i].Size())
	}
	f.edges = int32(len(p.code.edges)) - f.edge
	return nil
}

// walk is a position in a function, and what is left of the lists there.
type walk struct {
	p       *parser
	f       *function
	section string
	offset  uint32 // bytes from the start of the section

	relocs []elf.Reloc
	lines  []btf.LineOffset
	core   []btf.CORERelocationOffset

	ins   *asm.Instruction
	notes *asm.Annotations // of ins, nil until it needs some
	line  *btf.Line        // of ins, or the last one before it
}

// note returns the annotations of the current instruction.
func (w *walk) note() *asm.Annotations {
	if w.notes == nil {
		w.notes = w.p.note()
	}
	return w.notes
}

// begin names the function.
func (w *walk) begin(funcs []btf.FuncOffset) {
	w.note().Symbol = w.f.name
	if len(funcs) > 0 && funcs[0].Offset == w.offset {
		w.notes.Func = funcs[0].Func
	}
}

// step attaches everything to the current instruction.
func (w *walk) step() error {
	var line *btf.Line
	for len(w.lines) > 0 && w.lines[0].Offset <= w.offset {
		if w.lines[0].Offset == w.offset {
			line = &w.lines[0].Line
			w.line = line
		}
		w.lines = w.lines[1:]
	}
	if len(w.core) > 0 && w.core[0].Offset <= w.offset {
		if err := w.attachCORE(); err != nil {
			return err
		}
	}
	if err := w.resolve(); err != nil {
		return err
	}
	w.ins.Metadata = asm.NewMetadata(line, w.notes)
	return nil
}

func (w *walk) attachCORE() error {
	c := &w.core[0]
	if c.Offset < w.offset {
		return fmt.Errorf("CO-RE relocation of offset %#x, where no instruction begins", c.Offset)
	}
	w.note().CORE = &c.Relo
	w.core = w.core[1:]
	return nil
}

// resolve finds out what the current instruction refers to.
func (w *walk) resolve() error {
	if len(w.relocs) == 0 || w.relocs[0].Offset > uint64(w.offset) {
		return w.resolveLocal()
	}
	r := w.relocs[0]
	w.relocs = w.relocs[1:]
	if r.Offset != uint64(w.offset) {
		return fmt.Errorf("relocation of offset %#x, where no instruction begins", r.Offset)
	}
	if len(w.relocs) > 0 && w.relocs[0].Offset == r.Offset {
		return errors.New("two relocations of one instruction")
	}
	return w.relocate(&r)
}

// resolveLocal handles references without relocation: calls within a section.
func (w *walk) resolveLocal() error {
	if w.ins.IsLoadOfFunctionPointer() {
		return errors.New("address of a function without a relocation that says of which")
	}
	if !w.ins.IsFunctionCall() {
		return nil
	}
	return w.refer(w.f.section, int64(w.offset)+asm.InstructionSize*(w.ins.Constant+1))
}

// fail says where an error is.
func (w *walk) fail(err error) error {
	e := &Error{Section: w.section, Symbol: w.p.syms[w.f.symbol].Name, Offset: uint64(w.offset), Err: err}
	if w.line != nil {
		e.Source = fmt.Sprintf("%s:%d", w.line.FileName(), w.line.LineNumber())
	}
	return e
}

// relocate dispatches on what the symbol is.
func (w *walk) relocate(r *elf.Reloc) error {
	sym := &w.p.syms[r.Symbol]
	call := w.ins.OpCode == opCall
	if !call && !w.ins.OpCode.IsDWordLoad() {
		return fmt.Errorf("relocation against %s of an instruction that is neither a call nor a 64-bit load", w.p.symbolName(sym))
	}
	if sym.Section == elf.SHN_UNDEF {
		return w.referExtern(r.Symbol, call)
	}
	role := w.p.roleAt(sym)
	switch {
	case role == roleCode && call:
		return w.call(r, sym)
	case call:
		return fmt.Errorf("call of %s, which isn't in a section with code", w.p.symbolName(sym))
	case role == roleCode:
		return w.loadFunction(r, sym)
	case role == roleMaps || role == roleLegacy:
		return w.loadMap(r, sym)
	case role.isVariables():
		return w.loadValue(r, sym, w.p.file.Sections[sym.Section].Name)
	case role == roleArena:
		return w.loadValue(r, sym, w.p.maps[w.p.arena].Name)
	case role == roleTables:
		return errors.New("a jump table: compile with -fno-jump-tables, or with -mcpu=v3")
	}
	return w.strange(sym)
}

// strange explains a symbol that nothing can be made of.
func (w *walk) strange(sym *elf.Symbol) error {
	name := w.p.symbolName(sym)
	switch s := w.p.inSection(sym); {
	case sym.Section == elf.SHN_COMMON:
		return fmt.Errorf("%s is a tentative definition: initialise it, or compile with -fno-common", name)
	case s == nil:
		return fmt.Errorf("%s isn't in any section", name)
	default:
		return fmt.Errorf("%s is in section %s, which holds neither maps, variables nor code", name, s.Name)
	}
}

// symbolName is what to call a symbol in messages: sections have none.
func (p *parser) symbolName(sym *elf.Symbol) string {
	if s := p.inSection(sym); sym.Name == "" && s != nil {
		return "section " + s.Name
	} else if sym.Name == "" {
		return "a symbol without name"
	}
	return sym.Name
}

// opCall is the operation of calls, whatever they call.
const opCall = asm.OpCode(asm.JumpClass) | asm.OpCode(asm.Call)

// addend is what to add to a symbol's value: sections of type REL keep it in
// the instruction.
func (w *walk) addend(r *elf.Reloc) int64 {
	return r.Addend + int64(int32(w.ins.Constant))
}

// call resolves a call: to a global function, whose symbol says where it is, or
// to a static one, which is counted in instructions from its section's symbol.
func (w *walk) call(r *elf.Reloc, sym *elf.Symbol) error {
	if w.ins.Src != asm.PseudoCall {
		return fmt.Errorf("call of %s by an instruction that doesn't call functions", w.p.symbolName(sym))
	}
	return w.refer(int32(sym.Section), int64(sym.Value)+asm.InstructionSize*(w.addend(r)+1))
}

// loadFunction resolves the address of a function, to call it back.
func (w *walk) loadFunction(r *elf.Reloc, sym *elf.Symbol) error {
	w.ins.Src = asm.PseudoFunc
	return w.refer(int32(sym.Section), int64(sym.Value)+w.addend(r))
}

// refer makes the instruction refer to the function at an offset.
func (w *walk) refer(section int32, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("reference to offset %d of section %s", offset, w.p.file.Sections[section].Name)
	}
	n, err := w.p.functionAt(section, uint64(offset))
	if err != nil {
		return err
	}
	w.note().Reference = w.p.code.funcs[n].name
	w.ins.Constant = -1
	w.p.code.edges = append(w.p.code.edges, n)
	return nil
}

// loadMap resolves the address of a map.
func (w *walk) loadMap(r *elf.Reloc, sym *elf.Symbol) error {
	m, err := w.p.mapAt(sym, w.addend(r))
	if err != nil {
		return err
	}
	w.ins.Src, w.ins.Constant = asm.PseudoMapFD, 0
	w.note().Reference = m.Name
	return nil
}

// mapAt returns the map that is defined at a symbol, or so many bytes after it.
func (p *parser) mapAt(sym *elf.Symbol, addend int64) (*Map, error) {
	sec, offset := p.sections[sym.Section], int64(sym.Value)+addend
	maps := p.maps[sec.item : sec.item+sec.count]
	i, ok := slices.BinarySearchFunc(maps, offset, func(m Map, offset int64) int { return cmp.Compare(int64(m.offset), offset) })
	if !ok {
		return nil, fmt.Errorf("%s: no map is defined at offset %#x of section %s", p.symbolName(sym), offset, p.file.Sections[sym.Section].Name)
	}
	return &maps[i], nil
}

// loadValue resolves the address of a variable, in the value of the map that
// its section becomes.
func (w *walk) loadValue(r *elf.Reloc, sym *elf.Symbol, name string) error {
	s := &w.p.file.Sections[sym.Section]
	if sym.Value > s.Size {
		return fmt.Errorf("%s is at offset %#x of section %s, which has %#x bytes", w.p.symbolName(sym), sym.Value, s.Name, s.Size)
	}
	w.ins.Src = asm.PseudoMapValue
	w.ins.Constant = mapValue(uint32(int64(sym.Value) + w.addend(r)))
	w.note().Reference = name
	return nil
}

// mapValue is the constant of a load of a map's value: where in it. The
// descriptor of the map comes into the lower half.
func mapValue(offset uint32) int64 { return int64(uint64(offset) << 32) }

// referExtern resolves a reference to what the file doesn't define.
func (w *walk) referExtern(symbol uint32, call bool) error {
	e := w.p.extern(symbol)
	if e == nil {
		return errors.New("relocation against no symbol")
	}
	w.note().Extern = &e.Extern
	w.notes.Reference = e.Name
	switch {
	case e.Kind == asm.ExternUnknown:
	case call && e.Kind != asm.ExternKfunc:
		return fmt.Errorf("call of %s, which is declared as a variable", e.Name)
	case call:
		w.ins.Src, w.ins.Constant = asm.PseudoKfuncCall, 0
	case e.Kind == asm.ExternKconfig:
		w.ins.Src, w.ins.Constant = asm.PseudoMapValue, mapValue(e.Offset)
		w.notes.Reference = kconfigSection
	default:
		w.ins.Src, w.ins.Constant = asm.R0, 0
	}
	return nil
}
