package btf

import (
	"slices"
	"sync"
)

// scansBeforeTable is how many searches go over all records before a table pays
// off. Most processes search the types of the kernel once or twice; those that
// load many objects shouldn't pay for the size of the kernel with each.
const scansBeforeTable = 2

// frequent are kinds that have most of a kernel's records with a name.
const frequent = KindSet(1 << KindFunc)

// nameTable is made by the first that asks for it.
type nameTable struct {
	once sync.Once
	rare []keyed
}

// rareNames is a table of b's own records with names whose kinds aren't frequent:
// their IDs by the hash of the essential name. It takes eight bytes a record.
func (b *BTF) rareNames() []keyed {
	t := b.table.Load()
	if t == nil {
		b.table.CompareAndSwap(nil, new(nameTable))
		t = b.table.Load() // of whoever was faster
	}
	t.once.Do(func() {
		b.scan(allKinds&^frequent, make([]head, batch), func(heads []head) {
			for _, h := range heads {
				if h.name != 0 {
					t.rare = append(t.rare, withKey(hashName(EssentialName(b.nameBytes(h.name))), h.id))
				}
			}
		})
		t.rare = slices.Clip(t.rare)
		sortKeyed(t.rare)
	})
	return t.rare
}

// hashName is FNV-1a.
func hashName[S ~string | ~[]byte](name S) uint32 {
	h := uint32(2166136261)
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return h
}

// lookUp answers the queries from a table.
func (s *search) lookUp(table []keyed) {
	for _, query := range s.order {
		q := &s.asked[query]
		hash := hashName(EssentialName(q.Name))
		i := firstWith(table, hash)
		for ; i < len(table) && table[i].key() == hash; i++ {
			t, err := s.b.Type(table[i].n())
			if err != nil {
				continue // can't be: the table is of this blob
			}
			name := s.b.nameBytes(t.NameOff())
			if q.Essential {
				name = EssentialName(name)
			}
			if string(name) == q.Name {
				s.hit(query, t.id, t.Kind(), q.Essential)
			}
		}
	}
}
