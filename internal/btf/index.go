package btf

import (
	"runtime"
	"slices"
)

// index is what one pass over all records tells.
type index struct {
	count   uint32 // records
	stride  uint32
	offsets []uint32 // of every stride-th record
	tags    []tag    // sorted by what they tag
	oddInts bool     // see HasBitfieldInts
	err     error    // why it stopped short of the end
}

// Every stride-th record's offset is remembered. In a large blob a lookup walks
// over the few records in between, which costs less than the memory of a full
// index.
const (
	largeStride = 8
	largeTypes  = 1 << 17 // bytes
)

func strideFor(types []byte) uint32 {
	if len(types) < largeTypes {
		return 1
	}
	return largeStride
}

// indexed returns the index, building it if need be.
func (b *BTF) indexed() *index {
	if idx := b.idx.Load(); idx != nil {
		return idx
	}
	return b.buildIndex(&filter{}, func(_, _ uint32, _ Kind) {})
}

// buildIndex goes over all records and, while at it, calls hit for those with a
// name in wanted.
func (b *BTF) buildIndex(wanted *filter, hit func(id, name uint32, kind Kind)) *index {
	b.mu.Lock()
	defer b.mu.Unlock()
	if idx := b.idx.Load(); idx != nil { // someone was faster
		b.rescan(idx, wanted, hit)
		return idx
	}
	types := b.types
	// Most records are larger than a head; grow from a guess.
	idx := &b.first
	idx.stride = strideFor(types)
	stride := idx.stride
	if n := len(types)/(24*int(stride)) + 1; n <= len(b.room) {
		idx.offsets = b.room[:0]
	} else {
		idx.offsets = make([]uint32, 0, n)
	}
	n, off := uint32(0), 0
	for ; off < len(types); n++ {
		if len(types)-off < recordLen {
			idx.err = malformed("types", uint64(off), "type %d is cut off", b.firstID+n)
			break
		}
		head := types[off : off+recordLen : off+recordLen]
		name, info := b.u32(head), b.u32(head[4:])
		kind, size := kindOf(info), b.sizes.of(info)
		if size == 0 {
			idx.err = malformed("types", uint64(off), "type %d has unknown %v", b.firstID+n, kind)
			break
		}
		if size > len(types)-off {
			idx.err = malformed("types", uint64(off), "type %d of %d bytes extends past the end of the section", b.firstID+n, size)
			break
		}
		if stride == 1 || n%stride == 0 {
			idx.offsets = append(idx.offsets, uint32(off))
		}
		switch kind {
		case KindInt:
			w := b.u32(types[off+recordLen:])
			idx.oddInts = idx.oddInts || w>>16&0xff != 0 || w&0xff != 8*b.u32(head[8:])
		case KindDeclTag:
			if idx.tags == nil {
				idx.tags = make([]tag, 0, 16)
			}
			idx.tags = append(idx.tags, tag{b.u32(head[8:]), b.firstID + n})
		}
		if wanted.has(name) {
			hit(b.firstID+n, name, kind)
		}
		off += size
	}
	idx.count = n
	slices.SortFunc(idx.tags, tag.compare)
	b.idx.Store(idx)
	runtime.KeepAlive(b)
	return idx
}

// offset returns where the n-th own record starts.
func (b *BTF) offset(n uint32) (off uint32, ok bool) {
	idx := b.indexed()
	if n >= idx.count {
		return 0, false
	}
	off = idx.offsets[n/idx.stride]
	for range n % idx.stride {
		off += uint32(b.sizes.of(b.u32(b.types[off+4:])))
	}
	return off, true
}
