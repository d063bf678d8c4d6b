package btf

import (
	"runtime"
	"slices"
)

// Query asks for types by name.
type Query struct {
	Name      string
	Kinds     KindSet // empty for all kinds
	Essential bool    // also match flavours of the name, see EssentialName
}

// Find returns the IDs of b's own types that match q, in ascending order.
func (b *BTF) Find(q Query) []uint32 { return b.FindAll([]Query{q})[0] }

// FindAll answers several queries in one pass over the records, and one over the
// strings if functions are among what is asked for. The i-th result holds the IDs of b's own types that match the
// i-th query, in ascending order. Queries for empty names match nothing.
func (b *BTF) FindAll(queries []Query) [][]uint32 {
	if r := newByRecord(queries); r != nil {
		r.run(b)
		return r.found
	}
	found := make([][]uint32, len(queries))
	wanted := b.locate(queries)
	if len(wanted) == 0 {
		return found
	}
	var hits filter
	for _, w := range wanted {
		hits.add(w.key())
	}
	b.scan(selector{kinds: allKinds, names: &hits}, func(id, name uint32, kind Kind) {
		i, _ := slices.BinarySearch(wanted, withKey(name, 0))
		for ; i < len(wanted) && wanted[i].key() == name; i++ {
			if q := wanted[i].n(); queries[q].Kinds.Has(kind) {
				found[q] = append(found[q], id)
			}
		}
	})
	return found
}

// selector says which records to call about: those of some kinds, and with names
// that may be among some; nil for all names.
type selector struct {
	kinds KindSet
	names *filter
}

const allKinds = ^KindSet(0)

func (s *selector) has(name uint32, kind Kind) bool {
	return s.kinds>>(kind&31)&1 != 0 && (s.names == nil || s.names.has(name))
}

// scan calls hit for all of b's own types that are wanted. The first scan also
// builds the index.
func (b *BTF) scan(wanted selector, hit func(id, name uint32, kind Kind)) {
	idx := b.idx.Load()
	if idx == nil {
		b.buildIndex(wanted, hit)
		return
	}
	b.rescan(idx, wanted, hit)
}

// Visit calls f for each of b's own records in order of their IDs, with the bytes
// of its name. The first time it takes only one pass, like any search.
func (b *BTF) Visit(f func(id uint32, kind Kind, name []byte) bool) {
	more := true
	b.scan(selector{kinds: allKinds}, func(id, name uint32, kind Kind) {
		if more {
			more = f(id, kind, b.nameBytes(name))
		}
	})
	runtime.KeepAlive(b)
}

// rescan is scan once there is an index.
func (b *BTF) rescan(idx *index, wanted selector, hit func(id, name uint32, kind Kind)) {
	types, sizes, big, off := b.types, b.sizes, b.big, 0
	for n := range idx.count {
		head := types[off : off+recordLen : off+recordLen]
		name, info := load(head, big), load(head[4:], big)
		kind := kindOf(info)
		if kind == KindFunc { // see buildIndex
			off += recordLen
		} else {
			off += sizes.of(info)
		}
		if wanted.has(name, kind) {
			hit(b.firstID+n, name, kind)
		}
	}
	runtime.KeepAlive(b)
}

// filter is a set of numbers that may claim to hold more than it does.
type filter [64]uint64

func (f *filter) slot(n uint32) (word, bit uint32) {
	h := n * 0x9e3779b1 // golden ratio: neighbours end up far apart
	return h >> 26, h >> 20 & 63
}

func (f *filter) add(n uint32) {
	word, bit := f.slot(n)
	f[word] |= 1 << bit
}

func (f *filter) has(n uint32) bool {
	word, bit := f.slot(n)
	return f[word]>>bit&1 != 0
}

// locate finds the offsets of all strings that match a query, sorted: keys of the
// numbers of queries.
func (b *BTF) locate(queries []Query) []keyed {
	e := newEndings(queries)
	if len(e.order) == 0 {
		return nil
	}
	for o := b; o != nil; o = o.base {
		e.base, e.strs = o.strBase, o.strs
		e.scan()
		runtime.KeepAlive(o)
	}
	slices.Sort(e.found)
	return slices.Compact(e.found)
}
