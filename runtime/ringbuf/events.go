package ringbuf

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"unsafe"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// Events is a ring buffer whose samples are of type T, to be ranged over:
//
//	for ev, err := range objs.Events.All(ctx) {
//
// It is a typed view of a map, see ebpf.View: a type for fields that
// LoadAndAssign fills.
type Events[T any] struct{ ebpf.RingBufMap[T] }

// SizeError is a sample that isn't a T.
type SizeError struct {
	Size int // of the sample, in bytes
	Want int // the size of T
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("sample of %d bytes, expected are %d", e.Size, e.Want)
}

// All waits for events, and ends when ctx is done or the map is closed. It begins
// with what is in the ring buffer.
//
// An event is where the kernel has put it: the pointer is valid until the loop
// takes its next step, so that who wants to keep the event copies it, as Copies
// does. The kernel can't reuse the memory of an event before that.
//
// Samples of the wrong size come as a *SizeError, without an event, and the loop
// can go on. Other errors come last. Two loops at the same time each see a part
// of the events, of which none may rely on the memory: have only one.
func (e Events[T]) All(ctx context.Context) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		r, err := NewReader(e.Map)
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

// read yields samples in place until it is stopped.
func read[T any](r *Reader, stopped *atomic.Bool, yield func(*T, error) bool) {
	r.reading.Lock()
	defer r.reading.Unlock()
	defer r.publish()
	var want T
	for !stopped.Load() {
		r.rings[0].publishMany()
		_, sample, err := r.next()
		if err == ErrClosed {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if len(sample) != int(unsafe.Sizeof(want)) {
			if !yield(nil, &SizeError{len(sample), int(unsafe.Sizeof(want))}) {
				return
			}
			continue
		}
		if !yield((*T)(unsafe.Pointer(unsafe.SliceData(sample))), nil) || !readRun(r.rings[0], stopped, yield) {
			return
		}
	}
}

// readRun yields the samples that are there already, up to the first that is
// anything but a T. It reports whether to go on.
//
// This is the part of read that many events go through, so it does what
// ring.next does without calls. What is between two publications is in one piece,
// because the data is mapped twice: a step is to add a constant.
func readRun[T any](r *ring, stopped *atomic.Bool, yield func(*T, error) bool) bool {
	var want T
	const overhead = headerSize + alignment - 1
	size := unsafe.Sizeof(want)
	step := (size + overhead) &^ (alignment - 1)
	if r.end-r.pos > r.mask+1 {
		return true // corrupt, as next will say
	}
	for {
		run := min(r.end-r.pos, r.mask/4) / step * step
		if run == 0 {
			return true
		}
		r.publish()
		start := unsafe.Pointer(&r.data[r.pos&r.mask])
		for off := uintptr(0); off < run; off += step {
			header := unsafe.Add(start, off)
			if uintptr(atomic.LoadUint32((*uint32)(header))) != size || stopped.Load() {
				return true
			}
			r.pos += step
			if !yield((*T)(unsafe.Add(header, headerSize)), nil) {
				return false
			}
		}
	}
}
