package ebpf

import "errors"

// Iterate walks over all elements. Several iterators can be at work at once.
//
// Elements of hash maps and arrays are read many at a time where the kernel can
// (5.6). What others change meanwhile may be seen as it was before, twice or not
// at all; what this Map changes is seen, and what it deletes is not.
func (m *Map) Iterate() *MapIterator {
	return &MapIterator{target: m, batched: m.typ.hasSafeBatches()}
}

// hasSafeBatches tells whether reading in batches misses nothing when elements
// are deleted meanwhile: hash maps do it bucket by bucket, and arrays delete
// nothing. Others look for the key after the last one, which may be gone.
func (t MapType) hasSafeBatches() bool {
	switch t {
	case Hash, LRUHash, PerCPUHash, LRUCPUHash, Array, PerCPUArray:
		return true
	}
	return false
}

// MapIterator is an iteration over a map. See Map.Iterate.
type MapIterator struct {
	target *Map
	done   bool
	err    error

	batched bool
	batch   prefetched

	key, next []byte
	started   bool
	count     uint64 // keys seen
}

// Next copies the next key and value to what keyOut and valueOut point to. It
// returns false at the end; Err then tells whether the end is all there was.
//
// Where a map can't be read in batches, deleting from it while iterating over it
// may make the iteration start over; it gives up with ErrIterationAborted when
// it has seen more keys than the map can hold.
func (mi *MapIterator) Next(keyOut, valueOut any) bool {
	for mi.err == nil && !mi.done {
		var key []byte
		var err error
		if mi.batched {
			key, err = mi.fromBatch(valueOut)
		} else {
			key, err = mi.fromKernel(valueOut)
		}
		if errors.Is(err, ErrKeyNotExist) {
			continue // deleted since, or an array without anything at this index
		}
		if key == nil {
			return false
		}
		if err == nil {
			err = mi.target.key.unmarshal(keyOut, key)
		}
		mi.err = err
		return err == nil
	}
	return false
}

// Err is what ended the iteration early: nil if it came to its end.
func (mi *MapIterator) Err() error { return mi.err }

// fromKernel asks for one key, then for its value. At the end, key is nil.
func (mi *MapIterator) fromKernel(valueOut any) (key []byte, err error) {
	if !mi.advance() {
		return nil, nil
	}
	return mi.key, mi.target.get(opLookup, mi.key, valueOut, 0)
}

// advance moves on to the next key.
func (mi *MapIterator) advance() bool {
	if mi.key == nil {
		size := mi.target.keySize
		mi.key, mi.next = make([]byte, size), make([]byte, size)
	}
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

// prefetched elements are those of a map that were read at once.
type prefetched struct {
	buffer *batchBuffer
	at     int
	last   bool   // there are none behind these
	writes uint64 // of the map, when these were read
}

// fromBatch takes the next element out of the batch. At the end, key is nil.
func (mi *MapIterator) fromBatch(valueOut any) (key []byte, err error) {
	m, p := mi.target, &mi.batch
	for p.buffer == nil || p.at == int(p.buffer.attr.Count) {
		if p.last {
			mi.done = true
			m.batches.Put(p.buffer)
			p.buffer = nil
			return nil, nil
		}
		begun := p.buffer != nil
		if err := p.read(m); err == nil {
			continue
		} else if begun {
			mi.err = m.fail(opBatch, err)
			return nil, nil
		}
		// This kernel has no batches for this map; any other reason will
		// show again.
		mi.batched = false
		return mi.fromKernel(valueOut)
	}
	key, value := part(p.buffer.keys, p.at, m.key.size), part(p.buffer.values, p.at, m.elementSize())
	p.at++
	if m.writes.Load() != p.writes {
		return key, m.get(opLookup, key, valueOut, 0) // it may be another one now, or none
	}
	return key, m.decodeElement(valueOut, value)
}

// read fetches the next elements. The memory is the iterator's until the end.
func (p *prefetched) read(m *Map) error {
	begun := p.buffer != nil
	if !begun {
		p.buffer = m.batch(m.batchSize())
	}
	m.watched.Store(true)
	p.at, p.writes = 0, m.writes.Load()
	var err error
	if p.last, err = p.buffer.read(m, begun); err != nil {
		p.buffer.attr.Count = 0
		return err
	}
	return nil
}
