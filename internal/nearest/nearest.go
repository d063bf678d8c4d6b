// Package nearest finds the names that somebody may have meant.
package nearest

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/sorting"
)

// maxLength bounds the names that are compared: longer ones aren't mistyped.
const maxLength = 256

// Name returns the one of candidates that is most like name, the first of
// several, or "" if none is like it.
func Name(name string, candidates iter.Seq[string]) string {
	if near := Names(name, 1, candidates); len(near) > 0 {
		return near[0]
	}
	return ""
}

// Names returns up to max of candidates, those most like name first. It returns
// none if none is like it: at least half of the letters have to agree, and all
// but three.
func Names(name string, max int, candidates iter.Seq[string]) []string {
	type near struct {
		name     string
		distance int
	}
	var best []near
	var c comparison
	limit := min(len(name)/2+1, 4)
	for candidate := range candidates {
		d := c.distance(name, candidate, limit)
		if d >= limit || slices.ContainsFunc(best, func(n near) bool { return n.name == candidate }) {
			continue
		}
		best = append(best, near{candidate, d})
		sorting.Stable(best, func(a, b *near) int { return cmp.Compare(a.distance, b.distance) })
		best = best[:min(len(best), max)]
	}
	var names []string
	for _, n := range best {
		names = append(names, n.name)
	}
	return names
}

// Functions is Name for functions of the kernel. If there are some that name has
// become, it returns up to max of those instead: what the compiler has
// specialised (do_open.isra.0), and the entries of system calls (__x64_sys_open).
func Functions(name string, max int, candidates iter.Seq[string]) []string {
	var derived []string
	others := Names(name, 1, func(yield func(string) bool) {
		for candidate := range candidates {
			if isDerived(candidate, name) {
				if !slices.Contains(derived, candidate) {
					derived = append(derived, candidate)
				}
			} else if !yield(candidate) {
				return
			}
		}
	})
	if derived == nil {
		return others
	}
	return derived[:min(len(derived), max)]
}

// isDerived tells whether a function was made of the one called name.
func isDerived(candidate, name string) bool {
	if base, suffix, ok := strings.Cut(candidate, "."); ok {
		return base == name && (strings.HasPrefix(suffix, "isra") || strings.HasPrefix(suffix, "constprop") || strings.HasPrefix(suffix, "llvm"))
	}
	machine, call, ok := strings.Cut(candidate, "_sys_")
	return ok && isMachine(machine) && call == strings.TrimPrefix(name, "sys_") && candidate != name
}

// isMachine is for what the entries of system calls begin with on 64-bit machines.
func isMachine(name string) bool {
	switch name {
	case "__x64", "__arm64", "__s390x", "__riscv", "__powerpc", "__loongarch":
		return true
	}
	return false
}

// Distance is the number of letters to insert, delete, replace or swap with
// their neighbours to get from a to b, or limit if it is at least that.
func Distance(a, b string, limit int) int {
	var c comparison
	return c.distance(a, b, limit)
}

// comparison has room for three rows of the table of distances, of a[:i] to all
// b[:j].
type comparison struct{ rows [3][maxLength + 1]int }

func (c *comparison) distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(b) > maxLength {
		return limit
	}
	before, prev, cur := &c.rows[0], &c.rows[1], &c.rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
			least = min(least, cur[j])
		}
		if least >= limit {
			return limit
		}
		before, prev, cur = prev, cur, before
	}
	return min(prev[len(b)], limit)
}
