package codegen

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

func clang(t *testing.T) Compiler {
	t.Helper()
	return Compiler{Path: testutil.Clang(t)}
}

func executable(t *testing.T, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFindCompiler(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"many/clang-9", "many/clang-19", "many/clang-cpp-20", "many/clang-format", "one/clang", "one/clang-21", "ccache/ccache"} {
		executable(t, filepath.Join(dir, name))
	}
	if err := os.Mkdir(filepath.Join(dir, "many/clang-30"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := func(dirs ...string) string {
		for i, d := range dirs {
			dirs[i] = filepath.Join(dir, d)
		}
		return strings.Join(dirs, string(filepath.ListSeparator))
	}
	for _, test := range []struct {
		about, command, path string
		want                 string
		args                 []string
	}{
		{"clang before clang-N", "", path("many", "one"), "one/clang", nil},
		{"the newest clang-N", "", path("missing", "many"), "many/clang-19", nil},
		{"a name", "clang-9", path("one", "many"), "many/clang-9", nil},
		{"a name with arguments", " ccache  clang -v", path("ccache"), "ccache/ccache", []string{"clang", "-v"}},
		{"a path", filepath.Join(dir, "many/clang-9"), "", "many/clang-9", nil},
	} {
		t.Run(test.about, func(t *testing.T) {
			got, err := FindCompiler(test.command, test.path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Compiler{filepath.Join(dir, test.want), test.args}, got, cmp.Comparer(func(a, b []string) bool {
				return strings.Join(a, " ") == strings.Join(b, " ")
			})); diff != "" {
				t.Error(diff)
			}
		})
	}
	for command, want := range map[string]string{
		"":               "neither clang nor clang-N is in PATH",
		"clang-99":       "clang-99 is neither a program in PATH nor an executable file",
		"/no/such/clang": "/no/such/clang is neither",
	} {
		_, err := FindCompiler(command, path("missing"))
		if !errors.Is(err, ErrNoCompiler) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "apt-get install clang") || !strings.Contains(err.Error(), "-cc") {
			t.Errorf("%q: %v", command, err)
		}
	}
}

const smallProgram = `
#include <helper.h>
#include <linux/types.h>
__u32 counter;
__attribute__((section("socket"), used)) int count(void *ctx) { return helper(ctx, __FILE__[0]); }
char _license[] __attribute__((section("license"), used)) = "MIT";
`

// The header's code ends up in the program, and its name in the line info.
const helperHeader = `
static __attribute__((noinline)) int helper(void *ctx, int n)
{
	return *(volatile int *)ctx +
		n;
}
`

// The same project in another folder, its headers outside of it in yet another
// one, gives the same bytes.
func TestCompileIsReproducible(t *testing.T) {
	var objects [][]byte
	for _, layout := range []struct{ project, headers, absolute string }{
		{"a", "x/headers", ""},
		{"deep/er/b", "headers", ""},
	} {
		dir := t.TempDir()
		project, headers := filepath.Join(dir, layout.project), filepath.Join(dir, layout.headers)
		pkg := filepath.Join(project, "pkg")
		for _, d := range []string{pkg, headers, filepath.Join(project, "inc")} {
			if err := os.MkdirAll(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		plant(t, project, map[string]string{"go.mod": "module x\n"})
		plant(t, pkg, map[string]string{"prog.c": `#include <local.h>` + smallProgram})
		plant(t, filepath.Join(project, "inc"), map[string]string{"local.h": strings.ReplaceAll(helperHeader, "helper", "local") + "static int (*keep)(void*, int) __attribute__((used)) = local;\n"})
		plant(t, headers, map[string]string{"helper.h": helperHeader})

		for _, inc := range []string{filepath.Join(project, "inc"), "../inc"} {
			for _, source := range []string{"prog.c", filepath.Join(pkg, "prog.c")} {
				job := compileJob{
					compiler: clang(t), target: Target{clang: "bpfel"}, source: source, dir: pkg,
					flags: []string{"-I", headers, "-I" + inc}, env: os.Environ(), output: filepath.Join(t.TempDir(), "out"),
				}
				c, err := job.compile(t.Context())
				if err != nil {
					t.Fatalf("%v\n%s", err, messagesOf(err))
				}
				if bytes.Contains(c.object, []byte(dir)) {
					t.Errorf("the object contains %s", dir)
				}
				if !bytes.Contains(c.object, []byte("helper.h")) {
					t.Error("the object doesn't name helper.h")
				}
				// __FILE__ is what the user wrote, so that it may differ.
				if source == "prog.c" {
					stripped, err := elf.StripDWARF(c.object)
					if err != nil {
						t.Fatal(err)
					}
					objects = append(objects, stripped)
				}
			}
		}
	}
	for i, o := range objects {
		if !bytes.Equal(o, objects[0]) {
			t.Errorf("object %d differs from the first one", i)
		}
	}
}

func messagesOf(err error) []byte {
	var refused *CompileError
	if errors.As(err, &refused) {
		return refused.Messages
	}
	return nil
}

func TestCompileErrors(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{"bad.c": "int x = y;\n"})
	job := compileJob{compiler: clang(t), target: Target{clang: "bpfel"}, source: "bad.c", dir: dir, env: os.Environ(), output: filepath.Join(dir, "out")}
	_, err := job.compile(t.Context())
	if got := string(messagesOf(err)); !strings.HasPrefix(got, "bad.c:1:9: error: use of undeclared identifier 'y'") {
		t.Errorf("%v: %s", err, got)
	}
	if want := "compile bad.c for bpfel: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v, want %s…", err, want)
	}
}

func TestCompileArgs(t *testing.T) {
	job := compileJob{
		compiler: Compiler{Path: "ccache", Args: []string{"clang"}},
		target:   Target{clang: "bpfel", macro: "x86"},
		source:   "a.c", dir: "/nowhere/pkg",
		flags: []string{"-mcpu=v4", "-O1"},
	}
	args := strings.Join(job.args("out.o"), " ")
	for _, want := range []string{
		"clang -O2 -mcpu=v3 ", " -mcpu=v4 -O1 -D__TARGET_ARCH_x86 ", " -g ", " -target bpfel ", " -c a.c -o out.o",
		" -fdebug-compilation-dir=. ", " -ffile-prefix-map=/nowhere/pkg/=./ ",
	} {
		if !strings.Contains(args+" ", want) {
			t.Errorf("%q is missing in %s", want, args)
		}
	}
	if runtime.GOOS == "linux" && strings.Contains(args, "BPF_TARGET_MISSING") {
		t.Error("an architecture is known and declared missing")
	}
}
