package btf

import (
	"encoding/binary"
	"runtime"
	"strings"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

// Query asks for types by name.
type Query struct {
	Name      string
	Kinds     KindSet // empty for all kinds
	Essential bool    // also match flavours of the name, see EssentialName
}

// Find returns the IDs of b's own types that match q, in ascending order.
func (b *BTF) Find(q Query) []uint32 { return b.FindAll([]Query{q})[0] }

// FindAll answers several queries in one pass over the records. The i-th result
// holds the IDs of b's own types that match the i-th query, in ascending order.
// Queries for empty names match nothing.
func (b *BTF) FindAll(queries []Query) [][]uint32 {
	s := newSearch(b, queries)
	if len(s.order) == 0 {
		return s.found
	}
	if s.kinds&frequent == 0 && b.searches.Add(1) > scansBeforeTable {
		s.lookUp(b.rareNames())
	} else {
		b.scan(s.kinds, s.heads[:], s.look)
	}
	runtime.KeepAlive(b)
	return s.found
}

// Visit calls f for each of b's own records in order of their IDs, with the bytes
// of its name. It needs no index, and makes none. It takes f as its caller has it,
// since a function in between would take as long as all else but the names.
func Visit[ID ~uint32, K ~uint8](b *BTF, f func(id ID, kind K, name []byte) bool) {
	types, strs, sizes, big, off := b.types, b.strs, b.sizes, b.big, 0
	for id := b.firstID; len(types)-off >= recordLen; id++ {
		p := types[off : off+recordLen : off+recordLen]
		at, info := load(p, big), load(p[4:], big)
		size := sizes.of(info)
		if uint(size-1) >= uint(len(types)-off) { // none, or too much
			break
		}
		off += size
		var name []byte
		if at != 0 {
			if own := at - b.strBase; own < uint32(len(strs)) {
				name = cut(strs[own:])
			} else {
				name = b.NameBytes(at)
			}
		}
		if !f(ID(id), K(kindOf(info)), name) {
			break
		}
	}
	runtime.KeepAlive(b)
}

// search is queries on their way to answers. It looks at the names of records,
// rather than for the names among all strings, most of which are those of members
// and parameters. As strings are in the order of their first use, names are read
// nearly in order.
type search struct {
	b     *BTF
	asked []Query
	order []uint32 // numbers of queries with a name, sorted by name
	kinds KindSet  // of any query
	found [][]uint32

	// A name is compared only if it starts like one that is asked for.
	starts filter // of names with three bytes or more
	shorts filter // of other names
	short  bool   // there are any
	heads  [batch]head
}

// How many bytes are the start of a name. One of them may be what follows it.
const (
	startLen      = 4
	shortStartLen = 2
)

func newSearch(b *BTF, queries []Query) *search {
	s := &search{b: b, asked: queries, found: make([][]uint32, len(queries))}
	for i, q := range queries {
		if q.Name == "" {
			continue
		}
		if q.Kinds == 0 {
			q.Kinds = allKinds
		}
		s.kinds |= q.Kinds
		s.order = append(s.order, uint32(i))
		// What comes next is the end of the string, or a flavour.
		s.addStart(q.Name + "\x00")
		s.addStart(q.Name + "_")
	}
	sorting.Unstable(s.order, func(i, j uint32) int { return strings.Compare(queries[i].Name, queries[j].Name) })
	return s
}

func (s *search) addStart(text string) {
	if len(text) >= startLen {
		s.starts.add(binary.LittleEndian.Uint32([]byte(text[:startLen])))
	} else {
		s.shorts.add(uint32(binary.LittleEndian.Uint16([]byte(text[:shortStartLen]))))
		s.short = true
	}
}

// look goes over some records.
func (s *search) look(heads []head) {
	strs, strBase := s.b.strs, uint64(s.b.strBase)
	for _, h := range heads {
		off := uint64(h.name) - strBase // huge if it is the base's
		if off < uint64(len(strs)) && len(strs)-int(off) >= startLen {
			start := binary.LittleEndian.Uint32(strs[off:])
			if !s.starts.has(start) && !(s.short && s.shorts.has(start&0xffff)) {
				continue
			}
		}
		s.match(h.id, s.b.NameBytes(h.name), h.kind)
	}
}

// match notes which queries a record answers.
func (s *search) match(id uint32, name []byte, kind Kind) {
	if len(name) == 0 {
		return
	}
	for i := s.first(name); i < len(s.order) && s.asked[s.order[i]].Name == string(name); i++ {
		s.hit(s.order[i], id, kind, false)
	}
	name = EssentialName(name)
	for i := s.first(name); i < len(s.order) && s.asked[s.order[i]].Name == string(name); i++ {
		s.hit(s.order[i], id, kind, true)
	}
}

// first returns where in order the queries for a name begin.
func (s *search) first(name []byte) int {
	i, j := 0, len(s.order)
	for i < j {
		if middle := (i + j) / 2; s.asked[s.order[middle]].Name < string(name) {
			i = middle + 1
		} else {
			j = middle
		}
	}
	return i
}

func (s *search) hit(query, id uint32, kind Kind, essential bool) {
	if q := &s.asked[query]; q.Essential == essential && q.Kinds.Has(kind) {
		s.found[query] = append(s.found[query], id)
	}
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
