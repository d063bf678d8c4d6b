package object

import (
	"cmp"
	"errors"
	"fmt"
	"sort"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// codeInfo is what there is to say about the instructions of a section, each
// list by offset.
type codeInfo struct {
	section int32

	relocs  []elf.Reloc
	related bool // relocs has been read

	full  bool // the rest has been read
	funcs btf.FuncTable
	lines btf.LineTable
	core  btf.CORERelocationOffsets

	batch  int         // the last one that has instructions from here, see linker.batch
	notes  int         // how many annotations these will have, or a few less
	shared *asm.Shared // by their metadata
}

// firstAt returns the index of the first of n elements, sorted by offset, that
// isn't before start.
func firstAt(n int, start uint32, offset func(int) uint64) int {
	return sort.Search(n, func(i int) bool { return offset(i) >= uint64(start) })
}

func (c *codeInfo) firstReloc(start uint32) int {
	return firstAt(len(c.relocs), start, func(i int) uint64 { return c.relocs[i].Offset })
}

func (c *codeInfo) firstFunc(start uint32) int {
	return firstAt(c.funcs.Len(), start, func(i int) uint64 { return uint64(c.funcs.Offset(i)) })
}

func (c *codeInfo) firstLine(start uint32) int {
	return firstAt(c.lines.Len(), start, func(i int) uint64 { return uint64(c.lines.Offset(i)) })
}

func (c *codeInfo) firstCORE(start uint32) int {
	return firstAt(len(c.core), start, func(i int) uint64 { return uint64(c.core[i].Offset) })
}

// funcOf returns what BTF has for a function.
func (c *codeInfo) funcOf(f *function) (ref btf.TypeRef, ok bool) {
	i := c.firstFunc(f.start)
	if i == c.funcs.Len() || c.funcs.Offset(i) != f.start {
		return btf.TypeRef{}, false
	}
	return c.funcs.Func(i), true
}

// listInfos makes room for what is known about each section with functions.
func (p *parser) listInfos() {
	n, last := 0, int32(-1)
	for i := range p.code.funcs {
		if section := p.code.funcs[i].section; section != last {
			last = section
			n++
		}
	}
	infos := sized(p.code.infoRoom[:], n)[:0]
	for i := range p.code.funcs {
		if section := p.code.funcs[i].section; len(infos) == 0 || infos[len(infos)-1].section != section {
			infos = append(infos, codeInfo{section: section})
		}
	}
	p.code.infos = infos
}

func relocsByOffset(a, b *elf.Reloc) int { return cmp.Compare(a.Offset, b.Offset) }

// info is what is known about a section with functions: its relocations.
func (p *parser) info(section int32) (*codeInfo, error) {
	p.look()
	infos := p.code.infos
	c := &infos[sort.Search(len(infos), func(i int) bool { return infos[i].section >= section })]
	r := p.sections[section].reloc
	if c.related || r == 0 {
		return c, nil
	}
	relocs, err := p.file.Relocations(&p.file.Sections[r])
	if err != nil {
		return nil, err
	}
	sorting.Stable(relocs, relocsByOffset)
	c.relocs, c.related = relocs, true
	return c, nil
}

// fullInfo adds what BTF tells.
func (p *parser) fullInfo(section int32) (*codeInfo, error) {
	c, err := p.info(section)
	if err != nil || c.full {
		return c, err
	}
	name := p.file.Sections[section].Name
	ext := &p.code.ext
	if p.code.extErr != nil {
		return nil, p.code.extErr
	}
	if err := ext.Check(name); err != nil {
		return nil, fmt.Errorf("section .BTF.ext: %w", err)
	}
	c.funcs, c.lines, c.core = ext.Funcs(name), ext.Lines(name), ext.CORERelocations(name)
	c.full = true
	return c, nil
}

// codeError says where in the code an error is.
func (p *parser) codeError(f *function, offset uint32, err error) error {
	e := &Error{Section: p.file.Sections[f.section].Name, Symbol: p.file.Decoded[f.symbol].Name, Offset: uint64(offset), Err: err}
	info, broken := p.fullInfo(f.section)
	if broken != nil {
		return e
	}
	if i := info.firstLine(offset+1) - 1; i >= 0 && info.lines.Offset(i) >= f.start {
		l := info.lines.Line(i)
		e.Source = fmt.Sprintf("%s:%d", l.FileName(), l.LineNumber())
	}
	return e
}

// resolve decodes a function into insns and attaches what they refer to, and what
// the compiler tells about them, walking over all lists side by side.
func (p *parser) resolve(f *function, b *body, insns asm.Instructions) error {
	code, err := p.bytes(f)
	if err != nil {
		return err
	}
	info, err := p.fullInfo(f.section)
	if err != nil {
		return err
	}
	w := walk{p: p, f: f, name: b.name, shared: info.shared, lines: &info.lines, decoder: asm.NewDecoder(insns, code, p.bigEndian)}
	w.relocs = info.relocs[info.firstReloc(f.start):info.firstReloc(f.end)]
	w.core = info.core[info.firstCORE(f.start):info.firstCORE(f.end)]
	w.edges = p.code.edges[b.edge : b.edge+b.edges]
	w.line, w.endLine = info.firstLine(f.start), info.firstLine(f.end)
	w.begin(info)
	for {
		w.offset = w.next()
		err := w.decoder.Until(int(min(w.offset, f.end) - f.start))
		if err == nil && w.offset >= f.end {
			return nil
		}
		w.ins = nil
		if err == nil && uint32(w.decoder.Offset) == w.offset-f.start {
			w.ins = &insns[w.decoder.Index]
			err = w.decoder.Until(w.decoder.Offset + 1)
		}
		if err != nil {
			return errorAt(p.file.Sections[f.section].Name, b.name, uint64(f.start), "%w", err)
		}
		if err := w.step(); err != nil {
			return p.codeError(f, w.offset, err)
		}
	}
}

// walk is a position in a function, and what is left of the lists there.
type walk struct {
	p       *parser
	f       *function
	name    string // of f
	decoder asm.Decoder
	shared  *asm.Shared
	offset  uint32 // bytes from the start of the section

	relocs        []elf.Reloc
	core          []btf.CORERelocationOffset
	edges         []edge
	lines         *btf.LineTable
	line, endLine int // what is left of lines

	ins    *asm.Instruction // nil in the middle of one
	notes  *asm.Annotations // of ins, nil until it needs some
	number uint32           // of notes, zero without
}

// note returns the annotations of the current instruction.
func (w *walk) note() *asm.Annotations {
	if w.notes == nil {
		w.notes, w.number = w.shared.Annotate()
	}
	return w.notes
}

// begin names the function.
func (w *walk) begin(info *codeInfo) {
	w.note().Symbol = w.name
	w.notes.Func, _ = info.funcOf(w.f)
}

// next returns the offset of the next instruction that there is something to say
// about, or one from the function's end on.
func (w *walk) next() uint32 {
	if w.notes != nil {
		return w.f.start // the first one, by begin
	}
	next := w.f.end
	if len(w.relocs) > 0 {
		next = min(next, uint32(w.relocs[0].Offset))
	}
	if len(w.core) > 0 {
		next = min(next, w.core[0].Offset)
	}
	if len(w.edges) > 0 {
		next = min(next, w.edges[0].offset)
	}
	if w.line < w.endLine {
		next = min(next, w.lines.Offset(w.line))
	}
	return next
}

// step describes the instruction at the current offset.
func (w *walk) step() error {
	line := uint32(0)
	for w.line < w.endLine && w.lines.Offset(w.line) <= w.offset {
		w.line++
		line = uint32(w.line)
	}
	if w.ins == nil {
		return w.misplaced()
	}
	if len(w.core) > 0 && w.core[0].Offset == w.offset {
		w.note().CORE = &w.core[0].Relo
		w.core = w.core[1:]
	}
	if err := w.resolve(); err != nil {
		return err
	}
	if len(w.edges) > 0 && w.edges[0].offset <= w.offset {
		return errTwice
	}
	w.ins.Metadata = w.shared.Metadata(line, w.number)
	w.notes, w.number = nil, 0
	return nil
}

// misplaced refuses all but lines where no instruction begins.
func (w *walk) misplaced() error {
	switch {
	case len(w.core) > 0 && w.core[0].Offset == w.offset:
		return fmt.Errorf("CO-RE relocation of offset %#x, where no instruction begins", w.offset)
	case len(w.relocs) > 0 && w.relocs[0].Offset == uint64(w.offset):
		return fmt.Errorf("relocation of offset %#x, where no instruction begins", w.offset)
	case len(w.edges) > 0 && w.edges[0].offset <= w.offset:
		return errTwice
	}
	return nil
}

var errTwice = errors.New("decoded differently the second time")

// resolve finds out what the current instruction refers to.
func (w *walk) resolve() error {
	if len(w.relocs) == 0 || w.relocs[0].Offset != uint64(w.offset) {
		if w.ins.IsFunctionCall() {
			return w.refer()
		}
		return nil
	}
	r := w.relocs[0]
	w.relocs = w.relocs[1:]
	if len(w.relocs) > 0 && w.relocs[0].Offset == r.Offset {
		return errors.New("two relocations of one instruction")
	}
	return w.relocate(&r)
}

// relocate dispatches on what the symbol is.
func (w *walk) relocate(r *elf.Reloc) error {
	sym := &w.p.file.Decoded[r.Symbol]
	call := w.ins.OpCode == opCall
	if !call && !w.ins.OpCode.IsDWordLoad() {
		return fmt.Errorf("relocation against %s of an instruction that is neither a call nor a 64-bit load", w.p.symbolName(sym))
	}
	if sym.Section == elf.SHN_UNDEF {
		return w.referExtern(r.Symbol, call)
	}
	role := w.p.roleAt(sym)
	switch {
	case role == roleCode:
		if !call {
			w.ins.Src = asm.PseudoFunc
		}
		return w.refer()
	case call:
		return fmt.Errorf("call of %s, which isn't in a section with code", w.p.symbolName(sym))
	case role == roleMaps || role == roleLegacy:
		return w.loadMap(r, sym)
	case role.isVariables():
		return w.loadValue(r, sym, w.p.file.Sections[sym.Section].Name)
	case role == roleArena:
		return w.loadValue(r, sym, w.p.maps[w.p.arena].Name)
	case role == roleTables:
		return w.loadTable(r, sym)
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

// addend is what to add to a symbol's value: sections of type REL keep it in
// the instruction.
func (w *walk) addend(r *elf.Reloc) int64 {
	return r.Addend + int64(int32(w.ins.Constant))
}

// refer makes the instruction refer to the next function that findCalls found.
func (w *walk) refer() error {
	if len(w.edges) == 0 || w.edges[0].offset != w.offset {
		return errTwice
	}
	w.note().Reference = w.p.code.bodies[w.edges[0].function].name
	w.ins.Constant = -1
	w.edges = w.edges[1:]
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
	i, ok := sort.Find(len(maps), func(i int) int { return cmp.Compare(offset, int64(maps[i].offset)) })
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
