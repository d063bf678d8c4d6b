package btf

import (
	"runtime"
	"slices"
)

// index is what one pass over all records tells.
type index struct {
	count    uint32 // records
	stride   uint32
	offsets  []uint32  // of every stride-th record
	tags     []keyed   // the IDs of decl tags by what they tag
	datasecs []uint32  // their IDs
	room     [4]uint32 // for these, if they are few
	oddInts  bool      // see HasBitfieldInts
	err      error     // why it stopped short of the end
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
	return b.buildIndex(selector{}, func(_, _ uint32, _ Kind) {})
}

// buildIndex goes over all records and, while at it, calls hit for those that
// are wanted.
func (b *BTF) buildIndex(wanted selector, hit func(id, name uint32, kind Kind)) *index {
	b.mu.Lock()
	defer b.mu.Unlock()
	if idx := b.idx.Load(); idx != nil { // someone was faster
		b.rescan(idx, wanted, hit)
		return idx
	}
	types, sizes, big := b.types, b.sizes, b.big
	// Most records are larger than a head; grow from a guess.
	idx := &b.first
	idx.stride = strideFor(types)
	mask := idx.stride - 1
	if n := len(types)/(24*int(idx.stride)) + 1; n <= len(b.room) {
		idx.offsets = b.room[:0]
	} else {
		idx.offsets = make([]uint32, 0, n)
	}
	n, off := uint32(0), 0
	for ; len(types)-off >= recordLen; n++ {
		head := types[off : off+recordLen : off+recordLen]
		name, info := load(head, big), load(head[4:], big)
		kind := kindOf(info)
		// Half of a kernel's types are functions, one after another. With a branch
		// of its own, the processor guesses their size instead of waiting for it.
		size := recordLen
		if kind != KindFunc {
			if size = sizes.of(info); uint(size-1) >= uint(len(types)-off) { // none, or too much
				break
			}
			if noted&(1<<kind) != 0 {
				idx.note(b, b.firstID+n, kind, types[off:off+size])
			}
		}
		if n&mask == 0 {
			idx.offsets = append(idx.offsets, uint32(off))
		}
		if wanted.has(name, kind) {
			hit(b.firstID+n, name, kind)
		}
		off += size
	}
	idx.err = b.checkEnd(n, off)
	idx.count = n
	slices.Sort(idx.tags)
	b.idx.Store(idx)
	runtime.KeepAlive(b)
	return idx
}

// noted are the kinds that an index remembers something about.
const noted = KindSet(1<<KindInt | 1<<KindDeclTag | 1<<KindDatasec)

// note remembers what a record means for others.
func (idx *index) note(b *BTF, id uint32, kind Kind, record []byte) {
	switch kind {
	case KindInt:
		w := b.u32(record[recordLen:])
		idx.oddInts = idx.oddInts || w>>16&0xff != 0 || w&0xff != 8*b.u32(record[8:])
	case KindDatasec:
		if idx.datasecs == nil {
			idx.datasecs = idx.room[:0]
		}
		idx.datasecs = append(idx.datasecs, id)
	case KindDeclTag:
		if idx.tags == nil {
			idx.tags = make([]keyed, 0, 16)
		}
		idx.tags = append(idx.tags, withKey(b.u32(record[8:]), id))
	}
}

// checkEnd says why there is no n-th record at an offset.
func (b *BTF) checkEnd(n uint32, off int) error {
	rest := b.types[off:]
	switch {
	case len(rest) == 0:
		return nil
	case len(rest) < recordLen:
		return malformed("types", uint64(off), "type %d is cut off", b.firstID+n)
	}
	info := b.u32(rest[4:])
	if size := b.sizes.of(info); size > 0 {
		return malformed("types", uint64(off), "type %d of %d bytes extends past the end of the section", b.firstID+n, size)
	}
	return malformed("types", uint64(off), "type %d has unknown %v", b.firstID+n, kindOf(info))
}

// offset returns where the n-th own record starts.
func (b *BTF) offset(n uint32) (off uint32, ok bool) {
	idx := b.idx.Load()
	if idx == nil {
		idx = b.indexed()
	}
	if n >= idx.count {
		return 0, false
	}
	if idx.stride == 1 { // dividing by it would take most of the time
		return idx.offsets[n], true
	}
	off = idx.offsets[n/idx.stride]
	for range n % idx.stride {
		off += uint32(b.sizes.of(b.u32(b.types[off+4:])))
	}
	return off, true
}
