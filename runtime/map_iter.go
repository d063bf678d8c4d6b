package ebpf

import (
	"errors"
)

// Iterate walks over all elements. Several iterators can be at work at once.
// While others change the map, elements may be seen twice or not at all.
func (m *Map) Iterate() *MapIterator {
	return &MapIterator{target: m, key: make([]byte, m.keySize), next: make([]byte, m.keySize)}
}

// MapIterator is an iteration over a map. See Map.Iterate.
type MapIterator struct {
	target    *Map
	key, next []byte
	started   bool
	count     uint64 // keys seen
	done      bool
	err       error
}

// Next copies the next key and value to what keyOut and valueOut point to. It
// returns false at the end; Err then tells whether the end is all there was.
//
// Deleting from a hash map while iterating over it may make the iteration start
// over; it gives up with ErrIterationAborted when it has seen more keys than the
// map can hold.
func (mi *MapIterator) Next(keyOut, valueOut any) bool {
	for mi.err == nil && !mi.done {
		if !mi.advance() {
			return false
		}
		err := mi.target.get(opLookup, mi.key, valueOut, 0)
		if errors.Is(err, ErrKeyNotExist) {
			continue // deleted since, or an array without anything at this index
		}
		if err == nil {
			err = mi.target.key.unmarshal(keyOut, mi.key)
		}
		mi.err = err
		return err == nil
	}
	return false
}

// advance moves on to the next key.
func (mi *MapIterator) advance() bool {
	var previous any
	if mi.started {
		previous = mi.key
	}
	err := mi.target.kernelNextKey(previous, address(mi.next))
	if errors.Is(err, ErrKeyNotExist) {
		mi.done = true
		return false
	}
	if err != nil {
		mi.err = err
		return false
	}
	mi.started = true
	mi.key, mi.next = mi.next, mi.key
	if mi.count++; mi.count > uint64(mi.target.maxEntries) {
		mi.err = &mapError{op: "iterate", name: mi.target.name, cause: ErrIterationAborted}
		return false
	}
	return true
}

// Err is what ended the iteration early: nil if it came to its end.
func (mi *MapIterator) Err() error { return mi.err }
