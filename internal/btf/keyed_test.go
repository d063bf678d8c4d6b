package btf

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSortKeyed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, fewKeyed, fewKeyed + 1, 5000} {
		for _, keys := range []uint32{1, 100, 1<<32 - 1} {
			var s []keyed
			for i := range n {
				s = append(s, withKey(random.Uint32N(keys), uint32(i)))
			}
			want := slices.Sorted(slices.Values(s))
			if sortKeyed(s); !slices.Equal(s, want) {
				t.Errorf("%d with %d keys: not sorted", n, keys)
			}
			for range 20 {
				key := random.Uint32N(keys)
				first, _ := slices.BinarySearch(want, withKey(key, 0))
				if got := firstWith(s, key); got != first {
					t.Errorf("first of %d with key %d: got %d, want %d", n, key, got, first)
				}
			}
		}
	}
}
