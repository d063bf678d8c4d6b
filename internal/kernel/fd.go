package kernel

import (
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// FD owns a file descriptor. Operations hold it while they use the number, and
// the number goes back to the kernel when the owner has called Close and the
// last operation is over: nothing ever acts on a number that meanwhile means
// something else. There is no finalizer.
//
// Methods may be called from any goroutine.
type FD struct {
	// state is twice the number of holders (the owner is one), plus one
	// when closed. Nobody joins after that, so zero holders come once.
	state atomic.Uint32
	raw   int32
}

const (
	fdClosed = 1
	fdHolder = 2
)

// NewFD takes ownership of a raw descriptor.
func NewFD(raw int) *FD {
	fd := &FD{raw: int32(raw)}
	fd.state.Store(fdHolder)
	return fd
}

// firstFD is the lowest descriptor to keep: the three below are the standard
// streams by convention, and zero means "none" in parts of bpf(2).
const firstFD = 3

// ownFD makes an FD of what a system call returned.
func ownFD(raw int) (*FD, error) {
	if raw >= firstFD {
		return NewFD(raw), nil
	}
	high, err := dupAbove(raw, firstFD)
	closeFD(raw)
	if err != nil {
		return nil, err
	}
	return NewFD(high), nil
}

// Acquire is the raw descriptor, which stays valid until the matching Release.
// It fails with ErrClosed after Close.
func (fd *FD) Acquire() (int, error) {
	if !fd.Hold() {
		return -1, ErrClosed
	}
	return int(fd.raw), nil
}

// Hold is Acquire for where each instruction counts: Held is then the descriptor. It
// fails after Close.
func (fd *FD) Hold() bool {
	for {
		state := fd.state.Load()
		if state&fdClosed != 0 {
			return false
		}
		if fd.state.CompareAndSwap(state, state+fdHolder) {
			return true
		}
	}
}

// Held is the raw descriptor between Hold and Release.
func (fd *FD) Held() uint32 { return uint32(fd.raw) }

// Release ends what Acquire began.
func (fd *FD) Release() {
	if fd.state.Add(^uint32(fdHolder-1)) == fdClosed {
		closeFD(int(fd.raw))
	}
}

// Close gives the descriptor back, at once or when the last operation that
// holds it is over. Closing again is ErrClosed.
func (fd *FD) Close() error {
	for {
		state := fd.state.Load()
		if state&fdClosed != 0 {
			return ErrClosed
		}
		if !fd.state.CompareAndSwap(state, (state|fdClosed)-fdHolder) {
			continue
		}
		if state != fdHolder {
			return nil // the last holder closes
		}
		return closeFD(int(fd.raw))
	}
}

// Closed tells whether Close has been called.
func (fd *FD) Closed() bool { return fd.state.Load()&fdClosed != 0 }

// Int is the raw descriptor, -1 once closed. Nothing keeps it from being closed
// by another goroutine while it is in use: see Acquire.
func (fd *FD) Int() int {
	if fd.Closed() {
		return -1
	}
	return int(fd.raw)
}

// Dup is a second descriptor of the same kernel object, with a life of its own.
func (fd *FD) Dup() (*FD, error) {
	raw, err := fd.Acquire()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	return DupFD(raw)
}

// DupFD is a new descriptor, closed on exec, of what raw describes.
func DupFD(raw int) (*FD, error) {
	dup, err := dupAbove(raw, firstFD)
	if err != nil {
		return nil, err
	}
	return NewFD(dup), nil
}

// Refs holds several FDs at once, for a system call that names them all.
// The zero value holds none.
type Refs struct{ held []*FD }

// Acquire is FD.Acquire; Release ends it. A nil FD is descriptor zero, which
// bpf(2) takes as "none".
func (r *Refs) Acquire(fd *FD) (uint32, error) {
	if fd == nil {
		return 0, nil
	}
	raw, err := fd.Acquire()
	if err != nil {
		return 0, err
	}
	r.held = append(r.held, fd)
	return uint32(raw), nil
}

// Release ends all that Acquire began.
func (r *Refs) Release() {
	for _, fd := range r.held {
		fd.Release()
	}
	r.held = nil
}

// Read is read(2), for objects that aren't files but can be read.
func (fd *FD) Read(b []byte) (int, error) {
	raw, err := fd.Acquire()
	if err != nil {
		return 0, err
	}
	defer fd.Release()
	for {
		n, err := readFD(raw, b)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// File hands the descriptor over to an os.File: the FD is closed.
func (fd *FD) File(name string) *os.File {
	if !fd.state.CompareAndSwap(fdHolder, fdClosed) {
		return nil // closed, or in use
	}
	return os.NewFile(uintptr(fd.raw), name)
}
