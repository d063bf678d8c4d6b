package linker

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
)

// input is an object to link.
type input struct {
	name    string
	file    *elf.File
	symbols []elf.Symbol
	parts   []part   // by section
	number  []uint32 // by symbol: its number in the output, 0 for none

	movedTables map[uint32]bool // jump tables, by symbol

	types *btf.BTF // nil without
	ext   *btf.Ext // nil without
	fates []fate   // by type
	ids   []uint32 // by type: its ID among all types, before duplicates go; 0 for none

	named map[string]declaration // types of what isn't static, by name
}

// part is where a section went.
type part struct {
	out    *section // nil if it is left out
	offset uint64   // in out
	copied bool     // an earlier file has brought the same contents
}

// open reads the tables of an object.
func open(in Input) (*input, error) {
	file, err := elf.Parse(in.Data)
	if err != nil {
		return nil, err
	}
	if err := file.CheckBPF(); err != nil {
		return nil, err
	}
	opened := &input{name: in.Name, file: file, parts: make([]part, len(file.Sections))}
	if opened.symbols, err = file.Symbols(); err != nil {
		return nil, err
	}
	if opened.symbols == nil {
		return nil, errors.New("it has no symbol table")
	}
	opened.number = make([]uint32, len(opened.symbols))
	if err := opened.checkSymbols(); err != nil {
		return nil, err
	}
	return opened, opened.readTypes()
}

// checkSymbols refuses what no BPF compiler emits, and the rest needn't handle.
func (in *input) checkSymbols() error {
	for i, sym := range in.symbols {
		switch {
		case sym.Section == elf.SHN_COMMON:
			return fmt.Errorf("%s is a tentative definition: initialise it, or compile with -fno-common", sym.Name)
		case sym.Bind > elf.STB_WEAK:
			return fmt.Errorf("symbol %d, %q, has binding %d: it can only be local, global or weak", i, sym.Name, sym.Bind)
		case sym.Visibility != elf.STV_DEFAULT && sym.Visibility != elf.STV_HIDDEN:
			return fmt.Errorf("symbol %d, %q, has visibility %d: it can only be default or hidden", i, sym.Name, sym.Visibility)
		case sym.Bind != elf.STB_LOCAL && sym.Name == "":
			return fmt.Errorf("symbol %d is global, but has no name", i)
		}
		if s := in.section(&sym); s != nil && sym.Value > s.Size {
			return fmt.Errorf("symbol %d, %q, is at offset %#x of section %s, which has %#x bytes", i, sym.Name, sym.Value, s.Name, s.Size)
		}
	}
	return nil
}

// section returns where a symbol is defined, or nil if not in a section.
func (in *input) section(sym *elf.Symbol) *elf.Section {
	if sym.Section == elf.SHN_UNDEF || sym.Section.Reserved() {
		return nil
	}
	return &in.file.Sections[sym.Section]
}

func (in *input) readTypes() error {
	data, err := in.contents(btfSection)
	if err != nil || data == nil {
		return err
	}
	if in.types, err = btf.Parse(data, nil); err != nil {
		return err
	}
	if in.types.ByteOrder() != in.file.ByteOrder() {
		return errors.New("its BTF has the other byte order")
	}
	if err := in.checkTypes(); err != nil {
		return err
	}
	if err := in.readDeclarations(); err != nil {
		return err
	}
	if data, err = in.contents(extSection); err != nil || data == nil {
		return err
	}
	in.ext, err = btf.ParseExt(data)
	return err
}

// checkTypes makes sure that types refer to types.
func (in *input) checkTypes() (err error) {
	end := in.types.EndID()
	for t := range in.types.All() {
		t.Refs(func(id uint32) {
			if id >= end && err == nil {
				err = fmt.Errorf("its BTF type %d refers to type %d of %d", t.ID(), id, end)
			}
		})
	}
	return err
}

const (
	btfSection = ".BTF"
	extSection = ".BTF.ext"
)

// contents returns nil if there is no section of that name.
func (in *input) contents(name string) ([]byte, error) {
	s := in.file.Section(name)
	if s == nil {
		return nil, nil
	}
	return in.file.Data(s)
}
