package object

import (
	"cmp"
	"fmt"
	"sort"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Sections that have a type but no bytes in the file.
const (
	kconfigSection = ".kconfig"
	ksymsSection   = ".ksyms"
	mapsSection    = ".maps"
)

// linkages of variables.
const (
	linkStatic = 0
	linkGlobal = 1
	linkExtern = 2
)

// datasec is the type of a section: which variables it has, and where.
type datasec struct {
	name    string
	record  rawbtf.Type
	visible bool // has a variable that other files can see
}

// typeTable is what is known about the file's BTF.
type typeTable struct {
	spec *btf.Spec
	raw  *rawbtf.BTF
	secs []datasec
	tags bool // there are some on whole types
}

// ownTypes is what is kept of the file's BTF, in one allocation if it is small.
type ownTypes struct {
	raw  rawbtf.BTF
	spec btf.Spec
	room [160]byte
}

// readTypes opens the file's BTF and fills in the sizes and offsets of
// sections, which compilers leave to the linker.
func (p *parser) readTypes() error {
	s := p.section(p.named.types)
	if s == nil || s.Size == 0 {
		return nil
	}
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	t := &p.types
	own := new(ownTypes)
	t.raw, t.spec = &own.raw, &own.spec
	if err := t.raw.Init(data, p.file.Text(s), nil); err != nil {
		return fmt.Errorf("section %s: parse BTF: %w", s.Name, err)
	}
	t.raw.OwnTypes(own.room[:0]) // what compilers leave open will be filled in
	t.spec.Init(t.raw, nil)
	if err := t.collect(); err != nil {
		return fmt.Errorf("section %s: %w", s.Name, err)
	}
	if len(t.secs) > len(p.sections)+2 {
		return errorAt(s.Name, "", 0, "BTF describes %d sections, the file has %d", len(t.secs), len(p.sections))
	}
	p.obj.Types = t.spec
	for i := range t.secs {
		if err := p.fixDatasec(&t.secs[i]); err != nil {
			return err
		}
	}
	return nil
}

// readExt opens what the compiler tells about instructions. It is read, and
// checked, section by section when it is needed.
func (p *parser) readExt() error {
	s := p.section(p.named.ext)
	if s == nil || s.Size == 0 || p.types.spec == nil {
		return nil
	}
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	if err := p.code.ext.Open(data, p.types.spec); err != nil {
		return fmt.Errorf("section %s: %w", s.Name, err)
	}
	return nil
}

// collect finds sections, and tags of whole types.
func (t *typeTable) collect() error {
	for _, id := range t.raw.Datasecs() {
		r, err := t.raw.Type(id)
		if err != nil {
			return err
		}
		name, err := r.Name()
		if err != nil {
			return err
		}
		t.secs = append(t.secs, datasec{name: name, record: r})
	}
	for _, id := range t.raw.AllDeclTags() {
		r, err := t.raw.Type(id)
		if err != nil {
			return err
		}
		if r.ComponentIndex() != -1 {
			continue
		}
		if _, err := r.Name(); err != nil {
			return err
		}
		t.tags = true
	}
	return nil
}

// datasec returns the type of a section, or nil.
func (t *typeTable) datasec(name string) *datasec {
	for i := range t.secs {
		if t.secs[i].name == name {
			return &t.secs[i]
		}
	}
	return nil
}

// tagsOf returns the tags of a type, or nil. collect has seen that they have names.
func (t *typeTable) tagsOf(id uint32) []string {
	if !t.tags {
		return nil
	}
	var tags []string
	for _, tag := range t.raw.DeclTags(id) {
		r, err := t.raw.Type(tag)
		if err != nil || r.ComponentIndex() != -1 {
			continue
		}
		if name, err := r.Name(); err == nil {
			tags = append(tags, name)
		}
	}
	return tags
}

// makeStatic changes the linkage of a function.
func (t *typeTable) makeStatic(id uint32) {
	if r, err := t.raw.Type(id); err == nil && r.Kind() == rawbtf.KindFunc {
		r.SetWord(wordInfo, uint32(rawbtf.KindFunc)<<24|linkStatic)
	}
}

// Words of records, counted from their start.
const (
	wordInfo    = 1 // kind, and linkage of a func
	wordSize    = 2 // of a datasec
	wordLinkage = 3 // of a var
)

// wordVar is the first word of a datasec's i-th variable: its type, then its
// offset, then its size.
func wordVar(i int) int { return 3 + 3*i }

func isNamedGlobal(sym *elf.Symbol) bool {
	return isGlobal(sym) && sym.Name != "" && (sym.Type == elf.STT_OBJECT || sym.Type == elf.STT_NOTYPE || sym.Section == elf.SHN_UNDEF)
}

// near is how many symbols are looked at before all are sorted.
const near = 8

// symbol finds the number of a global variable's or an extern's symbol. Types are
// nearly in the order of symbols, so that the one after the last is likely.
func (p *parser) symbol(name string) (uint32, bool) {
	for i := p.nextSymbol; i < min(p.nextSymbol+near, uint32(len(p.file.Decoded))); i++ {
		if p.file.Decoded[i].Name == name && isNamedGlobal(&p.file.Decoded[i]) {
			p.nextSymbol = i + 1
			return i, true
		}
	}
	return p.findSymbol(name)
}

// findSymbol is symbol, wherever it is.
func (p *parser) findSymbol(name string) (uint32, bool) {
	if p.byName == nil {
		p.byName = p.sortSymbols()
	}
	i, ok := sort.Find(len(p.byName), func(i int) int { return strings.Compare(name, p.file.Decoded[p.byName[i]].Name) })
	if !ok {
		return 0, false
	}
	p.nextSymbol = p.byName[i] + 1
	return p.byName[i], true
}

// sortSymbols sorts the names that types can refer to.
func (p *parser) sortSymbols() []uint32 {
	sorted := make([]uint32, 0, p.counts.globals)
	for i := range p.file.Decoded {
		if isNamedGlobal(&p.file.Decoded[i]) {
			sorted = append(sorted, uint32(i))
		}
	}
	sorting.Unstable(sorted, func(a, b uint32) int { return strings.Compare(p.file.Decoded[a].Name, p.file.Decoded[b].Name) })
	return sorted
}

// fixDatasec fills in the size of a section and the offsets of its variables
// if the compiler left them out, and gives variables their types. Externs have
// no place in the file, see readExterns.
func (p *parser) fixDatasec(sec *datasec) error {
	if sec.name == kconfigSection || sec.name == ksymsSection {
		return nil
	}
	s := p.file.Section(sec.name)
	if s == nil {
		return nil // stripped, like the section of a linker script
	}
	compiled := sec.record.Size() == 0
	if compiled {
		sec.record.SetWord(wordSize, uint32(s.Size))
	}
	for i := range sec.record.Vlen() {
		if err := p.fixVar(sec, s, i, compiled); err != nil {
			return err
		}
	}
	p.types.sortVars(sec.record)
	return nil
}

// fixVar places variable i of a section. Static ones have their place already.
func (p *parser) fixVar(sec *datasec, s *elf.Section, i int, compiled bool) error {
	info := sec.record.VarSecinfo(i)
	v, err := p.types.raw.Type(info.Type)
	if err != nil {
		return errorAt(sec.name, "", 0, "type of variable %d: %w", i, err)
	}
	if v.Kind() != rawbtf.KindVar {
		return errorAt(sec.name, "", 0, "BTF has a %v where a variable should be", v.Kind())
	}
	switch v.Linkage() {
	case linkStatic:
		return nil
	case linkExtern:
		sec.visible = true
		return nil
	}
	name, err := v.Name()
	if err != nil {
		return errorAt(sec.name, "", 0, "name of variable %d: %w", i, err)
	}
	n, ok := p.symbol(name)
	if !ok || int32(p.file.Decoded[n].Section) != s.Index {
		return errorAt(sec.name, name, 0, "BTF has the variable, but there is no symbol for it in the section")
	}
	sym := &p.file.Decoded[n]
	if compiled {
		sec.record.SetWord(wordVar(i)+1, uint32(sym.Value))
	}
	if isHidden(sym) {
		v.SetWord(wordLinkage, linkStatic)
		return nil
	}
	sec.visible = true
	if variable := p.variable(s.Index, sym); variable != nil {
		variable.Type = p.types.spec.Ref(btf.TypeID(info.Type))
	}
	return nil
}

// sortVars orders the variables of a section by offset, as the kernel wants.
func (t *typeTable) sortVars(r rawbtf.Type) {
	sorted := true
	for i := 1; i < r.Vlen() && sorted; i++ {
		sorted = r.VarSecinfo(i-1).Offset <= r.VarSecinfo(i).Offset
	}
	if sorted {
		return
	}
	vars := make([]rawbtf.VarSecinfo, r.Vlen())
	for i := range vars {
		vars[i] = r.VarSecinfo(i)
	}
	sorting.Stable(vars, func(a, b *rawbtf.VarSecinfo) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, v := range vars {
		r.SetWord(wordVar(i), v.Type)
		r.SetWord(wordVar(i)+1, v.Offset)
		r.SetWord(wordVar(i)+2, v.Size)
	}
}

// maxDepth bounds arrays of arrays, which hostile BTF ties into loops.
const maxDepth = 32

const pointerSize = 8

// sizeof returns the size of a type and its alignment, in bytes.
func (t *typeTable) sizeof(id uint32) (size, align uint32, err error) {
	total := uint64(1)
	for range maxDepth {
		r, err := t.raw.Resolve(id)
		if err != nil {
			return 0, 0, err
		}
		unit := r.Size()
		switch r.Kind() {
		case rawbtf.KindArray:
			elem, _, n := r.Array()
			if total *= uint64(n); total > 1<<32-1 {
				return 0, 0, fmt.Errorf("array of type ID %d is larger than 4 GiB", r.ID())
			}
			id = elem
			continue
		case rawbtf.KindPointer:
			unit = pointerSize
		case rawbtf.KindInt, rawbtf.KindFloat, rawbtf.KindEnum, rawbtf.KindEnum64, rawbtf.KindStruct, rawbtf.KindUnion, rawbtf.KindDatasec:
		case rawbtf.KindFwd:
			name, err := r.Name()
			if err != nil {
				return 0, 0, err
			}
			return 0, 0, fmt.Errorf("%q is only declared: clang leaves out what nothing but an inner map uses, so let a variable have that type", name)
		default:
			return 0, 0, fmt.Errorf("a %v has no size", r.Kind())
		}
		if total *= uint64(unit); total > 1<<32-1 {
			return 0, 0, fmt.Errorf("type ID %d is larger than 4 GiB", id)
		}
		return uint32(total), min(max(unit, 1), pointerSize), nil
	}
	return 0, 0, fmt.Errorf("type ID %d: arrays nested more than %d deep", id, maxDepth)
}
