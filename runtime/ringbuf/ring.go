package ringbuf

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// What the kernel writes in front of each sample: a 32-bit length with two
// flags in it, and 32 bits that are none of our business.
const (
	headerSize  = 8
	flagBusy    = 1 << 31 // reserved, and not yet submitted
	flagDiscard = 1 << 30 // reserved, and not to be seen
	alignment   = 8
)

// ring is the consumer's view of a BPF ring buffer. Positions are counted in
// bytes since the beginning of time, and wrap as the kernel's unsigned long
// does. Not safe for concurrent use, except for available.
type ring struct {
	data     []byte // size bytes, and the same memory again: no sample is split
	mask     uintptr
	consumer *atomic.Uintptr // ours to write
	producer *atomic.Uintptr // the kernel's

	pos       uintptr // of the next header
	end       uintptr // the producer's position when last looked at
	published uintptr // what the kernel knows about pos

	fd     *kernel.FD // our own: the Map may be closed meanwhile
	memory [2]*kernel.Memory
}

// mapRing maps the ring buffer that m describes, of size bytes: a page with the
// consumer's position, one with the producer's, and the data twice in a row. It
// takes ownership of m, if it succeeds.
func mapRing(m *kernel.FD, size int) (*ring, error) {
	page := os.Getpagesize()
	if size < page || size&(size-1) != 0 {
		return nil, fmt.Errorf("%d bytes aren't a power of two and at least a page", size)
	}
	consumer, err := kernel.MapMemory(m, 0, page, kernel.ReadWrite)
	if err != nil {
		return nil, fmt.Errorf("consumer position: %w", err)
	}
	rest, err := kernel.MapMemory(m, int64(page), page+2*size, kernel.ReadOnly)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data: %w", err), consumer.Unmap())
	}
	r := newRing(
		(*atomic.Uintptr)(unsafe.Pointer(&consumer.Bytes()[0])),
		(*atomic.Uintptr)(unsafe.Pointer(&rest.Bytes()[0])),
		rest.Bytes()[page:],
	)
	r.fd, r.memory = m, [...]*kernel.Memory{consumer, rest}
	return r, nil
}

// newRing is a ring in memory that is mapped already, data twice.
func newRing(consumer, producer *atomic.Uintptr, data []byte) *ring {
	pos := consumer.Load()
	return &ring{
		data: data, mask: uintptr(len(data)/2 - 1),
		consumer: consumer, producer: producer,
		pos: pos, end: pos, published: pos,
	}
}

// close unmaps the memory. Samples must not be in use any more.
func (r *ring) close() error {
	return errors.Join(r.memory[0].Unmap(), r.memory[1].Unmap(), r.fd.Close())
}

// size is the number of bytes that the ring has room for, headers included.
func (r *ring) size() int { return int(r.mask) + 1 }

// available is the number of bytes, headers included, between what the kernel
// has reserved and what it knows to be consumed.
func (r *ring) available() int { return int(r.producer.Load() - r.consumer.Load()) }

// remaining is how many bytes are known to come after the current sample.
func (r *ring) remaining() int { return int(r.end - r.pos) }

// next returns the next sample, in place, and moves on behind it. There is none
// if ok is false: the ring is empty, or its oldest sample isn't submitted yet.
// Discarded samples are passed over. The memory is the sample's until publish.
func (r *ring) next() (sample []byte, ok bool, err error) {
	for {
		if r.pos == r.end && !r.look() {
			return nil, false, r.tooMuch()
		}
		start := r.pos & r.mask
		// The kernel clears the busy flag after it has written the sample;
		// who sees the one sees the other.
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[start])))
		if header&flagBusy != 0 {
			return nil, false, nil
		}
		length := uintptr(header &^ flagDiscard)
		whole := (headerSize + length + alignment - 1) &^ (alignment - 1)
		if whole > r.end-r.pos {
			return nil, false, fmt.Errorf("ring buffer is corrupt: sample of %d bytes in the last %d", length, r.end-r.pos)
		}
		r.pos += whole
		if header&flagDiscard == 0 {
			return r.data[start+headerSize:][:length:length], true, nil
		}
	}
}

// look reports whether the kernel has more. What is more than the ring holds isn't
// believed: end is never further from pos than that.
func (r *ring) look() bool {
	end := r.producer.Load()
	if end-r.pos > r.mask+1 {
		return false
	}
	r.end = end
	return end != r.pos
}

// tooMuch is the error of a ring that look has found nothing in.
func (r *ring) tooMuch() error {
	if behind := r.producer.Load() - r.pos; behind > r.mask+1 {
		return fmt.Errorf("ring buffer is corrupt: %d bytes in a ring of %d", behind, r.mask+1)
	}
	return nil
}

// publish tells the kernel that everything before pos can be overwritten, and
// reports whether that is news. It is worth its cost once for many samples, but
// has to be done before waiting: the kernel wakes up a consumer only for the
// first sample that it hasn't consumed.
func (r *ring) publish() bool {
	if r.published == r.pos {
		return false
	}
	r.consumer.Store(r.pos)
	r.published = r.pos
	return true
}

// publishMany is publish when that frees a good part of the ring, so that
// programs find room in it also while the consumer is never done.
func (r *ring) publishMany() {
	if r.pos-r.published > r.mask/4 {
		r.publish()
	}
}
