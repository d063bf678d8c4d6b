package main

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// generators are bpf2go and ours, built, and what they need.
type generators struct{ ours, bpf2go, clang, strip string }

func buildGenerators(t *testing.T) generators {
	t.Helper()
	clang := "clang-19"
	if name := os.Getenv("CLANG"); name != "" {
		clang = filepath.Base(name)
	}
	dir := t.TempDir()
	find := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("needs %s: %v", name, err)
		}
		return path
	}
	build := func(from, pkg, name string) string {
		out := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-o", out, pkg)
		cmd.Dir = from
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, text)
		}
		return out
	}
	return generators{
		clang: find(clang), strip: find(strings.Replace(clang, "clang", "llvm-strip", 1)),
		bpf2go: build(".", "github.com/cilium/ebpf/cmd/bpf2go", "bpf2go"), ours: build("..", "./cmd/bpfgen", "bpfgen"),
	}
}

// project is what a user of bpf2go may have: folders for headers, C code and
// generated code, and directives with all flags.
func project() map[string]string {
	return map[string]string{
		"go.mod": "module example.com/agent\n\ngo 1.25\n",
		"headers/common.h": `
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
`,
		"headers/net/flow.h": `
struct flow { u32 src, dst; u16 sport, dport; u8 proto; u8 pad[3]; };
enum verdict { PASS, DROP = 2 };
`,
		"probe/probe.c": `//go:build ignore
#include "common.h"
#include "net/flow.h"
struct stats { u64 packets, bytes; enum verdict last; };
struct { __uint(type, 1); __uint(max_entries, 128); __type(key, struct flow); __type(value, struct stats); } flows SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, LIMIT); __type(key, u32); __type(value, u64); } totals SEC(".maps");
const volatile u32 my_pid = 1;
struct flow last_flow;
static void *(*lookup)(void *, const void *) = (void *)1;
SEC("socket") int filter_packets(void *ctx) { struct flow f = {}; struct stats *s = lookup(&flows, &f); if (s) s->packets += my_pid; last_flow = f; return 0; }
SEC("xdp") int xdp_drop(void *ctx) { u32 k = 0; return lookup(&totals, &k) ? DROP : PASS; }
struct unused { int a; } unused;
SEC("license") char _license[] = "Dual MIT/GPL";
`,
		"probe/probe.go": `package probe

//go:generate GENERATOR Probe probe.c -- -I../headers -DLIMIT=4
//go:generate GENERATOR -target amd64,arm64 -type stats -type flow lower probe.c -- -I../headers -DLIMIT=4
//go:generate GENERATOR -tags linux,cgo -output-stem named -output-suffix _x -cflags "-I../headers '-DLIMIT=2 + 2'" Tagged probe.c
//go:generate GENERATOR -no-global-types -no-strip -type stats -target bpfel Few probe.c -- -I ../headers -DLIMIT=1
//go:generate GENERATOR -makebase .. -target bpfel Deps probe.c -- -I../headers -DLIMIT=1
//go:generate GENERATOR -output-dir ../gen -go-package gen -target s390x Elsewhere probe.c -- -I../headers -DLIMIT=1
`,
		"probe/probe_test.go": `package probe

//go:generate GENERATOR -target bpf TestOnly probe.c -- -I../headers -DLIMIT=1
`,
		"gen/doc.go": "package gen\n",
	}
}

// generate runs all directives with one generator, and returns what has appeared.
func generate(t *testing.T, g generators, command string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	before := project()
	for name, data := range before {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(data, "GENERATOR", command)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "generate", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "BPF2GO_CC="+g.clang, "BPF2GO_STRIP="+g.strip)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if _, was := before[name]; !was {
			files[name] = strings.ReplaceAll(string(data), dir, "$DIR")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// For all of bpf2go's flags and variables, ours writes files of the same names, and
// with -untyped declares everything that bpf2go declares in the same way.
func TestLikeBpf2go(t *testing.T) {
	g := buildGenerators(t)
	theirs := generate(t, g, g.bpf2go)
	mine := generate(t, g, g.ours+" -untyped")
	maps.DeleteFunc(mine, func(name, _ string) bool { return filepath.Ext(name) == ".bpfgen" })
	if want, got := slices.Sorted(maps.Keys(theirs)), slices.Sorted(maps.Keys(mine)); !slices.Equal(want, got) {
		t.Fatalf("bpf2go writes %q\nbut ours %q", want, got)
	}
	for name, want := range theirs {
		switch filepath.Ext(name) {
		case ".go":
			compareGo(t, name, want, mine[name])
		case ".d":
			compareDeps(t, name, want, mine[name])
		}
	}
}

// compareDeps compares makefiles by what depends on what.
func compareDeps(t *testing.T, name, want, got string) {
	t.Helper()
	words := func(text string) []string {
		words := strings.Fields(strings.ReplaceAll(text, "\\\n", " "))
		slices.Sort(words)
		return words
	}
	if w, g := words(want), words(got); !slices.Equal(w, g) {
		t.Errorf("%s is\n%s\nshould be\n%s", name, got, want)
	}
}

// compareGo looks for everything that one file declares in another.
func compareGo(t *testing.T, name, want, got string) {
	t.Helper()
	w, g := readGo(t, name, want), readGo(t, name, got)
	if w.pkg != g.pkg {
		t.Errorf("%s: package %s, should be %s", name, g.pkg, w.pkg)
	}
	for _, arch := range []string{"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64", "s390x", "wasm"} {
		for _, tags := range [][]string{{}, {"linux"}, {"linux", "cgo"}} {
			has := func(tag string) bool { return tag == arch || slices.Contains(tags, tag) }
			if w.constraint.Eval(has) != g.constraint.Eval(has) {
				t.Errorf("%s: for %s and tags %v, one is built and the other isn't: %s, should be like %s", name, arch, tags, g.constraint, w.constraint)
			}
		}
	}
	for id, declaration := range w.declared {
		switch ours, ok := g.declared[id]; {
		case !ok:
			t.Errorf("%s: %s is missing: %s", name, id, declaration)
		case ours != declaration && !better(id, declaration, ours):
			t.Errorf("%s: %s is\n%s\nshould be\n%s", name, id, ours, declaration)
		}
	}
}

// better tells whether ours declares what the other does, and more than that.
func better(id, theirs, ours string) bool {
	switch {
	case strings.HasSuffix(id, "Verdict"), strings.HasSuffix(id, "Stats.Last"):
		return true // enums have a type with a method, which members have as well
	case strings.HasPrefix(theirs, "func "):
		return strings.Fields(ours)[1] == strings.Fields(theirs)[1] // any instead of interface{}
	}
	return false
}

// goFile is what matters of a generated file.
type goFile struct {
	pkg        string
	constraint constraint.Expr
	declared   map[string]string // identifiers, and fields as Type.Field, with what they are
}

func readGo(t *testing.T, name, source string) goFile {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	f := goFile{pkg: file.Name.Name, declared: map[string]string{}, constraint: &constraint.NotExpr{X: &constraint.TagExpr{Tag: "no"}}}
	for line := range strings.Lines(source) {
		if constraint.IsGoBuild(line) {
			if f.constraint, err = constraint.Parse(line); err != nil {
				t.Fatal(err)
			}
		}
		if strings.HasPrefix(line, "//go:embed ") {
			f.declared["the embedded file"] = line
		}
	}
	show := func(node any) string {
		var b strings.Builder
		if err := format.Node(&b, fset, node); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			id := decl.Name.Name
			if decl.Recv != nil {
				id = show(decl.Recv.List[0].Type) + "." + id
			}
			f.declared[id] = "func " + id + " " + fmt.Sprint(decl.Type.Params.NumFields(), decl.Type.Results.NumFields())
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				f.add(spec, show)
			}
		}
	}
	return f
}

func (f goFile) add(spec ast.Spec, show func(any) string) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		s, ok := spec.Type.(*ast.StructType)
		if !ok {
			f.declared[spec.Name.Name] = "type " + show(spec.Type)
			return
		}
		f.declared[spec.Name.Name] = "struct"
		for _, field := range s.Fields.List {
			tag := ""
			if field.Tag != nil {
				tag = " " + field.Tag.Value
			}
			for _, name := range field.Names {
				if name.Name != "_" { // padding
					f.declared[spec.Name.Name+"."+name.Name] = show(field.Type) + tag
				}
			}
			if len(field.Names) == 0 {
				f.declared[spec.Name.Name+"."+show(field.Type)] = "embedded"
			}
		}
	case *ast.ValueSpec:
		for i, name := range spec.Names {
			f.declared[name.Name] = "var"
			if len(spec.Values) > i && strings.HasPrefix(show(spec.Values[i]), `"`) {
				f.declared[name.Name] = show(spec.Values[i])
			}
		}
	}
}
