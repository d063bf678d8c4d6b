package btf

import (
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
)

// byRecord answers queries by looking at the names of records. Where the kinds
// asked for are rare, as all but functions are in a kernel, that is far less work
// than looking for names among all strings.
type byRecord struct {
	queries  []Query
	order    []uint32 // of queries with a name, sorted by name
	kinds    KindSet
	prefixes filter // of names, see prefixLen
	short    bool   // some name is shorter than a prefix
	found    [][]uint32
}

// prefixLen is how many bytes of a name are looked at first.
const prefixLen = 3

// frequent are kinds that have most of a kernel's records with a name.
const frequent = KindSet(1 << KindFunc)

// newByRecord returns nil for queries that are better answered by way of strings.
func newByRecord(queries []Query) *byRecord {
	r := &byRecord{queries: queries}
	for i, q := range queries {
		if q.Kinds == 0 || q.Kinds&frequent != 0 {
			return nil
		}
		if q.Name == "" {
			continue
		}
		r.kinds |= q.Kinds
		r.order = append(r.order, uint32(i))
		if len(q.Name) < prefixLen {
			r.short = true
		} else {
			r.prefixes.add(uint32(q.Name[0]) | uint32(q.Name[1])<<8 | uint32(q.Name[2])<<16)
		}
	}
	slices.SortFunc(r.order, func(a, b uint32) int { return strings.Compare(queries[a].Name, queries[b].Name) })
	r.found = make([][]uint32, len(queries))
	return r
}

// run looks at all of b's own types, or asks b's table, if there is one.
func (r *byRecord) run(b *BTF) {
	if len(r.order) == 0 {
		return
	}
	if b.searches.Add(1) > scansBeforeTable {
		r.look(b, b.rareNames())
		runtime.KeepAlive(b)
		return
	}
	b.scan(selector{kinds: r.kinds}, func(id, name uint32, kind Kind) {
		if name == 0 {
			return
		}
		if start := uint64(name) - uint64(b.strBase); !r.short && start+4 <= uint64(len(b.strs)) &&
			!r.prefixes.has(binary.LittleEndian.Uint32(b.strs[start:start+4])&(1<<(8*prefixLen)-1)) {
			return
		}
		r.match(id, b.NameBytes(name), kind)
	})
	runtime.KeepAlive(b)
}

// match notes which queries a record answers.
func (r *byRecord) match(id uint32, name []byte, kind Kind) {
	for i := r.first(name); i < len(r.order) && r.queries[r.order[i]].Name == string(name); i++ {
		r.hit(r.order[i], id, kind, false)
	}
	name = EssentialName(name)
	for i := r.first(name); i < len(r.order) && r.queries[r.order[i]].Name == string(name); i++ {
		r.hit(r.order[i], id, kind, true)
	}
}

// first returns where in order the queries for a name begin.
func (r *byRecord) first(name []byte) int {
	i, j := 0, len(r.order)
	for i < j {
		if middle := (i + j) / 2; r.queries[r.order[middle]].Name < string(name) {
			i = middle + 1
		} else {
			j = middle
		}
	}
	return i
}

func (r *byRecord) hit(query, id uint32, kind Kind, essential bool) {
	if q := &r.queries[query]; q.Essential == essential && q.Kinds.Has(kind) {
		r.found[query] = append(r.found[query], id)
	}
}
