package ebpf

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// What errors of this package match with errors.Is. Errors from the kernel also
// match their errno (unix.EPERM).
var (
	// ErrKeyNotExist is a map operation on a key that isn't there.
	ErrKeyNotExist = errors.New("key does not exist")
	// ErrKeyExist is Update with UpdateNoExist on a key that is there.
	ErrKeyExist = errors.New("key already exists")
	// ErrIterationAborted is an iteration that met so many changes to the map
	// that it can't tell whether it saw every element.
	ErrIterationAborted = errors.New("iteration aborted")
	// ErrMapIncompatible is an existing map that can't stand in for a spec.
	ErrMapIncompatible = errors.New("map spec is incompatible with existing map")
	// ErrProgIncompatible is a loaded program that isn't what a spec describes.
	ErrProgIncompatible = errors.New("program is incompatible")
	// ErrInvalidType is a Go type that can't be a view of a variable's memory.
	ErrInvalidType = errors.New("invalid type")
	// ErrReadOnly is writing to what can't be written.
	ErrReadOnly = errors.New("resource is read-only")
	// ErrNotSupported is something that this kernel, or this package, doesn't
	// do. It is errors.ErrUnsupported.
	ErrNotSupported = errors.ErrUnsupported
	// ErrRestrictedKernel is information that kernel.kptr_restrict or
	// net.core.bpf_jit_harden withholds.
	ErrRestrictedKernel = errors.New("restricted by kernel.kptr_restrict and/or net.core.bpf_jit_harden sysctls")
	// ErrClosed is using a map, program or variable after Close. It is
	// os.ErrClosed.
	ErrClosed = kernel.ErrClosed
)

// mapError is a failed operation on a map.
type mapError struct {
	op    string // "lookup"
	name  string // of the map
	cause error  // one of the above, if one fits
	raw   error  // what the kernel said; nil if cause says it all
}

func (e *mapError) Error() string {
	if e.raw == nil {
		return fmt.Sprintf("map %q: %s: %v", e.name, e.op, e.cause)
	}
	if e.cause == nil {
		return fmt.Sprintf("map %q: %s: %v", e.name, e.op, e.raw)
	}
	return fmt.Sprintf("map %q: %s: %v (%v)", e.name, e.op, e.cause, e.raw)
}

// Is matches the cause.
func (e *mapError) Is(target error) bool { return target == e.cause }

// Unwrap is what the kernel said.
func (e *mapError) Unwrap() error { return e.raw }

// errnoEnd is what the kernel says when there are no more elements.
const errnoEnd = syscall.ENOENT

// Operations on maps, as their errors name them.
const (
	opLookup       = "lookup"
	opLookupDelete = "lookup and delete"
	opUpdate       = "update"
	opDelete       = "delete"
	opNextKey      = "next key"
	opFreeze       = "freeze"
	opBatch        = "batch operation"
)

// refused is fail for what the kernel has answered.
func (m *Map) refused(op string, errno syscall.Errno) error {
	cmd := kernel.CmdMapUpdateElem
	if op == opLookup {
		cmd = kernel.CmdMapLookupElem
	}
	return m.fail(op, kernel.Failed(cmd, errno))
}

// fail makes of the kernel's answer an error that names map and operation.
// A missing key is part of a map's normal life: it allocates nothing.
func (m *Map) fail(op string, err error) error {
	switch kernel.Errno(err) {
	case syscall.ENOENT:
		switch op {
		case opLookup:
			return &m.missing[0]
		case opNextKey:
			return &m.missing[1]
		case opDelete:
			return &m.missing[2]
		case opLookupDelete:
			return &m.missing[3]
		}
		return &mapError{op: op, name: m.name, cause: ErrKeyNotExist}
	case syscall.EEXIST:
		return &mapError{op: op, name: m.name, cause: ErrKeyExist}
	case kernel.ENOTSUPP, syscall.EOPNOTSUPP:
		return &mapError{op: op, name: m.name, cause: ErrNotSupported, raw: err}
	case syscall.E2BIG:
		if op == opUpdate {
			return &mapError{op: op, name: m.name, raw: fmt.Errorf("the map is full (%d elements, MaxEntries): %w", m.maxEntries, err)}
		}
	case syscall.EPERM:
		if op == opUpdate || op == opDelete {
			return &mapError{op: op, name: m.name, raw: fmt.Errorf("%w: the map is frozen, or was opened or made without write access", err)}
		}
	}
	return &mapError{op: op, name: m.name, raw: err}
}
