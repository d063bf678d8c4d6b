package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// Two C files of one object: each uses what the other defines, and both have a
// static function, a header and a type of the same name.
var twoSources = map[string]string{
	"shared.h": `#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
//bpfgen:export
#define LIMIT 7
typedef unsigned int u32;
struct event { u32 pid; u32 count; };
int bump(struct event *e);
`,
	"main.c": `//go:build ignore
#include "shared.h"
struct {
	__uint(type, 2); // array
	__uint(max_entries, LIMIT);
	__type(key, u32);
	__type(value, struct event);
} events SEC(".maps");
extern int total;
static __attribute__((noinline)) int twice(int x) { return x + x; }
SEC("socket") int count(void *ctx) {
	struct event e = {1, 20};
	return bump(&e) + twice(total);
}
char _license[] SEC("license") = "GPL";
`,
	"lib/lib.c": `#include "../shared.h"
static void *(*lookup)(void *map, const void *key) = (void *) 1;
extern struct {
	__uint(type, 2);
	__uint(max_entries, LIMIT);
	__type(key, u32);
	__type(value, struct event);
} events __attribute__((section(".maps")));
int total = 500;
static __attribute__((noinline)) int twice(struct event *e) { return e->count * 2; }
int bump(struct event *e) {
	u32 key = e ? e->pid : 0;
	struct event *old = lookup(&events, &key);
	if (!e || !old) return 0;
	old->count++;
	return twice(e) + old->count;
}
char _license[] SEC("license") = "GPL";
`,
}

// Several C files make one object, one Go file and one manifest.
func TestSeveralSources(t *testing.T) {
	folder(t, twoSources)
	args := []string{"-target", "bpfel", "-verbose", "-makebase", ".", "-const", "LIMIT", "Two", "main.c", "lib/lib.c"}
	if got := bpfgen(t, nil, args...); got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	spec, err := ebpf.LoadCollectionSpec("two_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	if len(spec.Maps) != 2 || spec.Maps["events"] == nil || spec.Programs["count"] == nil || spec.Variables["total"] == nil {
		t.Errorf("maps %v, programs %v, variables %v", spec.Maps, spec.Programs, spec.Variables)
	}
	code := readFile(t, "two_bpfel.go")
	for _, want := range []string{"TwoLIMIT = 7", "type TwoEvent struct", "Total"} {
		if !strings.Contains(strings.Join(strings.Fields(code), " "), want) {
			t.Errorf("%q isn't in\n%s", want, code)
		}
	}
	manifest := readFile(t, "two_bpfel.bpfgen")
	for _, want := range []string{"set source main.c\nset source lib/lib.c\n", " main.c\n", " lib/lib.c\n", " shared.h\n"} {
		if !strings.Contains(manifest, want) {
			t.Errorf("%q isn't in\n%s", want, manifest)
		}
	}
	want := "two_bpfel.go: \\\n main.c \\\n shared.h \\\n lib/lib.c\n\nshared.h:\n"
	if deps := readFile(t, "two_bpfel.go.d"); !strings.HasPrefix(deps, want) {
		t.Errorf("dependencies:\n%s\nwant\n%s", deps, want)
	}
	runTwo(t, spec)

	if got := bpfgen(t, nil, args...); got.code != 0 || !strings.Contains(got.stdout, "up to date") {
		t.Errorf("again: %+v", got)
	}
	lib := strings.Replace(readFile(t, "lib/lib.c"), "500", "501", 1)
	if err := os.WriteFile("lib/lib.c", []byte(lib), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := bpfgen(t, nil, args...); got.code != 0 || !strings.Contains(got.stdout, "wrote") {
		t.Errorf("after a change of the second file: %+v", got)
	}
}

// runTwo runs the program: it calls into the other file, whose function looks
// up a map of this one.
func runTwo(t *testing.T, spec *ebpf.CollectionSpec) {
	if reason := testutil.Lacks(testutil.GlobalFunctions, testutil.TestRun); reason != "" {
		t.Log("not run:", reason)
		return
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	result, err := coll.Programs["count"].Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	if want := uint32(20*2 + 1 + 500*2); err != nil || result != want {
		t.Errorf("count returns %d, %v, want %d", result, err, want)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Without the file that defines it, a program is generated, but can't be loaded.
func TestUndefined(t *testing.T) {
	folder(t, twoSources)
	got := bpfgen(t, nil, "-target", "bpfel", "Two", "main.c")
	for _, name := range []string{"bump", "total"} {
		if want := "bpfgen: warning: main.c: " + name + " is declared extern, but not defined"; got.code != 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("%+v\nwant %s", got, want)
		}
	}
}

// An object that is there already is linked like the object of a C file.
func TestObjectAsSource(t *testing.T) {
	folder(t, twoSources)
	cmd := exec.Command(testutil.Clang(t), "-O2", "-g", "-mcpu=v3", "-target", "bpfel", "-c", "lib/lib.c", "-o", "lib.o")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := bpfgen(t, nil, "-target", "bpfel", "Two", "main.c", "lib.o"); got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	spec, err := ebpf.LoadCollectionSpec("two_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	runTwo(t, spec)
	if manifest := readFile(t, "two_bpfel.bpfgen"); !strings.Contains(manifest, " lib.o\n") {
		t.Errorf("lib.o isn't in\n%s", manifest)
	}
	got := bpfgen(t, nil, "Both", "main.c", "lib.o")
	if got.code != 1 || !strings.Contains(got.stderr, "lib.o is for machines of the other byte order than target bpfeb") {
		t.Errorf("%+v", got)
	}
}

// What is wrong with files together names both.
func TestMistakesInSeveralSources(t *testing.T) {
	main, lib := twoSources["main.c"], twoSources["lib/lib.c"]
	for _, test := range []struct {
		about, main, lib, want string
	}{
		{"defined twice", main + "int total;\n", lib, "link lib/lib.c with main.c: total: both define it"},
		{"another type", main, strings.ReplaceAll(lib, "int total", "long total"), "link main.c with lib/lib.c: total: int of 4 bytes here, long of 8 there"},
		{"another map", main, strings.Replace(lib, "LIMIT", "8", 1), "link lib/lib.c with main.c: events: the map's max_entries is 8 here, 7 there"},
		{"other licenses", main, strings.Replace(lib, `"GPL"`, `"MIT"`, 1), "link lib/lib.c with main.c: license: "},
		{"not C", main + "nonsense;\n", lib + "more nonsense;\n", "lib/lib.c:"},
		{"constants that differ", main + "#define COLOUR 1\n", lib + "#define COLOUR 2\n", "#define COLOUR is 2 in lib/lib.c, but 1 in a file before it"},
	} {
		t.Run(test.about, func(t *testing.T) {
			files := map[string]string{"shared.h": twoSources["shared.h"], "main.c": test.main, "lib/lib.c": test.lib}
			folder(t, files)
			got := bpfgen(t, nil, "-target", "bpfel", "-const", "COLOUR*", "-const", "LIMIT", "Two", "main.c", "lib/lib.c")
			if got.code != 1 || !strings.Contains(got.stderr, test.want) {
				t.Errorf("exit code %d; stderr, which wants %q:\n%s", got.code, test.want, got.stderr)
			}
			if written := slices.ContainsFunc(keys(tree(t)), func(name string) bool { return strings.HasPrefix(name, "two") }); written {
				t.Error("files were written in spite of that")
			}
		})
	}
}

func keys(m map[string]string) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// The same sources give the same bytes, wherever they are.
func TestSeveralSourcesReproducible(t *testing.T) {
	var objects []string
	for i := range 2 {
		folder(t, twoSources)
		if got := bpfgen(t, nil, "-target", "bpfel", "Two", "main.c", "lib/lib.c"); got.code != 0 {
			t.Fatalf("run %d: %+v", i, got)
		}
		objects = append(objects, fmt.Sprintf("%q", readFile(t, "two_bpfel.o")))
	}
	if objects[0] != objects[1] {
		t.Error("two folders, two objects")
	}
}
