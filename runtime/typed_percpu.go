package ebpf

import (
	"iter"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// perCPUView is what views of per-CPU maps have in common.
type perCPUView[K, V any] struct {
	*Map
	elements *elements
}

// Get is the value that each possible CPU has for a key. It wraps ErrKeyNotExist
// if there is none. GetInto does the same without allocating.
func (v perCPUView[K, V]) Get(key K) ([]V, error) {
	values := make([]V, v.cpus)
	if err := v.GetInto(key, values); err != nil {
		return nil, err
	}
	return values, nil
}

// GetInto is Get into a slice: of as many CPUs as it has room for.
func (v perCPUView[K, V]) GetInto(key K, values []V) error {
	if len(values) == v.cpus && sizeOf(values)%8 == 0 { // as the kernel has them
		if err := v.read(key, memoryOfAll(values)); err != nil {
			return err
		}
		for cpu := range values {
			v.elements.value.repair(memoryAt(&values[cpu]))
		}
		return nil
	}
	buf := v.perCPUBuffer()
	defer v.scratch.Put(buf)
	if err := v.read(key, *buf); err != nil {
		return err
	}
	v.unpack(values, *buf)
	return nil
}

// Reduce combines the values of all CPUs to one, from that of the first CPU on.
// It allocates nothing. For a sum, give it a function that adds.
func (v perCPUView[K, V]) Reduce(key K, combine func(sum, value V) V) (sum V, err error) {
	var few [16]uint64 // enough for most, and nothing to borrow
	buf := memoryOfAll(few[:])
	var borrowed *[]byte
	if size := v.cpus * v.perCPUStride(); size <= len(buf) {
		buf = buf[:size]
	} else {
		borrowed = v.perCPUBuffer()
		buf = *borrowed
	}
	if !v.fd.Hold() {
		return sum, v.fail(opLookup, ErrClosed)
	}
	v.elements.key.clean(memoryAt(&key))
	attr := kernel.MapElemAttr{MapFD: v.fd.Held(), Key: kernel.Addr(addressOf(&key)), Value: kernel.Addr(address(buf))}
	errno := attr.Lookup()
	v.fd.Release()
	if errno == 0 {
		sum = v.fold(buf, combine)
	} else {
		err = v.refused(opLookup, errno)
	}
	if borrowed != nil { // not deferred: that would take longer than the sum of a few values
		v.scratch.Put(borrowed)
	}
	return sum, err
}

// fold is Reduce on memory that the kernel has filled.
func (v perCPUView[K, V]) fold(buf []byte, combine func(sum, value V) V) (sum V) {
	stride := v.perCPUStride()
	for off := 0; off < len(buf); off += stride {
		value := *typed[V](buf[off:])
		v.elements.value.repair(memoryAt(&value))
		if off == 0 {
			sum = value
			continue
		}
		sum = combine(sum, value)
	}
	return sum
}

// Set makes or replaces the values of all possible CPUs. CPUs that values has
// nothing for get zeros.
func (v perCPUView[K, V]) Set(key K, values []V) error {
	if len(values) > v.cpus {
		return &mapError{op: opUpdate, name: v.name, raw: v.tooManyValues(len(values))}
	}
	buf := v.perCPUBuffer()
	defer v.scratch.Put(buf)
	clear(*buf)
	stride := v.perCPUStride()
	for cpu := range values {
		slot := part(*buf, cpu, stride)
		copy(slot, memoryAt(&values[cpu]))
		v.elements.value.clean(slot)
	}
	v.elements.key.clean(memoryAt(&key))
	return v.kernelPut(addressOf(&key), address(*buf), UpdateAny)
}

// Entries walks over all elements, as HashMap.Entries does. The values, one for
// each possible CPU, are in a slice that is used again for the next element.
func (v perCPUView[K, V]) Entries(failed ...*error) iter.Seq2[K, []V] {
	return func(yield func(K, []V) bool) {
		var key K
		values := make([]V, v.cpus)
		v.visitAll(failed, func(k, buf []byte) bool {
			copy(memoryAt(&key), k)
			v.elements.key.repair(memoryAt(&key))
			v.unpack(values, buf)
			return yield(key, values)
		})
	}
}

func (v perCPUView[K, V]) read(key K, buf []byte) error {
	v.elements.key.clean(memoryAt(&key))
	return v.kernelGet(opLookup, addressOf(&key), address(buf), 0)
}

// valueOf is the value of a CPU in memory that the kernel has filled.
func (v perCPUView[K, V]) valueOf(buf []byte, cpu int) (value V) {
	value = *typed[V](part(buf, cpu, v.perCPUStride()))
	v.elements.value.repair(memoryAt(&value))
	return value
}

func (v perCPUView[K, V]) unpack(values []V, buf []byte) {
	for cpu := range min(len(values), v.cpus) {
		values[cpu] = v.valueOf(buf, cpu)
	}
}

// PerCPUHashMap is a PerCPUHash or LRUCPUHash: each key has
// a value for each CPU.
type PerCPUHashMap[K, V any] struct{ perCPUView[K, V] }

func (v *PerCPUHashMap[K, V]) bindMap(m *Map) error {
	e, err := bindElements[K, V](m, "PerCPUHashMap", PerCPUHash, LRUCPUHash)
	v.perCPUView = perCPUView[K, V]{m, e}
	return err
}

// Delete removes the values of a key. It wraps ErrKeyNotExist if there are none.
func (v PerCPUHashMap[K, V]) Delete(key K) error { return deleteElement(v.Map, v.elements, key) }

// PerCPUArrayMap is a PerCPUArray: each index has a value for each CPU.
type PerCPUArrayMap[K, V any] struct{ perCPUView[K, V] }

func (v *PerCPUArrayMap[K, V]) bindMap(m *Map) error {
	e, err := bindElements[K, V](m, "PerCPUArrayMap", PerCPUArray)
	v.perCPUView = perCPUView[K, V]{m, e}
	return err
}

// Len is the number of elements.
func (v PerCPUArrayMap[K, V]) Len() int { return int(v.maxEntries) }

// Number is what values of per-CPU maps can be to have a sum.
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Sum adds up values, for instance those of all CPUs.
func Sum[V Number](values []V) (sum V) {
	for _, v := range values {
		sum += v
	}
	return sum
}
