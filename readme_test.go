package bpfgen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme builds what the README shows: its C through bpfgen, its Go against
// the runtime.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	imports := "package main\n\nimport (\n\t\"fmt\"\n\t\"time\"\n\n\t\"" + module + "runtime/link\"\n)\n"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"count.bpf.c": snippet(t, string(readme), "c"),
		"main.go":     strings.Replace(snippet(t, string(readme), "go"), "package main\n", imports, 1),
		"main_go.go":  "package main\n\nfunc main() { _ = run(1) }\n",
		"go.sum":      string(sums),
		"go.mod": "module readme\n\ngo 1.25.0\n\nrequire " + strings.TrimSuffix(module, "/") + " v0.0.0\n\n" +
			"replace " + strings.TrimSuffix(module, "/") + " => " + root + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bpfgen := filepath.Join(dir, "bpfgen")
	run(t, root, "go", "build", "-o", bpfgen, "./cmd/bpfgen")
	run(t, dir, bpfgen, "-go-package", "main", "Count", "count.bpf.c")
	run(t, dir, "go", "build", "-mod=mod", "-o", os.DevNull, ".")
}

// snippet is the first block of code in a language.
func snippet(t *testing.T, markdown, language string) string {
	t.Helper()
	_, rest, ok := strings.Cut(markdown, "```"+language+"\n")
	code, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatalf("README.md has no block of %s", language)
	}
	return code
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}
