package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// From C to a Go program that runs in a module of its own, as a user would have
// it, with the kernel in between.
func TestEndToEnd(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.Needs(t, testutil.GlobalData)
	testutil.Needs(t, testutil.TestRun)
	for _, c := range []struct {
		main string
		args []string
	}{
		{"main.go", []string{"E2e", "prog.bpf.c"}},
		{"untyped/main.go", []string{"-untyped", "E2e", "prog.bpf.c"}},
	} {
		t.Run(c.main, func(t *testing.T) {
			files := map[string]string{}
			for to, name := range map[string]string{"prog.bpf.c": "prog.bpf.c", "main.go": c.main} {
				data, err := os.ReadFile(filepath.Join("testdata/e2e", name))
				if err != nil {
					t.Fatal(err)
				}
				files[to] = string(data)
			}
			files["go.mod"], files["go.sum"] = userModule(t)
			folder(t, files)
			endToEnd(t, c.args)
		})
	}
}

func endToEnd(t *testing.T, args []string) {
	t.Helper()
	if got := bpfgen(t, nil, args...); got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	if out, err := exec.Command("go", "vet", ".").CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
	out, err := exec.Command("go", "run", ".").CombinedOutput()
	const want = "from C GREEN -1 2 3 4 1.5 5 4097 -200 true\n" +
		"0x1020304 7\n" +
		"2 runs\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\ngot:\n%swant:\n%s", err, out, want)
	}
}

// userModule returns go.mod and go.sum of a module that uses this checkout.
func userModule(t *testing.T) (mod, sum string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	// Our own requirements, for another module that also requires us.
	mod = regexp.MustCompile(`(?m)^module .*$`).ReplaceAllString(string(ours), "module example.com/user")
	mod += fmt.Sprintf("\nrequire github.com/bpfgen/bpfgen v0.0.0\n\nreplace github.com/bpfgen/bpfgen => %s\n", root)
	return mod, string(sums)
}
