package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// harness has what is needed to compare the loaders.
type harness struct {
	loaders [loaders]loader
	timeout time.Duration
}

// row is one object or program.
type row struct {
	name     string // OBJECT or OBJECT:PROGRAM
	program  bool
	attempts [loaders]*attempt
}

// compare has all loaders load an object.
func (h *harness) compare(ctx context.Context, object string) []row {
	var results [loaders]attempts
	names := make(map[string]bool)
	for i := range h.loaders {
		results[i] = h.loaders[i].run(ctx, object, h.timeout)
		for name := range results[i] {
			names[name] = true
		}
	}
	delete(names, others)
	rows := make([]row, 0, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		r := row{name: strings.TrimSuffix(filepath.Base(object), ".o"), program: name != ""}
		if r.program {
			r.name += ":" + name
		}
		for i := range results {
			r.attempts[i] = results[i].of(name)
		}
		rows = append(rows, r)
	}
	return rows
}

// kind of difference.
type kind string

const (
	same      kind = ""
	fails     kind = "fails"     // a peer loads it, we don't; or a crash
	otherwise kind = "otherwise" // the kernel got something else
)

// difference is whether the row is one, and why.
func (r *row) difference() (kind, string) {
	libbpf, ebpfGo, ours := r.attempts[libbpfLoader], r.attempts[ebpfGoLoader], r.attempts[oursLoader]
	peer, name := libbpf, "libbpf"
	if !peer.ok() {
		peer, name = ebpfGo, "ebpf-go"
	}
	switch {
	case ours == nil && peer.ok():
		return fails, "bpfgen knows no such program"
	case ours != nil && !ours.ok() && (peer.ok() || ours.Phase == "crash"):
		return fails, ours.verdict() + ": " + ours.Error
	case ours.ok() && peer.ok():
		if differing := compareLoaded(ours.Loaded, peer.Loaded, name); len(differing) > 0 {
			return otherwise, "loaded otherwise: " + strings.Join(differing, "; ")
		}
	}
	return same, ""
}

// compareLoaded is what the kernel got from ours and not from a peer. What a peer
// loads and we don't, because the program doesn't need it, is none.
func compareLoaded(ours, theirs map[string]string, peer string) (differing []string) {
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		their, ok := theirs[name]
		if !ok {
			differing = append(differing, fmt.Sprintf("%s: not with %s", name, peer))
		} else if a, b := onlyDifferent(ours[name], their); !sameMeaning(name, a, b, peer) {
			differing = append(differing, fmt.Sprintf("%s: %s, with %s %s", name, a, peer, b))
		}
	}
	return differing
}

// sameMeaning tells whether the fields that differ are of no consequence.
func sameMeaning(name, ours, theirs, peer string) bool {
	switch {
	case ours == theirs:
		return true
	case peer == "ebpf-go" && strings.HasPrefix(ours, "prog_tag="):
		// It puts functions in another order than libbpf.
		return true
	case peer == "ebpf-go" && strings.HasPrefix(name, "map .") && len(strings.Fields(ours)) == 1:
		// It makes all data maps mmapable; libbpf, only those with variables
		// that aren't static.
		return strings.HasPrefix(ours, "map_flags=") && strings.HasPrefix(theirs, "map_flags=")
	}
	return false
}

// onlyDifferent takes the fields out that two descriptions share.
func onlyDifferent(a, b string) (string, string) {
	inA, inB := strings.Fields(a), strings.Fields(b)
	onlyA := slices.DeleteFunc(slices.Clone(inA), func(f string) bool { return slices.Contains(inB, f) })
	onlyB := slices.DeleteFunc(inB, func(f string) bool { return slices.Contains(inA, f) })
	return strings.Join(onlyA, " "), strings.Join(onlyB, " ")
}
