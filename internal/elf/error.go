package elf

import (
	"fmt"
	"strconv"
	"strings"
)

// ErrorKind tells apart what can be wrong with a file.
type ErrorKind uint8

const (
	// Malformed: an ELF64 file whose contents contradict each other.
	Malformed ErrorKind = iota
	// Foreign: not an object of this kind at all: no ELF, 32 bits, another
	// machine, an archive, LLVM bitcode, source text.
	Foreign
	// Unsupported: valid, but not handled here, such as compressed sections.
	Unsupported
)

// Error says what is wrong with a file, and where.
type Error struct {
	Kind ErrorKind
	// Section is the name of the section, or "#7" if the name isn't known;
	// empty for the file's headers.
	Section string
	// Offset, in bytes, within the section, or within the file if Section is empty.
	Offset uint64
	Reason string
}

func (e *Error) Error() string {
	switch {
	case e.Kind == Foreign:
		return "elf: " + e.Reason
	case e.Section == "":
		return fmt.Sprintf("elf: file offset %#x: %s", e.Offset, e.Reason)
	}
	return fmt.Sprintf("elf: section %s, offset %#x: %s", printable(e.Section), e.Offset, e.Reason)
}

// printable quotes names that aren't fit for a terminal.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

func malformed(section string, offset uint64, format string, args ...any) error {
	return &Error{Malformed, section, offset, fmt.Sprintf(format, args...)}
}

func unsupported(section string, offset uint64, format string, args ...any) error {
	return &Error{Unsupported, section, offset, fmt.Sprintf(format, args...)}
}

func foreign(format string, args ...any) error {
	return &Error{Kind: Foreign, Reason: fmt.Sprintf(format, args...)}
}
