// Package sorting puts slices in order with code that all types share.
//
// slices.SortFunc is compiled once more for each type of element, to 9 KB and as
// much again in tables of the Go runtime: sorting was a tenth of every program
// with this module. It stays where there is much to sort and order matters to
// speed, for elements that are numbers, whose code is shared already.
package sorting

import "sort"

// Stable sorts s; equal elements stay in order. It takes n·(log n)² steps, but n
// if little is to be done, which is the rule for what compilers write. Then, and
// for short slices, it allocates nothing.
func Stable[T any](s []T, compare func(a, b *T) int) {
	swaps := 0
	for i := 1; i < len(s); i++ {
		for j := i; j > 0 && compare(&s[j-1], &s[j]) > 0; j-- {
			if swaps++; swaps > 8*len(s) {
				sort.Stable(&elements[T]{s, compare})
				return
			}
			s[j-1], s[j] = s[j], s[j-1]
		}
	}
}

type elements[T any] struct {
	s       []T
	compare func(a, b *T) int
}

func (e *elements[T]) Len() int           { return len(e.s) }
func (e *elements[T]) Less(i, j int) bool { return e.compare(&e.s[i], &e.s[j]) < 0 }
func (e *elements[T]) Swap(i, j int)      { e.s[i], e.s[j] = e.s[j], e.s[i] }

// Strings sorts s.
func Strings(s []string) { sort.Stable(sort.StringSlice(s)) }
