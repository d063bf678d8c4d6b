package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// countedClang is a compiler that writes a line to a file each time it works.
func countedClang(t *testing.T) (cc string, runs func() int) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	cc = filepath.Join(dir, "clang")
	script := "#!/bin/sh\n[ \"$1\" = --version ] || echo x >>" + log + "\nexec " + testutil.Clang(t) + " \"$@\"\n"
	if err := os.WriteFile(cc, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return cc, func() int {
		data, _ := os.ReadFile(log)
		_ = os.Remove(log)
		return strings.Count(string(data), "x")
	}
}

const included = "//go:build ignore\n#include \"event.h\"\n#include <linux/types.h>\n" +
	"struct event last;\n__attribute__((section(\"socket\"), used)) int count(void *ctx) { return last.pid; }\n" +
	"char _license[] __attribute__((section(\"license\"), used)) = \"MIT\";\n"

// Nothing changed: nothing is compiled, nothing is written, and what there was
// to say is said again. Any change of what matters: all is done again.
func TestCache(t *testing.T) {
	cc, runs := countedClang(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	env := goEnv(t)
	write := func(name, data string) func() error {
		return func() error { return os.WriteFile(name, []byte(data), 0o644) }
	}
	main := "package main\n\nfunc main() {}\n"
	for _, test := range []struct {
		about  string
		change func() error
		env    []string
		args   []string
		hit    bool
	}{
		{about: "nothing", hit: true},
		{about: "a header's time", change: func() error { return os.Chtimes("event.h", time.Now(), time.Now()) }, hit: true},
		{about: "the order of flags", args: []string{"-verbose=false", "-output-dir", "."}, hit: true},
		{about: "another file of the package", change: write("main.go", main+"func f() {}\n"), hit: true},
		{about: "the source", change: write("prog.c", included+"int more;\n")},
		{about: "a header", change: write("event.h", "struct event { int pid, more; };\n")},
		{about: "an output", change: write("snoop_bpfel.go", "package main\n")},
		{about: "a lost output", change: func() error { return os.Remove("snoop_bpfeb.o") }},
		{about: "a broken manifest", change: write("snoop.bpfgen", "<<<<<<<\n")},
		{about: "a flag", args: []string{"-type", "event"}},
		{about: "a flag of clang", args: []string{"-cflags", "-DX"}},
		{about: "flags in the environment", env: []string{"BPF2GO_CFLAGS=-DX"}},
		{about: "the package's name", args: []string{"-go-package", "other"}},
		{about: "a collision", change: write("main.go", main+"type SnoopEvent int\n")},
	} {
		t.Run(test.about, func(t *testing.T) {
			folder(t, map[string]string{"go.mod": goMod, "prog.c": included, "event.h": "#warning careful\nstruct event { int pid; };\n", "main.go": main})
			args := []string{"-cc", cc, "Snoop", "prog.c"}
			first := bpfgen(t, env, args...)
			if first.code != 0 || runs() != 2 || !strings.Contains(first.stderr, "careful") {
				t.Fatalf("%+v", first)
			}
			if test.change != nil {
				if err := test.change(); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t)
			second := bpfgen(t, append(env, test.env...), append(test.args, args...)...)
			switch n := runs(); {
			case second.code != 0:
				t.Errorf("%+v", second)
			case test.hit && n != 0:
				t.Errorf("the compiler ran %d times", n)
			case !test.hit && n == 0:
				t.Error("the compiler didn't run")
			case test.hit && second.stderr != first.stderr:
				t.Errorf("first it said\n%sand then\n%s", first.stderr, second.stderr)
			}
			if test.hit {
				if diff := cmp.Diff(before, tree(t)); diff != "" {
					t.Error(diff)
				}
			}
			if third := bpfgen(t, append(env, test.env...), append(test.args, args...)...); third.code != 0 || runs() != 0 {
				t.Errorf("the compiler ran again: %+v", third)
			}
		})
	}
}

// Another version of the compiler, at the same path.
func TestCacheOfAnotherCompiler(t *testing.T) {
	cc, runs := countedClang(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	env := goEnv(t)
	folder(t, map[string]string{"prog.c": program})
	if got := bpfgen(t, env, "-cc", cc, "Snoop", "prog.c"); got.code != 0 || runs() != 2 {
		t.Fatalf("%+v", got)
	}
	script, err := os.ReadFile(cc)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(script), "\n", "\n[ \"$1\" = --version ] && { echo clang version 99; exit; }\n", 1)
	if err := os.WriteFile(cc, []byte(other), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := bpfgen(t, env, "-cc", cc, "Snoop", "prog.c"); got.code != 0 || runs() != 2 {
		t.Errorf("the compiler didn't run: %+v", got)
	}
	if m := tree(t)["snoop.bpfgen"]; !strings.Contains(m, "compiler clang version 99\n") {
		t.Errorf("manifest:\n%s", m)
	}
}
