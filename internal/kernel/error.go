package kernel

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/chain"
)

// ErrClosed is what operations on something closed return.
var ErrClosed = os.ErrClosed

// ENOTSUPP is the kernel-internal "not supported", which leaks to user space
// from many BPF hooks and has no name there.
const ENOTSUPP unix.Errno = 524

// Error is bpf(2) saying no. It unwraps to the errno, so that
// errors.Is(err, unix.EPERM) and errors.Is(err, fs.ErrNotExist) work.
type Error struct {
	Cmd   Cmd
	Errno unix.Errno
}

// Error names the command and the kernel's reason.
func (e *Error) Error() string {
	if e.Errno == ENOTSUPP {
		return e.Cmd.String() + ": operation not supported (ENOTSUPP)"
	}
	return e.Cmd.String() + ": " + e.Errno.Error()
}

// Unwrap is the errno.
func (e *Error) Unwrap() error { return e.Errno }

// Is lets ENOTSUPP match errors.ErrUnsupported, which the standard library
// doesn't know about.
func (e *Error) Is(target error) bool {
	return target == errors.ErrUnsupported && e.Errno == ENOTSUPP
}

// Errno is the number behind err, or zero if err doesn't come from the kernel.
// It is quickest for errors straight from this package.
func Errno(err error) unix.Errno {
	if e, ok := err.(*Error); ok {
		return e.Errno
	}
	errno, _ := chain.As[unix.Errno](err)
	return errno
}

// Answers that are part of normal life of a map, made once so that a miss
// allocates as little as a hit.
var (
	errLookupMissing  = &Error{CmdMapLookupElem, unix.ENOENT}
	errUpdateMissing  = &Error{CmdMapUpdateElem, unix.ENOENT}
	errUpdateExists   = &Error{CmdMapUpdateElem, unix.EEXIST}
	errUpdateFull     = &Error{CmdMapUpdateElem, unix.E2BIG}
	errDeleteMissing  = &Error{CmdMapDeleteElem, unix.ENOENT}
	errTakeMissing    = &Error{CmdMapLookupAndDeleteElem, unix.ENOENT}
	errBatchEnd       = &Error{CmdMapLookupBatch, unix.ENOENT}
	errNextKeyMissing = &Error{CmdMapGetNextKey, unix.ENOENT}
)

// Failed is the error of a command that a caller has run by itself.
func Failed(cmd Cmd, errno unix.Errno) error { return failed(cmd, errno) }

func failed(cmd Cmd, errno unix.Errno) error {
	switch (Error{cmd, errno}) {
	case *errLookupMissing:
		return errLookupMissing
	case *errUpdateMissing:
		return errUpdateMissing
	case *errUpdateExists:
		return errUpdateExists
	case *errUpdateFull:
		return errUpdateFull
	case *errDeleteMissing:
		return errDeleteMissing
	case *errTakeMissing:
		return errTakeMissing
	case *errBatchEnd:
		return errBatchEnd
	case *errNextKeyMissing:
		return errNextKeyMissing
	}
	return &Error{cmd, errno}
}
