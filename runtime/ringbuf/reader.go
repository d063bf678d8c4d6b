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
	// in the same ring buffer.
	Remaining int

	// Ring is which of the maps of NewMultiReader the sample is from, by its
	// place among the arguments; zero for NewReader.
	Ring int
}

// Reader reads the samples of one ring buffer, or of several. Its methods may be
// called from any goroutine; reads take turns.
//
// The kernel doesn't count the samples that find a ring full. Programs learn it
// from bpf_ringbuf_reserve and bpf_ringbuf_output, and can count.
type Reader struct {
	poller *kernel.Poller

	reading sync.Mutex   // guards the rest but the rings' memory
	mapped  sync.RWMutex // guards the memory for those who aren't reading
	rings   []*ring      // nil when closed: changed with both locks held
	current int          // the ring that was read last, or is to be read next
	pending error        // why waiting ended, to be told when the rings are empty
}

// NewReader makes a Reader for a map of type RingBuf. The map may be closed
// afterwards. Close the Reader when done.
func NewReader(m *ebpf.Map) (*Reader, error) { return NewMultiReader(m) }

// NewMultiReader makes a Reader for several maps of type RingBuf, which may be
// closed afterwards. Samples of one map come in the order in which they were
// reserved; those of different maps in any, but a busy map doesn't keep the
// others waiting. Close the Reader when done.
func NewMultiReader(maps ...*ebpf.Map) (*Reader, error) {
	if len(maps) == 0 {
		return nil, fmt.Errorf("ring buffer reader: no maps: %w", os.ErrInvalid)
	}
	poller, err := kernel.NewPoller()
	if err != nil {
		return nil, fmt.Errorf("ring buffer reader: %w", err)
	}
	r := &Reader{poller: poller}
	for _, m := range maps {
		if err := r.add(m); err != nil {
			return nil, fmt.Errorf("ring buffer reader: %v: %w", m, errors.Join(err, r.Close()))
		}
	}
	return r, nil
}

// add opens the ring of a map.
func (r *Reader) add(m *ebpf.Map) error {
	if m.Type() != ebpf.RingBuf {
		return fmt.Errorf("no ring buffer: %w", os.ErrInvalid)
	}
	fd, err := borrow(m)
	if err != nil {
		return err
	}
	ring, err := mapRing(fd, int(m.MaxEntries()))
	if err != nil {
		return errors.Join(err, fd.Close())
	}
	r.rings = append(r.rings, ring) // to be closed with the others from here on
	return r.poller.Add(fd, len(r.rings)-1)
}

// borrow is a descriptor of the map that only the caller closes.
func borrow(m *ebpf.Map) (*kernel.FD, error) {
	clone, err := m.Clone()
	if err != nil {
		return nil, err
	}
	defer clone.Close()
	return kernel.DupFD(clone.FD())
}

// Close ends all reads, also those that are under way, with ErrClosed. What is
// in the ring buffers stays there for the next Reader; to read it first, call
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
	var errs []error
	for _, ring := range r.rings {
		errs = append(errs, ring.close())
	}
	r.rings = nil
	return errors.Join(errs...)
}

// SetDeadline bounds how long reads wait for samples, those under way
// included. The zero time lifts the bound.
func (r *Reader) SetDeadline(t time.Time) {
	_ = r.poller.SetDeadline(t) // a closed Reader has nothing to bound
}

// Flush makes reads return what is in the ring buffers, also what was submitted
// with BPF_RB_NO_WAKEUP, and then ErrFlushed once, instead of waiting.
func (r *Reader) Flush() error { return r.poller.Flush() }

// BufferSize is the number of bytes that the ring buffers have room for, with
// headers of eight bytes a sample; zero when closed.
func (r *Reader) BufferSize() int { return r.measure((*ring).size) }

// AvailableBytes is the number of bytes that wait in the ring buffers, with
// headers and samples that aren't submitted yet; zero when closed.
func (r *Reader) AvailableBytes() int { return r.measure((*ring).available) }

func (r *Reader) measure(f func(*ring) int) int {
	r.mapped.RLock()
	defer r.mapped.RUnlock()
	sum := 0
	for _, ring := range r.rings {
		sum += f(ring)
	}
	return sum
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
	var ring *ring
	var sample []byte
	var ok bool
	var err error
	if len(r.rings) == 1 { // mostly, and mostly there is something in it
		ring = r.rings[0]
		sample, ok, err = ring.next()
	}
	if !ok && err == nil {
		ring, sample, err = r.next()
	}
	if err == nil {
		rec.RawSample = append(rec.RawSample[:0], sample...)
		rec.Remaining, rec.Ring = ring.remaining(), r.current
		ring.publish()
	}
	r.reading.Unlock()
	return err
}

// next waits for a sample and returns it in place, with its ring, which is the
// current one. Everything read before is published when it has to wait.
func (r *Reader) next() (*ring, []byte, error) {
	for {
		if r.rings == nil {
			return nil, nil, ErrClosed
		}
		if len(r.rings) > 1 && r.rings[r.current].remaining() == 0 {
			r.turn() // what came since is for the next round
		}
		for range r.rings {
			ring := r.rings[r.current]
			sample, ok, err := ring.next()
			if ok || err != nil {
				return ring, sample, err
			}
			r.turn()
		}
		if err := r.wait(); err != nil {
			return nil, nil, err
		}
	}
}

// turn goes on to the next ring.
func (r *Reader) turn() {
	if r.current++; r.current == len(r.rings) {
		r.current = 0
	}
}

// publish publishes all rings, and tells whether there was anything to.
func (r *Reader) publish() (news bool) {
	for _, ring := range r.rings {
		news = ring.publish() || news
	}
	return news
}

// wait blocks until there may be something new in the rings. If waiting ended
// for another reason, the rings are looked at once more before that is told.
func (r *Reader) wait() error {
	if err := r.pending; err != nil {
		r.pending = nil
		return err
	}
	if r.publish() {
		return nil // look again: before this, nobody would have woken us
	}
	_, err := r.poller.Wait(nil)
	if err == ErrClosed {
		return err
	}
	r.pending = err
	return nil
}
