package object

import (
	"fmt"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// tableEntrySize is the size of an element of a jump table: the offset of an
// instruction in the section of the function, in bytes.
const tableEntrySize = 8

// loadTable resolves the address of a jump table, which its function alone
// refers to.
func (w *walk) loadTable(r *elf.Reloc, sym *elf.Symbol) (err error) {
	c := &w.p.code
	if c.tables == nil {
		c.tables = make([]*asm.JumpTable, len(w.p.file.Decoded))
	}
	table := c.tables[r.Symbol]
	if table == nil {
		if table, err = w.p.readTable(sym, w.f, w.name); err != nil {
			return fmt.Errorf("jump table %s: %w", w.p.symbolName(sym), err)
		}
		c.tables[r.Symbol] = table
	}
	if table.Function != w.name {
		return fmt.Errorf("jump table %s is of function %s", table.Name, table.Function)
	}
	w.ins.Src, w.ins.Constant = asm.PseudoMapValue, mapValue(uint32(w.addend(r)))
	w.note().Table, w.notes.Reference = table, table.Name
	return nil
}

// readTable reads where f, which goes by a name, jumps to.
func (p *parser) readTable(sym *elf.Symbol, f *function, name string) (*asm.JumpTable, error) {
	s := &p.file.Sections[sym.Section]
	data, err := p.file.Data(s)
	switch {
	case err != nil:
		return nil, err
	case sym.Size == 0:
		return nil, fmt.Errorf("the symbol doesn't say how large it is")
	case sym.Value%tableEntrySize != 0 || sym.Size%tableEntrySize != 0:
		return nil, fmt.Errorf("offset %#x or size of %d bytes is no multiple of %d", sym.Value, sym.Size, tableEntrySize)
	case sym.Value > s.Size || sym.Size > s.Size-sym.Value:
		return nil, fmt.Errorf("it exceeds the %d bytes of section %s", s.Size, s.Name)
	}
	table := &asm.JumpTable{Name: sym.Name, Function: name, Targets: make([]int32, sym.Size/tableEntrySize)}
	for i := range table.Targets {
		at := p.file.ByteOrder().Uint64(data[sym.Value+uint64(i)*tableEntrySize:])
		if at < uint64(f.start) || at >= uint64(f.end) || at%asm.InstructionSize != 0 {
			return nil, fmt.Errorf("element %d: offset %#x isn't of an instruction of function %s", i, at, name)
		}
		table.Targets[i] = int32((at - uint64(f.start)) / asm.InstructionSize)
	}
	return table, nil
}
