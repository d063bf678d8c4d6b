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
		err := e.withReader(ctx, func(r *Reader, gate *gate) { read(r, gate, yield) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// withReader reads until ctx is done or the map is closed.
func (e Events[T]) withReader(ctx context.Context, read func(*Reader, *gate)) error {
	r, err := NewReader(e.Map)
	if err != nil {
		return err
	}
	var gate gate
	stop := func() {
		gate.shut()
		_ = r.poller.Close() // again, mostly: that does nothing
	}
	defer func() { _ = r.release() }() // what only held descriptors has no failure worth knowing
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	defer e.AfterClose(stop)()
	read(r, &gate)
	return nil
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

// gate is how a loop over samples that are there already is stopped from outside. It
// is one number, so that looking how far to go and whether to go on is one comparison.
type gate struct {
	shutdown atomic.Bool
	limit    atomic.Uintptr // how far the loop may go, in bytes
}

// shut stops the loop, and all later ones.
func (g *gate) shut() {
	g.shutdown.Store(true)
	g.limit.Store(0)
}

// open lets the next loop go so far, unless the gate is shut: also if somebody shuts it
// right now, whose zero is overwritten here.
func (g *gate) open(limit uintptr) bool {
	g.limit.Store(limit)
	return !g.shutdown.Load()
}

// read yields samples in place until it is stopped.
func read[T any](r *Reader, gate *gate, yield func(*T, error) bool) {
	r.reading.Lock()
	defer r.reading.Unlock()
	defer r.publish()
	var want T
	for !gate.shutdown.Load() {
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
		if !yield((*T)(unsafe.Pointer(unsafe.SliceData(sample))), nil) || !readAll(r.rings[0], gate, yield) {
			return
		}
	}
}

// readAll yields the samples that are there already, up to the first that is
// anything but a T. It reports whether to go on.
func readAll[T any](r *ring, gate *gate, yield func(*T, error) bool) bool {
	for {
		// What is between two publications is in one piece, because the data is mapped twice.
		step := stepOf[T]()
		run := min(r.end-r.pos, r.mask/4) / step * step
		if run == 0 || !gate.open(run) {
			return true
		}
		r.publish()
		if more, ok := readRun(r, gate, yield); !more {
			return ok
		}
	}
}

// stepOf is how far it is from one T to the next in a ring.
func stepOf[T any]() uintptr {
	return (unsafe.Sizeof(*new(T)) + headerSize + alignment - 1) &^ (alignment - 1)
}

// readRun yields samples as far as the gate says. It reports whether there is more to
// read here, which isn't so after something that is no T, and whether to go on at all.
//
// This is the part of read that many events go through, so it does what ring.next does
// without calls, and tells the ring what it has done only at its end.
func readRun[T any](r *ring, gate *gate, yield func(*T, error) bool) (more, ok bool) {
	size := uint32(unsafe.Sizeof(*new(T)))
	first := unsafe.Pointer(&r.data[r.pos&r.mask+headerSize])
	done := uintptr(0)
	defer func() { r.pos += done }() // also if yield panics
	for done < gate.limit.Load() {
		sample := unsafe.Add(first, done)
		if atomic.LoadUint32((*uint32)(unsafe.Add(sample, -headerSize))) != size {
			return false, true
		}
		done += stepOf[T]()
		if !yield((*T)(sample), nil) {
			return false, false
		}
	}
	return true, true
}
