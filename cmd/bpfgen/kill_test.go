package main

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// A generator that is killed leaves each file as it was or as it will be, never
// a part of one. The next run finishes the work, and cleans up.
func TestKilled(t *testing.T) {
	program := filepath.Join(t.TempDir(), "bpfgen")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	folder(t, map[string]string{"prog.c": included, "event.h": "struct event { int pid; };\n"})
	start := func(types string) *exec.Cmd {
		cmd := exec.Command(program, "-go-package", "main", "-cc", testutil.Clang(t), types, "Snoop", "prog.c")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	var whole [2]map[string]string
	variants := [2]string{"-no-strip=false", "-no-strip"}
	began := time.Now()
	for i, flag := range variants {
		if err := start(flag).Wait(); err != nil {
			t.Fatal(err)
		}
		whole[i] = tree(t)
	}
	typical := time.Since(began) / 2

	for i := range 12 {
		cmd := start(variants[i%2])
		time.Sleep(typical*3/4 + time.Duration(rand.Int64N(int64(typical)/2)))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for name, data := range tree(t) {
			if !strings.HasPrefix(name, ".") && data != whole[0][name] && data != whole[1][name] {
				t.Fatalf("%s is neither the old one nor the new one", name)
			}
		}
	}
	// Leftovers of one that died in the worst moment.
	for _, name := range []string{".snoop_bpfel.o.123.new", ".snoop_bpfeb.go.123.old"} {
		if err := os.WriteFile(name, []byte("left"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, flag := range variants {
		if err := start(flag).Wait(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole[i], tree(t)); diff != "" {
			t.Error(diff)
		}
	}
}

// Generators that write to the same folder at the same time don't disturb each
// other.
func TestTwoGenerators(t *testing.T) {
	folder(t, map[string]string{"prog.c": included, "event.h": "struct event { int pid; };\n"})
	results := make(chan invocation)
	idents := []string{"Snoop", "Snoop", "Other", "Third"}
	for _, ident := range idents {
		go func() { results <- bpfgen(t, nil, "-target", "bpfel", ident, "prog.c") }()
	}
	for range idents {
		if got := <-results; got.code != 0 || got.stderr != "" {
			t.Errorf("%+v", got)
		}
	}
	if n := len(tree(t)); n != 2+3*3 {
		t.Errorf("%d files: %v", n, tree(t))
	}
}
