package testutil

import "testing"

// Allocs fails the test if f allocates more often than want on average.
// With the race detector f runs, but isn't judged.
func Allocs(t testing.TB, want float64, f func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, f); got > want && !race {
		t.Errorf("%v allocations, want at most %v", got, want)
	}
}
