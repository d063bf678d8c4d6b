package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// role is what a section of the file is for.
type role uint8

const (
	roleNone      role = iota
	roleCode           // instructions
	roleMaps           // BTF-defined maps
	roleLegacy         // structs that define maps
	roleData           // initialised variables
	roleRodata         // constants
	roleBSS            // zeroed variables
	roleArena          // variables in the memory of an arena map
	roleTables         // jump tables
	roleStructOps      // structs with functions for the kernel to call
)

// section is what the parser knows about the ELF section of the same index.
type section struct {
	role  role
	reloc int32 // the section that has its relocations, 0 for none
	item  int32 // its first map or function
	count int32 // how many it has
}

// parser carries what the steps of Parse find out, each in its own fields.
type parser struct {
	file elf.File
	obj  Object

	sections  []section
	named     namedSections
	counts    symbolCounts
	roles     uint16 // those that sections have, a bit each
	bigEndian bool

	nextSymbol uint32   // the one after the last that a type referred to
	byName     []uint32 // symbols that types can refer to, sorted, once one isn't near the last

	types typeTable

	externs *externTable // nil if there are none

	maps []Map
	code codeTable

	arena    int32      // index of the arena map, or -1
	decoding sync.Mutex // held by who decodes instructions, which changes code
	buf      scratch
}

// scratch is memory for the tables of small objects, so that parsing them
// costs few allocations.
type scratch struct {
	sections [10]section
	secs     [2]datasec
	funcs    [2]function
	programs [1]Program
}

// namedSections are those that mean something by themselves, 0 for none.
type namedSections struct {
	license, version, types, ext, maps int32
}

// symbolCounts is how many symbols there are of each kind.
type symbolCounts struct {
	variables, globals, externs int32 // see isVariable, isNamedGlobal, isExtern
	functions, untyped          int32 // those without type may be functions, too
}

// has tells whether any section has a role.
func (p *parser) has(r role) bool { return p.roles&(1<<r) != 0 }

// sized returns n zero elements, in buf if it has room.
func sized[T any](buf []T, n int) []T {
	if n <= len(buf) {
		return buf[:n]
	}
	return make([]T, n)
}

// Parse reads an object file of either byte order. The result aliases data.
func Parse(data []byte) (*Object, error) {
	o, err := Open(data, "")
	if err == nil {
		err = o.Decode()
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Open is Parse without looking into the programs: their instructions stay as
// they are in data until Decode. text is data as a string, which names will be
// parts of; or empty, then they are copies.
//
// The object and what it lists share memory. Who keeps some of it keeps all,
// except for types and instructions.
func Open(data []byte, text string) (*Object, error) { return new(Memory).Open(data, text) }

// Memory is what an object takes, for who has it as a part of something larger.
type Memory struct{ parser }

// Open is [Open] with m, which must be zero.
func (m *Memory) Open(data []byte, text string) (*Object, error) {
	p := &m.parser
	p.arena = -1
	if err := p.file.Init(data, text); err != nil {
		return nil, fmt.Errorf("parse object: %w", err)
	}
	p.obj.file = p
	for _, step := range &steps {
		if err := step(p); err != nil {
			return nil, fmt.Errorf("parse object: %w", err)
		}
	}
	return &p.obj, nil
}

// steps is the order in which things are found out.
var steps = [...]func(*parser) error{
	(*parser).classify,
	(*parser).readLicense,
	(*parser).readVersion,
	(*parser).readVariables,
	(*parser).readTypes,
	(*parser).readExterns,
	(*parser).readMaps,
	(*parser).readLegacyMaps,
	(*parser).readStructOps,
	(*parser).readDataMaps,
	(*parser).readCode,
	(*parser).readMapValues,
	(*parser).readStructOpsPrograms,
	(*parser).readPrograms,
	(*parser).fillTailCalls,
}

// classify decides what each section is for.
func (p *parser) classify() error {
	if err := p.file.CheckBPF(); err != nil {
		return err
	}
	syms, err := p.file.Symbols()
	if err != nil {
		return err
	}
	if syms == nil {
		return errors.New("no symbol table: was the object stripped of all symbols? (strip only debugging information, as llvm-strip -g does)")
	}
	p.bigEndian = p.file.ByteOrder() == binary.BigEndian
	p.types.secs = p.buf.secs[:0]
	p.sections = sized(p.buf.sections[:], len(p.file.Sections))
	all := p.file.Sections
	for i := range all {
		switch s := &all[i]; s.Type {
		case elf.SHT_NULL, elf.SHT_SYMTAB, elf.SHT_STRTAB:
		case elf.SHT_REL, elf.SHT_RELA:
			p.sections[p.file.Relocated(s)].reloc = s.Index
		default:
			role := roleOf(s)
			p.sections[i].role = role
			p.roles |= 1 << role
			p.named.note(s)
		}
	}
	p.countSymbols()
	return nil
}

// note remembers the first section of each name.
func (n *namedSections) note(s *elf.Section) {
	into := (*int32)(nil)
	switch s.Name {
	case "license":
		into = &n.license
	case "version":
		into = &n.version
	case ".BTF":
		into = &n.types
	case ".BTF.ext":
		into = &n.ext
	case mapsSection:
		into = &n.maps
	default:
		return
	}
	if *into == 0 {
		*into = s.Index
	}
}

// countSymbols also counts the functions of each section.
func (p *parser) countSymbols() {
	n := &p.counts
	for i := range p.file.Decoded {
		sym := &p.file.Decoded[i]
		if sym.Type == elf.STT_FUNC && p.roleAt(sym) == roleCode {
			p.sections[sym.Section].count++
			n.functions++
		}
		if !isGlobal(sym) {
			p.nextSymbol = uint32(i) + 1 // local ones come first
			continue                     // and are none of the others
		}
		if p.isVariable(sym) {
			n.variables++
		} else if p.mayBeFunction(sym) {
			n.untyped++
		}
		if isNamedGlobal(sym) {
			n.globals++
		}
		if isExtern(sym) {
			n.externs++
		}
	}
}

// roleOf is a table of names, but for those with suffixes.
func roleOf(s *elf.Section) role {
	switch {
	case s.Size == 0:
		return roleNone
	case s.Type == elf.SHT_NOBITS && isNameOrSuffixed(s.Name, ".bss"):
		return roleBSS
	case s.Type != elf.SHT_PROGBITS:
		return roleNone
	case s.Flags&elf.SHF_EXECINSTR != 0:
		return roleCode
	case isNameOrSuffixed(s.Name, ".rodata"):
		return roleRodata
	case isNameOrSuffixed(s.Name, ".data"):
		return roleData
	case isNameOrSuffixed(s.Name, ".bss"):
		return roleData // with contents: what a linker made of several
	case s.Name == ".maps":
		return roleMaps
	case s.Name == "maps" || strings.HasPrefix(s.Name, "maps/"):
		return roleLegacy
	case s.Name == ".addr_space.1":
		return roleArena
	case s.Name == ".jumptables":
		return roleTables
	case isStructOps(s.Name):
		return roleStructOps
	}
	return roleNone
}

// isNameOrSuffixed accepts ".data", ".data.x", but not ".database".
func isNameOrSuffixed(name, base string) bool {
	rest, ok := strings.CutPrefix(name, base)
	return ok && (rest == "" || rest[0] == '.')
}

// isVariables tells whether the section becomes a map of global variables.
func (r role) isVariables() bool { return r == roleData || r == roleRodata || r == roleBSS }

// readLicense keeps an object without license: the kernel refuses it only
// helpers that are for GPL-compatible programs.
func (p *parser) readLicense() error {
	s := p.section(p.named.license)
	if s == nil {
		return nil
	}
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	text := p.file.Text(s)
	if text == "" {
		text = string(data)
	}
	if end := strings.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	p.obj.License = text
	return nil
}

func (p *parser) readVersion() error {
	s := p.section(p.named.version)
	if s == nil {
		return nil
	}
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	if len(data) < 4 { // more is some other integer type, and just as good
		return errorAt(s.Name, "", 0, "a kernel version has 4 bytes, this has %d", len(data))
	}
	p.obj.Version = p.file.ByteOrder().Uint32(data)
	return nil
}

// section returns one of namedSections, or nil.
func (p *parser) section(named int32) *elf.Section {
	if named == 0 {
		return nil
	}
	return &p.file.Sections[named]
}

// inSection returns the section that a symbol is defined in, or nil if it
// isn't in any.
func (p *parser) inSection(sym *elf.Symbol) *elf.Section {
	if sym.Section == elf.SHN_UNDEF || uint64(sym.Section) >= uint64(len(p.file.Sections)) {
		return nil
	}
	return &p.file.Sections[sym.Section]
}

// roleAt is the role of the section that a symbol is defined in.
func (p *parser) roleAt(sym *elf.Symbol) role {
	if uint64(sym.Section) >= uint64(len(p.sections)) {
		return roleNone
	}
	return p.sections[sym.Section].role
}

func isHidden(sym *elf.Symbol) bool {
	return sym.Visibility == elf.STV_HIDDEN || sym.Visibility == elf.STV_INTERNAL
}

func isGlobal(sym *elf.Symbol) bool {
	return sym.Bind == elf.STB_GLOBAL || sym.Bind == elf.STB_WEAK
}
