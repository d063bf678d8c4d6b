package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/codegen"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

const program = `//go:build ignore
struct event { int pid; };
struct event last;
__attribute__((section("socket"), used)) int count(void *ctx) { return last.pid; }
char _license[] __attribute__((section("license"), used)) = "MIT";
`

// invocation is one run of bpfgen in a folder of its own.
type invocation struct {
	stdout, stderr string
	code           int
}

func bpfgen(t *testing.T, env []string, args ...string) invocation {
	t.Helper()
	base := []string{"PATH=" + os.Getenv("PATH"), "BPF2GO_CC=" + testutil.Clang(t), "GOPACKAGE=main"}
	var stdout, stderr bytes.Buffer
	code := run(args, append(base, env...), &stdout, &stderr)
	return invocation{stdout.String(), stderr.String(), code}
}

// folder makes a folder with these files and goes there.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return dir
}

// tree returns all files below the current folder.
func tree(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(".", func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		about string
		env   []string
		args  []string
		code  int
		want  string // in stderr
	}{
		{"no arguments", nil, nil, 2, "bpfgen wants an identifier and a C file"},
		{"no C file", nil, []string{"Snoop"}, 2, "as in bpfgen Snoop Snoop.bpf.c"},
		{"arguments swapped", nil, []string{"prog.c", "Snoop"}, 2, "did you mean bpfgen Snoop prog.c?"},
		{"flags at the end", nil, []string{"Snoop", "prog.c", "-target", "bpfel"}, 2, "flags of bpfgen come first, those of clang after --"},
		{"flags after several C files", nil, []string{"Snoop", "prog.c", "other.c", "-target", "bpfel"}, 2, "flags of bpfgen come first, those of clang after --"},
		{"the same C file twice", nil, []string{"Snoop", "prog.c", "prog.c"}, 2, "prog.c is there twice"},
		{"unknown flag", nil, []string{"-nonsense", "Snoop", "prog.c"}, 2, "-nonsense"},
		{"unknown target", nil, []string{"-target", "x86", "Snoop", "prog.c"}, 2, `unknown target "x86": it is one of bpf, bpfel, bpfeb, native, 386, amd64,`},
		{"bad identifier", nil, []string{"my-prog", "prog.c"}, 2, `"my-prog" can't be the start of Go names: use letters, digits and underscores, as in "MyProg"`},
		{"no package", []string{"GOPACKAGE="}, []string{"Snoop", "prog.c"}, 2, "set -go-package or GOPACKAGE"},
		{"bad package", nil, []string{"-go-package", "my-pkg", "Snoop", "prog.c"}, 2, `package name "my-pkg"`},
		{"dependency flags", nil, []string{"Snoop", "prog.c", "--", "-MD"}, 2, "use bpfgen's -makebase"},
		{"unfinished quote", nil, []string{"-cflags", "'-DX", "Snoop", "prog.c"}, 2, "missing closing '"},
		{"bad type", nil, []string{"-type", "struct event", "Snoop", "prog.c"}, 2, "without struct or enum"},
		{"constant that isn't there", nil, []string{"-const", "NOTHING*", "Snoop", "prog.c"}, 1, `-const "NOTHING*": prog.c has no #define`},
		{"bad pattern", nil, []string{"-const", "[", "Snoop", "prog.c"}, 2, "in which * and ? stand for anything"},
		{"no type after =", nil, []string{"-type", "event=", "Snoop", "prog.c"}, 2, "event=Name, or event=import/path.Name"},
		{"unexported type", nil, []string{"-type", "event=example.com/x.event", "Snoop", "prog.c"}, 2, "package example.com/x doesn't export event"},
		{"no import path", nil, []string{"-type", "event=./x.Event", "Snoop", "prog.c"}, 2, "malformed import path"},
		{"empty folder", nil, []string{"-I", "", "Snoop", "prog.c"}, 2, "it is a folder, or mod: and an import path"},
		{"module folder that isn't there", []string{"GOFLAGS=-mod=mod"}, []string{"-I", "mod:example.com/x", "Snoop", "prog.c"}, 1, "-I mod:example.com/x: "},
		{"type twice", nil, []string{"-type", "event", "-type", "event", "Snoop", "prog.c"}, 2, "twice"},
		{"bad tags", nil, []string{"-tags", "a b && c", "Snoop", "prog.c"}, 2, "-tags"},
		{"folder as file name", nil, []string{"-output-stem", "a/b", "Snoop", "prog.c"}, 1, `-output-stem "a/b" must be part of a file name`},
		{"file name that can't be embedded", nil, []string{"-output-suffix", "*", "Snoop", "prog.c"}, 1, "malformed file path"},
		{"no such source", nil, []string{"Snoop", "missing.c"}, 1, "missing.c: no such file"},
		{"no such type", nil, []string{"-type", "nothing", "Snoop", "prog.c"}, 1, "prog.c: type nothing: the object doesn't have it"},
		{"a function as type", nil, []string{"-type", "count", "Snoop", "prog.c"}, 1, "type count: it is no type"},
		{"no clang", []string{"BPF2GO_CC=", "PATH=/nowhere"}, []string{"Snoop", "prog.c"}, 1, "apt-get install clang"},
		{"another compiler that isn't there", nil, []string{"-cc", "clang-0", "Snoop", "prog.c"}, 1, "clang-0 is neither"},
		{"output folder that isn't there", nil, []string{"-output-dir", "missing", "Snoop", "prog.c"}, 1, "no file has been changed: write "},
		{"inspect without a file", nil, []string{"inspect"}, 2, "one object file"},
		{"inspect no object", nil, []string{"inspect", "prog.c"}, 1, "prog.c: "},
	} {
		t.Run(test.about, func(t *testing.T) {
			folder(t, map[string]string{"prog.c": program})
			before := tree(t)
			got := bpfgen(t, test.env, test.args...)
			if got.code != test.code || !strings.Contains(got.stderr, test.want) || !strings.HasPrefix(got.stderr, "bpfgen: ") {
				t.Errorf("exit code %d, want %d; stderr, which wants %q:\n%s", got.code, test.code, test.want, got.stderr)
			}
			if got.stdout != "" {
				t.Errorf("stdout: %s", got.stdout)
			}
			if diff := cmp.Diff(before, tree(t)); diff != "" {
				t.Errorf("files changed: %s", diff)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}} {
		got := bpfgen(t, nil, args...)
		for _, flag := range []string{
			"-cc", "-strip", "-no-strip", "-cflags", "-tags", "-target", "-makebase", "-type", "-no-global-types",
			"-output-stem", "-output-suffix", "-output-dir", "-go-package", "-verbose", "-untyped", "-const", "-min-kernel", "-I", "-own-headers",
		} {
			if !strings.Contains(got.stdout, "\n  "+flag) {
				t.Errorf("help doesn't have %s", flag)
			}
		}
		if got.code != 0 || got.stderr != "" {
			t.Errorf("exit code %d, stderr: %s", got.code, got.stderr)
		}
	}
}

func TestOutputFiles(t *testing.T) {
	for _, test := range []struct {
		about string
		env   []string
		args  []string
		want  []string          // all files that appear
		in    map[string]string // file, what it contains
	}{
		{
			"by default", nil, []string{"Snoop", "prog.c"},
			[]string{"snoop_bpfeb.go", "snoop_bpfeb.o", "snoop_bpfel.go", "snoop_bpfel.o"},
			map[string]string{
				"snoop_bpfel.go": "//go:embed snoop_bpfel.o\nvar _SnoopBytes string",
				"snoop_bpfeb.go": "//go:build mips || mips64 || ppc64 || s390x\n\npackage main\n",
			},
		},
		{
			"one architecture", nil, []string{"-target", "amd64", "snoop", "prog.c"},
			[]string{"snoop_x86_bpfel.go", "snoop_x86_bpfel.o"},
			map[string]string{"snoop_x86_bpfel.go": "func loadSnoop() "},
		},
		{
			"in a test", []string{"GOFILE=my_test.go"}, []string{"-target", "bpfel", "snoop", "prog.c"},
			[]string{"snoop_bpfel_test.go", "snoop_bpfel_test.o"}, nil,
		},
		{
			"names chosen", nil, []string{"-target", "bpfel", "-output-stem", "foo", "-output-suffix", "_x", "-output-dir", "sub", "-go-package", "other", "Snoop", "prog.c"},
			[]string{"sub/foo_bpfel_x.go", "sub/foo_bpfel_x.o"},
			map[string]string{"sub/foo_bpfel_x.go": "package other\n"},
		},
		{
			"build tags", nil, []string{"-target", "arm64", "-tags", "linux,!android", "snoop", "prog.c"},
			[]string{"snoop_arm64_bpfel.go", "snoop_arm64_bpfel.o"},
			map[string]string{"snoop_arm64_bpfel.go": "//go:build arm64 && linux && !android\n"},
		},
		{
			"without types", nil, []string{"-target", "bpfel", "-no-global-types", "snoop", "prog.c"},
			[]string{"snoop_bpfel.go", "snoop_bpfel.o"}, nil,
		},
		{
			"dependencies", nil, []string{"-target", "bpfel", "-makebase", ".", "snoop", "prog.c"},
			[]string{"snoop_bpfel.go", "snoop_bpfel.go.d", "snoop_bpfel.o"},
			map[string]string{"snoop_bpfel.go.d": "snoop_bpfel.go: \\\n prog.c\n\n"},
		},
		{
			"flags of clang", []string{`BPF2GO_CFLAGS=-DNAME="a b" -Dcount=first`}, []string{"-target", "bpfel", "snoop", "prog.c", "--", "-Ucount", "-Dcount=second"},
			[]string{"snoop_bpfel.go", "snoop_bpfel.o"},
			map[string]string{"snoop_bpfel.go": "`ebpf:\"second\"`"},
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			folder(t, map[string]string{"prog.c": program, "sub/keep": ""})
			got := bpfgen(t, test.env, test.args...)
			if got.code != 0 || got.stdout != "" || got.stderr != "" {
				t.Fatalf("%+v", got)
			}
			files := tree(t)
			delete(files, "prog.c")
			delete(files, "sub/keep")
			manifests := 0
			for name := range files {
				if strings.HasSuffix(name, codegen.ManifestExt) {
					manifests++
					delete(files, name)
				}
			}
			if manifests != 1 {
				t.Errorf("%d manifests, want 1", manifests)
			}
			for _, name := range test.want {
				data, ok := files[name]
				if !ok {
					t.Errorf("%s is missing", name)
				}
				if want := test.in[name]; !strings.Contains(data, want) {
					t.Errorf("%s doesn't contain %q:\n%s", name, want, data)
				}
				delete(files, name)
			}
			for name := range files {
				t.Errorf("%s is more than was asked for", name)
			}
		})
	}
}

func TestTypesOnRequest(t *testing.T) {
	folder(t, map[string]string{"prog.c": program})
	for args, want := range map[string]bool{"": true, "-no-global-types": false, "-no-global-types -type event": true} {
		got := bpfgen(t, nil, append(strings.Fields(args), "Snoop", "prog.c")...)
		if has := strings.Contains(tree(t)["snoop_bpfel.go"], "type SnoopEvent struct"); got.code != 0 || has != want {
			t.Errorf("%q: SnoopEvent is there: %v, want %v (%+v)", args, has, want, got)
		}
	}
}

// What clang has to say is passed on as it is, once for all targets.
func TestCompilerMessages(t *testing.T) {
	folder(t, map[string]string{"prog.c": strings.Replace(program, "\n", "\n#warning look out\n", 1)})
	got := bpfgen(t, nil, "Snoop", "prog.c")
	want := "prog.c:2:2: warning: look out [-W#warnings]\n    2 | #warning look out\n      |  ^\n1 warning generated.\n"
	if got.code != 0 || got.stderr != want {
		t.Errorf("exit code %d, stderr:\n%s", got.code, got.stderr)
	}
}

// The go command has its own idea of C files.
func TestSourceInPackage(t *testing.T) {
	for _, test := range []struct {
		source string
		args   []string
		warns  bool
	}{
		{"", nil, true},
		{"//go:build ignore\n", nil, false},
		{"", []string{"-output-dir", "sub"}, false},
	} {
		source := strings.TrimPrefix(program, "//go:build ignore\n")
		folder(t, map[string]string{"prog.c": test.source + source, "sub/keep": ""})
		got := bpfgen(t, nil, append(test.args, "Snoop", "prog.c")...)
		want := ""
		if test.warns {
			want = "bpfgen: warning: prog.c: go build refuses C files beside Go files: make //go:build ignore its first line\n"
		}
		if got.code != 0 || got.stderr != want {
			t.Errorf("%q %v: %+v", test.source, test.args, got)
		}
	}
}

// Whatever goes wrong, and however late, the files of the last good run stay.
func TestFailureKeepsFiles(t *testing.T) {
	for _, test := range []struct {
		about  string
		source string
		spoil  func() error
		stderr string // from the start
	}{
		{
			"C error", "int x = y;\n", nil,
			"prog.c:1:9: error: use of undeclared identifier 'y'\n    1 | int x = y;\n      |         ^\n1 error generated.\n",
		},
		{
			"no type to be had", strings.ReplaceAll(program, "event", "other"), nil,
			"bpfgen: prog.c: type event: the object doesn't have it",
		},
		{
			"an output that can't be replaced", program + "int more;\n",
			func() error {
				// The last of four files turns into a folder.
				if err := os.Remove("snoop_bpfeb.go"); err != nil {
					return err
				}
				if err := os.Mkdir("snoop_bpfeb.go", 0o755); err != nil {
					return err
				}
				return os.WriteFile("snoop_bpfeb.go/file", nil, 0o644)
			},
			"bpfgen: no file has been changed: ",
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			folder(t, map[string]string{"prog.c": program})
			args := []string{"-type", "event", "Snoop", "prog.c"}
			if got := bpfgen(t, nil, args...); got.code != 0 {
				t.Fatalf("%+v", got)
			}
			if err := os.WriteFile("prog.c", []byte(test.source), 0o644); err != nil {
				t.Fatal(err)
			}
			if test.spoil != nil {
				if err := test.spoil(); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t)
			got := bpfgen(t, nil, args...)
			if got.code != 1 || !strings.HasPrefix(got.stderr, test.stderr) {
				t.Errorf("exit code %d, stderr:\n%s", got.code, got.stderr)
			}
			if diff := cmp.Diff(before, tree(t)); diff != "" {
				t.Errorf("files changed: %s", diff)
			}
		})
	}
}

func TestUnchangedFilesAreNotTouched(t *testing.T) {
	folder(t, map[string]string{"prog.c": program})
	if got := bpfgen(t, nil, "-verbose", "Snoop", "prog.c"); got.code != 0 || strings.Count(got.stdout, "wrote ") != 5 {
		t.Fatalf("%+v", got)
	}
	before, err := os.Stat("snoop_bpfel.go")
	if err != nil {
		t.Fatal(err)
	}
	if got := bpfgen(t, nil, "-verbose", "Snoop", "prog.c"); got.code != 0 || !strings.Contains(got.stdout, "all files are up to date") {
		t.Errorf("%+v", got)
	}
	after, err := os.Stat("snoop_bpfel.go")
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was replaced (%v)", err)
	}
}

// The same project in another folder gives the same files.
func TestReproducible(t *testing.T) {
	var outputs []map[string]string
	for _, name := range []string{"one", "another/place"} {
		dir := folder(t, map[string]string{
			name + "/go.mod":               "module x\n",
			name + "/inc/h.h":              "static __attribute__((noinline)) int h(void *c) { return *(volatile int *)c; }\n",
			name + "/pkg/prog.c":           "//go:build ignore\n#include <h.h>\n#include <g.h>\n__attribute__((section(\"socket\"))) int p(void *c) { return h(c) + g(c); }\n",
			"elsewhere/" + name + "/g/g.h": "static __attribute__((noinline)) int g(void *c) { return *(volatile int *)c; }\n",
		})
		t.Chdir(filepath.Join(dir, name, "pkg"))
		env := []string{"GOMODCACHE=" + filepath.Join(dir, "elsewhere", name)}
		got := bpfgen(t, env, "-cflags", "-I'"+filepath.Join(dir, name, "inc")+"'", "Snoop", "prog.c", "--", "-I", filepath.Join(dir, "elsewhere", name, "g"))
		if got.code != 0 || got.stderr != "" {
			t.Fatalf("%+v", got)
		}
		outputs = append(outputs, tree(t))
	}
	if diff := cmp.Diff(outputs[0], outputs[1]); diff != "" {
		t.Error(diff)
	}
}
