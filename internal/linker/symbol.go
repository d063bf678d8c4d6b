package linker

import (
	"github.com/bpfgen/bpfgen/internal/elf"
)

// symbol is a symbol of the output.
type symbol struct {
	elf.Symbol
	out *section // where it is defined, or nil: then Section says what it is
}

// global is a name that files share.
type global struct {
	name       string
	owner      occurrence // the definition, or else the first declaration
	isDefined  bool
	isWeak     bool // all that files say about it is weak
	weakOwner  bool // the definition is weak
	visibility elf.SymVis
	section    string // where it is defined or where the kernel provides it, "" if nobody says
	others     []occurrence
	number     uint32 // in the output
}

// occurrence is a symbol of an input.
type occurrence struct {
	in     *input
	number int
}

func (o occurrence) symbol() *elf.Symbol { return &o.in.symbols[o.number] }

func (o occurrence) isDefinition() bool { return o.symbol().Section != elf.SHN_UNDEF }

// place is where in the output something is defined.
func (o occurrence) place() (out *section, offset uint64) {
	sym := o.symbol()
	if o.in.section(sym) == nil {
		return nil, sym.Value
	}
	p := o.in.parts[sym.Section]
	return p.out, p.offset + sym.Value
}

// resolve finds the one definition of each global name, and makes sure that all
// files mean the same by it.
func (l *linker) resolve() error {
	for _, in := range l.inputs {
		for i := 1; i < len(in.symbols); i++ {
			if in.isLocal(&in.symbols[i]) || in.isLeftOut(&in.symbols[i]) {
				continue
			}
			if err := l.addGlobal(occurrence{in, i}); err != nil {
				return err
			}
		}
	}
	for _, g := range l.globals {
		if err := g.agree(); err != nil {
			return err
		}
	}
	return nil
}

// isLocal tells whether a symbol is of no concern to other files. Jump tables
// have the same names in all files.
func (in *input) isLocal(sym *elf.Symbol) bool {
	return sym.Bind == elf.STB_LOCAL || in.isJumpTable(sym)
}

func (in *input) isJumpTable(sym *elf.Symbol) bool {
	s := in.section(sym)
	return s != nil && s.Name == tablesSection
}

// isLeftOut tells whether a symbol is in a section that isn't linked.
func (in *input) isLeftOut(sym *elf.Symbol) bool {
	return in.section(sym) != nil && in.parts[sym.Section].out == nil
}

func (l *linker) addGlobal(o occurrence) error {
	sym := o.symbol()
	weak := sym.Bind == elf.STB_WEAK
	g := l.globalOf[sym.Name]
	if g == nil {
		g = &global{name: sym.Name, owner: o, isDefined: o.isDefinition(), isWeak: weak, weakOwner: weak, visibility: sym.Visibility}
		l.globals = append(l.globals, g)
		l.globalOf[sym.Name] = g
		return nil
	}
	g.isWeak = g.isWeak && weak
	g.visibility = max(g.visibility, sym.Visibility) // the one that hides more
	switch {
	case !o.isDefinition():
		g.others = append(g.others, o)
	case !g.isDefined, g.weakOwner && !weak:
		g.others = append(g.others, g.owner)
		g.owner, g.isDefined, g.weakOwner = o, true, weak
	case weak, g.isAt(o):
		g.others = append(g.others, o)
	default:
		return o.in.errorWith(g.owner.in, g.name, "both define it: rename one, make it static, or make one __weak")
	}
	return nil
}

// isAt tells whether a second definition is the same, in a section that files
// share.
func (g *global) isAt(o occurrence) bool {
	s1, at1 := g.owner.place()
	s2, at2 := o.place()
	return s1 != nil && s1 == s2 && at1 == at2
}

// agree compares what files say about a name, in their BTF.
func (g *global) agree() error {
	from := g.owner // that says which section it is in
	g.section = from.sectionName()
	for _, o := range g.others {
		section := o.sectionName()
		switch {
		case o.isDefinition() || section == "":
		case g.section == "" && !g.isDefined:
			g.section, from = section, o
		case section != g.section:
			return o.in.errorWith(from.in, g.name, "it is declared in section %s here, and in section %s there", section, g.section)
		}
	}
	for _, o := range g.others {
		if err := g.compare(o); err != nil {
			return &Error{File: o.in.name, Other: g.owner.in.name, Symbol: g.name, Err: err}
		}
	}
	return nil
}

// sectionName is where something is defined or, going by BTF, where it is to
// come from: the kernel's configuration for example.
func (o occurrence) sectionName() string {
	sym := o.symbol()
	if s := o.in.section(sym); s != nil {
		return s.Name
	}
	d, ok := o.in.declared(sym.Name)
	if !ok || d.section == externSection {
		return ""
	}
	return d.section
}

// numberSymbols lists the symbols of the output: local ones first, as ELF wants
// it.
func (l *linker) numberSymbols() error {
	l.symbols = make([]symbol, 1)
	for _, in := range l.inputs {
		for i := 1; i < len(in.symbols); i++ {
			if in.isLocal(&in.symbols[i]) {
				in.number[i] = l.addLocal(occurrence{in, i})
			}
		}
	}
	l.locals = len(l.symbols)
	for _, g := range l.globals {
		g.number = uint32(len(l.symbols))
		l.symbols = append(l.symbols, g.symbol())
		for _, o := range append([]occurrence{g.owner}, g.others...) {
			o.in.number[o.number] = g.number
		}
	}
	return nil
}

// addLocal returns the number that a local symbol gets. A section has one
// symbol, whichever files have one for it. Names of source files are for
// debuggers.
func (l *linker) addLocal(o occurrence) uint32 {
	sym := *o.symbol()
	if sym.Type == elf.STT_FILE || o.in.isLeftOut(&sym) {
		return 0
	}
	out, value := o.place()
	sym.Value, sym.Bind = value, elf.STB_LOCAL
	if sym.Type == elf.STT_SECTION && out != nil {
		if out.symbol != 0 {
			return out.symbol
		}
		out.symbol = uint32(len(l.symbols))
		sym.Value = 0
	}
	l.symbols = append(l.symbols, symbol{sym, out})
	return uint32(len(l.symbols) - 1)
}

func (g *global) symbol() symbol {
	sym := *g.owner.symbol()
	out, value := g.owner.place()
	sym.Value, sym.Visibility, sym.Bind = value, g.visibility, elf.STB_GLOBAL
	if g.isWeak {
		sym.Bind = elf.STB_WEAK
	}
	return symbol{sym, out}
}
