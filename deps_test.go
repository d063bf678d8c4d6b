// Package bpfgen_test holds the rules that the packages of this module keep
// towards each other: the table below is the picture in docs/architecture.md.
package bpfgen_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bpfgen/bpfgen/"

// mayImport names, for each package, what it may import besides the standard
// library: packages of this module without the module's path, others whole. A
// trailing /... stands for everything below.
//
// A package that is not here may not exist: a new one starts as a new row, here
// and in docs/architecture.md.
var mayImport = map[string][]string{
	"internal/elf":  {"internal/sorting"},
	"internal/btf":  {"internal/sorting"},
	"internal/uapi": {},

	"internal/bpfheaders":  {},
	"internal/chain":       {},
	"internal/digest":      {},
	"internal/executable":  {"internal/files"},
	"internal/files":       {},
	"internal/gunzip":      {},
	"internal/nearest":     {"internal/sorting"},
	"internal/sorting":     {},
	"internal/verifierlog": {},

	"internal/fault":    {},
	"internal/kernel":   {"internal/chain", "internal/fault", "internal/files", "internal/uapi", "golang.org/x/sys/unix"},
	"runtime/btf":       {"internal/btf", "internal/elf", "internal/fault", "internal/files", "internal/kernel", "internal/sorting", "internal/uapi"},
	"runtime/asm":       {"internal/digest", "internal/sorting", "runtime/btf"},
	"internal/object":   {"internal/btf", "internal/elf", "internal/nearest", "internal/sorting", "internal/uapi", "runtime/btf", "runtime/asm"},
	"internal/corerelo": {"internal/btf", "internal/nearest", "runtime/btf", "runtime/asm"},
	"internal/linker":   {"internal/btf", "internal/elf"},

	"runtime": {
		"internal/object", "internal/corerelo", "internal/kernel", "internal/uapi", "internal/chain",
		"internal/files", "internal/kconfig", "internal/nearest", "internal/sorting", "internal/verifierlog", "internal/btf", "runtime/btf", "runtime/asm", "golang.org/x/sys/unix",
	},
	"runtime/link":     {"runtime", "internal/chain", "internal/executable", "internal/files", "internal/object", "internal/nearest", "internal/kernel", "internal/uapi", "runtime/btf", "golang.org/x/sys/unix"},
	"runtime/ringbuf":  {"runtime", "internal/kernel", "internal/uapi"},
	"runtime/perf":     {"runtime", "internal/kernel", "internal/uapi", "golang.org/x/sys/unix"},
	"runtime/features": {"runtime", "runtime/link", "internal/kernel", "internal/uapi", "runtime/asm", "golang.org/x/sys/unix"},
	"runtime/rlimit":   {"internal/kernel"},
	"runtime/pin":      {"runtime", "runtime/link", "internal/kernel"},

	"internal/codegen": {
		"internal/object", "internal/needs", "internal/linker", "internal/elf", "internal/uapi", "internal/bpfheaders", "runtime/btf", "runtime/asm",
		"github.com/dave/jennifer/jen", "golang.org/x/tools/go/packages", "golang.org/x/mod/...",
	},
	"internal/cheader": {"runtime/btf"},
	"internal/needs":   {"internal/object", "internal/uapi", "runtime/btf", "runtime/asm"},
	"internal/objdiff": {"internal/needs", "internal/object", "internal/uapi", "runtime/btf"},
	"internal/graph":   {"internal/object", "internal/uapi"},
	"internal/trial":   {"runtime"},
	"cmd/bpfgen":       {"internal/...", "runtime/...", "runtime"},

	"internal/kconfig":        {"internal/btf", "internal/files", "internal/gunzip", "internal/nearest", "runtime/btf"},
	"internal/cmd/...":        {"runtime", "runtime/..."},
	"internal/cmd/vmtest/...": {"internal/cmd/vmtest/...", "golang.org/x/sys/unix"},

	"examples/...": {"runtime", "runtime/...", "golang.org/x/sys/unix"},

	// For tests only, which TestImportTestutil holds it to.
	"internal/testutil/...": {"internal/...", "runtime", "runtime/...", "golang.org/x/sys/unix", "github.com/google/go-cmp/cmp"},
	"internal/testutil":     {"internal/...", "runtime", "runtime/...", "golang.org/x/sys/unix", "github.com/google/go-cmp/cmp"},
}

// unsafeFiles are the places where package unsafe may be used: the system
// calls, one marshalling file and the readers of mapped memory.
var unsafeFiles = []string{
	"internal/kernel/*.go",
	"runtime/marshal_unsafe.go",
	"runtime/ringbuf/*.go",
	"runtime/perf/*.go",
	"examples/*/*_bpfe[lb].go", // generated: sizes and offsets checked at compile time
}

type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func TestImportRules(t *testing.T) {
	for _, p := range list(t) {
		rel := strings.TrimPrefix(p.ImportPath, module)
		allowed, ok := rule(rel)
		if !ok {
			t.Errorf("%s has no row in the import rules (deps_test.go and docs/architecture.md)", rel)
			continue
		}
		for _, imp := range p.Imports {
			name := strings.TrimPrefix(imp, module)
			if standard(imp) || matchAny(allowed, name) {
				continue
			}
			t.Errorf("%s imports %s; it may import the standard library and %v", rel, name, allowed)
		}
	}
}

func TestImportTestutil(t *testing.T) {
	for _, p := range list(t) {
		rel := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			if match("internal/testutil/...", strings.TrimPrefix(imp, module)) && !match("internal/testutil/...", rel) {
				t.Errorf("%s imports %s outside its tests", rel, imp)
			}
		}
	}
}

// TestImportCostsNothing: importing a package does no work and holds no state
// that a probe or a cache could hide in.
func TestImportCostsNothing(t *testing.T) {
	for _, p := range list(t) {
		for _, file := range parseFiles(t, p) {
			for _, decl := range file.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s has an init function: nothing works at import", file.Name.Name)
				}
			}
		}
	}
}

func TestImportUnsafe(t *testing.T) {
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list(t) {
		for name, file := range parseFiles(t, p) {
			rel, _ := filepath.Rel(root, name)
			for _, imp := range file.Imports {
				if imp.Path.Value != `"unsafe"` {
					continue
				}
				if !slices.ContainsFunc(unsafeFiles, func(glob string) bool { ok, _ := filepath.Match(glob, rel); return ok }) {
					t.Errorf("%s uses unsafe; it lives in %v", rel, unsafeFiles)
				}
			}
		}
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			pkgs = append(pkgs, p)
		}
	}
	if len(pkgs) == 0 {
		t.Fatal("go list found no package")
	}
	return pkgs
}

func parseFiles(t *testing.T, p pkg) map[string]*ast.File {
	t.Helper()
	files := make(map[string]*ast.File)
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = file
	}
	return files
}

// rule returns the row for a package: its own, else the longest /... above it.
func rule(rel string) (allowed []string, ok bool) {
	if allowed, ok := mayImport[rel]; ok {
		return allowed, true
	}
	best := ""
	for pattern := range mayImport {
		if match(pattern, rel) && len(pattern) > len(best) {
			best = pattern
		}
	}
	return mayImport[best], best != ""
}

func matchAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

func match(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	return pattern == name
}

// standard reports whether an import path is the standard library's: its first
// element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
