package main

import (
	"os"
	"strings"
	"testing"
)

const directive = "package main\n\n//go:generate go tool bpfgen -target bpfel Snoop prog.c\n\nfunc main() {}\n"

// project is a module with two packages that generate, one of them into a
// folder of its own.
func project(t *testing.T) (env []string) {
	t.Helper()
	folder(t, map[string]string{
		"go.mod": goMod, "main.go": directive, "prog.c": included, "event.h": "struct event { int pid; };\n",
		"sub/sub.go":        "package sub\n\n//go:generate bpfgen -target bpfel -output-dir gen -go-package gen $GOPACKAGE ../prog.c\n//go:generate stringer -type T\n",
		"sub/gen/gen.go":    "package gen\n",
		"other/other.go":    "package other\n",
		"testdata/x/x.go":   directive,
		"sub/testdata/d.go": directive,
	})
	env = goEnv(t)
	got := bpfgen(t, env, "generate", "./...")
	if got.code != 0 || got.stderr != "" || strings.Count(got.stdout, ": 3 files written\n") != 2 {
		t.Fatalf("%+v", got)
	}
	return env
}

// Compiling again tells compilers from sources.
func TestVerifyRebuild(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	env := project(t)
	if got := bpfgen(t, env, "verify", "-rebuild"); got.code != 0 || got.stdout != "" {
		t.Errorf("%+v", got)
	}
	// Another optimiser, by another name.
	cc, _ := countedClang(t)
	script, err := os.ReadFile(cc)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(script), "\n", "\n[ \"$1\" = --version ] && { echo clang version 99; exit; }\nset -- \"$@\" -O1 -Dcount=renamed\n", 1)
	if err := os.WriteFile(cc, []byte(other), 0o755); err != nil {
		t.Fatal(err)
	}
	got := bpfgen(t, append(env, "BPF2GO_CC="+cc), "verify", "-rebuild", ".")
	if got.code != 1 || !strings.HasPrefix(got.stdout, "snoop_bpfel.o: the compiler differs: it is from ") || !strings.Contains(got.stdout, ", this is clang version 99\n") {
		t.Errorf("%+v", got)
	}
}

// verify needs no compiler, and names what has changed for each output.
func TestVerify(t *testing.T) {
	write := func(name, data string) func() error {
		return func() error { return os.WriteFile(name, []byte(data), 0o644) }
	}
	for _, test := range []struct {
		about  string
		change func() error
		want   string
	}{
		{"nothing", func() error { return nil }, ""},
		{"unrelated code", write("other/other.go", "package other\n\nvar X int\n"), ""},
		{
			"a header of both", write("event.h", "struct event { long pid; };\n"),
			"snoop_bpfel.o: event.h has changed\nsnoop_bpfel.go: event.h has changed\n" +
				"sub/gen/sub_bpfel.o: event.h has changed\nsub/gen/sub_bpfel.go: event.h has changed\n",
		},
		{"an output", write("sub/gen/sub_bpfel.go", "package gen\n"), "sub/gen/sub_bpfel.go: sub/gen/sub_bpfel.go has changed\n"},
		{"a lost output", func() error { return os.Remove("snoop_bpfel.o") }, "snoop_bpfel.o: snoop_bpfel.o is missing\n"},
		{"a lost manifest", func() error { return os.Remove("snoop_bpfel.bpfgen") },
			"snoop_bpfel.bpfgen: main.go:3 has not been run by this version: run go generate\n"},
		{
			"a directive", write("main.go", strings.Replace(directive, "Snoop", "-type event Snoop", 1)),
			"snoop_bpfel.o: main.go:3: generated without type event\nsnoop_bpfel.go: main.go:3: generated without type event\n",
		},
		{
			"a new directive", write("other/other.go", "package other\n\n//go:generate bpfgen New ../prog.c\n"),
			"other/new.bpfgen: other/other.go:3 has not been run by this version: run go generate\n",
		},
		{
			"no directive any more", func() error { return os.WriteFile("main.go", []byte("package main\n"), 0o644) }, "",
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			env := append(project(t), "BPF2GO_CC=/no/such/clang")
			if err := test.change(); err != nil {
				t.Fatal(err)
			}
			got := bpfgen(t, env, "verify", "./...")
			code := 0
			if test.want != "" {
				code = 1
			}
			if got.code != code || got.stdout != test.want || got.stderr != "" {
				t.Errorf("exit code %d, stderr %q, stdout:\n%swant:\n%s", got.code, got.stderr, got.stdout, test.want)
			}
		})
	}
}

// verify looks at the runtime that go.mod requires, wherever that is.
func TestVerifyRuntime(t *testing.T) {
	const (
		current = "package ebpf\n\nconst SupportsGeneratedCodeV1 = true\n"
		old     = "package ebpf\n\n// SupportsGeneratedCodeV1 isn't there.\n"
		require = "\nrequire github.com/bpfgen/bpfgen v0.9.0\n"
		wrong   = "go.mod: it requires github.com/bpfgen/bpfgen "
	)
	for _, test := range []struct {
		about string
		mod   string // after goMod
		files map[string]string
		want  string // start of the one line
	}{
		{"none required", "", nil, ""},
		{"not downloaded", require, nil, ""},
		{"current", require, map[string]string{"cache/github.com/bpfgen/bpfgen@v0.9.0/runtime/generated.go": current}, ""},
		{"old", require, map[string]string{"cache/github.com/bpfgen/bpfgen@v0.9.0/runtime/generated.go": old}, wrong + "v0.9.0, whose runtime"},
		{"replaced", require + "replace github.com/bpfgen/bpfgen => ./ours\n", map[string]string{"ours/runtime/x.go": old}, wrong + "v0.9.0"},
		{
			"replaced by a fork", require + "replace github.com/bpfgen/bpfgen => example.com/Fork v1.0.0\n",
			map[string]string{"cache/example.com/!fork@v1.0.0/runtime/x.go": old}, wrong + "v0.9.0",
		},
		{"vendored", require, map[string]string{"vendor/github.com/bpfgen/bpfgen/runtime/x.go": old, "vendor/modules.txt": "# github.com/bpfgen/bpfgen v0.9.0\n## explicit\n"}, wrong + "(vendored)"},
		{"itself", "", map[string]string{"go.mod": "module github.com/bpfgen/bpfgen\n", "runtime/x.go": old}, wrong},
	} {
		t.Run(test.about, func(t *testing.T) {
			files := map[string]string{"go.mod": goMod + test.mod, "main.go": directive, "prog.c": program}
			for name, data := range test.files {
				files[name] = data
			}
			dir := folder(t, files)
			env := append(goEnv(t), "GOMODCACHE="+dir+"/cache", "GOFLAGS=", "GONOSUMDB=*", "GOSUMDB=off")
			if got := bpfgen(t, env, "-target", "bpfel", "Snoop", "prog.c"); got.code != 0 {
				t.Fatalf("%+v", got)
			}
			got := bpfgen(t, env, "verify", ".")
			if (got.code != 0) != (test.want != "") || !strings.HasPrefix(got.stdout, test.want) || got.stderr != "" {
				t.Errorf("%+v, want %q", got, test.want)
			}
		})
	}
}
