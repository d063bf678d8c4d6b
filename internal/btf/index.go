package btf

// index is what a pass over the records tells. It isn't changed once others see it.
type index struct {
	count    uint32 // records so far
	end      int    // their size
	whole    bool   // there are no more; if not, the rest is set only later
	stride   uint32
	offsets  []uint32  // of every stride-th record
	tags     []keyed   // the IDs of decl tags by what they tag
	datasecs []uint32  // their IDs
	room     [4]uint32 // for these, if they are few
	oddInts  bool      // see HasBitfieldInts
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

// indexed returns the index of all records, building it if need be.
func (b *BTF) indexed() *index {
	if idx := b.idx.Load(); idx != nil && idx.whole {
		return idx
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	idx := b.idx.Load()
	switch {
	case idx == nil:
		idx = b.newIndex()
	case idx.whole: // somebody was faster
		return idx
	default: // go on where a search has ended
		part := *idx
		idx = &part
	}
	s := scanner{BTF: b, build: idx}
	s.run()
	b.idx.Store(idx)
	return idx
}

// scan puts the heads of b's own types that are of some kinds into heads, in order
// of their IDs, and calls use whenever these are full, and at the end. The first
// scan also builds the index, as far as it gets.
func (b *BTF) scan(kinds KindSet, heads []head, use func([]head)) {
	s := scanner{BTF: b, kinds: kinds, heads: heads, use: use}
	if b.idx.Load() == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.idx.Load() == nil { // and nobody was faster
			s.build = b.newIndex()
		}
	}
	s.run()
	if s.build != nil {
		b.idx.Store(s.build)
	}
}

// indexAll indexes all records of a blob that nobody else knows yet. It takes less
// than a scan for what most blobs are: small.
func (b *BTF) indexAll() error {
	idx := b.newIndex()
	rest, sizes, big, offsets, skip := b.types, b.sizes, b.big, idx.offsets, idx.stride-1
	n := uint32(0)
	for ; len(rest) >= recordLen; n++ {
		info := load(rest[4:], big)
		size := sizes.of(info)
		if uint(size-1) >= uint(len(rest)) { // none, or too much
			break
		}
		if n&skip == 0 {
			offsets = append(offsets, uint32(len(b.types)-len(rest)))
		}
		if kind := kindOf(info); noted>>(kind&31)&1 != 0 {
			idx.note(b, b.firstID+n, kind, rest)
		}
		rest = rest[size:]
	}
	idx.count, idx.end, idx.offsets, idx.whole = n, len(b.types)-len(rest), offsets, true
	sortKeyed(idx.tags)
	b.idx.Store(idx)
	return b.checkEnd(n, idx.end)
}

// newIndex returns an empty index with room for the offsets.
func (b *BTF) newIndex() *index {
	idx := &b.first
	idx.stride = strideFor(b.types)
	// Most records are larger than a head; grow from a guess.
	if n := len(b.types)/(24*int(idx.stride)) + 1; n <= len(b.room) {
		idx.offsets = b.room[:0]
	} else {
		idx.offsets = make([]uint32, 0, n)
	}
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
	if idx == nil || n >= idx.count {
		if idx = b.indexed(); n >= idx.count {
			return 0, false
		}
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
