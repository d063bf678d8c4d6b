package ringbuf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// ErrFull is in errors about a ring that has no room at the moment.
var ErrFull = errors.New("ring buffer is full")

// Writer sends samples to programs, by a map of type UserRingbuf, which they
// read by bpf_user_ringbuf_drain whenever they run. Its methods may be called
// from any goroutine. Linux 6.1.
type Writer struct {
	poller *kernel.Poller

	mu       sync.Mutex
	fd       *kernel.FD // our own: the Map may be closed meanwhile
	memory   [2]*kernel.Memory
	data     []byte          // size bytes, and the same memory again; nil when closed
	consumer *atomic.Uintptr // the kernel's
	producer *atomic.Uintptr // ours to write

	waiting sync.Mutex   // one at a time waits for room
	open    atomic.Int64 // slots that are neither submitted nor discarded
}

// Slot is room in a ring buffer for one sample, from Writer.Reserve until Submit
// or Discard: one of them, once. Programs wait for it with all that was reserved
// later.
type Slot struct {
	// Bytes are the sample's. They aren't zero before they are written, and
	// must not be used after Submit or Discard.
	Bytes []byte

	header *uint32
	writer *Writer
	memory *kernel.Memory // of Bytes, so that it stays if the Writer is closed
}

// NewWriter makes a Writer for a map of type UserRingbuf. The map may be closed
// afterwards. Close the Writer when done. There can be one for a map.
func NewWriter(m *ebpf.Map) (*Writer, error) {
	if m.Type() != ebpf.UserRingbuf {
		return nil, fmt.Errorf("ring buffer writer: %v is no user ring buffer: %w", m, os.ErrInvalid)
	}
	fd, err := borrow(m)
	if err != nil {
		return nil, fmt.Errorf("ring buffer writer: %w", err)
	}
	w := &Writer{fd: fd}
	if err := w.init(int(m.MaxEntries())); err != nil {
		return nil, fmt.Errorf("ring buffer writer: %v: %w", m, errors.Join(err, w.release()))
	}
	return w, nil
}

// init maps a page with the consumer's position, and one with ours and the data
// twice in a row.
func (w *Writer) init(size int) error {
	page := os.Getpagesize()
	if size < page || size&(size-1) != 0 {
		return fmt.Errorf("%d bytes aren't a power of two and at least a page", size)
	}
	var err error
	if w.memory[0], err = kernel.MapMemory(w.fd, 0, page, kernel.ReadOnly); err != nil {
		return fmt.Errorf("consumer position: %w", err)
	}
	if w.memory[1], err = kernel.MapMemory(w.fd, int64(page), page+2*size, kernel.ReadWrite); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if w.poller, err = kernel.NewPoller(); err != nil {
		return err
	}
	if err := w.poller.AddWritable(w.fd, 0); err != nil {
		return errors.Join(err, w.poller.Close())
	}
	w.consumer = (*atomic.Uintptr)(unsafe.Pointer(&w.memory[0].Bytes()[0]))
	w.producer = (*atomic.Uintptr)(unsafe.Pointer(&w.memory[1].Bytes()[0]))
	w.data = w.memory[1].Bytes()[page:]
	return nil
}

// Close ends the Writer, and waiting for it with ErrClosed. Samples that were
// submitted stay for programs to read. Slots may still be submitted or
// discarded; one that never is blocks those behind it. Closing again does
// nothing.
func (w *Writer) Close() error {
	err := w.release()
	if err == kernel.ErrClosed {
		return nil
	}
	return errors.Join(err, w.poller.Close())
}

func (w *Writer) release() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.fd.Close(); err != nil {
		return err
	}
	memory := w.memory
	w.data, w.consumer, w.producer, w.memory = nil, nil, nil, [2]*kernel.Memory{}
	err := memory[0].Unmap()
	if w.open.Load() == 0 { // else it goes when the last Slot does
		err = errors.Join(err, memory[1].Unmap())
	}
	return err
}

// SetDeadline bounds how long ReserveWait waits, also one that is under way. The
// zero time lifts the bound.
func (w *Writer) SetDeadline(t time.Time) {
	_ = w.poller.SetDeadline(t) // a closed Writer has nothing to bound
}

// Size is the number of bytes that the ring buffer has room for, with headers of
// eight bytes a sample; zero when closed.
func (w *Writer) Size() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.data) / 2
}

// Reserve makes room for a sample of size bytes. It fails with ErrFull if there
// is none at the moment, ErrClosed, or os.ErrInvalid if there never can be.
func (w *Writer) Reserve(size int) (Slot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.data == nil {
		return Slot{}, ErrClosed
	}
	capacity := uintptr(len(w.data) / 2)
	if size < 0 || uint64(size) > math.MaxUint32>>2 || uintptr(size) > capacity-headerSize {
		return Slot{}, fmt.Errorf("reserve %d bytes in a ring buffer of %d: %w", size, capacity, os.ErrInvalid)
	}
	whole := (headerSize + uintptr(size) + alignment - 1) &^ (alignment - 1)
	pos := w.producer.Load()
	if pos-w.consumer.Load() > capacity-whole {
		return Slot{}, ErrFull
	}
	start := pos & (capacity - 1)
	slot := Slot{
		Bytes:  w.data[start+headerSize:][:size:size],
		header: (*uint32)(unsafe.Pointer(&w.data[start])),
		writer: w, memory: w.memory[1],
	}
	*(*uint32)(unsafe.Pointer(&w.data[start+4])) = 0
	atomic.StoreUint32(slot.header, uint32(size)|flagBusy)
	w.producer.Store(pos + whole) // what is in front of this is there for the kernel
	w.open.Add(1)
	return slot, nil
}

// ReserveWait is Reserve that waits for a program to make room. It fails with
// os.ErrDeadlineExceeded instead of ErrFull.
func (w *Writer) ReserveWait(size int) (Slot, error) {
	w.waiting.Lock()
	defer w.waiting.Unlock()
	for {
		slot, err := w.Reserve(size)
		if err != ErrFull {
			return slot, err
		}
		if _, err := w.poller.Wait(nil); err != nil {
			return Slot{}, err
		}
	}
}

// Write sends a copy of sample, if there is room: see Reserve.
func (w *Writer) Write(sample []byte) (int, error) {
	slot, err := w.Reserve(len(sample))
	if err != nil {
		return 0, err
	}
	n := copy(slot.Bytes, sample)
	slot.Submit()
	return n, nil
}

// Submit gives the sample to programs.
func (s Slot) Submit() { s.finish(0) }

// Discard gives the room back, without a sample for programs.
func (s Slot) Discard() { s.finish(flagDiscard) }

func (s Slot) finish(flag uint32) {
	atomic.StoreUint32(s.header, uint32(len(s.Bytes))|flag)
	s.writer.open.Add(-1)
	runtime.KeepAlive(s.memory)
}
