package sorting

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

type element struct{ key, place int }

func byKey(a, b *element) int { return cmp.Compare(a.key, b.key) }

// What the standard library makes of slices of any length with many equal keys.
func TestStable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		got := make([]element, n)
		for i := range got {
			got[i] = element{random.IntN(n/4 + 1), i}
		}
		want := slices.Clone(got)
		slices.SortStableFunc(want, func(a, b element) int { return cmp.Compare(a.key, b.key) })
		if Stable(got, byKey); !slices.Equal(got, want) {
			t.Fatalf("%d elements: got %v, want %v", n, got, want)
		}
	}
}

func TestStableAllocatesNothing(t *testing.T) {
	for what, s := range map[string][]element{
		"in order": {{1, 0}, {1, 1}, {2, 2}},
		"short":    {{3, 0}, {2, 1}, {1, 2}},
	} {
		if n := testing.AllocsPerRun(10, func() { Stable(slices.Clone(s), byKey) }) - 1; n != 0 {
			t.Errorf("%v allocations for what is %s", n, what)
		}
	}
}

func TestStrings(t *testing.T) {
	var got []string
	for i := range 50 {
		got = append(got, strconv.Itoa(i*7919%50))
	}
	want := slices.Sorted(slices.Values(got))
	if Strings(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
