package ebpf

import "github.com/bpfgen/bpfgen/internal/kernel"

// QueueMap is a Queue, first in, first out, or a Stack, last in, first out.
type QueueMap[V any] struct {
	*Map
	elements *elements
}

func (v *QueueMap[V]) bindMap(m *Map) error {
	e, err := bindValue[V](m, "QueueMap", Queue, Stack)
	*v = QueueMap[V]{m, e}
	return err
}

// Push adds a value. If the map is full, the error matches unix.E2BIG.
func (v QueueMap[V]) Push(value V) error { return v.push(value, UpdateAny) }

// PushEvict adds a value; if the map is full, the oldest one makes room.
func (v QueueMap[V]) PushEvict(value V) error { return v.push(value, UpdateExist) }

func (v QueueMap[V]) push(value V, flags MapUpdateFlags) error {
	v.elements.value.clean(memoryAt(&value))
	return v.kernelPut(nil, addressOf(&value), flags)
}

// Pop takes the next value. It wraps ErrKeyNotExist if there is none.
func (v QueueMap[V]) Pop() (V, error) { return v.next(opLookupDelete) }

// Peek is the next value, which stays. It wraps ErrKeyNotExist if there is none.
func (v QueueMap[V]) Peek() (V, error) { return v.next(opLookup) }

func (v QueueMap[V]) next(op string) (value V, err error) {
	if err := v.kernelGet(op, nil, addressOf(&value), 0); err != nil {
		return value, err
	}
	v.elements.value.repair(memoryAt(&value))
	return value, nil
}

// BloomFilterMap is a BloomFilter: it knows which values aren't in it.
type BloomFilterMap[V any] struct {
	*Map
	elements *elements
}

func (v *BloomFilterMap[V]) bindMap(m *Map) error {
	e, err := bindValue[V](m, "BloomFilterMap", BloomFilter)
	*v = BloomFilterMap[V]{m, e}
	return err
}

// Add adds a value, for good.
func (v BloomFilterMap[V]) Add(value V) error {
	v.elements.value.clean(memoryAt(&value))
	return v.kernelPut(nil, addressOf(&value), UpdateAny)
}

// Has tells whether a value may be in the filter. If not, it surely isn't.
func (v BloomFilterMap[V]) Has(value V) (bool, error) {
	v.elements.value.clean(memoryAt(&value))
	err := kernel.MapLookup(v.fd, nil, addressOf(&value), 0)
	if err == nil {
		return true, nil
	}
	if kernel.Errno(err) == errnoEnd {
		return false, nil
	}
	return false, v.fail(opLookup, err)
}

// RingBufMap is a RingBuf of events of type T. Package ringbuf reads them; its
// Events is a RingBufMap that does so itself.
type RingBufMap[T any] struct {
	*Map
}

func (v *RingBufMap[T]) bindMap(m *Map) error {
	v.Map = m
	return bindEvents[T](m, "RingBufMap", RingBuf)
}

// PerfEventMap is a PerfEventArray of events of type T, which package perf reads.
type PerfEventMap[T any] struct {
	*Map
}

func (v *PerfEventMap[T]) bindMap(m *Map) error {
	v.Map = m
	return bindEvents[T](m, "PerfEventMap", PerfEventArray)
}

// UserRingBufMap is a UserRingbuf of samples of type T, which package ringbuf
// sends; its Commands is a UserRingBufMap that does so itself.
type UserRingBufMap[T any] struct {
	*Map
}

func (v *UserRingBufMap[T]) bindMap(m *Map) error {
	v.Map = m
	return bindEvents[T](m, "UserRingBufMap", UserRingbuf)
}

// bindEvents checks the type of events, if C declares it as the map's value. The
// kernel doesn't know it.
func bindEvents[T any](m *Map, view string, types ...MapType) error {
	if err := m.checkType(view, types...); err != nil {
		return err
	}
	_, err := EventSize[T](m)
	return err
}
