package asm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

// Instructions is a program, or a part of one. A copy of the slice's elements is
// independent of the original: nothing that modifies an instruction modifies the
// metadata that both share.
type Instructions []Instruction

// Name returns the name of the function that insns begins with, or "".
func (insns Instructions) Name() string {
	if len(insns) == 0 {
		return ""
	}
	return insns[0].Symbol()
}

// Size returns how many bytes insns takes when encoded.
func (insns Instructions) Size() uint64 {
	var slots RawInstructionOffset
	for i := range insns {
		slots += insns[i].Width()
	}
	return slots.Bytes()
}

// AssociateMap makes all loads from the map of that name refer to m.
//
// The error is ErrUnreferencedSymbol if there are none. It is an error too if
// what has that name is no map.
func (insns Instructions) AssociateMap(symbol string, m FDer) error {
	if symbol == "" {
		return errors.New("associate map: no name given")
	}
	found := false
	for i := range insns {
		if insns[i].Reference() != symbol {
			continue
		}
		if err := insns[i].AssociateMap(m); err != nil {
			return fmt.Errorf("symbol %s: instruction %d: %w", symbol, i, err)
		}
		found = true
	}
	if !found {
		return fmt.Errorf("associate map: symbol %s: %w", symbol, ErrUnreferencedSymbol)
	}
	return nil
}

// SymbolOffsets returns the index of the instruction of each symbol. It is an
// error if two have the same.
func (insns Instructions) SymbolOffsets() (map[string]int, error) {
	offsets := make(map[string]int)
	for i := range insns {
		name := insns[i].Symbol()
		if name == "" {
			continue
		}
		if first, ok := offsets[name]; ok {
			return nil, fmt.Errorf("duplicate symbol %s, at instructions %d and %d", name, first, i)
		}
		offsets[name] = i
	}
	return offsets, nil
}

// ReferenceOffsets returns the indices of the instructions that refer to each
// symbol or map.
func (insns Instructions) ReferenceOffsets() map[string][]int {
	offsets := make(map[string][]int)
	for i := range insns {
		if ref := insns[i].Reference(); ref != "" {
			offsets[ref] = append(offsets[ref], i)
		}
	}
	return offsets
}

// FunctionReferences returns the names of the functions of the program that
// insns call or take the address of, sorted.
func (insns Instructions) FunctionReferences() []string {
	names := []string{}
	for i := range insns {
		if ref := insns[i].Reference(); ref != "" && insns[i].IsFunctionReference() {
			names = append(names, ref)
		}
	}
	sorting.Strings(names)
	return slices.Compact(names)
}

// Iterate walks over insns, keeping count of slots. insns mustn't change
// meanwhile.
func (insns Instructions) Iterate() *InstructionIterator {
	return &InstructionIterator{insns: insns}
}

// InstructionIterator walks over a program.
type InstructionIterator struct {
	insns Instructions

	// Ins is the current instruction.
	Ins *Instruction
	// Index is the index of the instruction.
	Index int
	// Offset is the first slot of the instruction.
	Offset RawInstructionOffset
}

// Next goes to the next instruction and reports whether there is one.
func (iter *InstructionIterator) Next() bool {
	if len(iter.insns) == 0 {
		return false
	}
	if iter.Ins != nil {
		iter.Index++
		iter.Offset += iter.Ins.Width()
	}
	iter.Ins, iter.insns = &iter.insns[0], iter.insns[1:]
	return true
}
