package ringbuf

import (
	"context"
	"iter"
	"sync/atomic"
	"unsafe"
)

// Batch is events that lie one after another in a ring buffer.
type Batch[T any] struct {
	first unsafe.Pointer // the first event; each is stepOf[T] from the one before
	count int
}

// Len is the number of events, at least one.
func (b Batch[T]) Len() int { return b.count }

// At is one of the events, where the kernel has put it. It panics if i is out of range.
func (b Batch[T]) At(i int) *T {
	if uint(i) >= uint(b.count) {
		panic("ringbuf: index out of range of a Batch")
	}
	return (*T)(unsafe.Add(b.first, uintptr(i)*stepOf[T]()))
}

// All is the events in order.
func (b Batch[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range b.count {
			if !yield(b.At(i)) {
				return
			}
		}
	}
}

// Batches is All by the batch: for events by the million, since to range over a Batch
// is a loop without calls, in which the compiler keeps a sum in a register:
//
//	for batch, err := range objs.Events.Batches(ctx) {
//		if err != nil {
//			return err
//		}
//		for ev := range batch.All() {
//			bytes += ev.Length
//		}
//	}
//
// A batch is what is there already, up to some thousands of bytes; nothing is waited
// for to make it larger. Its events are valid until the loop over batches takes its
// next step. Whoever ends the loop in the middle of a batch has consumed all of it.
//
// Samples of the wrong size come as a *SizeError, with an empty Batch.
func (e Events[T]) Batches(ctx context.Context) iter.Seq2[Batch[T], error] {
	return func(yield func(Batch[T], error) bool) {
		err := e.withReader(ctx, func(r *Reader, gate *gate) { readBatches(r, gate, yield) })
		if err != nil {
			yield(Batch[T]{}, err)
		}
	}
}

// readBatches yields batches until it is stopped.
func readBatches[T any](r *Reader, gate *gate, yield func(Batch[T], error) bool) {
	r.reading.Lock()
	defer r.reading.Unlock()
	defer r.publish()
	for !gate.shutdown.Load() {
		r.rings[0].publishMany()
		batch, err := takeBatch[T](r.rings[0]), error(nil)
		if batch.count == 0 {
			batch, err = waitBatch[T](r)
		}
		if err == ErrClosed || !yield(batch, err) {
			return
		}
		if _, wrong := err.(*SizeError); err != nil && !wrong {
			return
		}
	}
}

// waitBatch waits for the next sample.
func waitBatch[T any](r *Reader) (Batch[T], error) {
	_, sample, err := r.next()
	if err != nil {
		return Batch[T]{}, err
	}
	if want := int(unsafe.Sizeof(*new(T))); len(sample) != want {
		return Batch[T]{}, &SizeError{len(sample), want}
	}
	return Batch[T]{unsafe.Pointer(unsafe.SliceData(sample)), 1}, nil
}

// maxBatch is how many bytes a batch has at most: they are looked at twice, so they
// shall fit the processor's first cache.
const maxBatch = 16 << 10

// takeBatch is the samples that are there already, up to the first that is anything
// but a T.
func takeBatch[T any](r *ring) Batch[T] {
	if r.pos == r.end && !r.look() {
		return Batch[T]{}
	}
	first := unsafe.Pointer(&r.data[r.pos&r.mask]) // all in one piece: the data is mapped twice
	size, step := uint32(unsafe.Sizeof(*new(T))), stepOf[T]()
	room := min(r.end-r.pos, r.mask/4, maxBatch)
	taken := uintptr(0)
	for taken+step <= room && atomic.LoadUint32((*uint32)(unsafe.Add(first, taken))) == size {
		taken += step
	}
	r.pos += taken
	return Batch[T]{unsafe.Add(first, headerSize), int(taken / step)}
}
