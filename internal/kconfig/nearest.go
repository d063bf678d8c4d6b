package kconfig

import (
	"cmp"
	"io"
	"slices"
)

// maxName bounds the names that are compared; the longest options have 60 letters.
const maxName = 128

// Nearest helps with an option that isn't set. Off tells whether the
// configuration says so by name; otherwise near are up to max names in it that
// are most like the one asked for, best first, and none if nothing is like it.
func Nearest(config io.Reader, name string, max int) (near []string, off bool) {
	type candidate struct {
		name     string
		distance int
	}
	var best []candidate
	limit := len(name)/4 + 1
	for opt, err := range options(config) {
		if err != nil || len(name) > maxName {
			break
		}
		if string(opt.name) == name {
			return nil, opt.value == nil
		}
		if d := distance(name, opt.name, limit); d < limit {
			best = append(best, candidate{string(opt.name), d})
			slices.SortStableFunc(best, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
			best = best[:min(len(best), max)]
		}
	}
	for _, c := range best {
		near = append(near, c.name)
	}
	return near, false
}

// distance is the number of letters to insert, delete or replace to get from a
// to b, or limit if it is at least that.
func distance(a string, b []byte, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var buf [maxName * 2]int
	row := buf[:len(b)+1] // distances of a[:i] to b[:j], by j
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		least := row[0]
		for j := range b {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
			least = min(least, row[j+1])
		}
		if least >= limit {
			return limit
		}
	}
	return min(row[len(b)], limit)
}
