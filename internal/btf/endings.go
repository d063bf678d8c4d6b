package btf

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// endings searches a string table for many names at once. It looks at the two
// bytes in front of each terminator and compares whole names only where those
// occur in a query. This also finds names that share the end of a longer
// string.
type endings struct {
	queries   []Query
	order     []keyed   // the numbers of queries by the two last bytes of the name
	pairs     filter    // of such bytes
	essential bool      // any query is
	short     bool      // any name has only one byte
	lasts     []byte    // different last bytes of names
	isLast    [256]bool // by byte

	base  uint32 // offset of strs
	strs  []byte
	found []keyed // the numbers of queries by offset
}

func newEndings(queries []Query) *endings {
	e := &endings{queries: queries}
	for i, q := range queries {
		switch {
		case q.Name == "":
			continue
		case len(q.Name) == 1:
			e.short = true
			for before := range uint32(256) {
				e.pairs.add(before | uint32(q.Name[0])<<8)
			}
		default:
			e.pairs.add(pairOf(q.Name))
		}
		e.order = append(e.order, withKey(pairOf(q.Name), uint32(i)))
		if last := q.Name[len(q.Name)-1]; !e.isLast[last] {
			e.lasts = append(e.lasts, last)
			e.isLast[last] = true
		}
		e.essential = e.essential || q.Essential
	}
	slices.Sort(e.order)
	return e
}

// pairOf returns the last two bytes of s, the last one on top.
func pairOf[S ~string | ~[]byte](s S) uint32 {
	if len(s) == 1 {
		return uint32(s[0]) << 8
	}
	return uint32(s[len(s)-1])<<8 | uint32(s[len(s)-2])
}

// Eight bytes are looked at in one go. A byte is zero if the subtraction below
// borrows from its top bit. The lowest hit is exact; those above may be wrong.
const (
	lowBits     = 0x0101010101010101
	highBits    = 0x8080808080808080
	lowBits16   = 0x0001000100010001
	highBits16  = 0x8000800080008000
	underscores = 0x5f5f5f5f5f5f5f5f
)

// fewLasts is up to how many different last bytes it is cheaper to look for
// each of them than to look at each terminator.
const fewLasts = 2

// scan goes over strs.
func (e *endings) scan() {
	if len(e.lasts) <= fewLasts {
		for _, last := range e.lasts {
			e.scanLast(last)
		}
	} else {
		e.scanAll()
	}
	if e.essential {
		e.scanFlavours()
	}
}

// zeros has the top bit set of each byte of x that is zero.
func zeros(x uint64) uint64 { return (x - lowBits) &^ x & highBits }

// after has the top bit set of each of the last eight bytes of p that is zero and
// comes after the byte that pattern repeats.
func after(p []byte, pattern uint64) uint64 {
	return zeros(binary.LittleEndian.Uint64(p[1:9])) & zeros(binary.LittleEndian.Uint64(p[0:8])^pattern)
}

// scanLast looks at terminators right after the given byte.
func (e *endings) scanLast(last byte) {
	strs, pattern := e.strs, uint64(last)*lowBits
	i := 1
	for ; i+32 <= len(strs); i += 32 {
		part := strs[i-1 : i+32 : i+32]
		hits := [4]uint64{after(part[0:9], pattern), after(part[8:17], pattern), after(part[16:25], pattern), after(part[24:33], pattern)}
		if hits[0]|hits[1]|hits[2]|hits[3] == 0 {
			continue
		}
		for word, m := range hits {
			for ; m != 0; m &= m - 1 {
				e.end(i + 8*word + bits.TrailingZeros64(m)/8)
			}
		}
	}
	for ; i < len(strs); i++ {
		if strs[i-1] == last {
			e.end(i)
		}
	}
}

// scanAll looks at all terminators that are after the last byte of some name.
func (e *endings) scanAll() {
	strs := e.strs
	i := 0
	for ; i+8 <= len(strs); i += 8 {
		for m := zeros(binary.LittleEndian.Uint64(strs[i : i+8])); m != 0; m &= m - 1 {
			at := i + bits.TrailingZeros64(m)/8
			if at > 0 && e.isLast[strs[at-1]] {
				e.end(at)
			}
		}
	}
	for ; i < len(strs); i++ {
		e.end(i)
	}
}

// scanFlavours looks at groups of three underscores, which always include two
// at an even offset.
func (e *endings) scanFlavours() {
	strs := e.strs
	i := 0
	for ; i+8 <= len(strs); i += 8 {
		x := binary.LittleEndian.Uint64(strs[i:i+8]) ^ underscores
		for m := (x - lowBits16) &^ x & highBits16; m != 0; m &= m - 1 {
			e.flavour(i + bits.TrailingZeros64(m)/16*2)
		}
	}
	for ; i < len(strs); i += 2 {
		e.flavour(i)
	}
}

// end looks for names that end at i, where there may be a terminator.
func (e *endings) end(i int) {
	if i == 0 {
		return
	}
	pair := uint32(e.strs[i-1]) << 8
	if i > 1 {
		pair |= uint32(e.strs[i-2])
	}
	if e.strs[i] == 0 && e.pairs.has(pair) {
		e.match(i, pair, false)
	}
}

// flavour looks for names with a flavour whose separator includes the two
// bytes at i.
func (e *endings) flavour(i int) {
	for _, i := range [2]int{i, i - 1} {
		if i >= 1 && i+3 <= len(e.strs) && string(e.strs[i:i+3]) == "___" {
			e.match(i, pairOf(e.strs[:i]), true)
		}
	}
}

// match collects the queries for names that end before i.
func (e *endings) match(i int, pair uint32, flavour bool) {
	try := func(pair uint32) {
		at, _ := slices.BinarySearch(e.order, withKey(pair, 0))
		for ; at < len(e.order) && e.order[at].key() == pair; at++ {
			e.matchQuery(i, e.order[at].n(), flavour)
		}
	}
	try(pair)
	if e.short {
		try(pair &^ 0xff)
	}
}

func (e *endings) matchQuery(i int, query uint32, flavour bool) {
	q := &e.queries[query]
	start := i - len(q.Name)
	if start < 0 || string(e.strs[start:i]) != q.Name || flavour && !q.Essential {
		return
	}
	if flavour || q.Essential {
		whole := e.strs[start:]
		if n := bytes.IndexByte(whole, 0); n >= 0 {
			whole = whole[:n]
		}
		if string(EssentialName(whole)) != q.Name {
			return
		}
	}
	e.found = append(e.found, withKey(e.base+uint32(start), query))
}
