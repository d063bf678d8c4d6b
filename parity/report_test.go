package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func loadedAs(what string) *attempt {
	return &attempt{Phase: "ok", Loaded: map[string]string{"map m": what}}
}

// Whether a row is a difference follows from the verdicts, and from what the
// kernel has if two have loaded it.
func TestReport(t *testing.T) {
	failed, leftOut := &attempt{Phase: "load", Error: "because"}, &attempt{Phase: "ok", LeftOut: 1}
	for _, c := range []struct {
		name                 string
		libbpf, ebpfGo, ours *attempt
		code                 int
		says                 string
	}{
		{"all load", loadedAs("a=1"), loadedAs("a=1"), loadedAs("a=1"), 0, "0 differences"},
		{"nobody", failed, failed, failed, 0, "0 differences"},
		{"one peer", failed, loadedAs("a=1"), failed, 1, "libbpf load, ebpf-go ok: load: because"},
		{"left out", failed, leftOut, failed, 0, "0 differences"},
		{"only ours", failed, failed, loadedAs("a=1"), 0, "0 differences"},
		{"unknown to ours", loadedAs("a=1"), nil, nil, 1, "knows no such program"},
		{"crash", failed, failed, &attempt{Phase: "crash", Error: "signal"}, 1, "crash: signal"},
		{"other attributes", loadedAs("a=1 b=2"), failed, loadedAs("a=1 b=3"), 1, "map m: b=3, with libbpf b=2"},
		{"libbpf decides", loadedAs("a=1"), loadedAs("a=2"), loadedAs("a=1"), 0, "0 differences"},
		{"known", loadedAs("a=1"), failed, loadedAs("a=2"), 0, ""},
		{"known, but of another kind", loadedAs("a=1"), failed, failed, 1, "because"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "known.txt")
			if err := os.WriteFile(file, []byte("# comment\nknown* otherwise that is so\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			known, err := readKnown(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			code := report(&out, []row{{name: c.name, attempts: [loaders]*attempt{c.libbpf, c.ebpfGo, c.ours}}}, known, false)
			if code != c.code || !strings.Contains(out.String(), c.says) {
				t.Errorf("exit code %d:\n%s", code, &out)
			}
		})
	}
}
