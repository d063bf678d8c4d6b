package perf

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// What the kernel writes: a header of a 32-bit type, 16 bits that are none of
// our business and the 16-bit size of the whole record, a multiple of eight. So
// no header or number in a record is split by the end of the ring, only samples.
const (
	headerSize = 8
	alignment  = 8

	recordLost   = 2 // header, 64-bit ID, 64-bit count
	recordSample = 9 // header, 32-bit size, sample

	lostSize   = headerSize + 16
	sampleSize = headerSize + 4 // without the sample
)

// ring is the consumer's view of the ring of one CPU. Positions are counted in
// bytes and wrap as 64-bit numbers do. Not safe for concurrent use.
//
// In an overwritable ring the kernel writes backwards, each record in front of
// the one before. Both kinds are read forwards, from pos to end.
type ring struct {
	cpu  int
	data []byte
	mask uint64
	head *atomic.Uint64 // the kernel's
	tail *atomic.Uint64 // ours to write; nil if overwritable

	pos       uint64 // of the next record
	end       uint64 // of what is known to be there
	published uint64 // what the kernel knows about pos
	newest    uint64 // overwritable: the head when last looked at

	event  *kernel.FD
	memory *kernel.Memory
}

// openRing opens the perf event of a CPU with a ring of size bytes, a power of
// two and at least a page.
func openRing(cpu, size int, opts ReaderOptions) (*ring, error) {
	event, err := kernel.PerfEventOpen(outputEvent(opts), -1, cpu)
	if err != nil {
		return nil, fmt.Errorf("perf event of CPU %d: %w", cpu, kernel.ExplainPermission(err, kernel.CapPerfmon))
	}
	access := kernel.ReadWrite
	if opts.Overwritable {
		access = kernel.ReadOnly // this is what tells the kernel
	}
	memory, err := kernel.MapMemory(event, 0, os.Getpagesize()+size, access)
	if err != nil {
		event.Close()
		if kernel.Errno(err) == unix.EPERM {
			err = fmt.Errorf("%w: the ring is larger than sysctl kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK allow together", err)
		}
		return nil, fmt.Errorf("ring of CPU %d: %w", cpu, err)
	}
	page := (*unix.PerfEventMmapPage)(unsafe.Pointer(&memory.Bytes()[0]))
	head := (*atomic.Uint64)(unsafe.Pointer(&page.Data_head))
	tail := (*atomic.Uint64)(unsafe.Pointer(&page.Data_tail))
	if opts.Overwritable {
		tail = nil
	}
	r := newRing(cpu, memory.Bytes()[os.Getpagesize():], head, tail)
	r.event, r.memory = event, memory
	return r, nil
}

// outputEvent describes the events that bpf_perf_event_output writes to.
func outputEvent(opts ReaderOptions) *unix.PerfEventAttr {
	attr := &unix.PerfEventAttr{
		Type:        unix.PERF_TYPE_SOFTWARE,
		Config:      unix.PERF_COUNT_SW_BPF_OUTPUT,
		Sample_type: unix.PERF_SAMPLE_RAW,
	}
	if opts.WakeupEvents > 0 {
		attr.Wakeup = uint32(opts.WakeupEvents)
	} else {
		attr.Bits |= unix.PerfBitWatermark
		attr.Wakeup = uint32(max(opts.Watermark, 1)) // zero would be half of the ring
	}
	if opts.Overwritable {
		attr.Bits |= unix.PerfBitWriteBackward
	}
	return attr
}

// newRing is a ring in memory that is mapped already.
func newRing(cpu int, data []byte, head, tail *atomic.Uint64) *ring {
	return &ring{cpu: cpu, data: data, mask: uint64(len(data) - 1), head: head, tail: tail}
}

func (r *ring) close() error {
	err := r.memory.Unmap()
	if errClose := r.event.Close(); err == nil {
		err = errClose
	}
	return err
}

func (r *ring) overwritable() bool { return r.tail == nil }

// look takes note of what the kernel has written. Records that are known, and
// not yet read, are lost if the ring is overwritable.
func (r *ring) look() {
	head := r.head.Load()
	if !r.overwritable() {
		r.end = head
		return
	}
	end := r.newest
	if end-head > r.mask+1 { // it has gone around, over what was old then
		end = head + r.mask + 1
	}
	r.pos, r.end, r.newest = head, end, head
}

// publish tells the kernel that everything before pos can be overwritten.
func (r *ring) publish() {
	if !r.overwritable() && r.published != r.pos {
		r.published = r.pos
		r.tail.Store(r.pos)
	}
}

// publishDue publishes when it is worth its cost: when all that is known has
// been read, or an eighth of the ring.
func (r *ring) publishDue() {
	if r.pos == r.end || r.pos-r.published > r.mask>>3 {
		r.publish()
	}
}

// remaining is how many bytes are known to come after the current record.
func (r *ring) remaining() int {
	if r.overwritable() {
		return -1
	}
	return int(r.end - r.pos)
}

// read copies the next record, if there is one, and moves on behind it. After an
// error everything known is given up, so that reading can go on.
func (r *ring) read(rec *Record) (ok bool, err error) {
	if r.pos == r.end {
		return false, nil
	}
	rec.CPU = r.cpu
	size, kind, ok := r.header()
	if ok {
		ok, err = r.body(rec, kind, size)
	}
	if ok && r.overwritable() && r.pos+size-r.head.Load() > r.mask+1 {
		ok = false // overwritten while it was copied
	}
	if !ok {
		return false, r.giveUp(size)
	}
	r.pos += size
	if err != nil {
		r.publishDue()
		return false, err
	}
	rec.Remaining = r.remaining()
	r.publishDue()
	return true, nil
}

// header is what the next record says about itself; not ok if it can't be so.
func (r *ring) header() (size uint64, kind uint32, ok bool) {
	left := r.end - r.pos
	if left > r.mask+1 || r.pos%alignment != 0 {
		return left, 0, false
	}
	b := r.data[r.pos&r.mask:][:headerSize]
	size = uint64(binary.NativeEndian.Uint16(b[6:]))
	return size, binary.NativeEndian.Uint32(b), size >= headerSize && size%alignment == 0 && size <= left
}

// body copies what is in a record of size bytes; not ok if the record can't be
// what it says.
func (r *ring) body(rec *Record, kind uint32, size uint64) (ok bool, err error) {
	switch kind {
	case recordSample:
		if size < sampleSize {
			return false, nil
		}
		length := uint64(binary.NativeEndian.Uint32(r.data[(r.pos+headerSize)&r.mask:]))
		if length > size-sampleSize {
			return false, nil
		}
		rec.LostSamples = 0
		rec.RawSample = r.appendData(rec.RawSample[:0], r.pos+sampleSize, length)
		return true, nil
	case recordLost:
		if size < lostSize {
			return false, nil
		}
		rec.LostSamples = binary.NativeEndian.Uint64(r.data[(r.pos+lostSize-8)&r.mask:])
		rec.RawSample = rec.RawSample[:0]
		return true, nil
	}
	return true, &unknownEventError{kind}
}

// appendData appends length bytes of the ring, from pos on.
func (r *ring) appendData(b []byte, pos, length uint64) []byte {
	start := pos & r.mask
	if room := r.mask + 1 - start; length > room {
		b = append(b, r.data[start:]...)
		return append(b, r.data[:length-room]...)
	}
	return append(b, r.data[start:start+length]...)
}

// giveUp skips all that is known after a record that isn't one. In an
// overwritable ring that is how old records end, half of one is left.
func (r *ring) giveUp(size uint64) error {
	left := r.end - r.pos
	r.pos = r.end &^ (alignment - 1)
	r.end = r.pos
	r.publish()
	if r.overwritable() {
		return nil
	}
	return fmt.Errorf("perf ring of CPU %d is corrupt: a record of %d bytes in the last %d of %d", r.cpu, size, left, len(r.data))
}
