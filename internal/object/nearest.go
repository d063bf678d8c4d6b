package object

import "iter"

// Nearest is the one of names with the least edit distance to name: for "did you
// mean". It is empty when nothing is near.
func Nearest(name string, names iter.Seq[string]) string {
	best, bestDistance := "", min(len(name)/2+1, 4)
	for candidate := range names {
		if n := editDistance(name, candidate, bestDistance); n < bestDistance {
			best, bestDistance = candidate, n
		}
	}
	return best
}
