package asm

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

var (
	// ErrUnreferencedSymbol is when nothing refers to a symbol.
	ErrUnreferencedSymbol = errors.New("unreferenced symbol")
	// ErrUnsatisfiedMapReference is when an instruction refers to a map by a
	// name that there is no map for.
	ErrUnsatisfiedMapReference = errors.New("unsatisfied map reference")
	// ErrUnsatisfiedProgramReference is when an instruction refers to a symbol
	// that no instruction has.
	ErrUnsatisfiedProgramReference = errors.New("unsatisfied program reference")
)

// Encode appends the bytes that the kernel takes to dst. It doesn't modify insns,
// and doesn't allocate if dst has room and there are few symbols.
//
// Jumps, calls and function pointers with a Reference get the distance to the
// instruction of that Symbol, whatever they had before. Loads from maps get the
// descriptor of their Map. Errors name the instruction and what it refers to;
// they are ErrUnsatisfiedProgramReference or ErrUnsatisfiedMapReference if that
// is missing.
func (insns Instructions) Encode(dst []byte, bo binary.ByteOrder) ([]byte, error) {
	return insns.EncodeWith(dst, bo, noMaps)
}

func noMaps(string) (int, bool) { return 0, false }

// EncodeWith is Encode for programs whose maps are known by name only: maps
// returns the descriptor of the map that a load refers to, and whether there is
// one. It isn't asked about instructions that have a Map.
//
// It saves loaders from copying a program to fill in the descriptors.
func (insns Instructions) EncodeWith(dst []byte, bo binary.ByteOrder, maps func(reference string) (fd int, ok bool)) ([]byte, error) {
	return insns.encode(dst, bo, func(notes *Annotations) (int, bool, error) {
		if notes.Map != nil {
			return notes.Map.FD(), true, nil
		}
		fd, ok := maps(notes.Reference)
		if !ok {
			return 0, false, ErrUnsatisfiedMapReference
		}
		return fd, true, nil
	})
}

// Marshal writes the bytes that the kernel takes. It is Encode, except that
// loads from maps that have a name only are written as they are.
func (insns Instructions) Marshal(w io.Writer, bo binary.ByteOrder) error {
	code, err := insns.encode(make([]byte, 0, insns.Size()), bo, func(notes *Annotations) (int, bool, error) {
		if notes.Map == nil {
			return 0, false, nil
		}
		return notes.Map.FD(), true, nil
	})
	if err != nil {
		return err
	}
	_, err = w.Write(code)
	return err
}

// mapFinder returns the descriptor of the map that annotations refer to, or false
// if the instruction should stay as it is.
type mapFinder func(*Annotations) (fd int, ok bool, err error)

// encode is Encode with a choice of what happens to loads from maps; without
// maps they stay as they are.
func (insns Instructions) encode(dst []byte, bo binary.ByteOrder, maps mapFinder) ([]byte, error) {
	little, err := isLittle(bo)
	if err != nil {
		return dst, err
	}
	var buf [32]symbol
	var order [len(buf)]uint32
	symbols, err := symbolTable{buf[:0], order[:0]}.with(insns)
	if err != nil {
		return dst, err
	}
	start, slot := len(dst), int64(0)
	dst = slices.Grow(dst, int(insns.Size()))
	for i := range insns {
		ins := insns[i]
		if ins.Metadata.note != 0 {
			err = ins.link(symbols, slot, maps)
		}
		if err == nil {
			dst, err = ins.appendTo(dst, little)
		}
		if err != nil {
			return dst[:start], fmt.Errorf("encode instruction %d (%v): %w", i, insns[i], err)
		}
		slot += int64(ins.Width())
	}
	return dst, nil
}

// symbol is where an instruction with a name is.
type symbol struct {
	name string
	slot int64
}

// symbolTable is the symbols of a program. What is sorted are their numbers, so
// that it can be on a stack and needs no code of its own.
type symbolTable struct {
	symbols []symbol
	order   []uint32 // by name
}

// with adds the symbols of insns to what is empty. They are left out if nothing
// refers to them.
func (t symbolTable) with(insns Instructions) (symbolTable, error) {
	slot, referred := int64(0), false
	for i := range insns {
		if notes := insns[i].Metadata.notes(); notes != nil {
			if notes.Symbol != "" {
				t.order = append(t.order, uint32(len(t.symbols)))
				t.symbols = append(t.symbols, symbol{notes.Symbol, slot})
			}
			referred = referred || notes.Reference != "" && insns[i].refersToCode()
		}
		slot += int64(insns[i].Width())
	}
	if !referred && len(t.symbols) < 2 {
		return symbolTable{}, nil
	}
	sorting.Unstable(t.order, func(a, b uint32) int {
		return cmp.Or(strings.Compare(t.symbols[a].name, t.symbols[b].name), cmp.Compare(a, b))
	})
	for i := 1; i < len(t.order); i++ {
		if a, b := t.symbols[t.order[i-1]], t.symbols[t.order[i]]; a.name == b.name {
			return t, fmt.Errorf("duplicate symbol %s, at slots %d and %d", a.name, a.slot, b.slot)
		}
	}
	return t, nil
}

// slot returns where the symbol with a name is.
func (t symbolTable) slot(name string) (int64, bool) {
	i, ok := sort.Find(len(t.order), func(i int) int { return strings.Compare(name, t.symbols[t.order[i]].name) })
	if !ok {
		return 0, false
	}
	return t.symbols[t.order[i]].slot, true
}

// link resolves what ins, at slot, refers to.
func (ins *Instruction) link(symbols symbolTable, slot int64, maps mapFinder) error {
	ref := ins.Metadata.read().Reference
	switch {
	case maps != nil && ins.IsLoadFromMap():
		return ins.linkMap(maps)
	case ref == "" || !ins.refersToCode():
		return nil
	}
	target, ok := symbols.slot(ref)
	if !ok {
		return fmt.Errorf("symbol %s: %w", ref, ErrUnsatisfiedProgramReference)
	}
	if err := ins.setDistance(target - slot - 1); err != nil {
		return fmt.Errorf("symbol %s: %w", ref, err)
	}
	return nil
}

// linkMap fills in the descriptor of the map that ins loads from, if it refers
// to one.
func (ins *Instruction) linkMap(maps mapFinder) error {
	notes := ins.Metadata.read()
	if notes.Map == nil && notes.Reference == "" {
		return nil
	}
	fd, ok, err := maps(notes)
	if err == nil && ok && (fd < 0 || fd > math.MaxInt32) {
		err = fmt.Errorf("descriptor %d isn't open", fd)
	}
	if err != nil {
		return fmt.Errorf("map %s: %w", notes.mapName(), err)
	}
	if ok {
		ins.Constant = imm64(uint32(fd), ins.mapOffset())
	}
	return nil
}

// appendTo appends the encoding of ins to dst.
func (ins *Instruction) appendTo(dst []byte, little bool) ([]byte, error) {
	s := slot{byte(ins.OpCode), ins.Dst, ins.Src, ins.Offset, int32(ins.Constant)}
	if s.dst > maxRegister || s.src > maxRegister {
		return dst, fmt.Errorf("no such register: dst %d, src %d", s.dst, s.src)
	}
	if ins.OpCode.IsDWordLoad() {
		dst = appendSlot(dst, s, little)
		return appendSlot(dst, slot{imm: int32(ins.Constant >> 32)}, little), nil
	}
	if ins.Constant < math.MinInt32 || ins.Constant > math.MaxUint32 {
		return dst, fmt.Errorf("constant %d doesn't fit 32 bits", ins.Constant)
	}
	if ins.OpCode > 0xff {
		if err := ins.encodeExtension(&s); err != nil {
			return dst, err
		}
	}
	return appendSlot(dst, s, little), nil
}

// encodeExtension moves what the upper bits of the OpCode say to where the
// kernel looks for it.
func (ins *Instruction) encodeExtension(s *slot) error {
	switch op := ins.OpCode; {
	case op.isAtomic() && op&^(atomicMask|0xff) == 0:
		if op&atomicMask == unknownAtomic {
			return nil
		}
		imm := int32(ins.OpCode.AtomicOp() >> atomicShift)
		if s.imm != 0 && s.imm != imm {
			return fmt.Errorf("constant %d of an atomic should be zero", s.imm)
		}
		s.imm = imm
		return nil
	case op.Class().IsALU() && op&^(aluMask|0xff) == 0:
		for _, ext := range aluExtensions(op) {
			if ext.op != op.ALUOp() {
				continue
			}
			if s.offset != 0 && s.offset != ext.offset {
				return fmt.Errorf("offset %d of %v should be zero", s.offset, op)
			}
			s.offset = ext.offset
			return nil
		}
	}
	return fmt.Errorf("invalid opcode %#x", uint32(ins.OpCode))
}

// appendSlot is the reverse of readSlot.
func appendSlot(dst []byte, s slot, little bool) []byte {
	if little {
		return binary.LittleEndian.AppendUint64(dst, uint64(s.op)|uint64(s.dst)<<8|uint64(s.src)<<12|
			uint64(uint16(s.offset))<<16|uint64(uint32(s.imm))<<32)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(s.op)<<56|uint64(s.dst)<<52|uint64(s.src)<<48|
		uint64(uint16(s.offset))<<32|uint64(uint32(s.imm)))
}
