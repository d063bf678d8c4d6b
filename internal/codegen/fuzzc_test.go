package codegen

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/types"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// choicesOf are bytes for randomC, made of a number.
func choicesOf(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 8))
	choices := make([]byte, 200+r.IntN(1200))
	for i := range choices {
		choices[i] = byte(r.Uint32())
	}
	return choices
}

// generateTwice generates code for a random program, and fails if a second run
// gives other bytes. It is nil if clang doesn't accept the program.
func generateTwice(t *testing.T, req Request) map[string]File {
	t.Helper()
	result, err := Generate(t.Context(), req)
	if wrong := (*CompileError)(nil); errors.As(err, &wrong) {
		t.Logf("%s", messagesOf(err))
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := Generate(t.Context(), req)
	if err != nil {
		t.Fatalf("the second time: %v", err)
	}
	files := make(map[string]File)
	for i, file := range result.Files {
		if !bytes.Equal(file.Data, again.Files[i].Data) {
			t.Errorf("%s is another one the second time", filepath.Base(file.Path))
		}
		files[filepath.Ext(file.Path)] = file
	}
	return files
}

// checkRandomC generates code for a random program, for one byte order, and tells
// whether clang accepts the program. If so, all of it has to hold: the same bytes
// twice, Go that compiles, and the sizes and offsets of C.
func checkRandomC(t *testing.T, choices []byte) (accepted bool) {
	t.Helper()
	source := (&randomC{bytes: choices}).program()
	dir := t.TempDir()
	plant(t, dir, map[string]string{"in.bpf.c": source})
	req := request(t, dir, "Random")
	req.Targets = req.Targets[len(choices)%2:][:1]
	req.CFlags = []string{"-w"}
	var code []byte
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\n%s", source, code)
		}
	})
	files := generateTwice(t, req)
	if files == nil {
		return false
	}
	code = files[".go"].Data
	declared := typeCheck(t, "random.go", code)
	m, job := modelOf(t, req, req.Targets[0])
	checkInC(t, m, job)
	for arch, pkg := range declared {
		checkInGo(t, m, pkg, types.SizesFor("gc", arch))
	}
	return true
}

// checkInGo fails unless the sizes and offsets of a model are those of the types
// that were declared.
func checkInGo(t *testing.T, m *Model, pkg *types.Package, sizes types.Sizes) {
	t.Helper()
	for _, decl := range m.Types {
		name := pkg.Scope().Lookup(decl.Name)
		if name == nil {
			t.Errorf("%s isn't declared", decl.Name)
			continue
		}
		if got := sizes.Sizeof(name.Type()); got != int64(decl.Size) {
			t.Errorf("%s has %d bytes in Go and %d in C", decl.Name, got, decl.Size)
		}
		s, ok := name.Type().Underlying().(*types.Struct)
		if !ok {
			continue
		}
		var fields []*types.Var
		for field := range s.Fields() {
			fields = append(fields, field)
		}
		want := make(map[string]uint32)
		for _, f := range decl.Fields {
			want[f.Name] = f.Offset
		}
		for i, at := range sizes.Offsetsof(fields) {
			if off, ok := want[fields[i].Name()]; ok && fields[i].Name() != "_" && at != int64(off) {
				t.Errorf("%s.%s is at %d in Go and at %d in C", decl.Name, fields[i].Name(), at, off)
			}
		}
	}
}

var (
	firstProgram = flag.Uint64("program", 0, "the first random C program")
	programs     = flag.Uint64("programs", 4, "how many random C programs")
)

// Whatever valid C there is, what is generated for it is Go with the layout of C.
func TestRandomC(t *testing.T) {
	accepted := uint64(0)
	for seed := *firstProgram; seed < *firstProgram+*programs; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			if checkRandomC(t, choicesOf(seed)) {
				accepted++
			}
		})
	}
	if accepted < *programs/2 {
		t.Errorf("clang accepts %d of %d programs", accepted, *programs)
	}
}

// randomMain binds the types of each package to what its object declares. If the
// object loads, it loads with these types as well.
const randomMain = `package main

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"
%s)

func check[S interface{ Load(*ebpf.CollectionOptions) (O, error) }, O interface{ Close() error }](name string, parse func() (*ebpf.CollectionSpec, error), bind func() (S, error)) {
	specs, err := bind()
	if err != nil {
		fmt.Println(name, "bind:", err)
		os.Exit(1)
	}
	spec, err := parse()
	if err != nil {
		fmt.Println(name, "parse:", err)
		os.Exit(1)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		fmt.Println(name, "isn't for this kernel:", err)
		return
	}
	coll.Close()
	objs, err := specs.Load(nil)
	if err != nil {
		fmt.Println(name, "load:", err)
		os.Exit(1)
	}
	objs.Close()
}

func main() {
%s}
`

// What is generated for random programs is fine for go vet, and fits the objects
// when it runs.
func TestRandomCRuns(t *testing.T) {
	files := userModule(t)
	dir := t.TempDir()
	var imports, calls strings.Builder
	for seed := *firstProgram; seed < *firstProgram+*programs; seed++ {
		name := fmt.Sprintf("p%d", seed)
		pkg := filepath.Join(dir, name)
		if err := os.Mkdir(pkg, 0o755); err != nil {
			t.Fatal(err)
		}
		plant(t, pkg, map[string]string{"in.bpf.c": "//go:build ignore\n" + (&randomC{bytes: choicesOf(seed)}).program()})
		req := request(t, pkg, "Random")
		req.Package, req.OutputDir, req.CFlags = name, pkg, []string{"-w"}
		result, err := Generate(t.Context(), req)
		if err != nil {
			t.Log(name, err, messagesOf(err))
			continue
		}
		for _, file := range result.Files {
			plant(t, pkg, map[string]string{filepath.Base(file.Path): string(file.Data)})
		}
		fmt.Fprintf(&imports, "\t\"example.com/golden/%s\"\n", name)
		fmt.Fprintf(&calls, "\tcheck(%q, %s.LoadRandom, %[2]s.NewRandomSpecs)\n", name, name)
	}
	files["main.go"] = fmt.Sprintf(randomMain, imports.String(), calls.String())
	plant(t, dir, files)
	for _, args := range [][]string{{"vet", "./..."}, {"run", "."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("go %v: %v", args, err)
		}
		t.Logf("go %v:\n%s", args, out)
	}
}

// FuzzC is TestRandomC without an end.
func FuzzC(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(choicesOf(seed))
	}
	f.Fuzz(func(t *testing.T, choices []byte) { checkRandomC(t, choices) })
}
