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
	kind            kind
	seen, used      bool // there were such rows; one differed
}

// readKnown reads lines of a pattern for names of rows, the kind of difference,
// and the reason why it is none of ours. "#" starts a comment.
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
		words := strings.Fields(line)
		if len(words) < 3 || (kind(words[1]) != fails && kind(words[1]) != otherwise) {
			return nil, fmt.Errorf("%s: %q is not a pattern, %q or %q, and a reason", file, line, fails, otherwise)
		}
		if _, err := path.Match(words[0], ""); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, words[0], err)
		}
		known = append(known, &excuse{pattern: words[0], kind: kind(words[1]), reason: strings.Join(words[2:], " ")})
	}
	return known, lines.Err()
}

// excuseFor is the line for a difference, if there is one.
func excuseFor(name string, k kind, known []*excuse) *excuse {
	var found *excuse
	for _, e := range known {
		if ok, _ := path.Match(e.pattern, name); !ok { // patterns were checked
			continue
		}
		e.seen = true
		if e.kind == k && found == nil {
			e.used = true
			found = e
		}
	}
	return found
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
		k, cause := r.difference()
		e := excuseFor(r.name, k, known)
		if k == same {
			continue
		}
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
		if e.seen && !e.used {
			fmt.Fprintf(w, "not seen any more: %s (%s)\n", e.pattern, e.reason)
		}
	}
	if differences > 0 {
		return 1
	}
	return 0
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
