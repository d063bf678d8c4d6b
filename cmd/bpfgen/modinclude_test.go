package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const headerProgram = `//go:build ignore
#include <shared.h>
struct shared last;
__attribute__((section("socket"), used)) int count(void *ctx) { return shared(ctx) + last.n; }
char _license[] __attribute__((section("license"), used)) = "MIT";
`

// headerModule is a module whose headers end up in the object's line info, with
// their names.
func headerModule() map[string]string {
	return map[string]string{
		"go.mod":           "module example.com/c\n\ngo 1.25\n",
		"headers/doc.go":   "// Package headers is for C.\npackage headers\n",
		"headers/shared.h": "#include \"../more/more.h\"\nstruct shared { int n; };\nstatic __attribute__((noinline)) int shared(void *ctx) { return *(volatile int *)ctx + more(ctx); }\n",
		"more/more.h":      "static __attribute__((noinline)) int more(void *ctx) { return *(volatile int *)ctx; }\n",
	}
}

// moduleProxy serves versions of the module from a folder, as GOPROXY.
func moduleProxy(t *testing.T, versions map[string]map[string]string) string {
	t.Helper()
	proxy := t.TempDir()
	at := filepath.Join(proxy, "example.com/c/@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	for version, files := range versions {
		dir := t.TempDir()
		plant(t, dir, files)
		var archive bytes.Buffer
		if err := zip.CreateFromDir(&archive, module.Version{Path: "example.com/c", Version: version}, dir); err != nil {
			t.Fatal(err)
		}
		plant(t, at, map[string]string{
			version + ".info": `{"Version":"` + version + `"}`, version + ".mod": files["go.mod"], version + ".zip": archive.String(),
		})
	}
	return "file://" + proxy
}

// plant writes files below dir.
func plant(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// moduleEnv is an environment with a module cache of its own.
func moduleEnv(t *testing.T, proxy string) []string {
	t.Helper()
	cache := t.TempDir()
	env := append(ownHome(t), "GOMODCACHE="+cache, "GOPROXY="+proxy, "GOSUMDB=off", "GONOSUMDB=*")
	t.Cleanup(func() {
		clean := exec.Command("go", "clean", "-modcache") // its folders can't be written to
		clean.Env = append(os.Environ(), env...)
		if out, err := clean.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return env
}

// Headers of a module are found by import path, and everything that is written is
// the same wherever the module cache and the project are.
func TestModuleHeaders(t *testing.T) {
	newer := headerModule()
	newer["headers/shared.h"] = strings.Replace(newer["headers/shared.h"], "int n", "int n, m", 1)
	proxy := moduleProxy(t, map[string]map[string]string{"v1.0.0": headerModule(), "v1.1.0": newer})
	goMod := goMod + "\nrequire example.com/c v1.0.0\n"

	var outputs []map[string]string
	for _, project := range []string{"a", "deeper/b"} {
		env := moduleEnv(t, proxy)
		dir := folder(t, map[string]string{project + "/go.mod": goMod, project + "/prog.c": headerProgram})
		t.Chdir(filepath.Join(dir, project))
		args := []string{"-verbose", "-I", "mod:example.com/c/headers", "Snoop", "prog.c"}
		if got := bpfgen(t, env, args...); got.code != 0 || got.stderr != "" {
			t.Fatalf("%+v", got)
		}
		files := tree(t)
		delete(files, "go.sum")
		outputs = append(outputs, files)
		for name, data := range files {
			if strings.Contains(data, dir) || strings.Contains(data, "/mod/") {
				t.Errorf("%s has a path of this machine:\n%s", name, data)
			}
		}
		if !strings.Contains(files["snoop_bpfel.o"], "example.com/c/headers/../more/more.h") {
			t.Error("line info doesn't have the header's import path")
		}
		if m := files["snoop.bpfgen"]; !strings.Contains(m, "\nset module example.com/c v1.0.0\n") || !strings.Contains(m, " $GOMODCACHE/example.com/c@v1.0.0/headers/shared.h\n") {
			t.Errorf("the manifest is\n%s", m)
		}

		if got := bpfgen(t, env, args...); got.code != 0 || !strings.Contains(got.stdout, "up to date") {
			t.Errorf("again: %+v", got)
		}
		// Another version of the module: old files, still there, don't count.
		plant(t, ".", map[string]string{"go.mod": strings.Replace(goMod, "v1.0.0", "v1.1.0", 1), "main.go": "package main\n\n//go:generate bpfgen -I mod:example.com/c/headers Snoop prog.c\n"})
		if got := bpfgen(t, env, "verify"); got.code != 1 || !strings.Contains(got.stdout, "generated without module example.com/c v1.1.0") {
			t.Errorf("verify after an update: %+v", got)
		}
		if got := bpfgen(t, env, args...); got.code != 0 || !strings.Contains(tree(t)["snoop_bpfel.go"], "\tM ") {
			t.Errorf("after an update: %+v", got)
		}
	}
	if diff := cmp.Diff(outputs[0], outputs[1]); diff != "" {
		t.Error(diff)
	}
}

// A folder of go.mod's own, replaced modules, vendored ones.
func TestModuleHeadersElsewhere(t *testing.T) {
	in := func(dir string) map[string]string {
		files := map[string]string{}
		for name, data := range headerModule() {
			files[dir+"/"+name] = data
		}
		return files
	}
	vendored := in("user/vendor/example.com/c")
	maps.DeleteFunc(vendored, func(name, _ string) bool { return strings.HasSuffix(name, "go.mod") })
	vendored["user/vendor/modules.txt"] = "# example.com/c v1.0.0\n## explicit; go 1.25\nexample.com/c/headers\n"
	own := in("user/c")
	delete(own, "user/c/go.mod")
	for _, test := range []struct {
		about string
		files map[string]string
		goMod string
		path  string
		want  string // in the manifest, or in stderr
	}{
		{"the module's own", own, "", "example.com/user/c/headers", " c/headers/shared.h\n"},
		{"replaced by a neighbour", in("c"), "require example.com/c v1.0.0\nreplace example.com/c => ../c\n", "example.com/c/headers", " ../c/more/more.h\n"},
		{"vendored", vendored, "require example.com/c v1.0.0\n", "example.com/c/headers", " vendor/example.com/c/headers/shared.h\n"},
		{"not vendored", vendored, "require example.com/c v1.0.0\n", "example.com/c/other", "the vendor folder doesn't have it: go mod vendor only copies packages that Go files import"},
		{"no such module", nil, "", "example.com/c/headers", "no module that go.mod requires has it: go get example.com/c/headers"},
		{"no such folder", in("c"), "require example.com/c v1.0.0\nreplace example.com/c => ../c\n", "example.com/c/none", "module example.com/c v1.0.0 => ../c has no folder none"},
		{"no import path", nil, "", "/abs", "malformed import path"},
	} {
		t.Run(test.about, func(t *testing.T) {
			files := maps.Clone(test.files)
			if files == nil {
				files = map[string]string{}
			}
			files["user/go.mod"], files["user/prog.c"] = goMod+test.goMod, headerProgram
			dir := folder(t, files)
			t.Chdir(filepath.Join(dir, "user"))
			env := append(ownHome(t), "GOFLAGS=")
			got := bpfgen(t, env, "Snoop", "prog.c", "--", "-I", "mod:"+test.path)
			said := got.stderr + tree(t)["snoop.bpfgen"]
			if !strings.Contains(said, test.want) || (got.code == 0) != strings.HasSuffix(test.want, ".h\n") {
				t.Errorf("want %q: %+v\n%s", test.want, got, said)
			}
			for name, data := range tree(t) {
				if strings.Contains(data, dir) {
					t.Errorf("%s has a path of this machine:\n%s", name, data)
				}
			}
		})
	}
}
