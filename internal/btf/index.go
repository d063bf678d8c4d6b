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
	b.scan(0, nil, nil)
	return b.idx.Load()
}

// scan goes over b's own types in order of their IDs. Those of some kinds are put
// into heads, and use is called whenever these are full, and at the end. The first
// scan also builds the index.
func (b *BTF) scan(kinds KindSet, heads []head, use func([]head)) {
	if b.idx.Load() == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
	}
	if b.idx.Load() != nil { // or somebody was faster
		b.pass(nil, kinds, heads, use)
		return
	}
	idx := b.newIndex()
	n, off := b.pass(idx, kinds, heads, use)
	idx.count, idx.err = n, b.checkEnd(n, off)
	slices.Sort(idx.tags)
	b.idx.Store(idx)
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

// head is what a scan tells of a record.
type head struct {
	id, name uint32
	kind     Kind
}

const (
	allKinds = ^KindSet(0)
	batch    = 64 // heads to look at together
)

// pass is scan; it returns how many records there are and where they end.
//
// A record's size says where the next one starts, so that a pass takes as long as
// waiting for one size after another. Meanwhile the processor works ahead, as long
// as all goes as expected. So the decisions here are those that nearly always go
// one way. Which records are wanted can't be foreseen: the head of each is noted,
// and overwritten by the next one's if it wasn't.
func (b *BTF) pass(build *index, kinds KindSet, heads []head, use func([]head)) (n uint32, off int) {
	types, sizes, big, wanted := b.types, b.sizes, b.big, 0
	for ; len(types)-off >= recordLen; n++ {
		p := types[off : off+recordLen : off+recordLen]
		name, info := load(p, big), load(p[4:], big)
		size := sizes.of(info)
		if uint(size-1) >= uint(len(types)-off) { // none, or too much
			break
		}
		kind := kindOf(info)
		if build != nil {
			if n&(build.stride-1) == 0 {
				build.offsets = append(build.offsets, uint32(off))
			}
			if noted>>(kind&31)&1 != 0 {
				build.note(b, b.firstID+n, kind, types[off:off+size])
			}
		}
		if wanted < len(heads) {
			heads[wanted] = head{b.firstID + n, name, kind}
			if wanted += int(kinds >> (kind & 31) & 1); wanted == len(heads) {
				use(heads)
				wanted = 0
			}
		}
		off += size
	}
	if wanted > 0 {
		use(heads[:wanted])
	}
	runtime.KeepAlive(b)
	return n, off
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
