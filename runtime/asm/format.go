package asm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Format implements fmt.Formatter for %v and %s. The text is that of LLVM's
// disassembler, such as "r1 = *(u64 *)(r10 - 8)"; names are in angle brackets.
func (ins Instruction) Format(f fmt.State, c rune) {
	if c != 'v' && c != 's' {
		fmt.Fprintf(f, "%%!%c(asm.Instruction)", c)
		return
	}
	var buf [64]byte
	f.Write(ins.appendText(buf[:0], -1))
}

// String returns the listing that Format describes.
func (insns Instructions) String() string {
	return string(insns.appendListing(nil, layout{indent: "\t"}))
}

// Format implements fmt.Formatter for %v and %s. It prints a line for each
// instruction, preceded by its slot, and between them the names of symbols and
// the C lines that the instructions come from:
//
//	handle_exec:
//		; u64 id = bpf_get_current_pid_tgid();
//		 0: call bpf_get_current_pid_tgid
//		 1: r6 = r0
//
// %+v also says which file, line and column.
//
// The precision is how far to indent instructions, by default one tab; the width
// is how far to indent symbols, by default one less. The space flag (% v) takes
// spaces instead of tabs.
func (insns Instructions) Format(f fmt.State, c rune) {
	if c != 'v' && c != 's' {
		fmt.Fprintf(f, "%%!%c(asm.Instructions)", c)
		return
	}
	pad := byte('\t')
	if f.Flag(' ') {
		pad = ' '
	}
	depth, ok := f.Precision()
	if !ok {
		depth = 1
	}
	symbolDepth, ok := f.Width()
	if !ok {
		symbolDepth = max(depth-1, 0)
	}
	f.Write(insns.appendListing(nil, layout{
		indent:       padding(pad, depth),
		symbolIndent: padding(pad, symbolDepth),
		verbose:      f.Flag('+'),
	}))
}

func padding(with byte, depth int) string {
	b := make([]byte, depth)
	for i := range b {
		b[i] = with
	}
	return string(b)
}

// layout is how to print a listing.
type layout struct {
	indent, symbolIndent string
	verbose              bool // tell positions of source lines
}

func (insns Instructions) appendListing(b []byte, l layout) []byte {
	last := insns.Size()/InstructionSize - 1
	digits := len(strconv.FormatUint(last, 10))
	var previous *btf.Line
	for iter := insns.Iterate(); iter.Next(); {
		if name := iter.Ins.Symbol(); name != "" {
			b = append(append(append(b, l.symbolIndent...), name...), ":\n"...)
			previous = nil
		}
		b = l.appendSource(b, iter.Ins, previous)
		if line := iter.Ins.Metadata.Line(); line != nil {
			previous = line
		}
		b = append(appendPadded(append(b, l.indent...), uint64(iter.Offset), digits), ": "...)
		b = append(iter.Ins.appendText(b, int64(iter.Offset)), '\n')
	}
	return b
}

// appendPadded appends n, right-aligned in a column.
func appendPadded(b []byte, n uint64, width int) []byte {
	var buf [20]byte
	digits := strconv.AppendUint(buf[:0], n, 10)
	for range width - len(digits) {
		b = append(b, ' ')
	}
	return append(b, digits...)
}

// appendSource appends where ins comes from, unless that is the line of the
// previous instruction that came from one.
func (l layout) appendSource(b []byte, ins *Instruction, previous *btf.Line) []byte {
	src := ins.Source()
	if src == nil {
		return b
	}
	text, line := strings.TrimSpace(src.String()), ins.Metadata.Line()
	switch {
	case line != nil && l.verbose:
		text = strings.TrimSpace(line.Position() + "  " + text)
	case line != nil && sameLine(line, previous), text == "":
		return b
	}
	for part := range strings.SplitSeq(text, "\n") {
		b = append(append(append(append(b, l.indent...), "; "...), part...), '\n')
	}
	return b
}

func sameLine(a, b *btf.Line) bool {
	return b != nil && a.LineNumber() == b.LineNumber() && a.LineNumber() != 0 && a.FileName() == b.FileName()
}
