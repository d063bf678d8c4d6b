package perf

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"sync/atomic"
	"unsafe"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// Events is a perf event array whose samples are of type T, to be ranged over:
//
//	for ev, err := range objs.Events.All(ctx) {
//
// It is a typed view of a map, see ebpf.View: a type for fields that
// LoadAndAssign fills.
type Events[T any] struct {
	ebpf.PerfEventMap[T]

	perCPUBuffer int
	opts         ReaderOptions
}

// defaultBuffer is the size of a ring in bytes, unless With says another.
const defaultBuffer = 64 << 10

// With is the same events, read from rings of perCPUBuffer bytes for each CPU
// (default 64 KiB) and with options, as NewReaderWithOptions takes them.
func (e Events[T]) With(perCPUBuffer int, opts ReaderOptions) Events[T] {
	e.perCPUBuffer, e.opts = perCPUBuffer, opts
	return e
}

// SizeError is a sample that isn't a T.
type SizeError struct {
	Size int // of the sample with its padding, in bytes
	Want int // the size of T with such padding
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("sample of %d bytes, expected are %d, both with the kernel's padding", e.Size, e.Want)
}

// LostError says that samples found the ring of a CPU full.
type LostError struct {
	CPU   int
	Count uint64
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%d samples of CPU %d are lost: the ring was full", e.Count, e.CPU)
}

// paddedSize is the size that a sample of n bytes has in a ring: with its own
// 32-bit size in front, it fills whole words of 8 bytes.
func paddedSize(n int) int { return (n+4+alignment-1)&^(alignment-1) - 4 }

// All waits for events, and ends when ctx is done or the map is closed. Samples
// that are sent before it begins are lost.
//
// The pointer is valid until the loop takes its next step, so that who wants to
// keep the event copies it, as Copies does. Samples of the wrong size come as a
// *SizeError, and news of lost ones as a *LostError, without an event; the loop
// can go on. Other errors come last. Have only one loop at a time: the map has
// room for one reader.
func (e Events[T]) All(ctx context.Context) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		r, err := NewReaderWithOptions(e.Map, cmp.Or(e.perCPUBuffer, defaultBuffer), e.opts)
		if err != nil {
			yield(nil, err)
			return
		}
		var stopped atomic.Bool
		stop := func() {
			stopped.Store(true)
			_ = r.poller.Close() // again, mostly: that does nothing
		}
		defer func() { _ = r.release() }() // what only held descriptors has no failure worth knowing
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		defer e.AfterClose(stop)()
		read(r, &stopped, yield)
	}
}

// Copies is All with events that can be kept.
func (e Events[T]) Copies(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for ev, err := range e.All(ctx) {
			var value T
			if ev != nil {
				value = *ev
			}
			if !yield(value, err) {
				return
			}
		}
	}
}

// read yields samples until it is stopped. All of the right size are copied to
// the same place, which is aligned for any T.
func read[T any](r *Reader, stopped *atomic.Bool, yield func(*T, error) bool) {
	var want T
	size := paddedSize(int(unsafe.Sizeof(want)))
	words := make([]uint64, (size+7)/8)
	room := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)
	var rec Record
	for !stopped.Load() {
		rec.RawSample = room[:0]
		err := r.ReadInto(&rec)
		switch {
		case err == ErrClosed:
			return
		case IsUnknownEvent(err):
			continue // of no interest
		case err != nil:
			yield(nil, err)
			return
		case rec.LostSamples > 0:
			err = &LostError{rec.CPU, rec.LostSamples}
		case len(rec.RawSample) != size:
			err = &SizeError{len(rec.RawSample), size}
		}
		var ev *T
		if err == nil {
			ev = (*T)(unsafe.Pointer(unsafe.SliceData(words)))
		}
		if !yield(ev, err) || !readRun(r, stopped, words, size, yield) {
			return
		}
	}
}

// readRun yields the samples of the current ring that are there already, up to
// the first that is anything but size bytes in one piece. It reports whether to go
// on.
//
// This is the part of read that many events go through, so it does what
// ring.read does in fewer steps.
func readRun[T any](r *Reader, stopped *atomic.Bool, words []uint64, size int, yield func(*T, error) bool) bool {
	r.reading.Lock()
	defer r.reading.Unlock()
	ring := r.current
	if ring == nil || ring.overwritable() || ring.end-ring.pos > ring.mask+1 {
		return true
	}
	ev := unsafe.Pointer(unsafe.SliceData(words))
	room := unsafe.Slice((*byte)(ev), size)
	whole := uint64(sampleSize + size)
	for ring.end-ring.pos >= whole && !stopped.Load() {
		start := ring.pos & ring.mask
		if start+whole > ring.mask+1 {
			break
		}
		record := ring.data[start : start+whole : start+whole]
		if binary.NativeEndian.Uint32(record) != recordSample || uint64(binary.NativeEndian.Uint16(record[6:])) != whole ||
			binary.NativeEndian.Uint32(record[headerSize:]) != uint32(size) {
			break
		}
		copy(room, record[sampleSize:])
		ring.pos += whole
		ring.publishDue()
		if !yield((*T)(ev), nil) {
			return false
		}
	}
	return true
}
