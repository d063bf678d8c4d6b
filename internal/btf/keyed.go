package btf

import (
	"cmp"
	"sort"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

// keyed is a number with a key, the key on top: they sort by key and then by
// number, as numbers do, with the same code for all of them.
type keyed uint64

func withKey(key, n uint32) keyed { return keyed(key)<<32 | keyed(n) }

func (k keyed) key() uint32 { return uint32(k >> 32) }
func (k keyed) n() uint32   { return uint32(k) }

// fewKeyed are sorted without memory, and as fast.
const fewKeyed = 128

// sortKeyed sorts s. Many are sorted digit by digit, from the last of the key to
// the first: their numbers have to ascend, as they do in the order of records.
func sortKeyed(s []keyed) {
	if len(s) <= fewKeyed {
		sorting.Unstable(s, cmp.Compare[keyed])
		return
	}
	from, to := s, make([]keyed, len(s))
	for shift := 32; shift < 64; shift += 8 { // four times: in the end, all is in s
		var place [257]int // of the next with a digit
		for _, k := range from {
			place[int(byte(k>>shift))+1]++
		}
		for digit := range 256 {
			place[digit+1] += place[digit]
		}
		for _, k := range from {
			next := &place[byte(k>>shift)]
			to[*next] = k
			*next++
		}
		from, to = to, from
	}
}

// firstWith returns the index of the first in s, sorted, that has key or more.
func firstWith(s []keyed, key uint32) int {
	return sort.Search(len(s), func(i int) bool { return s[i].key() >= key })
}
