package kernel

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrFlushed is what Poller.Wait returns after Poller.Flush.
var ErrFlushed = errors.New("reader was flushed")

// Poller waits for descriptors to become readable, or writable. It is an epoll instance
// that itself is watched by the Go runtime: a goroutine that waits occupies no
// thread, and deadlines and Close work as they do for network connections.
//
// It reports the event of becoming readable, once, and not the state: drain
// what it reports before waiting again.
//
// One goroutine may wait; the other methods may be called from any.
type Poller struct {
	epoll  *os.File
	conn   syscall.RawConn
	wake   *FD // an eventfd that Flush writes to
	closed atomic.Bool

	// The state of Wait, here because waiting shall not allocate.
	poll   func(epoll uintptr) bool
	events [16]unix.EpollEvent
	count  int
	err    error
}

const wakeID = -1

// NewPoller makes a Poller that waits for nothing yet.
func NewPoller() (*Poller, error) {
	raw, err := epollCreate()
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(raw, true); err != nil { // else os.NewFile doesn't watch it
		closeFD(raw)
		return nil, os.NewSyscallError("fcntl", err)
	}
	p := &Poller{epoll: os.NewFile(uintptr(raw), "epoll")}
	p.poll = p.pollOnce
	if err := p.init(); err != nil {
		p.epoll.Close()
		return nil, err
	}
	return p, nil
}

func (p *Poller) init() error {
	var err error
	if p.conn, err = p.epoll.SyscallConn(); err != nil {
		return err
	}
	wake, err := eventfd()
	if err != nil {
		return os.NewSyscallError("eventfd2", err)
	}
	p.wake = NewFD(wake)
	if err := p.Add(p.wake, wakeID); err != nil {
		p.wake.Close()
		return err
	}
	return nil
}

// Add begins to wait for fd too. Wait reports it as id, which isn't negative.
func (p *Poller) Add(fd *FD, id int) error { return p.add(fd, id, unix.EPOLLIN) }

// AddWritable is Add for fd becoming writable.
func (p *Poller) AddWritable(fd *FD, id int) error { return p.add(fd, id, unix.EPOLLOUT) }

func (p *Poller) add(fd *FD, id int, events uint32) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	defer fd.Release()
	event := unix.EpollEvent{Events: events | unix.EPOLLET, Fd: int32(id)}
	var errAdd error
	err = p.conn.Control(func(epoll uintptr) {
		errAdd = epollAdd(int(epoll), raw, &event)
	})
	if err != nil {
		return p.explain(err)
	}
	return os.NewSyscallError("epoll_ctl", errAdd)
}

// Wait blocks until something has become readable, and puts the IDs of as much
// as fits into ready. It fails with os.ErrDeadlineExceeded, ErrFlushed or ErrClosed.
func (p *Poller) Wait(ready []int) (int, error) {
	p.count, p.err = 0, nil
	if err := p.conn.Read(p.poll); err != nil {
		return 0, p.explain(err)
	}
	if p.err != nil {
		return 0, os.NewSyscallError("epoll_wait", p.err)
	}
	n, flushed := 0, false
	for _, event := range p.events[:p.count] {
		if event.Fd == wakeID {
			flushed = true
			continue
		}
		if n < len(ready) {
			ready[n] = int(event.Fd)
			n++
		}
	}
	if flushed {
		// Whoever is flushed looks at everything, so IDs don't matter.
		return 0, p.clearWake()
	}
	return n, nil
}

// pollOnce looks for events, and tells the runtime whether to stop waiting.
func (p *Poller) pollOnce(epoll uintptr) bool {
	for {
		p.count, p.err = epollWait(int(epoll), p.events[:], 0)
		if p.err != unix.EINTR {
			return p.count != 0 || p.err != nil
		}
	}
}

// clearWake forgets all Flush calls up to now.
func (p *Poller) clearWake() error {
	raw, err := p.wake.Acquire()
	if err != nil {
		return err
	}
	defer p.wake.Release()
	var count [8]byte
	if _, err := readFD(raw, count[:]); err != nil && err != unix.EAGAIN {
		return fmt.Errorf("clear the wake-up: %w", err)
	}
	return ErrFlushed
}

// SetDeadline bounds this and all following waits; the zero time lifts the bound.
func (p *Poller) SetDeadline(t time.Time) error {
	return p.explain(p.epoll.SetReadDeadline(t))
}

// Flush makes this wait, or the next one, end with ErrFlushed.
func (p *Poller) Flush() error {
	raw, err := p.wake.Acquire()
	if err != nil {
		return err
	}
	defer p.wake.Release()
	return writeEvent(raw)
}

// writeEvent makes an eventfd readable. It counts in host order, but any value
// that isn't zero will do; EAGAIN means that it is close to overflow, and so
// readable anyway.
func writeEvent(raw int) error {
	one := [8]byte{0, 0, 0, 1, 1, 0, 0, 0}
	if _, err := writeFD(raw, one[:]); err != nil && err != unix.EAGAIN {
		return os.NewSyscallError("write", err)
	}
	return nil
}

// Close ends this wait and all later ones with ErrClosed.
func (p *Poller) Close() error {
	if p.closed.Swap(true) {
		return ErrClosed
	}
	return errors.Join(p.epoll.Close(), p.wake.Close())
}

// explain makes ErrClosed of the runtime's own word for it.
func (p *Poller) explain(err error) error {
	if err != nil && p.closed.Load() {
		return ErrClosed
	}
	return err
}
