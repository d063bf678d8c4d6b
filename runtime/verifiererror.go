package ebpf

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bpfgen/bpfgen/internal/verifierlog"
)

// VerifierError is the kernel's verifier rejecting a program, or its BTF. Get
// hold of one with errors.As.
//
// Error explains it like a compiler: where in the C source it is and why, the
// instruction with its registers, how control came there, and what to do about
// it. Formatting with %+v gives the whole log.
type VerifierError struct {
	// Cause is the errno of the failed system call.
	Cause error
	// Log has the lines of the verifier's log, without trailing white space.
	Log []string
	// Truncated tells that the log didn't fit in the buffer; Log then has its
	// end.
	Truncated bool

	// Program is the name of the program, "" if the error is about BTF.
	Program string
	// Reason is the verifier's complaint, or why a relocation failed whose
	// instruction can be reached. "" if the log has none.
	Reason string
	// Hint says what may help, "" for reasons that aren't known.
	Hint string
	// File is the C source file as the compiler was given it, and Line and Column
	// are the place in it, starting at one. They are "" and 0 if the object has no
	// line information.
	File         string
	Line, Column int
	// Insn is the index of the rejected instruction, counted in slots of 8 bytes
	// as the log does, or -1 if the error is about the program as a whole.
	Insn int
	// Instruction is its text, "" if it isn't known.
	Instruction string
	// Registers are what the verifier knows of the registers that matter to the
	// instruction.
	Registers []VerifierRegister
	// Branches are the conditional jumps on the way to the instruction, in order.
	Branches []VerifierBranch

	label       string   // of the program, with its section
	details     []string // lines of the log, or else, that belong to the reason
	explanation string   // the kernel's, if it has one
	source      []sourceLine
	related     *sourceLine
	also        error // what errors.Is and errors.As find besides Cause
}

// VerifierRegister is what the verifier knows of a register or of a place on
// the stack.
type VerifierRegister struct {
	Name  string // "R1", "fp-8"
	State string // in the kernel's words, such as "map_value(map=values,ks=4,vs=32)"
}

// VerifierBranch is a conditional jump that a rejected path goes through.
type VerifierBranch struct {
	// File and Line are where it is in the C source, "" and 0 if that isn't known.
	File string
	Line int
	// Source is the C line, "" if it isn't known.
	Source string
	// Insn is its index, counted in slots.
	Insn int
	// Condition is that of the instruction, such as "r0 == 0x0", and Taken tells
	// whether it is true on the path.
	Condition string
	Taken     bool
}

// newVerifierError takes a log as the kernel wrote it: NUL-terminated text.
func newVerifierError(cause error, log []byte, truncated bool) *VerifierError {
	text := string(log)
	if end := strings.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	text = strings.TrimRight(text, " \t\n")
	ve := &VerifierError{Cause: cause, Truncated: truncated, Insn: -1}
	if text == "" {
		return ve
	}
	ve.Log = strings.Split(text, "\n")
	for i, line := range ve.Log {
		ve.Log[i] = strings.TrimRight(line, " \t\r")
	}
	return ve
}

// newTypesError is for BTF that the kernel refused.
func newTypesError(cause error, log verifierLog) *VerifierError {
	ve := newVerifierError(cause, log.text, log.truncated)
	report := verifierlog.Parse(ve.Log)
	ve.Reason = report.Reason
	if n := len(report.Details); n > 0 {
		ve.Reason = report.Details[n-1] // before it, the log lists the types that are fine
	}
	return ve
}

// Unwrap is the Cause.
func (ve *VerifierError) Unwrap() error { return ve.Cause }

// Is matches what is known about the reason besides the errno: ErrNotSupported,
// if this kernel lacks what the program uses.
func (ve *VerifierError) Is(target error) bool { return ve.also != nil && errors.Is(ve.also, target) }

// Format implements fmt.Formatter: %v and %s are Error; %+v is the log, %+5v its
// first five lines, and %-5v its last five.
func (ve *VerifierError) Format(f fmt.State, verb rune) {
	width, limited := f.Width()
	switch {
	case verb == 's', verb == 'v' && !f.Flag('+') && !f.Flag('-'):
		fmt.Fprint(f, ve.Error())
	case verb != 'v' || f.Flag('-') && (f.Flag('+') || !limited):
		fmt.Fprintf(f, "%%!%c(*ebpf.VerifierError)", verb)
	default:
		ve.formatLog(f, width, limited, f.Flag('-'))
	}
}

func (ve *VerifierError) formatLog(f fmt.State, width int, limited, last bool) {
	lines := ve.Log
	switch {
	case limited && last && width < len(lines):
		lines = lines[len(lines)-width:]
	case limited && !last && width < len(lines):
		lines = lines[:width]
	}
	fmt.Fprintf(f, "%v:", ve.Cause)
	omitted := len(ve.Log) - len(lines)
	if last && omitted > 0 {
		fmt.Fprintf(f, "\n\t(%d line(s) omitted)", omitted)
	}
	for _, line := range lines {
		fmt.Fprintf(f, "\n\t%s", line)
	}
	if !last && omitted > 0 {
		fmt.Fprintf(f, "\n\t(%d line(s) omitted)", omitted)
	}
	if ve.Truncated {
		fmt.Fprint(f, "\n\t(truncated)")
	}
}
