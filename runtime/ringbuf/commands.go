package ringbuf

import (
	"unsafe"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// Commands is a user ring buffer, by which user space sends samples of type T to
// programs. It is a typed view of a map, see ebpf.View: a type for fields that
// LoadAndAssign fills. Linux 6.1.
type Commands[T any] struct{ ebpf.UserRingBufMap[T] }

// Open begins to send. Close the Sender when done; there can be one for a map.
func (c Commands[T]) Open() (*Sender[T], error) {
	w, err := NewWriter(c.Map)
	if err != nil {
		return nil, err
	}
	return &Sender[T]{w}, nil
}

// Sender is a Writer of samples of type T.
type Sender[T any] struct{ *Writer }

// Send gives a sample to programs. It fails with ErrFull if there is no room at
// the moment, or ErrClosed.
func (s *Sender[T]) Send(sample T) error {
	slot, err := s.Reserve(int(unsafe.Sizeof(sample)))
	if err != nil {
		return err
	}
	*(*T)(unsafe.Pointer(unsafe.SliceData(slot.Bytes))) = sample
	slot.Submit()
	return nil
}

// SendWait is Send that waits for room, until the deadline of SetDeadline: then
// it fails with os.ErrDeadlineExceeded.
func (s *Sender[T]) SendWait(sample T) error {
	slot, err := s.ReserveWait(int(unsafe.Sizeof(sample)))
	if err != nil {
		return err
	}
	*(*T)(unsafe.Pointer(unsafe.SliceData(slot.Bytes))) = sample
	slot.Submit()
	return nil
}
