package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// excuse is a line of the list of known differences.
type excuse struct {
	pattern, reason string
	used            bool
}

// readKnown reads lines of a pattern for names of rows, white space, and the
// reason why that difference is none of ours. "#" starts a comment.
func readKnown(file string) ([]*excuse, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var known []*excuse
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, reason, ok := strings.Cut(line, " ")
		if _, err := path.Match(pattern, ""); err != nil || !ok {
			return nil, fmt.Errorf("%s: %q is not a pattern and a reason", file, line)
		}
		known = append(known, &excuse{pattern: pattern, reason: strings.TrimSpace(reason)})
	}
	return known, lines.Err()
}

func excuseFor(name string, known []*excuse) *excuse {
	for _, e := range known {
		if ok, _ := path.Match(e.pattern, name); ok { // patterns were checked
			e.used = true
			return e
		}
	}
	return nil
}

// counts of what loads.
type counts struct {
	loaders     [loaders]int
	either, all int
}

func (c *counts) add(r *row) {
	c.all++
	for i, a := range r.attempts {
		if a.ok() {
			c.loaders[i]++
		}
	}
	if r.attempts[libbpfLoader].ok() || r.attempts[ebpfGoLoader].ok() {
		c.either++
	}
}

// report prints differences and the table, and returns the exit code.
func report(w io.Writer, rows []row, known []*excuse, verbose bool) int {
	var objects, programs counts
	differences, excused := 0, 0
	for i := range rows {
		r := &rows[i]
		if r.program {
			programs.add(r)
		} else {
			objects.add(r)
		}
		cause := r.difference()
		if cause == "" {
			continue
		}
		e := excuseFor(r.name, known)
		if e != nil {
			excused++
			if !verbose {
				continue
			}
			cause = "known (" + e.reason + "): " + cause
		} else {
			differences++
		}
		fmt.Fprintf(w, "%s\n\tlibbpf %s, ebpf-go %s: %.700s\n", r.name,
			r.attempts[libbpfLoader].verdict(), r.attempts[ebpfGoLoader].verdict(), oneLine(cause))
	}
	fmt.Fprintf(w, "\n%-10s %8s %8s %8s %8s %8s\n", "loaded", "all", "libbpf", "ebpf-go", "either", "bpfgen")
	for _, t := range []struct {
		name string
		counts
	}{{"objects", objects}, {"programs", programs}} {
		fmt.Fprintf(w, "%-10s %8d %8d %8d %8d %8d\n", t.name, t.all,
			t.loaders[libbpfLoader], t.loaders[ebpfGoLoader], t.either, t.loaders[oursLoader])
	}
	fmt.Fprintf(w, "%d differences, %d known ones\n", differences, excused)
	for _, e := range known {
		if !e.used {
			fmt.Fprintf(w, "not seen any more: %s (%s)\n", e.pattern, e.reason)
		}
	}
	if differences > 0 {
		return 1
	}
	return 0
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
