package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A curve is how the cost of a task grows with its size. Both axes of its chart
// are logarithmic: a straight line at 45° grows as fast as its input.
type curve struct {
	name    string
	axis    string // what sizes count
	sizes   []int
	source  func(n int) string // of the object, or nil
	task    []string           // with %d for the size
	who     []string
	metrics []metric
	labels  map[int]string // of sizes, in the table
}

var fixedCurves = []curve{
	{"Parsing: programs, with a map each", "programs", sizes(1, 1000), sourceOfPrograms, []string{"parse", "programs-%d.o"}, []string{ours, ebpfGo, libbpf}, []metric{cpu}, nil},
	{"Parsing: instructions of one program", "statements of some four instructions", sizes(10, 10_000), sourceOfStatements, []string{"parse", "statements-%d.o"}, []string{ours, ebpfGo, libbpf}, []metric{cpu}, nil},
	{"Parsing: CO-RE relocations of one program", "relocations", sizes(1, 1000), sourceOfRelocations, []string{"parse", "relocations-%d.o"}, []string{ours, ebpfGo, libbpf}, []metric{cpu}, nil},
	{"Iterating over a hash map, each entry", "entries", sizes(100, 1_000_000), nil, []string{"iterate", "maps.o", "%d"}, []string{ours, ebpfGo, libbpf}, []metric{cpu}, nil},
	{"Loading CO-RE objects in one process, all of them", "objects", []int{1, 5, 20, 50, 200}, nil, []string{"load-many", "core.o", "%d"}, []string{ours, ebpfGo}, []metric{cpu, bytesKept}, nil},
	{"Loading 16 CO-RE objects side by side, elapsed time", "loaders", []int{1, 2, 4}, nil, []string{"load-parallel", "core.o", "%d"}, []string{ours}, []metric{cpu}, nil},
}

// bytesKept is Go's heap per object once the objects are loaded.
const bytesKept metric = "bytes"

// sizes are the powers of ten from low to high.
func sizes(low, high int) (all []int) {
	for ; low <= high; low *= 10 {
		all = append(all, low)
	}
	return all
}

func (c *curve) run(who string, n int) run {
	words := strings.Join(c.task, " ")
	return run{"loop", strings.ReplaceAll(words, "%d", fmt.Sprint(n)), who}
}

const sourceHead = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`

func sourceOfPrograms(n int) string {
	var b strings.Builder
	b.WriteString(sourceHead)
	for i := range n {
		fmt.Fprintf(&b, `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } map_%[1]d SEC(".maps");
SEC("socket") int prog_%[1]d(void *ctx) { __u32 key = %[1]d; __u64 *v = bpf_map_lookup_elem(&map_%[1]d, &key); return v ? *v : 0; }
`, i)
	}
	return b.String()
}

func sourceOfStatements(n int) string {
	return sourceHead + "SEC(\"socket\") int prog(void *ctx) {\n\t__u64 x = 0;\n" +
		strings.Repeat("\tx += bpf_ktime_get_ns(); x ^= x >> 3;\n", n) + "\treturn x;\n}\n"
}

func sourceOfRelocations(n int) string {
	var fields, reads strings.Builder
	for i := range n {
		fmt.Fprintf(&fields, " int f%d;", i)
		fmt.Fprintf(&reads, "\tx += __builtin_preserve_field_info(t->f%d, 0); asm volatile(\"\" : \"+r\"(x));\n", i)
	}
	return sourceHead + "struct target {" + fields.String() + " } __attribute__((preserve_access_index));\n" +
		"SEC(\"raw_tp/sys_enter\") int prog(struct bpf_raw_tracepoint_args *ctx) {\n\tstruct target *t = (void *)ctx->args[0];\n\tint x = 0;\n" +
		reads.String() + "\treturn x;\n}\n"
}

// typeCurves are over the types of kernels.
func (l *lab) typeCurves(kernels []kernelTypes) []curve {
	labels, sizes := map[int]string{}, []int{}
	for _, k := range kernels {
		labels[k.kb] = k.name
		sizes = append(sizes, k.kb)
	}
	everybody := []string{ours, ebpfGo, libbpf}
	return []curve{
		{"Types of a kernel, in a file: open, find one struct", "KB of BTF", sizes, nil, []string{"btf-find", "types-%d.btf"}, everybody, []metric{cpu}, labels},
		{"Types of a kernel, in a file: open, visit all", "KB of BTF", sizes, nil, []string{"btf-all", "types-%d.btf"}, everybody, []metric{cpu}, labels},
	}
}

// measureGrowth runs each point of each curve some times.
func (l *lab) measureGrowth(curves []curve, rounds int, progress func(string)) (map[run]result, error) {
	medians := map[run]result{}
	for i := range curves {
		c := &curves[i]
		progress("growth: " + c.name)
		for _, n := range c.sizes {
			if c.source != nil {
				if err := l.compileText(fmt.Sprintf(c.task[1], n), c.source(n)); err != nil {
					return nil, err
				}
			}
			samples := map[string][]result{}
			for range rounds {
				for _, who := range c.who {
					one, err := l.once(c.run(who, n))
					if err != nil {
						return nil, fmt.Errorf("%s, %s: %w", who, c.run(who, n).task, err)
					}
					samples[who] = append(samples[who], one)
				}
			}
			for who, all := range samples {
				medians[c.run(who, n)] = median(all)
			}
		}
	}
	return medians, nil
}

// compileText is compile of C that isn't in a file yet.
func (l *lab) compileText(name, text string) error {
	source := l.path(strings.TrimSuffix(name, ".o") + ".bpf.c")
	if err := os.WriteFile(source, []byte(text), 0o644); err != nil {
		return err
	}
	return l.compile(name, source, nil)
}

// growth is the part of the report about curves.
func (rep *report) growth() string {
	if len(rep.points) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("## How the cost grows\n\nThe last column is how much more the largest size costs than the one before it, for each time that it is larger: 1 is as\nfast as the input.\n\n" + rep.remarks)
	for i := range rep.curves {
		c := &rep.curves[i]
		for _, m := range c.metrics {
			fmt.Fprintf(&b, "### %s\n\n| %s |", c.title(m), c.axis)
			for _, n := range c.sizes {
				if label := c.labels[n]; label != "" {
					fmt.Fprintf(&b, " %s: %d |", label, n)
				} else {
					fmt.Fprintf(&b, " %d |", n)
				}
			}
			b.WriteString(" growth |\n|---|" + strings.Repeat("---:|", len(c.sizes)+1) + "\n")
			for _, who := range c.who {
				fmt.Fprintf(&b, "| %s |", who)
				for _, n := range c.sizes {
					fmt.Fprintf(&b, " %s |", format(m, rep.points[c.run(who, n)][m], true))
				}
				if len(c.sizes) > 1 { // of kernels there may be the running one only
					fmt.Fprintf(&b, " %.2f", c.slope(rep.points, who, m))
				}
				b.WriteString(" |\n")
			}
			fmt.Fprintf(&b, "\n![%s](performance/%s)\n\n", c.title(m), c.chartName(m))
		}
	}
	return b.String()
}

func (c *curve) title(m metric) string {
	if m == bytesKept {
		return c.name + ": memory of each"
	}
	return c.name
}

func (c *curve) chartName(m metric) string {
	name := strings.Map(func(r rune) rune {
		if r == ' ' {
			return '-'
		} else if strings.ContainsRune(":,", r) {
			return -1
		}
		return r
	}, strings.ToLower(c.title(m)))
	return "growth-" + name + ".svg"
}

// slope is the growth of the cost between the two largest sizes, relative to
// theirs. Costs that are of each entry already count as growing with it.
func (c *curve) slope(results map[run]result, who string, m metric) float64 {
	k := len(c.sizes)
	a, b := c.sizes[k-2], c.sizes[k-1]
	more := results[c.run(who, b)][m] / results[c.run(who, a)][m]
	if strings.Contains(c.title(m), " each") && m == cpu && !strings.Contains(c.name, "with a map") {
		return more
	}
	return more / (float64(b) / float64(a))
}

func (rep *report) writeGrowth(dir string) error {
	if len(rep.points) == 0 {
		return nil
	}
	for i := range rep.curves {
		c := &rep.curves[i]
		for _, m := range c.metrics {
			if err := os.WriteFile(filepath.Join(dir, c.chartName(m)), []byte(c.chart(rep.points, m)), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// chart draws a curve for each contestant.
func (c *curve) chart(results map[run]result, m metric) string {
	const left, top, width, height = 80, 26, 440, 240
	var values []float64
	for _, who := range c.who {
		for _, n := range c.sizes {
			values = append(values, max(results[c.run(who, n)][m], 1))
		}
	}
	low, high := math.Log(slices.Min(values)), math.Log(slices.Max(values)*1.2)
	first, last := math.Log(float64(c.sizes[0])), math.Log(float64(c.sizes[len(c.sizes)-1]))
	x := func(n int) float64 { return left + width*(math.Log(float64(n))-first)/max(last-first, 1e-9) }
	y := func(v float64) float64 { return top + height*(1-(math.Log(max(v, 1))-low)/max(high-low, 1)) }
	var b strings.Builder
	fmt.Fprintf(&b, `<path d="M%d %d V%d H%d" fill="none" stroke="#888"/>`+"\n", left, top, top+height, left+width)
	for _, n := range c.sizes {
		fmt.Fprintf(&b, `<text x="%.0f" y="%d" text-anchor="middle">%d</text>`+"\n", x(n), top+height+15, n)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", left+width/2, top+height+31, c.axis)
	for i, who := range c.who {
		fmt.Fprintf(&b, `<rect x="%d" y="4" width="10" height="10" fill="%s"/><text x="%d" y="13">%s</text>`+"\n", left+i*90, colours[who], left+14+i*90, who)
		var points []string
		for _, n := range c.sizes {
			v := results[c.run(who, n)][m]
			points = append(points, fmt.Sprintf("%.0f,%.0f", x(n), y(v)))
			fmt.Fprintf(&b, `<circle cx="%.0f" cy="%.0f" r="3" fill="%s"/>`, x(n), y(v), colours[who])
			if i == 0 {
				fmt.Fprintf(&b, `<text x="%.0f" y="%.0f" text-anchor="middle">%s</text>`, x(n), y(v)+15, format(m, v, true))
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colours[who])
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="white"/>
%s</svg>
`, left+width+50, top+height+42, b.String())
}
