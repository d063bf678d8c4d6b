package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A report is the table of what was measured.
type report struct {
	rows    []row
	results map[run]result
	rounds  int
	about   []string
	curves  []curve
	points  map[run]result // of the curves; empty if growth wasn't measured
	remarks string         // about the curves
}

func (rep *report) value(r row, who string) (float64, bool) {
	v, ok := rep.results[r.run(who)][r.metric]
	return v, ok
}

// sections of the rows, in order.
func (rep *report) sections() (names []string) {
	for _, r := range rep.rows {
		if len(names) == 0 || names[len(names)-1] != r.section {
			names = append(names, r.section)
		}
	}
	return names
}

// tables is a table for each section.
func (rep *report) tables() string {
	var b strings.Builder
	for _, section := range rep.sections() {
		fmt.Fprintf(&b, "## %s\n\n", section)
		fmt.Fprintf(&b, "| | %s | of ebpf-go | of libbpf | bar | |\n|---|%s---:|---:|---|---|\n",
			strings.Join(contestants, " | "), strings.Repeat("---:|", len(contestants)))
		for _, r := range rep.rows {
			if r.section == section {
				b.WriteString(rep.line(r))
			}
		}
		b.WriteString("\n")
		if c := rep.chart(section); c != "" {
			fmt.Fprintf(&b, "![%s](performance/%s)\n\n", section, chartName(section))
		}
	}
	return b.String()
}

func (rep *report) line(r row) string {
	cells := []string{r.name}
	for _, who := range contestants {
		v, ok := rep.value(r, who)
		cells = append(cells, format(r.metric, v, ok))
	}
	for _, who := range []string{ebpfGo, libbpf} {
		mine, _ := rep.value(r, ours)
		theirs, ok := rep.value(r, who)
		if !ok || theirs == 0 {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, fmt.Sprintf("%.3g", mine/theirs))
	}
	var bars []string
	met := true
	for _, b := range r.bars {
		text, ok := rep.judge(r, b)
		bars = append(bars, text)
		met = met && ok
	}
	verdict := map[bool]string{true: "met", false: "**missed**"}[met]
	if len(bars) == 0 {
		verdict = ""
	}
	cells = append(cells, strings.Join(bars, ", "), verdict)
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// judge says what a bar is, and whether ours keeps to it.
func (rep *report) judge(r row, b bar) (string, bool) {
	mine, _ := rep.value(r, ours)
	if b.against == "" {
		return "≤ " + format(r.metric, b.limit, true), round(r.metric, mine) <= b.limit
	}
	if b.times {
		theirs, _ := rep.value(r, b.against)
		return fmt.Sprintf("≤ %g of %s", b.limit, b.against), mine <= b.limit*theirs
	}
	more := rep.results[r.run(ours)][excess]
	return fmt.Sprintf("≤ %s above the floor (it is %.0f)", format(r.metric, b.limit, true), more), more <= b.limit
}

// round forgets what the runtime's own allocations add to a count.
func round(m metric, v float64) float64 {
	if m == allocs {
		return float64(int(v + 0.05))
	}
	return v
}

func format(m metric, v float64, ok bool) string {
	if !ok {
		return ""
	}
	switch m {
	case cpu, elapsed:
		switch {
		case v < 1e3:
			return fmt.Sprintf("%.3g ns", v)
		case v < 1e6:
			return fmt.Sprintf("%.3g µs", v/1e3)
		}
		return fmt.Sprintf("%.3g ms", v/1e6)
	case bytesKept:
		return fmt.Sprintf("%.1f KB", v/1e3)
	case rss, size:
		return fmt.Sprintf("%.1f MB", v/1e6)
	}
	return fmt.Sprintf("%.0f", round(m, v))
}

// write makes docs/performance.md and the charts, keeping what people have
// written below the mark.
func (rep *report) write(docs string) error {
	path := filepath.Join(docs, "performance.md")
	const mark = "<!-- Below this line, people write. -->\n"
	notes := "\n"
	if old, err := os.ReadFile(path); err == nil {
		if _, below, ok := strings.Cut(string(old), mark); ok {
			notes = below
		}
	}
	var b strings.Builder
	b.WriteString("# Performance\n\n")
	b.WriteString("<!-- Down to the mark, written by `make bench`. -->\n\n")
	fmt.Fprintf(&b, `Medians of %d rounds, in each of which every contestant does every task once, one after another. Times are CPU time
of the whole process, threads and garbage collection included; compare columns, not machines. The floor is bare system
calls and scans without a library. How it is measured is in [benchmarks](../benchmarks/README.md).

`, rep.rounds)
	for _, line := range rep.about {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n" + rep.tables() + rep.growth() + mark + notes)
	dir := filepath.Join(docs, "performance")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, section := range rep.sections() {
		if c := rep.chart(section); c != "" {
			if err := os.WriteFile(filepath.Join(dir, chartName(section)), []byte(c), 0o644); err != nil {
				return err
			}
		}
	}
	if err := rep.writeGrowth(dir); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func chartName(section string) string {
	return strings.ToLower(strings.ReplaceAll(section, " ", "-")) + ".svg"
}

// colours of the contestants' bars.
var colours = map[string]string{ours: "#00789e", ebpfGo: "#b0b0b0", libbpf: "#d8b365", floor: "#e4e4e4"}

// chart draws the CPU times of a section, each row relative to its slowest.
func (rep *report) chart(section string) string {
	const label, width, high = 250, 420, 13
	var b strings.Builder
	y := 24
	for i, who := range contestants {
		fmt.Fprintf(&b, `<rect x="%d" y="4" width="10" height="10" fill="%s"/><text x="%d" y="13">%s</text>`+"\n", label+i*90, colours[who], label+14+i*90, who)
	}
	drawn := false
	for _, r := range rep.rows {
		if r.section != section || r.metric != cpu {
			continue
		}
		drawn = true
		slowest := 0.0
		for _, who := range contestants {
			v, _ := rep.value(r, who)
			slowest = max(slowest, v)
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", label-8, y+11, r.name)
		for _, who := range contestants {
			v, ok := rep.value(r, who)
			if !ok {
				continue
			}
			long := max(1, int(v/slowest*width))
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="%d">%s</text>`+"\n",
				label, y, long, high-2, colours[who], label+long+5, y+10, format(cpu, v, true))
			y += high
		}
		y += 9
	}
	if !drawn {
		return ""
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="white"/>
%s</svg>
`, label+width+80, y, b.String())
}
