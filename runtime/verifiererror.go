package ebpf

import (
	"fmt"
	"strings"
)

// VerifierError is the kernel's verifier rejecting a program, or its BTF.
//
// Error is one line: the reason, the instruction and the C line that it is
// about. Formatting with %+v gives the whole log. Get hold of one with
// errors.As.
type VerifierError struct {
	// Cause is the errno of the failed system call.
	Cause error
	// Log has the lines of the verifier's log, without trailing white space.
	Log []string
	// Truncated tells that the log didn't fit in the buffer; Log then has its
	// end.
	Truncated bool
}

// newVerifierError takes a log as the kernel wrote it: NUL-terminated text.
func newVerifierError(cause error, log []byte, truncated bool) *VerifierError {
	text := string(log)
	if end := strings.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	text = strings.TrimRight(text, " \t\n")
	ve := &VerifierError{Cause: cause, Truncated: truncated}
	if text == "" {
		return ve
	}
	ve.Log = strings.Split(text, "\n")
	for i, line := range ve.Log {
		ve.Log[i] = strings.TrimRight(line, " \t\r")
	}
	return ve
}

// Unwrap is the Cause.
func (ve *VerifierError) Unwrap() error { return ve.Cause }

// Error is the reason in one line.
func (ve *VerifierError) Error() string {
	gist := ve.gist()
	if len(gist) == 0 {
		return ve.Cause.Error()
	}
	msg := ve.Cause.Error() + ": " + strings.Join(gist, ": ")
	if omitted := len(ve.Log) - len(gist); omitted > 0 {
		msg += fmt.Sprintf(" (%d line(s) omitted)", omitted)
	}
	return msg
}

// gist is what the log comes to: the verifier's complaint, then the last
// instruction and the last C line before it.
func (ve *VerifierError) gist() []string {
	end := len(ve.Log)
	for end > 0 && isSummary(ve.Log[end-1]) {
		end--
	}
	if end == 0 {
		return nil
	}
	gist := []string{ve.Log[end-1]}
	wantInsn, wantLine := !isInstruction(gist[0]), true
	for i := end - 2; i >= 0 && wantLine; i-- {
		switch line := ve.Log[i]; {
		case wantInsn && isInstruction(line):
			gist = append(gist, line)
			wantInsn = false
		case strings.HasPrefix(line, "; "):
			gist = append(gist, line)
			wantLine = false
		}
	}
	return gist
}

// isSummary tells whether a line of the log is statistics rather than a reason.
func isSummary(line string) bool {
	return line == "" ||
		strings.HasPrefix(line, "processed ") ||
		strings.HasPrefix(line, "verification time ") ||
		strings.HasPrefix(line, "stack depth ")
}

// isInstruction tells whether a line of the log is like "12: (95) exit".
func isInstruction(line string) bool {
	digits := 0
	for digits < len(line) && line[digits] >= '0' && line[digits] <= '9' {
		digits++
	}
	return digits > 0 && strings.HasPrefix(line[digits:], ": (")
}

// Format implements fmt.Formatter: %v and %s are Error; %+v adds the log, and
// %+5v its first five lines, %-5v its last five.
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
