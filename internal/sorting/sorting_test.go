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

func TestUnstable(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 200 {
		got := make([]int, n)
		for i := range got {
			got[i] = random.IntN(n + 1)
		}
		want := slices.Sorted(slices.Values(got))
		if Unstable(got, cmp.Compare[int]); !slices.Equal(got, want) {
			t.Fatalf("%d elements: got %v, want %v", n, got, want)
		}
	}
	s := []int{3, 1, 2, 0}
	if n := testing.AllocsPerRun(10, func() { s[0], s[3] = 3, 0; Unstable(s, cmp.Compare[int]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The order in which elements come doesn't make sorting slow, nor does a
// comparison that contradicts itself make it hang.
func TestComparisons(t *testing.T) {
	const n = 1 << 14
	orders := map[string]func(i int) int{
		"ascending": func(i int) int { return i }, "descending": func(i int) int { return -i },
		"equal": func(int) int { return 0 }, "saw": func(i int) int { return i % 100 }, "mixed": func(i int) int { return i * 7919 % n },
	}
	for what, order := range orders {
		s, elements, count := make([]int, n), make([]element, n), 0
		for i := range s {
			s[i], elements[i] = order(i), element{order(i), i}
		}
		Unstable(s, func(a, b int) int { count++; return cmp.Compare(a, b) })
		Stable(elements, func(a, b *element) int { count++; return byKey(a, b) })
		if count > 60*n {
			t.Errorf("%s: %d comparisons for %d elements", what, count, n)
		}
		if !slices.IsSorted(s) || !slices.IsSortedFunc(elements, func(a, b element) int { return cmp.Or(byKey(&a, &b), a.place-b.place) }) {
			t.Errorf("%s: not sorted", what)
		}
	}
	random := rand.New(rand.NewPCG(5, 6))
	Unstable(make([]int, 1000), func(int, int) int { return random.IntN(3) - 1 })
	Stable(make([]int, 1000), func(*int, *int) int { return random.IntN(3) - 1 })
}
