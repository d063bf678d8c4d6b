package kernel

import (
	"errors"
	"math"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadPoller is a Poller for perf events, which are readable only until
// somebody looks: the look of the Go runtime, which a Poller depends on, would
// use up what Wait is to find. So here a thread waits, and looks itself.
//
// One goroutine may wait; the other methods may be called from any.
type ThreadPoller struct {
	epoll *FD
	wake  *FD // an eventfd, written to after changes of what mu guards

	mu       sync.Mutex
	deadline time.Time // zero if there is none
	flushed  bool

	events [16]unix.EpollEvent // here because waiting shall not allocate
}

// NewThreadPoller makes a ThreadPoller that waits for nothing yet.
func NewThreadPoller() (*ThreadPoller, error) {
	raw, err := epollCreate()
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	epoll, err := ownFD(raw)
	if err != nil {
		return nil, err
	}
	raw, err = eventfd()
	if err != nil {
		epoll.Close()
		return nil, os.NewSyscallError("eventfd2", err)
	}
	wake, err := ownFD(raw)
	if err != nil {
		epoll.Close()
		return nil, err
	}
	p := &ThreadPoller{epoll: epoll, wake: wake}
	if err := p.Add(wake, wakeID); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Add begins to wait for fd too. Wait reports it as id, which isn't negative.
func (p *ThreadPoller) Add(fd *FD, id int) error {
	epoll, err := p.epoll.Acquire()
	if err != nil {
		return err
	}
	defer p.epoll.Release()
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	defer fd.Release()
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(id)}
	return os.NewSyscallError("epoll_ctl", epollAdd(epoll, raw, &event))
}

// Wait blocks until something has become readable, and puts the IDs of as much
// as fits into ready, which has room for at least one. It fails with
// os.ErrDeadlineExceeded, ErrFlushed or ErrClosed; after the first two, what has
// become readable meanwhile isn't reported again.
func (p *ThreadPoller) Wait(ready []int) (int, error) {
	epoll, err := p.epoll.Acquire()
	if err != nil {
		return 0, err
	}
	defer p.epoll.Release()
	// Close must not take the eventfd away before its event has been seen.
	wake, err := p.wake.Acquire()
	if err != nil {
		return 0, err
	}
	defer p.wake.Release()
	for {
		timeout := p.timeout()
		count, err := epollWait(epoll, p.events[:min(len(ready), len(p.events))], timeout)
		if err != nil && err != unix.EINTR {
			return 0, os.NewSyscallError("epoll_wait", err)
		}
		n, woken := 0, false
		for _, event := range p.events[:max(count, 0)] {
			if event.Fd == wakeID {
				woken = true
				continue
			}
			ready[n] = int(event.Fd)
			n++
		}
		if woken && p.clearWake(wake) {
			return 0, ErrFlushed
		}
		switch {
		case p.epoll.Closed():
			return 0, ErrClosed
		case n > 0:
			return n, nil
		case count == 0 && timeout == 0:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// timeout is how many milliseconds there are until the deadline, -1 for ever.
func (p *ThreadPoller) timeout() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deadline.IsZero() {
		return -1
	}
	left := time.Until(p.deadline)
	if left <= 0 {
		return 0
	}
	return int(min((left+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
}

// clearWake forgets why the waiting thread was woken up, and tells whether to
// flush. Only Flush has to be told: the others leave something else behind.
func (p *ThreadPoller) clearWake(wake int) (flushed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var count [8]byte
	_, _ = readFD(wake, count[:]) // nothing to read is as good
	flushed, p.flushed = p.flushed, false
	return flushed
}

// SetDeadline bounds this and all following waits; the zero time lifts the bound.
func (p *ThreadPoller) SetDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	return p.wakeUp()
}

// Flush makes this wait, or the next one, end with ErrFlushed.
func (p *ThreadPoller) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushed = true
	return p.wakeUp()
}

// wakeUp ends epoll_wait.
func (p *ThreadPoller) wakeUp() error {
	raw, err := p.wake.Acquire()
	if err != nil {
		return err
	}
	defer p.wake.Release()
	return writeEvent(raw)
}

// Close ends this wait and all later ones with ErrClosed.
func (p *ThreadPoller) Close() error {
	err := p.epoll.Close()
	if err == ErrClosed {
		return ErrClosed
	}
	return errors.Join(err, p.wakeUp(), p.wake.Close())
}
