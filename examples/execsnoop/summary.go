package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// count is one row of the summary.
type count struct {
	name string
	n    uint64
}

// printSummary prints how often each program ran, most often first, with bars.
func printSummary(out io.Writer, objs *execsnoopObjects) error {
	counts, err := readCounts(objs)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d programs executed, %d different, %d events dropped\n",
		objs.Executed.Get(), len(counts), objs.Dropped.Get())
	const width = 50
	for _, c := range counts {
		bar := strings.Repeat("█", max(1, int(c.n*width/counts[0].n)))
		fmt.Fprintf(out, "%-16s %6d %s\n", c.name, c.n, bar)
	}
	return nil
}

func readCounts(objs *execsnoopObjects) ([]count, error) {
	var counts []count
	var failed error
	for name, n := range objs.Counts.Entries(&failed) {
		counts = append(counts, count{name.Text.String(), n})
	}
	slices.SortFunc(counts, func(a, b count) int {
		return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.name, b.name))
	})
	return counts, failed
}
