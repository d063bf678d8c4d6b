package bpfgen_test

import (
	"bytes"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportRunsNothing: whoever imports all packages of the runtime starts no
// slower. The Go runtime tells about the work that packages do at start; what it
// may say about ours is that variables were copied from others (ErrClosed is
// os.ErrClosed), which takes no memory.
func TestImportRunsNothing(t *testing.T) {
	var source bytes.Buffer
	source.WriteString("package main\n\nimport (\n")
	for _, p := range list(t) {
		if name := strings.TrimPrefix(p.ImportPath, module); match("runtime/...", name) {
			source.WriteString("\t_ \"" + p.ImportPath + "\"\n")
		}
	}
	source.WriteString(")\n\nfunc main() {}\n")
	dir := t.TempDir()
	file, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	if err := os.WriteFile(file, source.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, file).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(trace, []byte("init os ")) {
		t.Fatalf("the Go runtime traces no initialisation: %v\n%s", err, trace)
	}
	for line := range strings.Lines(string(trace)) {
		if strings.Contains(line, " "+module) && !strings.Contains(line, " 0 bytes, 0 allocs") {
			t.Errorf("work at import: %s", line)
		}
	}
}

// TestImportMakesNoMaps: a table that is a map is made anew by every process that may
// use it, which the trace doesn't show as long as nothing uses it.
func TestImportMakesNoMaps(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./runtime/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, p := range list(t) {
		if !bytes.Contains(out, []byte(p.ImportPath+"\n")) {
			continue
		}
		for path, file := range parseFiles(t, p) {
			for _, decl := range file.Decls {
				vars, ok := decl.(*ast.GenDecl)
				if !ok || vars.Tok != token.VAR {
					continue
				}
				ast.Inspect(vars, func(n ast.Node) bool {
					if lit, ok := n.(*ast.CompositeLit); ok {
						if _, isMap := lit.Type.(*ast.MapType); isMap {
							t.Errorf("%s: a map is made at start: use a switch, or a slice", path)
						}
					}
					_, isFunc := n.(*ast.FuncLit)
					return !isFunc
				})
			}
		}
	}
}
