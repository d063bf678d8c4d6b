// Package perf reads perf event arrays: what programs send to user space by
// bpf_perf_event_output arrives here, from one ring for each CPU.
//
// On Linux 5.8 and newer, package ringbuf does the same with one ring for all
// CPUs, in order and with less memory.
package perf

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

var (
	// ErrClosed is what methods of a closed Reader return.
	ErrClosed = os.ErrClosed
	// ErrFlushed is what reading returns after Flush, once all rings are empty.
	ErrFlushed = kernel.ErrFlushed
)

// unknownEventError is a record that is neither a sample nor a count of losses.
type unknownEventError struct{ kind uint32 }

func (e *unknownEventError) Error() string {
	return fmt.Sprintf("perf ring has a record of unknown type %d", e.kind)
}

// IsUnknownEvent tells whether reading failed because of a record that is
// neither a sample nor a count of losses. Reading goes on behind it.
func IsUnknownEvent(err error) bool {
	var unknown *unknownEventError
	return errors.As(err, &unknown)
}

// Record is one sample, or the news that some are lost.
type Record struct {
	// CPU is where the sample was sent.
	CPU int

	// RawSample is what the program sent, followed by up to seven bytes without
	// meaning: the kernel doesn't tell how long the sample was.
	RawSample []byte

	// LostSamples is how many samples found the ring full. It is zero if
	// there is a sample.
	LostSamples uint64

	// Remaining is the least number of bytes, headers included, that follow
	// in the same ring; negative if the ring is overwritable.
	Remaining int
}

// ReaderOptions say when a Reader wakes up, and what happens when a ring is full.
type ReaderOptions struct {
	// WakeupEvents is the number of samples in one ring that end waiting. It
	// excludes Watermark.
	WakeupEvents int
	// Watermark is the number of bytes in one ring that end waiting, less than
	// the ring has. The default is to read samples as they come.
	Watermark int
	// Overwritable makes new samples overwrite the oldest ones, instead of
	// being lost. Rings are then read from the newest sample to the oldest.
	// Call Pause first: what is overwritten while it is read is left out, as
	// far as that can be told. Needs 4.7.
	Overwritable bool
}

// maxBuffer bounds what a Reader asks for each CPU; the kernel allows less.
const maxBuffer = 1 << 30

func (o ReaderOptions) check(perCPUBuffer int) error {
	switch {
	case perCPUBuffer < 1 || perCPUBuffer > maxBuffer:
		return fmt.Errorf("buffer of %d bytes a CPU, want 1 to %d: %w", perCPUBuffer, maxBuffer, os.ErrInvalid)
	case o.WakeupEvents < 0 || int64(o.WakeupEvents) > math.MaxUint32 || o.Watermark < 0:
		return fmt.Errorf("WakeupEvents %d, Watermark %d: out of range: %w", o.WakeupEvents, o.Watermark, os.ErrInvalid)
	case o.WakeupEvents > 0 && o.Watermark > 0:
		return fmt.Errorf("both WakeupEvents and Watermark are set, want one: %w", os.ErrInvalid)
	case o.Watermark >= perCPUBuffer:
		return fmt.Errorf("a Watermark of %d bytes in a buffer of %d, want less: %w", o.Watermark, perCPUBuffer, os.ErrInvalid)
	}
	return nil
}

// bufferSize rounds up to what the kernel has: a power of two, and whole pages.
func bufferSize(perCPUBuffer int) int {
	size := max(perCPUBuffer, os.Getpagesize())
	return 1 << bits.Len(uint(size-1))
}

// Reader reads the samples of one perf event array. Its methods may be called
// from any goroutine; reads take turns.
type Reader struct {
	size   int
	opts   ReaderOptions
	poller *kernel.ThreadPoller
	cpus   *kernel.CPUWatch // nil if the kernel doesn't tell
	lost   atomic.Uint64

	control  sync.Mutex // guards array
	array    *ebpf.Map  // our own descriptor; nil when closed
	attached bool       // whether rings are in array

	reading  sync.Mutex // guards the rest
	retired  []*ring    // of CPUs that were offline meanwhile: to be read and closed
	retiring *ring      // the one of these that is being read
	rings    []*ring    // one for each CPU; nil when closed: changed with both locks held
	current  *ring      // nil if there is none with something to read
	ready    []int      // rings to look at next; aliases readyRoom or is every
	every    []int      // all rings
	pending  error      // why waiting ended, to be told when the rings are empty

	readyRoom [16]int
}

// NewReader makes a Reader for a map of type PerfEventArray, with a ring of
// perCPUBuffer bytes for each CPU that is online. That is rounded up to a power
// of two pages. The map may be closed afterwards. Close the Reader when done.
//
// There can be one Reader for a map: a second one takes the samples from the
// first. CPUs that come online later get their rings when somebody reads; what
// they have sent before is lost. Needs 4.4.
func NewReader(array *ebpf.Map, perCPUBuffer int) (*Reader, error) {
	return NewReaderWithOptions(array, perCPUBuffer, ReaderOptions{})
}

// NewReaderWithOptions is NewReader with options.
func NewReaderWithOptions(array *ebpf.Map, perCPUBuffer int, opts ReaderOptions) (*Reader, error) {
	if array.Type() != ebpf.PerfEventArray {
		return nil, fmt.Errorf("perf reader: %v is no perf event array: %w", array, os.ErrInvalid)
	}
	if err := opts.check(perCPUBuffer); err != nil {
		return nil, fmt.Errorf("perf reader: %w", err)
	}
	clone, err := array.Clone()
	if err != nil {
		return nil, fmt.Errorf("perf reader: %w", err)
	}
	poller, err := kernel.NewThreadPoller()
	if err != nil {
		clone.Close()
		return nil, fmt.Errorf("perf reader: %w", err)
	}
	r := &Reader{size: bufferSize(perCPUBuffer), opts: opts, poller: poller, array: clone}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("perf reader: %v: %w", array, errors.Join(err, r.Close()))
	}
	return r, nil
}

// open makes the rings and lets the program at them.
func (r *Reader) open() error {
	if err := r.watch(); err != nil { // before looking who is there, to miss nobody
		return err
	}
	cpus, err := kernel.OnlineCPUs()
	if err != nil {
		return err
	}
	for _, cpu := range cpus {
		if uint64(cpu) >= uint64(r.array.MaxEntries()) {
			break // the program can't send from there
		}
		ring, err := openRing(cpu, r.size, r.opts)
		if errors.Is(err, unix.ENODEV) {
			continue // gone offline since
		}
		if err != nil {
			return err
		}
		if err := r.poller.Add(ring.event, r.add(ring)); err != nil {
			return err
		}
	}
	if len(r.rings) == 0 {
		return fmt.Errorf("none of the CPUs %v has an element in the map: %w", cpus, os.ErrInvalid)
	}
	return r.Resume()
}

// Close ends all reads, also those that are under way, with ErrClosed. Programs
// that send samples get ENOENT from then on. Closing again does nothing.
func (r *Reader) Close() error {
	err := r.poller.Close() // a read that waits lets go of its lock
	if err == kernel.ErrClosed {
		return nil
	}
	return errors.Join(err, r.release())
}

// release lets go of everything but the poller.
func (r *Reader) release() error {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.control.Lock()
	defer r.control.Unlock()
	err := errors.Join(r.detach(), r.array.Close())
	if r.retiring != nil {
		r.retired = append(r.retired, r.retiring)
	}
	for _, ring := range append(r.rings, r.retired...) {
		err = errors.Join(err, ring.close())
	}
	if r.cpus != nil {
		err = errors.Join(err, r.cpus.FD.Close())
	}
	r.array, r.rings, r.current, r.ready, r.retired, r.retiring = nil, nil, nil, nil, nil, nil
	return err
}

// Pause keeps programs from sending samples: bpf_perf_event_output fails with
// ENOENT until Resume. What is in the rings can still be read.
func (r *Reader) Pause() error {
	r.control.Lock()
	defer r.control.Unlock()
	if r.array == nil {
		return fmt.Errorf("pause perf reader: %w", ErrClosed)
	}
	if err := r.detach(); err != nil {
		return fmt.Errorf("pause perf reader: %w", err)
	}
	return nil
}

// detach takes the rings out of the map. Those that aren't there are no error:
// the map's owner can delete them too.
func (r *Reader) detach() error {
	if !r.attached {
		return nil // what is in the map is somebody else's
	}
	r.attached = false
	var errs []error
	for _, ring := range r.rings {
		err := r.array.Delete(uint32(ring.cpu))
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Resume ends Pause.
func (r *Reader) Resume() error {
	r.control.Lock()
	defer r.control.Unlock()
	if r.array == nil {
		return fmt.Errorf("resume perf reader: %w", ErrClosed)
	}
	r.attached = true
	for _, ring := range r.rings {
		if err := r.attach(ring); err != nil {
			return fmt.Errorf("resume perf reader: %w", err)
		}
	}
	return nil
}

// attach lets programs send to a ring.
func (r *Reader) attach(ring *ring) error {
	if err := r.array.Put(uint32(ring.cpu), uint32(ring.event.Int())); err != nil {
		return fmt.Errorf("CPU %d: %w", ring.cpu, err)
	}
	return nil
}

// SetDeadline bounds how long reads wait for samples, those under way
// included. The zero time lifts the bound.
func (r *Reader) SetDeadline(t time.Time) {
	_ = r.poller.SetDeadline(t) // a closed Reader has nothing to bound
}

// Flush makes reads return all samples that are in the rings, also fewer than
// the watermark, and then ErrFlushed once, instead of waiting.
func (r *Reader) Flush() error { return r.poller.Flush() }

// Lost is how many samples found their ring full, as far as Read has told of it
// (Record.LostSamples). Those that are sent while the Reader is paused, or from
// CPUs that have no ring, aren't counted.
func (r *Reader) Lost() uint64 { return r.lost.Load() }

// BufferSize is the number of bytes that the ring of each CPU has.
func (r *Reader) BufferSize() int { return r.size }

// Read waits for the next record. It fails with os.ErrDeadlineExceeded,
// ErrFlushed or ErrClosed; after the first two reading can go on. Samples of one
// CPU come in the order in which they were sent, unless the Reader is
// overwritable; those of different CPUs in any.
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
	for {
		if r.current != nil {
			ok, err := r.current.read(rec)
			if ok {
				r.lost.Add(rec.LostSamples)
				return nil
			}
			if err != nil {
				return err
			}
		}
		if err := r.advance(); err != nil {
			return err
		}
	}
}

// advance goes on to the next ring, and waits for one if need be. Each is read
// up to where it is now: a busy CPU doesn't keep the others waiting.
func (r *Reader) advance() error {
	if r.rings == nil {
		return ErrClosed
	}
	var err error
	if r.current, err = r.retire(); err != nil || r.current != nil {
		return err
	}
	if len(r.ready) == 0 {
		if err := r.wait(); err != nil {
			return err
		}
	}
	if len(r.ready) > 0 {
		r.current = r.rings[r.ready[0]]
		r.ready = r.ready[1:]
		r.current.look()
	}
	return nil
}

// wait blocks until there are rings to read. If waiting ended for another
// reason, all rings are read before that is told.
func (r *Reader) wait() error {
	if err := r.pending; err != nil {
		r.pending = nil
		return err
	}
	n, err := r.poller.Wait(r.readyRoom[:])
	if err == ErrClosed {
		return err
	}
	i := slices.Index(r.readyRoom[:n], watchID)
	if i >= 0 {
		n--
		r.readyRoom[i] = r.readyRoom[n]
	}
	if (i >= 0 || err != nil) && r.cpus != nil {
		if failed := r.hotplug(); failed != nil {
			err = failed
		}
	}
	r.ready = r.readyRoom[:n]
	if err != nil {
		r.ready, r.pending = r.every, err
	}
	return nil
}
