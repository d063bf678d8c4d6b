package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// column is what is known about one machine after its tests.
type column struct {
	machine
	release string
	reports []*report
	took    time.Duration // from switching it on to its end; 0 if that isn't known
}

// name is a column's head.
func (c *column) name() string { return c.release + " " + c.arch }

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
					at(t.lacks, i).absent = t.said
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
built or made without it (notes below). Empty: the tests that need it need something else besides that is missing.

`

// writeTable writes docs/kernels.md.
func writeTable(path string, columns []*column, scope string) error {
	var b strings.Builder
	b.WriteString(tableHead + scope + "\n\n")
	table := tabulate(columns)
	writeHead(&b, "feature", columns)
	for _, row := range table {
		fmt.Fprintf(&b, "| %s |", row.name)
		for _, c := range row.cells {
			fmt.Fprintf(&b, " %v |", c)
		}
		b.WriteByte('\n')
	}
	writeNotes(&b, columns, table)
	writeSkips(&b, columns)
	writeSuites(&b, columns)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// writeHead begins a table with a column for each machine.
func writeHead(b *strings.Builder, of string, columns []*column) {
	fmt.Fprintf(b, "| %s |", of)
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.name())
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
}

// writeNotes tells what kernels lack though they are new enough.
func writeNotes(b *strings.Builder, columns []*column, table []featureRow) {
	var notes []string
	for _, row := range table {
		for i, c := range row.cells {
			_, why, _ := strings.Cut(c.absent, "): ")
			if c.String() == "—" && !strings.HasPrefix(why, "this is Linux") {
				notes = append(notes, fmt.Sprintf("- %s, %s: %s\n", columns[i].name(), row.name, why))
			}
		}
	}
	if len(notes) > 0 {
		b.WriteString("\nNew enough, but without:\n\n" + strings.Join(notes, ""))
	}
}

// writeSkips lists the tests that were skipped for other reasons than kernels.
func writeSkips(b *strings.Builder, columns []*column) {
	type skip struct{ test, why string }
	where := make(map[skip][]string)
	for _, c := range columns {
		for _, r := range c.reports {
			for _, t := range r.tests {
				if t.outcome == skipped && t.lacks == "" {
					s := skip{r.suite + " " + t.name, t.said}
					where[s] = append(where[s], c.String())
				}
			}
		}
	}
	skips := slices.SortedFunc(maps.Keys(where), func(a, b skip) int {
		return cmp.Or(strings.Compare(a.test, b.test), strings.Compare(a.why, b.why))
	})
	if len(skips) > 0 {
		b.WriteString("\nSkipped for another reason:\n\n")
	}
	for _, s := range skips {
		in := "everywhere"
		if machines := where[s]; len(machines) < len(columns) {
			in = strings.Join(machines, ", ")
		}
		fmt.Fprintf(b, "- %s: %s (%s)\n", s.test, s.why, in)
	}
}

// writeSuites is how much was run, and how long it took.
func writeSuites(b *strings.Builder, columns []*column) {
	left := strings.Join(slices.Sorted(maps.Values(heavy)), ", ")
	b.WriteString("\nTests that passed, that were skipped, and seconds of one core. make test alone runs the packages that are left out on\n" +
		"amd64, whose tests ask no kernel anything, and the tests that change each byte of a file (" + left + "):\n\n")
	writeHead(b, "package", columns)
	var suites []string
	for _, c := range columns {
		for _, r := range c.reports {
			if !slices.Contains(suites, r.suite) {
				suites = append(suites, r.suite)
			}
		}
	}
	for _, suite := range suites {
		fmt.Fprintf(b, "| %s |", suite)
		for _, c := range columns {
			fmt.Fprintf(b, " %s |", c.result(suite))
		}
		b.WriteByte('\n')
	}
	b.WriteString("| the whole machine |")
	for _, c := range columns {
		fmt.Fprintf(b, " %.0f s |", c.took.Seconds())
	}
	b.WriteByte('\n')
}

// result is a cell of the table of packages.
func (c *column) result(suite string) string {
	for _, r := range c.reports {
		if r.suite != suite {
			continue
		}
		verdict := ""
		if r.failed() {
			verdict = fmt.Sprintf("**FAILED** (%d), ", r.count(failed)+r.count(none))
		}
		return fmt.Sprintf("%s%d, %d, %.0f s", verdict, r.count(passed), r.count(skipped), r.took)
	}
	return ""
}
