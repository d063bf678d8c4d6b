package linker

import (
	"encoding/binary"
	"errors"
)

// Input is an object file.
type Input struct {
	Name string // for messages
	Data []byte
}

// Link makes one object of all inputs, which must have the same byte order. The
// result depends on nothing but the inputs and their order. DWARF isn't linked
// but left out.
//
// External symbols that no file defines stay as they are, for a loader to find
// in the kernel or to complain about.
//
// Errors are of type [*Error].
func Link(inputs []Input) ([]byte, error) {
	if len(inputs) == 0 {
		return nil, errors.New("link: no files")
	}
	l := &linker{sectionOf: map[string]*section{}, globalOf: map[string]*global{}}
	for _, in := range inputs {
		opened, err := open(in)
		if err != nil {
			return nil, &Error{File: in.Name, Err: err}
		}
		l.inputs = append(l.inputs, opened)
	}
	for _, step := range [...]func(*linker) error{
		(*linker).checkOrder,
		(*linker).placeSections,
		(*linker).resolve,
		(*linker).numberSymbols,
		(*linker).moveRelocs,
		(*linker).mergeTypes,
	} {
		if err := step(l); err != nil {
			return nil, err
		}
	}
	return l.write()
}

// linker is what becomes of the inputs, each step filling in its part.
type linker struct {
	inputs []*input
	order  binary.ByteOrder

	sections  []*section // of the output, in order of their first appearance
	sectionOf map[string]*section
	padding   uint64 // bytes

	globals  []*global // in order of their first appearance
	globalOf map[string]*global

	symbols []symbol // of the output
	locals  int      // how many of them are local, with the null symbol

	btf, ext []byte // contents of .BTF and .BTF.ext
}

func (l *linker) checkOrder() error {
	first := l.inputs[0]
	l.order = first.file.ByteOrder()
	for _, in := range l.inputs[1:] {
		if in.file.ByteOrder() != l.order {
			return in.errorWith(first, "", "one is little endian, the other big endian: compile both for the same target")
		}
	}
	return nil
}
