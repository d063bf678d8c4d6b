package btf

import (
	"errors"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// Errors wrapped by those that functions of this package return.
var (
	// ErrNotSupported is about something that this kernel, or this package, can't do.
	ErrNotSupported = errors.ErrUnsupported
	// ErrNotFound is about a type or section that doesn't exist.
	ErrNotFound = rawbtf.ErrNotFound
	// ErrNoExtendedInfo is about an object without a .BTF.ext section.
	ErrNoExtendedInfo = errors.New("no extended info")
	// ErrMultipleMatches is about a name that several types have.
	ErrMultipleMatches = errors.New("multiple matching types")

	errTooDeep = errors.New("types are nested too deeply")
	errUnsized = errors.New("type has no size")
)
