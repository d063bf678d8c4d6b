package linker

import (
	"fmt"
	"strings"
)

// Error says what keeps files from being linked.
type Error struct {
	File   string // that has the problem
	Other  string // that it doesn't go together with, or ""
	Symbol string // or section, or "" if it is about the whole file
	Err    error
}

// Error names files, symbol and reason.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("link " + e.File)
	if e.Other != "" {
		b.WriteString(" with " + e.Other)
	}
	if e.Symbol != "" {
		b.WriteString(": " + e.Symbol)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

func (in *input) errorf(symbol, format string, args ...any) error {
	return &Error{File: in.name, Symbol: symbol, Err: fmt.Errorf(format, args...)}
}

func (in *input) errorWith(other *input, symbol, format string, args ...any) error {
	return &Error{File: in.name, Other: other.name, Symbol: symbol, Err: fmt.Errorf(format, args...)}
}
