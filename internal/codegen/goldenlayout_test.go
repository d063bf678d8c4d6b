package codegen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/object"
)

// modelOf is what is generated for the one source of a request, before it is
// printed, and how it was compiled.
func modelOf(t *testing.T, req Request, target Target) (*Model, compileJob) {
	t.Helper()
	headers, done, err := unpackHeaders()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = done() })
	req.headers, req.scratch = headers, t.TempDir()
	built, err := req.build(t.Context(), target)
	if err != nil {
		t.Fatalf("%v\n%s", err, messagesOf(err))
	}
	obj, err := object.Parse(built.object)
	if err != nil {
		t.Fatal(err)
	}
	names, err := topNames(req.Ident)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := buildModel(obj, modelOptions{names: names, source: "in.bpf.c", types: req.Types, target: target, globalTypes: true})
	if err != nil {
		t.Fatal(err)
	}
	return m, built.jobs[0]
}

var memberLabel = regexp.MustCompile(`^the type of (\w+) in ((struct|union) \S+)$`)

// cType is how to name a declaration's type in C: in a typeof, if it has no name.
func cType(label string) (name string, ok bool) {
	if m := memberLabel.FindStringSubmatch(label); m != nil {
		return fmt.Sprintf("typeof(((%s *)0)->%s)", m[2], m[1]), true
	}
	return label, !strings.Contains(label, " of ") && !strings.HasSuffix(label, "]")
}

// cAssertions is C that only compiles if the types of a model are those of C: their
// sizes, and the offsets of all fields and accessors. covered counts offsets.
func cAssertions(m *Model) (source string, covered int) {
	var b strings.Builder
	assert := func(format string, args ...any) {
		fmt.Fprintf(&b, "_Static_assert("+format+");\n", args...)
	}
	offset := func(c, member string, at uint32) {
		covered++
		assert("__builtin_offsetof(%s, %s) == %d, \"%s\"", c, member, at, member)
	}
	for _, decl := range m.Types {
		c, ok := cType(decl.C)
		if !ok || decl.Kind == DeclText || decl.Kind == DeclDefined || decl.Kind == DeclAlias {
			continue
		}
		if strings.HasPrefix(c, "typeof") && decl.Size > 0 { // of a member that may be an array of them
			assert("sizeof(%s) %% %d == 0, \"%s\"", c, decl.Size, decl.Name)
		} else {
			assert("sizeof(%s) == %d, \"%s\"", c, decl.Size, decl.Name)
		}
		storage := map[string]uint32{"Raw": 0}
		for _, f := range decl.Fields {
			storage[f.Name] = f.Offset
			if f.C != "" && !strings.HasPrefix(c, "typeof") {
				offset(c, f.C, f.Offset)
			}
		}
		for _, a := range decl.Accessors {
			if a.Bits == 0 && !strings.HasPrefix(c, "typeof") {
				offset(c, a.C, storage[a.Storage]+a.Offset)
			}
		}
		for _, v := range decl.Values {
			assert("%s == %d, \"%s\"", v.C, v.Value, v.Name)
		}
	}
	return b.String(), covered
}

// checkInC fails unless clang agrees with every size, offset and value of a model.
// It returns the number of offsets.
func checkInC(t *testing.T, m *Model, job compileJob) int {
	t.Helper()
	assertions, covered := cAssertions(m)
	text := fmt.Sprintf("#include %q\n%s", filepath.Join(job.dir, job.source), assertions)
	if _, err := job.clang(t.Context(), []byte(text), "-w", "-fsyntax-only", "-x", "c", "-"); err != nil {
		t.Errorf("%s for %s: %v\n%s", job.source, job.target.clang, err, messagesOf(err))
	}
	return covered
}

// clang agrees with every size, offset and value of every test case, for both byte
// orders.
func TestGoldenLayoutsInC(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/in.bpf.c")
	if err != nil || len(cases) == 0 {
		t.Fatal("no test cases:", err)
	}
	covered := 0
	for _, source := range cases {
		for _, list := range []string{"bpfel", "bpfeb"} {
			targets, err := ParseTargets(list)
			if err != nil {
				t.Fatal(err)
			}
			m, job := modelOf(t, goldenRequest(t, filepath.Dir(source)), targets[0])
			covered += checkInC(t, m, job)
		}
	}
	if covered < 150 {
		t.Errorf("only %d offsets are checked", covered)
	}
}

// userModule is the files of a module, example.com/golden, that uses this one.
func userModule(t *testing.T) map[string]string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	files["go.mod"] = strings.Replace(files["go.mod"], "module "+modulePath, "module example.com/golden", 1) +
		fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %[1]s => %s\n", modulePath, root)
	return files
}

// The real compiler builds every golden file with the real runtime, for machines of
// 64 and 32 bits and of either byte order.
func TestGoldenBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles the runtime four times")
	}
	goldens, err := filepath.Glob("testdata/*/out_*.go.golden")
	if err != nil || len(goldens) == 0 {
		t.Fatal("no golden files:", err)
	}
	files := userModule(t)
	for _, path := range goldens {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folder, name := filepath.Base(filepath.Dir(path)), strings.TrimSuffix(filepath.Base(path), ".golden")
		files[folder+"/"+name] = string(data)
		files[folder+"/"+strings.TrimSuffix(name, ".go")+".o"] = "embedded"
	}
	dir := t.TempDir()
	for name := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	plant(t, dir, files)
	for _, arch := range []string{"amd64", "arm64", "s390x", "386"} {
		cmd := exec.Command("go", "build", "./...")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOPROXY=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("GOARCH=%s: %v\n%s", arch, err, out)
		}
	}
}
