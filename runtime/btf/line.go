package btf

import (
	"fmt"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// Line is one line of the source that an instruction was compiled from.
type Line struct {
	strings        *rawbtf.BTF
	file, text     uint32 // offsets in strings
	numberAndPlace uint32 // as in .BTF.ext: line number << 10 | column
}

const columnBits = 10

// NewLine makes a Line that doesn't stem from an object. Line numbers have 22
// and columns 10 bits; more is cut off.
func NewLine(file, text string, number, column uint32) Line {
	var strs rawbtf.Strings
	l := Line{file: strs.Add(file), text: strs.Add(text), numberAndPlace: number<<columnBits | column&(1<<columnBits-1)}
	l.strings = strs.BTF()
	return l
}

// FileName returns the path of the source file as the compiler was given it.
func (l *Line) FileName() string { return l.lookup(l.file) }

// Line returns the text of the line, usually with its indentation.
func (l *Line) Line() string { return l.lookup(l.text) }

// LineNumber returns the line number, starting at one. Zero is unknown.
func (l *Line) LineNumber() uint32 { return l.numberAndPlace >> columnBits }

// LineColumn returns the column, starting at one. Zero is unknown.
func (l *Line) LineColumn() uint32 { return l.numberAndPlace & (1<<columnBits - 1) }

// String returns the text of the line.
func (l *Line) String() string { return l.Line() }

// Position returns "file:line" or "file:line:column".
func (l *Line) Position() string {
	if l.LineColumn() == 0 {
		return fmt.Sprintf("%s:%d", l.FileName(), l.LineNumber())
	}
	return fmt.Sprintf("%s:%d:%d", l.FileName(), l.LineNumber(), l.LineColumn())
}

// lookup never fails: lines from an object are validated when they are
// decoded, and an empty string is the best answer to any other.
func (l *Line) lookup(off uint32) string {
	if l == nil || l.strings == nil {
		return ""
	}
	s, err := l.strings.Name(off)
	if err != nil {
		return ""
	}
	return s
}
