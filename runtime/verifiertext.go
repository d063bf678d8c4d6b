package ebpf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// An error fits a terminal: so wide, and no more of each kind than this.
const (
	textWidth   = 100
	maxBranches = 5
	maxDetails  = 4
)

// Error explains the rejection, in several lines if it is about a program.
func (ve *VerifierError) Error() string {
	if ve.label == "" {
		return ve.brief()
	}
	var b strings.Builder
	ve.writeReason(&b)
	ve.writeSource(&b)
	fmt.Fprintf(&b, "\n  in %s: %v", ve.label, ve.Cause)
	ve.writeInstruction(&b)
	ve.writeBranches(&b)
	ve.writeRelated(&b)
	if ve.Hint != "" {
		writeWrapped(&b, "\n  hint: ", "\n        ", ve.Hint)
	}
	return b.String()
}

// brief is the reason in one line.
func (ve *VerifierError) brief() string {
	if ve.Reason == "" {
		return ve.Cause.Error()
	}
	msg := ve.Cause.Error() + ": " + ve.Reason
	if omitted := len(ve.Log) - 1; omitted > 0 {
		msg += fmt.Sprintf(" (%d line(s) omitted)", omitted)
	}
	return msg
}

// writeReason writes a line like those of compilers, and what belongs to it.
func (ve *VerifierError) writeReason(b *strings.Builder) {
	switch {
	case ve.Line == 0:
		fmt.Fprintf(b, "program %q: ", ve.Program)
	case ve.Column == 0:
		fmt.Fprintf(b, "%s:%d: ", ve.File, ve.Line)
	default:
		fmt.Fprintf(b, "%s:%d:%d: ", ve.File, ve.Line, ve.Column)
	}
	if ve.Reason == "" {
		b.WriteString("the kernel rejects the program without saying why")
		return
	}
	b.WriteString(ve.Reason)
	for i, detail := range ve.details {
		if i == maxDetails {
			fmt.Fprintf(b, "\n  (%d more)", len(ve.details)-i)
			break
		}
		b.WriteString("\n  " + shorten(strings.TrimSpace(detail), textWidth))
	}
	if ve.explanation != "" {
		writeWrapped(b, "\n  ", "\n  ", shorten(ve.explanation, 4*textWidth))
	}
}

// writeSource writes the lines of C, with a mark under the place.
func (ve *VerifierError) writeSource(b *strings.Builder) {
	for _, line := range ve.source {
		text := expandTabs(line.text)
		if strings.TrimSpace(text) == "" {
			continue
		}
		fmt.Fprintf(b, "\n%5d | %s", line.number, shorten(text, textWidth))
		if line.number == ve.Line && ve.Column > 0 && ve.Column <= len(line.text) {
			before := expandTabs(line.text[:ve.Column-1])
			if len(before) < textWidth {
				fmt.Fprintf(b, "\n      | %*s", utf8.RuneCountInString(before)+1, "^")
			}
		}
	}
}

// expandTabs makes tabs as wide everywhere, so that the mark is at the place.
func expandTabs(text string) string { return strings.Join(strings.Split(text, "\t"), "    ") }

func (ve *VerifierError) writeInstruction(b *strings.Builder) {
	if ve.Instruction == "" {
		return
	}
	fmt.Fprintf(b, "\n  at instruction %d: %s", ve.Insn, ve.Instruction)
	for _, r := range ve.Registers {
		b.WriteString("\n    " + shorten(r.Name+" = "+r.State, textWidth))
	}
}

func (ve *VerifierError) writeBranches(b *strings.Builder) {
	branches := ve.Branches
	if len(branches) == 0 {
		return
	}
	b.WriteString("\n  on this path:")
	if omitted := len(branches) - maxBranches; omitted > 0 {
		fmt.Fprintf(b, "\n    (%d branches before)", omitted)
		branches = branches[omitted:]
	}
	for _, branch := range branches {
		outcome := "no"
		if branch.Taken {
			outcome = "yes"
		}
		where := fmt.Sprintf("instruction %d", branch.Insn)
		if branch.Line > 0 {
			where = fmt.Sprintf("%s:%d: %s", branch.File, branch.Line, shorten(branch.Source, textWidth/2))
		}
		fmt.Fprintf(b, "\n    %s (%s: %s)", where, branch.Condition, outcome)
	}
}

func (ve *VerifierError) writeRelated(b *strings.Builder) {
	if r := ve.related; r != nil {
		fmt.Fprintf(b, "\n  it comes from %s:%d:%d: %s", r.file, r.number, r.column, shorten(strings.TrimSpace(r.text), textWidth/2))
	}
}

// writeWrapped writes text in lines of at most textWidth.
func writeWrapped(b *strings.Builder, first, next, text string) {
	column := textWidth
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			b.WriteString(first)
			column = len(first)
		case column+1+len(word) > textWidth:
			b.WriteString(next)
			column = len(next)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
}

// shorten cuts what is too wide.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
