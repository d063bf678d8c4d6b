package btf

import (
	"slices"
)

// scansBeforeTable is how many searches go over all records before a table pays
// off. Most processes search the types of the kernel once or twice; those that
// load many objects shouldn't pay for the size of the kernel with each.
const scansBeforeTable = 2

// rareNames is a table of b's own records with names whose kinds aren't frequent:
// their IDs by the hash of the essential name. It takes eight bytes a record.
func (b *BTF) rareNames() []keyed {
	b.once.Do(func() {
		b.scan(selector{kinds: allKinds &^ frequent}, func(id, name uint32, _ Kind) {
			if name != 0 {
				b.rare = append(b.rare, withKey(hashName(EssentialName(b.nameBytes(name))), id))
			}
		})
		b.rare = slices.Clip(b.rare)
		slices.Sort(b.rare)
	})
	return b.rare
}

// hashName is FNV-1a.
func hashName[S ~string | ~[]byte](name S) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// look answers the queries from a table.
func (r *byRecord) look(b *BTF, table []keyed) {
	for _, query := range r.order {
		q := &r.queries[query]
		name := q.Name
		if !q.Essential {
			name = EssentialName(name)
		}
		hash := hashName(name)
		i, _ := slices.BinarySearch(table, withKey(hash, 0))
		for ; i < len(table) && table[i].key() == hash; i++ {
			t, err := b.Type(table[i].n())
			if err != nil {
				continue // can't be: the table is of this blob
			}
			whole := b.nameBytes(t.name)
			if q.Essential {
				whole = EssentialName(whole)
			}
			if string(whole) == q.Name {
				r.hit(query, t.id, t.Kind(), q.Essential)
			}
		}
	}
}
