package ebpf

import (
	"errors"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// batchBytes is about how much memory a batch of elements takes.
const batchBytes = 64 << 10

// batchBuffer is memory for reading many elements. Maps keep what was used, so
// that walking over a map again and again allocates nothing.
type batchBuffer struct {
	keys, values []byte
	in, out      []byte // where a batch begins and ends
	attr         kernel.MapBatchAttr
}

// batch borrows memory for n elements.
func (m *Map) batch(n int) *batchBuffer {
	b, ok := m.batches.Get().(*batchBuffer)
	if !ok {
		cursor := max(4, m.key.size) // hash maps take four bytes, others a key
		b = &batchBuffer{in: make([]byte, cursor), out: make([]byte, cursor)}
	}
	if len(b.keys) < n*m.key.size || len(b.values) < n*m.elementSize() {
		b.keys, b.values = make([]byte, n*m.key.size), make([]byte, n*m.elementSize())
	}
	return b
}

// batchSize is how many elements to read at once: no more than the map can have,
// which always suffices.
func (m *Map) batchSize() int {
	n := batchBytes / (m.key.size + m.elementSize())
	return min(max(n, 16), int(m.maxEntries))
}

// readBatches calls visit with the memory of each element until that returns
// false. done tells whether the kernel can read batches of this map: if not,
// nothing was visited.
func (m *Map) readBatches(visit func(key, value []byte) bool) (done bool, err error) {
	b := m.batch(m.batchSize())
	defer func() { m.batches.Put(b) }()
	for begun := false; ; begun = true {
		end, err := b.read(m, begun)
		if err != nil {
			return begun || !noBatches(err), m.fail(opBatch, err)
		}
		for i := range int(b.attr.Count) {
			if !visit(part(b.keys, i, m.key.size), part(b.values, i, m.elementSize())) {
				return true, nil
			}
		}
		if end {
			return true, nil
		}
	}
}

// read fetches the first elements, or those after the last ones, of which
// b.attr.Count says how many there are. end tells whether they are the last.
func (b *batchBuffer) read(m *Map, begun bool) (end bool, err error) {
	for {
		n := min(len(b.keys)/m.key.size, int(m.maxEntries))
		b.attr = kernel.MapBatchAttr{
			OutBatch: kernel.Bytes(b.out), Keys: kernel.Bytes(b.keys), Values: kernel.Bytes(b.values), Count: uint32(n),
		}
		if begun {
			b.attr.InBatch = kernel.Bytes(b.in)
		}
		err := kernel.MapLookupBatch(m.fd, &b.attr)
		errno := syscall.Errno(0)
		if err != nil {
			errno = kernel.Errno(err)
		}
		switch {
		case errno == syscall.ENOSPC && n < int(m.maxEntries):
			n = min(n*4, int(m.maxEntries)) // a bucket of a hash map didn't fit
			b.keys, b.values = make([]byte, n*m.key.size), make([]byte, n*m.elementSize())
		case err != nil && errno != errnoEnd:
			return false, err
		default:
			b.in, b.out = b.out, b.in
			return err != nil, nil
		}
	}
}

// noBatches tells whether an error is that of a kernel that has no batches, or
// not of this type of map.
func noBatches(err error) bool {
	switch kernel.Errno(err) {
	case syscall.EINVAL, syscall.EOPNOTSUPP, kernel.ENOTSUPP:
		return true
	}
	return false
}

func part(buf []byte, i, size int) []byte { return buf[i*size:][:size] }

// readOneByOne is readBatches for kernels that have no batches.
func (m *Map) readOneByOne(visit func(key, value []byte) bool) error {
	value := make([]byte, m.elementSize())
	entries := m.Iterate()
	for entries.advance() {
		err := m.kernelGet(opLookup, address(entries.key), address(value), 0)
		if errors.Is(err, ErrKeyNotExist) {
			continue // deleted since
		}
		if err != nil {
			return err
		}
		if !visit(entries.key, value) {
			return nil
		}
	}
	return entries.Err()
}

// visitAll calls visit with the memory of each element until that returns false.
func (m *Map) visitAll(failed []*error, visit func(key, value []byte) bool) {
	var done bool
	var err error
	if m.typ.hasSafeBatches() {
		done, err = m.readBatches(visit)
	}
	if !done {
		err = m.readOneByOne(visit)
	}
	if err == nil {
		return
	}
	for _, to := range failed {
		*to = err
	}
}

// walk is Entries for maps with one value a key.
func walk[K, V any](m *Map, e *elements, failed []*error, yield func(K, V) bool) {
	var key K
	var value V
	m.visitAll(failed, func(k, v []byte) bool {
		copy(memoryAt(&key), k)
		copy(memoryAt(&value), v)
		e.key.repair(memoryAt(&key))
		e.value.repair(memoryAt(&value))
		return yield(key, value)
	})
}
