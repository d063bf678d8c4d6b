package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/needs"
	"github.com/bpfgen/bpfgen/internal/objdiff"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/trial"
)

// bigSource is a program of n programs, n maps and n functions, each of which
// refers to its neighbours.
func bigSource(n int) string {
	var c strings.Builder
	c.WriteString("typedef unsigned int u32; typedef unsigned long long u64;\n" +
		"#define SEC(s) __attribute__((section(s), used))\n" +
		"static void *(*lookup)(void *, const void *) = (void *)1;\n" +
		"const volatile u32 wanted = 1;\n")
	for i := range n {
		fmt.Fprintf(&c, "struct value_%d { u64 count; char name[%d]; };\n", i, 8+i%64)
		fmt.Fprintf(&c, "struct { int (*type)[1]; int (*max_entries)[%d]; u32 *key; struct value_%d *value; } map_%[2]d SEC(\".maps\");\n", 1+i, i)
		fmt.Fprintf(&c, "u64 total_%d;\n", i)
		fmt.Fprintf(&c, "static __attribute__((noinline)) int func_%d(void *ctx) { u32 k = %[1]d; struct value_%[1]d *v = lookup(&map_%[1]d, &k);"+
			" if (v && wanted) { v->count++; total_%[1]d += v->count; } return wanted; }\n", i)
	}
	for i := range n {
		fmt.Fprintf(&c, "SEC(\"socket\") int prog_%d(void *ctx) { return func_%[1]d(ctx) + func_%d(ctx) + func_%d(ctx); }\n", i, (i+1)%n, (i+7)%n)
	}
	c.WriteString("char _license[] SEC(\"license\") = \"GPL\";\n")
	return c.String()
}

// What is shown of an object grows with it, and leaves nothing out.
func TestBigObject(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	const n = 120
	file := filepath.Join(t.TempDir(), "big.o")
	if err := os.WriteFile(file, testutil.Compile(t, bigSource(n), "-Wno-unused"), 0o600); err != nil {
		t.Fatal(err)
	}
	output := func(args ...string) []byte {
		t.Helper()
		got := bpfgen(t, nil, append(args, file)...)
		if got.code != 0 || got.stderr != "" {
			t.Fatalf("%v: exit code %d: %s", args, got.code, got.stderr)
		}
		return []byte(got.stdout)
	}
	decode := func(into any, args ...string) {
		t.Helper()
		if err := json.Unmarshal(output(args...), into); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}

	var d description
	decode(&d, "inspect", "-json")
	if len(d.Programs) != n || len(d.Maps) != n+2 || len(d.Variables) != n+1 {
		t.Errorf("%d programs, %d maps, %d variables", len(d.Programs), len(d.Maps), len(d.Variables))
	}
	if text := string(output("inspect", "-S")); strings.Count(text, "\nprogram prog_") != n {
		t.Error("-S leaves programs out")
	}
	testutil.Compile(t, string(output("inspect", "-c")))
	dec := xml.NewDecoder(strings.NewReader(string(output("inspect", "-graph", "-"))))
	boxes := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			boxes++
		}
	}
	if want := 3*n + 2 + 1; boxes != want { // and the background
		t.Errorf("the graph has %d boxes, want %d", boxes, want)
	}

	var r needs.Report
	decode(&r, "report", "-json")
	if len(r.Programs) != n || r.MinKernel.String() != "5.2" {
		t.Errorf("%d programs, minimum kernel %v", len(r.Programs), r.MinKernel)
	}
	var changes []objdiff.Change
	decode(&changes, "diff", "-json", file)
	if len(changes) != 0 {
		t.Errorf("%v", changes)
	}
	var results []trial.Result
	decode(&results, "load", "-json")
	for _, result := range results {
		if result.Verdict != trial.OK || result.Processed == 0 {
			t.Errorf("%+v", result)
		}
	}
	if len(results) != n {
		t.Errorf("tried %d programs", len(results))
	}
}

// The commands know everything in the examples.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*/*.bpf.c")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no examples: ", err)
	}
	for _, source := range dirs {
		dir := filepath.Dir(source)
		for _, args := range [][]string{{"inspect"}, {"inspect", "-S"}, {"inspect", "-c"}, {"inspect", "-graph", "-"}, {"report"}} {
			if got := bpfgen(t, nil, append(args, dir)...); got.code != 0 || got.stderr != "" || got.stdout == "" {
				t.Errorf("%v %s: %+v", args, dir, got)
			}
		}
		files, err := console{}.findObjects(t.Context(), dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		obj, err := readObject(files[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, need := range needs.Of(obj).Needs {
			if need.Since.String() == "unknown" {
				t.Errorf("%s: nobody knows since when there is %s %s", dir, need.Kind, need.Name)
			}
		}
		if changes := objdiff.Compare(obj, obj); len(changes) > 0 {
			t.Errorf("%s: %v", dir, changes)
		}
	}
}
