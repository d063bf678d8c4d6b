package btf

import (
	"bytes"
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
func (b *BTF) Find(q Query) []uint32 {
	ids := b.FindAll([]Query{q})
	return ids[0]
}

// FindAll answers several queries in one pass over the strings and one over
// the records. The i-th result holds the IDs of b's own types that match the
// i-th query, in ascending order. Queries for empty names match nothing.
func (b *BTF) FindAll(queries []Query) [][]uint32 {
	found := make([][]uint32, len(queries))
	wanted := b.locate(queries)
	if len(wanted) == 0 {
		return found
	}
	off := 0
	for n := range b.count {
		head := b.types[off : off+recordLen]
		info := b.u32(head[4:])
		off += int(b.recordSize(info))
		name := b.u32(head)
		i, _ := slices.BinarySearchFunc(wanted, name, func(w located, name uint32) int { return int(int64(w.off) - int64(name)) })
		for ; i < len(wanted) && wanted[i].off == name; i++ {
			q := wanted[i].query
			if queries[q].Kinds.Has(kindOf(info)) {
				found[q] = append(found[q], b.firstID+n)
			}
		}
	}
	runtime.KeepAlive(b)
	return found
}

// located is a string offset that answers a query.
type located struct {
	off   uint32
	query int
}

// locate finds the offsets of all strings that match a query. A name may also
// be the end of a longer string.
func (b *BTF) locate(queries []Query) []located {
	var wanted []located
	for i, q := range queries {
		if q.Name == "" {
			continue
		}
		needle := append([]byte(q.Name), 0)
		for o := b; o != nil; o = o.base {
			wanted = locateIn(wanted, o, needle, i)
		}
	}
	slices.SortFunc(wanted, func(a, b located) int { return int(int64(a.off) - int64(b.off)) })
	return wanted
}

func locateIn(wanted []located, o *BTF, needle []byte, query int) []located {
	for start := 0; ; {
		i := bytes.Index(o.strs[start:], needle)
		if i < 0 {
			return wanted
		}
		start += i
		wanted = append(wanted, located{o.strBase + uint32(start), query})
		start++
	}
}
