// Package sorting puts slices in order with code that all types share.
//
// slices.SortFunc is compiled once more for each type of element, to 5 KB and
// more than that in tables of the Go runtime; slices.SortStableFunc to 9 KB. What
// is compiled for each type here are a comparison and an exchange of two elements.
package sorting

import (
	"cmp"
	"math/bits"
	"strings"
)

// Stable sorts s; equal elements stay in order. It takes n·log n steps, but n if
// little is to be done, which is the rule for what compilers write. Then, and for
// short slices, it allocates nothing.
func Stable[T any](s []T, compare func(a, b *T) int) {
	e := elements{
		compare: func(i, j int) int { return compare(&s[i], &s[j]) },
		swap:    func(i, j int) { s[i], s[j] = s[j], s[i] },
	}
	if !e.insert(len(s)) {
		e.rearrange(e.order(len(s)))
	}
}

// Unstable sorts s, where equal elements may change places. It allocates nothing
// and expects no order: it is for small elements that come in any.
func Unstable[T any](s []T, compare func(a, b T) int) {
	e := elements{
		compare: func(i, j int) int { return compare(s[i], s[j]) },
		swap:    func(i, j int) { s[i], s[j] = s[j], s[i] },
	}
	e.heapSort(len(s))
}

// Strings sorts s.
func Strings(s []string) {
	Stable(s, func(a, b *string) int { return strings.Compare(*a, *b) })
}

// elements are those of a slice of any type, by their indices.
type elements struct {
	compare func(i, j int) int
	swap    func(i, j int)
}

// insert sorts n elements by insertion, unless that takes many exchanges: then it
// gives up, with equal elements still in order.
func (e *elements) insert(n int) bool {
	swaps := 0
	for i := 1; i < n; i++ {
		for j := i; j > 0 && e.compare(j-1, j) > 0; j-- {
			if swaps++; swaps > 8*n {
				return false
			}
			e.swap(j-1, j)
		}
	}
	return true
}

// order returns the indices of n elements in the order in which they belong.
func (e *elements) order(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	Unstable(order, func(a, b int) int { return cmp.Or(e.compare(a, b), a-b) })
	return order
}

// rearrange puts element order[i] in place i, and order[i] = i.
func (e *elements) rearrange(order []int) {
	for first := range order {
		// What was at first travels along its cycle, to where it belongs.
		for at := first; order[at] != at; {
			from := order[at]
			order[at] = at
			if from == first {
				break
			}
			e.swap(at, from)
			at = from
		}
	}
}

// heapSort puts the largest of what is left last, again and again.
func (e *elements) heapSort(n int) {
	for root := n/2 - 1; root >= 0; root-- {
		e.sift(root, n)
	}
	for end := n - 1; end > 0; end-- {
		e.swap(0, end)
		e.sift(0, end)
	}
}

// sift moves the element at root down in the heap, to below all that are larger.
// Most come to rest near the bottom. So it goes down the path of the larger
// children first, which takes one comparison for each level, and from there up.
func (e *elements) sift(root, end int) {
	at := root
	for 2*at+2 < end {
		if at = 2*at + 1; e.compare(at, at+1) < 0 {
			at++
		}
	}
	if 2*at+1 < end {
		at = 2*at + 1
	}
	for at > root && e.compare(root, at) > 0 {
		at = (at - 1) / 2
	}
	for depth := bits.Len(uint(at+1)) - bits.Len(uint(root+1)) - 1; depth >= 0; depth-- {
		e.swap((at+1)>>(depth+1)-1, (at+1)>>depth-1)
	}
}
