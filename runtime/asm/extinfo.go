package asm

import (
	"encoding/binary"
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// ExtInfoTarget is the BTF that infos about instructions refer to, which is
// loaded before the program. *btf.Builder is one.
type ExtInfoTarget interface {
	// AddRef adds a type with all that it needs, and returns its new ID.
	AddRef(btf.TypeRef) (btf.TypeID, error)
	// AddString adds a string and returns its offset.
	AddString(string) (uint32, error)
}

const (
	funcInfoSize   = 8  // struct bpf_func_info
	lineInfoSize   = 16 // struct bpf_line_info
	lineColumnBits = 10 // of bpf_line_info.line_col
	maxLineColumn  = 1<<lineColumnBits - 1
)

// MarshalExtInfos encodes what the kernel wants to know about a program besides
// its instructions: the functions' BTF and the source lines, as arrays of struct
// bpf_func_info and bpf_line_info. Either is nil if insns don't say. The types
// and strings that they refer to are added to target.
//
// A [Comment] becomes a line without file and number.
func MarshalExtInfos(insns Instructions, target ExtInfoTarget, bo binary.ByteOrder) (funcInfos, lineInfos []byte, err error) {
	funcs, lines := countExtInfos(insns)
	if funcs > 0 {
		funcInfos = make([]byte, 0, funcs*funcInfoSize)
	}
	if lines > 0 {
		lineInfos = make([]byte, 0, lines*lineInfoSize)
	}
	w := extInfoWriter{target: target}
	for iter := insns.Iterate(); iter.Next(); {
		var words [4]uint32
		if fn := iter.Ins.Func(); !fn.IsZero() {
			id, err := target.AddRef(fn)
			if err != nil {
				return nil, nil, fmt.Errorf("func info of instruction %d: %w", iter.Index, err)
			}
			words = [4]uint32{uint32(iter.Offset), uint32(id)}
			funcInfos = appendWords(funcInfos, words[:2], bo)
		}
		if src := iter.Ins.Source(); src != nil {
			if words, err = w.line(src, uint32(iter.Offset)); err != nil {
				return nil, nil, fmt.Errorf("line info of instruction %d: %w", iter.Index, err)
			}
			lineInfos = appendWords(lineInfos, words[:], bo)
		}
	}
	return funcInfos, lineInfos, nil
}

func countExtInfos(insns Instructions) (funcs, lines int) {
	for i := range insns {
		if !insns[i].Func().IsZero() {
			funcs++
		}
		if insns[i].Source() != nil {
			lines++
		}
	}
	return funcs, lines
}

func appendWords(b []byte, words []uint32, bo binary.ByteOrder) []byte {
	for _, w := range words {
		b = append(b, 0, 0, 0, 0)
		bo.PutUint32(b[len(b)-4:], w)
	}
	return b
}

// extInfoWriter remembers the last file, because most lines are of the same.
type extInfoWriter struct {
	target  ExtInfoTarget
	file    string
	fileOff uint32
}

// line returns the fields of a bpf_line_info.
func (w *extInfoWriter) line(src fmt.Stringer, slot uint32) (words [4]uint32, err error) {
	line, ok := src.(*btf.Line)
	if !ok {
		text, err := w.target.AddString(src.String())
		return [4]uint32{slot, 0, text, 0}, err
	}
	if file := line.FileName(); file != w.file {
		if w.fileOff, err = w.target.AddString(file); err != nil {
			return words, err
		}
		w.file = file
	}
	text, err := w.target.AddString(line.Line())
	return [4]uint32{slot, w.fileOff, text, line.LineNumber()<<lineColumnBits | line.LineColumn()&maxLineColumn}, err
}
