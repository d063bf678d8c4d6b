package ebpf

import (
	"errors"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// batches is the first kernel that has operations on many elements.
var batches = uapi.KernelVersion{Major: 5, Minor: 6}

// wantsSingles tells whether a batch failed because there are none for this map
// or in this kernel, so that its elements are to be taken one by one.
func wantsSingles(err error) bool {
	switch kernel.Errno(err) {
	case kernel.ENOTSUPP, syscall.EOPNOTSUPP:
		return true
	case syscall.EINVAL:
		return !kernel.AtLeast(batches)
	}
	return false
}

// singly does n operations, and counts. Where not even the first of them is
// possible, refused is the better word.
func singly(n int, refused error, do func(i int) error) (int, error) {
	for i := range n {
		if err := do(i); err != nil {
			if errno := kernel.Errno(err); i == 0 && (errno == syscall.EINVAL || errors.Is(err, ErrNotSupported)) {
				err = refused
			}
			return i, err
		}
	}
	return n, nil
}

// readSingly is batchRead for a map without batches. Keys and values have room
// for n elements; from, nil for the first, is the key to go on behind, and last
// gets the one that was read last.
func (m *Map) readSingly(from, last, keys, values []byte, n int, remove bool, flags MapLookupFlags, refused error) (int, error) {
	previous := any(nil)
	if from != nil && !remove {
		previous = from[:m.key.size]
	}
	return singly(n, refused, func(i int) error {
		key := part(keys, i, m.key.size)
		for {
			err := m.kernelNextKey(previous, address(key))
			if err != nil {
				return err
			}
			copy(last, key)
			if !remove {
				previous = key
			}
			if err = m.kernelGet(opLookup, address(key), address(part(values, i, m.elementSize())), flags); err == nil && remove {
				err = m.Delete(key)
			}
			if !errors.Is(err, ErrKeyNotExist) {
				return err
			} // else somebody was faster
		}
	})
}
