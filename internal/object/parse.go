package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/btf"
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
	info  int32 // in codeTable.infos
}

// parser carries what the steps of Parse find out, each in its own fields.
type parser struct {
	file elf.File
	obj  *Object

	sections []section
	syms     []elf.Symbol

	byName []uint32 // symbols that types can refer to, sorted

	types typeTable
	ext   btf.ExtInfos

	externs     []Extern
	externOf    []int32 // by symbol, counted from one
	kconfigSize uint32  // bytes

	maps  []Map
	def   mapDef // the one being read
	arena int    // index of the arena map, or -1

	code codeTable

	decoding sync.Mutex // held by who decodes instructions, which changes code and linker
	linker   linker

	buf       scratch
	bigEndian bool
}

// scratch is memory for the tables of small objects, so that parsing them
// costs few allocations.
type scratch struct {
	sections [24]section
	byName   [16]uint32
	secs     [6]datasec
	funcs    [4]function
	names    [4]uint32
	infos    [2]codeInfo
	edges    [8]edge
	order    [8]int32
	stack    [4]frame
	entries  [4]entry
	own      [2]*codeInfo
	programs [2]Program
	object   Object
}

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
func Open(data []byte, text string) (*Object, error) {
	p := &parser{arena: -1}
	if err := p.file.Init(data, text); err != nil {
		return nil, fmt.Errorf("parse object: %w", err)
	}
	p.obj = &p.buf.object
	p.obj.ByteOrder, p.obj.file = p.file.ByteOrder, p
	for _, step := range [...]func(*parser) error{
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
	} {
		if err := step(p); err != nil {
			return nil, fmt.Errorf("parse object: %w", err)
		}
	}
	return p.obj, nil
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
	p.syms = syms
	p.bigEndian = p.file.ByteOrder == binary.BigEndian
	p.types.secs, p.code.edges = p.buf.secs[:0], p.buf.edges[:0]
	p.linker.init(p)
	p.sections = sized(p.buf.sections[:], len(p.file.Sections))
	for i := range p.file.Sections {
		s := &p.file.Sections[i]
		p.sections[i].role = roleOf(s)
		if (s.Type == elf.SHT_REL || s.Type == elf.SHT_RELA) && uint64(s.Info) < uint64(len(p.sections)) {
			p.sections[s.Info].reloc = int32(i)
		}
	}
	return nil
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
	s := p.file.Section("license")
	if s == nil {
		return nil
	}
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	data, _, _ = bytes.Cut(data, []byte{0})
	if text := p.file.Text(s); text != "" {
		p.obj.License = text[:len(data)]
	} else {
		p.obj.License = string(data)
	}
	return nil
}

func (p *parser) readVersion() error {
	s := p.file.Section("version")
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
	p.obj.Version = p.file.ByteOrder.Uint32(data)
	return nil
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
