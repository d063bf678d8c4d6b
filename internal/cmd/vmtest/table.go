package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
)

// column is what is known about one machine after its tests.
type column struct {
	machine
	release string
	reports []*report
}

// cell is what a table says about a feature in a machine.
type cell struct {
	passed, failed int
	absent         string // why tests that need it were skipped
}

func (c cell) String() string {
	switch {
	case c.failed > 0:
		return "FAILED"
	case c.passed > 0:
		return "passed"
	case c.absent != "":
		return "—"
	}
	return "" // skipped for want of something else
}

// featureRow is a feature, called as testutil calls it: "tcx (Linux 6.6)".
type featureRow struct {
	name  string
	cells []cell
}

// tabulate makes a row of each feature that a test needs.
func tabulate(columns []*column) []featureRow {
	rows := make(map[string][]cell)
	at := func(feature string, i int) *cell {
		if rows[feature] == nil {
			rows[feature] = make([]cell, len(columns))
		}
		return &rows[feature][i]
	}
	for i, c := range columns {
		for _, r := range c.reports {
			for _, t := range r.tests {
				if t.outcome == skipped && t.lacks != "" {
					at(t.lacks, i).absent = t.why
				}
				for _, need := range t.needs {
					switch t.outcome {
					case passed:
						at(need, i).passed++
					case failed:
						at(need, i).failed++
					case skipped:
						at(need, i) // the row
					}
				}
			}
		}
	}
	var table []featureRow
	for name, cells := range rows {
		table = append(table, featureRow{name, cells})
	}
	slices.SortFunc(table, func(a, b featureRow) int {
		return cmp.Or(compareVersions(since(a.name), since(b.name)), strings.Compare(a.name, b.name))
	})
	return table
}

// since is the version in the name of a feature.
func since(feature string) string {
	_, version, _ := strings.Cut(feature, "(Linux ")
	return version
}

const tableHead = `# Kernels

What the kernel tests found in virtual machines with Debian's kernels: written by ` + "`make test-kernels`" + `, not by hand.

A row is a feature that tests need, with the first version of Linux that has it; a test that needs it fails in a kernel
that is new enough and refuses. **passed**: all tests that need it did. **—**: not in this kernel, which is older, or was
built or made without it (notes below). Empty: the tests that need it need something else besides that is missing, or
weren't run.

`

// writeScope tells what was run, and which machines weren't: a run may be of a part.
func writeScope(b *strings.Builder, columns []*column) {
	var packages, left []string
	for _, r := range columns[0].reports { // the same in all machines
		packages = append(packages, r.suite)
	}
	for _, m := range machines {
		if !slices.ContainsFunc(columns, func(c *column) bool { return c.String() == m.String() }) {
			left = append(left, m.String())
		}
	}
	fmt.Fprintf(b, "This run was of the tests of %s", strings.Join(packages, ", "))
	if len(left) > 0 {
		fmt.Fprintf(b, ", and left out these machines: %s", strings.Join(left, ", "))
	}
	b.WriteString(".\n\n")
}

// writeTable writes docs/kernels.md.
func writeTable(path string, columns []*column) error {
	var b strings.Builder
	b.WriteString(tableHead)
	writeScope(&b, columns)
	table := tabulate(columns)
	b.WriteString("| feature |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %s %s |", c.release, c.arch)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, row := range table {
		fmt.Fprintf(&b, "| %s |", row.name)
		for _, c := range row.cells {
			fmt.Fprintf(&b, " %v |", c)
		}
		b.WriteByte('\n')
	}
	writeNotes(&b, columns, table)
	writeCounts(&b, columns)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// writeNotes tells what kernels lack though they are new enough.
func writeNotes(b *strings.Builder, columns []*column, table []featureRow) {
	var notes []string
	for _, row := range table {
		for i, c := range row.cells {
			_, why, _ := strings.Cut(c.absent, "): ")
			if c.String() == "—" && !strings.HasPrefix(why, "this is Linux") {
				notes = append(notes, fmt.Sprintf("- %s %s, %s: %s\n", columns[i].release, columns[i].arch, row.name, why))
			}
		}
	}
	if len(notes) > 0 {
		b.WriteString("\nNew enough, but without:\n\n" + strings.Join(notes, ""))
	}
}

// writeCounts is how much was run.
func writeCounts(b *strings.Builder, columns []*column) {
	b.WriteString("\n| machine | passed | skipped | failed | seconds |\n|---|---|---|---|---|\n")
	for _, c := range columns {
		var n [failed + 1]int
		var took float64
		for _, r := range c.reports {
			took += r.took
			for _, t := range r.tests {
				n[t.outcome]++
			}
		}
		fmt.Fprintf(b, "| %s %s | %d | %d | %d | %.0f |\n", c.release, c.arch, n[passed], n[skipped], n[failed], took)
	}
}
