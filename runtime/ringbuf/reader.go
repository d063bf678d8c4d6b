// Package ringbuf reads BPF ring buffers: what programs send to user space by
// bpf_ringbuf_output, or bpf_ringbuf_reserve and bpf_ringbuf_submit, arrives in
// order and complete. Ring buffers need Linux 5.8.
package ringbuf

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// ErrClosed is what reading from a closed Reader returns.
var ErrClosed = os.ErrClosed

// ErrFlushed is what reading returns after Flush, once the ring is empty.
var ErrFlushed = kernel.ErrFlushed

// Record is one sample.
type Record struct {
	// RawSample is what the program sent.
	RawSample []byte

	// Remaining is the least number of bytes, headers included, that follow
	// in the ring buffer.
	Remaining int
}

// Reader reads the samples of one ring buffer. Its methods may be called from
// any goroutine; reads take turns.
type Reader struct {
	fd     *kernel.FD // a descriptor of our own: the Map may be closed meanwhile
	poller *kernel.Poller

	reading sync.Mutex   // guards ring but its memory, and pending
	mapped  sync.RWMutex // guards the memory for those who aren't reading
	ring    *ring        // nil when closed: changed with both locks held
	pending error        // why waiting ended, to be told when the ring is empty
}

// NewReader makes a Reader for a map of type RingBuf. The map may be closed
// afterwards. Close the Reader when done.
func NewReader(m *ebpf.Map) (*Reader, error) {
	if m.Type() != ebpf.RingBuf {
		return nil, fmt.Errorf("ring buffer reader: %v is no ring buffer: %w", m, os.ErrInvalid)
	}
	clone, err := m.Clone() // its descriptor is nobody else's to close
	if err != nil {
		return nil, fmt.Errorf("ring buffer reader: %w", err)
	}
	defer clone.Close()
	fd, err := kernel.DupFD(clone.FD())
	if err != nil {
		return nil, fmt.Errorf("ring buffer reader: %v: %w", m, err)
	}
	r, err := newReader(fd, int(m.MaxEntries()))
	if err != nil {
		return nil, fmt.Errorf("ring buffer reader: %v: %w", m, errors.Join(err, fd.Close()))
	}
	return r, nil
}

// newReader takes ownership of fd, if it succeeds.
func newReader(fd *kernel.FD, size int) (*Reader, error) {
	poller, err := kernel.NewPoller()
	if err != nil {
		return nil, err
	}
	if err := poller.Add(fd, 0); err != nil {
		return nil, errors.Join(err, poller.Close())
	}
	ring, err := mapRing(fd, size)
	if err != nil {
		return nil, errors.Join(err, poller.Close())
	}
	return &Reader{fd: fd, poller: poller, ring: ring}, nil
}

// Close ends all reads, also those that are under way, with ErrClosed. What is
// in the ring buffer stays there for the next Reader; to read it first, call
// Flush and read until ErrFlushed. Closing again does nothing.
func (r *Reader) Close() error {
	err := r.poller.Close() // a read that waits lets go of its lock
	if err == kernel.ErrClosed {
		return nil
	}
	return errors.Join(err, r.release())
}

// release is Close once the poller is closed. It waits for reads to end.
func (r *Reader) release() error {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.mapped.Lock()
	defer r.mapped.Unlock()
	ring := r.ring
	r.ring = nil
	return errors.Join(ring.close(), r.fd.Close())
}

// SetDeadline bounds how long reads wait for samples, those under way
// included. The zero time lifts the bound.
func (r *Reader) SetDeadline(t time.Time) {
	_ = r.poller.SetDeadline(t) // a closed Reader has nothing to bound
}

// Flush makes reads return what is in the ring buffer, also what was submitted
// with BPF_RB_NO_WAKEUP, and then ErrFlushed once, instead of waiting.
func (r *Reader) Flush() error { return r.poller.Flush() }

// BufferSize is the number of bytes that the ring buffer has room for, with
// headers of eight bytes a sample; zero when closed.
func (r *Reader) BufferSize() int { return r.measure((*ring).size) }

// AvailableBytes is the number of bytes that wait in the ring buffer, with
// headers and samples that aren't submitted yet; zero when closed.
func (r *Reader) AvailableBytes() int { return r.measure((*ring).available) }

func (r *Reader) measure(f func(*ring) int) int {
	r.mapped.RLock()
	defer r.mapped.RUnlock()
	if r.ring == nil {
		return 0
	}
	return f(r.ring)
}

// Read waits for the next sample. It fails with os.ErrDeadlineExceeded,
// ErrFlushed or ErrClosed; after the first two reading can go on.
//
// ReadInto does the same without allocating.
func (r *Reader) Read() (Record, error) {
	var rec Record
	err := r.ReadInto(&rec)
	return rec, err
}

// ReadInto is Read with a Record whose RawSample is used again if it has the
// capacity.
func (r *Reader) ReadInto(rec *Record) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	sample, err := r.next()
	if err != nil {
		return err
	}
	rec.RawSample = append(rec.RawSample[:0], sample...)
	rec.Remaining = r.ring.remaining()
	r.ring.publish()
	return nil
}

// next waits for a sample and returns it in place. Everything read before is
// published when it has to wait.
func (r *Reader) next() ([]byte, error) {
	for {
		if r.ring == nil {
			return nil, ErrClosed
		}
		sample, ok, err := r.ring.next()
		if ok {
			return sample, nil
		}
		if err != nil {
			return nil, err
		}
		if err := r.wait(); err != nil {
			return nil, err
		}
	}
}

// wait blocks until there may be something new in the ring. If waiting ended
// for another reason, the ring is looked at once more before that is told.
func (r *Reader) wait() error {
	if err := r.pending; err != nil {
		r.pending = nil
		return err
	}
	if r.ring.publish() {
		return nil // look again: before this, nobody would have woken us
	}
	_, err := r.poller.Wait(nil)
	if err == ErrClosed {
		return err
	}
	r.pending = err
	return nil
}
