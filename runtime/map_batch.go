package ebpf

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// BatchOptions are the flags of operations on many elements.
type BatchOptions struct {
	ElemFlags uint64 // as MapUpdateFlags, for each element
	Flags     uint64
}

// MapBatchCursor is where a batch ended, for the next one to go on. The zero
// value is the start of the map. It belongs to one map.
type MapBatchCursor struct {
	m      *Map
	opaque []byte
	next   []byte
	begun  bool
}

// position is where to start, and where the kernel shall write where it ended.
// Hash maps write four bytes, others a key.
func (c *MapBatchCursor) position(m *Map) (in, out []byte, err error) {
	if c.m != nil && c.m != m {
		return nil, nil, fmt.Errorf("the cursor is of map %q", c.m.name)
	}
	if c.m == nil {
		size := max(4, m.key.size)
		*c = MapBatchCursor{m: m, opaque: make([]byte, size), next: make([]byte, size)}
	}
	if c.begun {
		in = c.opaque
	}
	return in, c.next, nil
}

// advance makes where the batch ended the place to start from.
func (c *MapBatchCursor) advance() {
	c.opaque, c.next, c.begun = c.next, c.opaque, true
}

// batchError names the map.
func (m *Map) batchError(format string, args ...any) error {
	return &mapError{op: opBatch, name: m.name, raw: fmt.Errorf(format, args...)}
}

// BatchLookup reads many elements at once, into two slices: their length, which
// must be the same, is how many at most. It returns how many there were; the
// error wraps ErrKeyNotExist when there are no more, even if there were some.
//
// In per-CPU maps, an element takes as many values as there are possible CPUs.
//
// The cursor remembers where to go on. While others change a hash map, elements
// may be seen twice or not at all. A batch must be able to hold a whole bucket
// of a hash map, else the error wraps unix.ENOSPC.
//
// Where the kernel has no batches (before 5.6), or none for this type of map,
// elements are read one by one.
func (m *Map) BatchLookup(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	return m.batchRead(cursor, keysOut, valuesOut, opts, false)
}

// BatchLookupAndDelete is BatchLookup that removes what it reads. Where it has to
// be done one by one, what a program stores between lookup and delete is lost.
func (m *Map) BatchLookupAndDelete(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	m.written()
	return m.batchRead(cursor, keysOut, valuesOut, opts, true)
}

// batchRead is BatchLookup, or the same with remove.
func (m *Map) batchRead(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions, remove bool) (int, error) {
	if cursor == nil {
		return 0, m.batchError("no cursor")
	}
	in, out, err := cursor.position(m)
	if err != nil {
		return 0, m.batchError("%w", err)
	}
	n, err := sliceLen("keys", keysOut)
	if err != nil {
		return 0, m.batchError("%w", err)
	}
	if err := m.checkValues(valuesOut, n); err != nil {
		return 0, m.batchError("%w", err)
	}
	keys, values := make([]byte, n*m.key.size), make([]byte, n*m.elementSize())
	attr := kernel.MapBatchAttr{
		InBatch: kernel.Bytes(in), OutBatch: kernel.Bytes(out),
		Keys: kernel.Bytes(keys), Values: kernel.Bytes(values), Count: uint32(n),
	}
	opts.apply(&attr)
	do := kernel.MapLookupBatch
	if remove {
		do = kernel.MapLookupAndDeleteBatch
	}
	failed := do(m.fd, &attr)
	done := int(attr.Count)
	if failed != nil {
		singles := wantsSingles(failed)
		failed = m.fail(opBatch, failed)
		switch {
		case singles:
			done, failed = m.readSingly(in, out, keys, values, n, remove, MapLookupFlags(attr.ElemFlags), failed)
		case !errors.Is(failed, ErrKeyNotExist):
			return 0, failed
		}
	}
	if done > 0 {
		cursor.advance()
	}
	if err := unpackAll(&m.key, keysOut, keys, done, m.key.size, 1); err != nil {
		return 0, m.batchError("keys: %w", err)
	}
	if err := unpackAll(&m.value, valuesOut, values, done, m.elementSize(), max(m.cpus, 1)); err != nil {
		return 0, m.batchError("values: %w", err)
	}
	return done, failed
}

// BatchUpdate makes or replaces many elements at once, given as two slices of
// the same length (see BatchLookup for per-CPU maps). It returns how many it
// did. Where the kernel has no batches, it makes them one by one.
func (m *Map) BatchUpdate(keys, values any, opts *BatchOptions) (int, error) {
	n, err := sliceLen("keys", keys)
	if err != nil {
		return 0, m.batchError("%w", err)
	}
	if err := m.checkValues(values, n); err != nil {
		return 0, m.batchError("%w", err)
	}
	k, err := packAll(&m.key, keys, n, m.key.size, 1)
	if err != nil {
		return 0, m.batchError("keys: %w", err)
	}
	v, err := packAll(&m.value, values, n, m.elementSize(), max(m.cpus, 1))
	if err != nil {
		return 0, m.batchError("values: %w", err)
	}
	attr := kernel.MapBatchAttr{Keys: kernel.Bytes(k), Values: kernel.Bytes(v), Count: uint32(n)}
	return m.batchWrite(&attr, opts, kernel.MapUpdateBatch, func(i int) error {
		return m.kernelPut(address(part(k, i, m.key.size)), address(part(v, i, m.elementSize())), MapUpdateFlags(attr.ElemFlags))
	})
}

// BatchDelete removes many elements at once, given as a slice of keys. It
// returns how many it did; the error wraps ErrKeyNotExist if one isn't there.
// Where the kernel has no batches, it removes them one by one.
func (m *Map) BatchDelete(keys any, opts *BatchOptions) (int, error) {
	n, err := sliceLen("keys", keys)
	if err != nil {
		return 0, m.batchError("%w", err)
	}
	k, err := packAll(&m.key, keys, n, m.key.size, 1)
	if err != nil {
		return 0, m.batchError("keys: %w", err)
	}
	attr := kernel.MapBatchAttr{Keys: kernel.Bytes(k), Count: uint32(n)}
	return m.batchWrite(&attr, opts, kernel.MapDeleteBatch, func(i int) error { return m.Delete(part(k, i, m.key.size)) })
}

// batchWrite does an operation on many elements, or each by single.
func (m *Map) batchWrite(attr *kernel.MapBatchAttr, opts *BatchOptions, do func(*kernel.FD, *kernel.MapBatchAttr) error, single func(i int) error) (int, error) {
	opts.apply(attr)
	n := int(attr.Count)
	m.written()
	err := do(m.fd, attr)
	switch {
	case err == nil:
		return int(attr.Count), nil
	case wantsSingles(err):
		return singly(n, m.fail(opBatch, err), single)
	}
	return int(attr.Count), m.fail(opBatch, err)
}

func (opts *BatchOptions) apply(attr *kernel.MapBatchAttr) {
	if opts != nil {
		attr.ElemFlags, attr.Flags = opts.ElemFlags, opts.Flags
	}
}

func sliceLen(what string, v any) (int, error) {
	value := reflect.ValueOf(v)
	if value.Kind() != reflect.Slice {
		return 0, fmt.Errorf("%s: %T is not a slice", what, v)
	}
	return value.Len(), nil
}

// checkValues tells whether there are values for n keys.
func (m *Map) checkValues(values any, n int) error {
	have, err := sliceLen("values", values)
	if err != nil {
		return err
	}
	if want := n * max(m.cpus, 1); have != want {
		return fmt.Errorf("%d values for %d keys: needed are %d", have, n, want)
	}
	return nil
}

// packAll encodes a slice as an array of n elements of size bytes. In each, there
// is room for the values of per CPUs, eight bytes apart or a multiple of that.
func packAll(c *codec, slice any, n, size, per int) ([]byte, error) {
	value := reflect.ValueOf(slice)
	elem := value.Type().Elem()
	if per == 1 && solidElement(elem, c.size) {
		return sliceMemory(slice, n*c.size), nil
	}
	buf := make([]byte, n*size)
	for i := range n * per {
		at := i / per * size
		at += i % per * (size / per)
		if err := c.marshal(buf[at:], value.Index(i).Interface()); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return buf, nil
}

// unpackAll is the reverse of packAll.
func unpackAll(c *codec, slice any, buf []byte, n, size, per int) error {
	value := reflect.ValueOf(slice)
	elem := value.Type().Elem()
	if per == 1 && solidElement(elem, c.size) {
		copy(sliceMemory(slice, n*c.size), buf)
		return nil
	}
	for i := range n * per {
		at := i / per * size
		at += i % per * (size / per)
		out := value.Index(i)
		if elem.Kind() != reflect.Pointer {
			out = out.Addr()
		}
		if err := c.unmarshal(out.Interface(), buf[at:at+c.size]); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}
