package object

import (
	"fmt"
	"strings"
)

// Error says which part of an object file is wrong, and how.
type Error struct {
	Section string // ELF section
	Symbol  string // map, function or variable, "" if unknown
	Offset  uint64 // bytes from the start of the section
	Source  string // "file.c:12" if the compiler told, or ""
	Err     error
}

// Error names all that is known about the place.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source)
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "section %s", e.Section)
	if e.Symbol != "" {
		fmt.Fprintf(&b, ", %s", e.Symbol)
	}
	if e.Offset != 0 || e.Source != "" {
		fmt.Fprintf(&b, ", offset %#x", e.Offset)
	}
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

func errorAt(section, symbol string, offset uint64, format string, args ...any) error {
	return &Error{Section: section, Symbol: symbol, Offset: offset, Err: fmt.Errorf(format, args...)}
}
