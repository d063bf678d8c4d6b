package codegen

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/object"
)

// goCodeOf generates code for an object that nobody vouches for.
func goCodeOf(tb testing.TB, data []byte) ([]byte, error) {
	tb.Helper()
	targets, err := ParseTargets("bpfel")
	if err != nil {
		tb.Fatal(err)
	}
	names, err := topNames("Hostile")
	if err != nil {
		tb.Fatal(err)
	}
	req := &Request{Ident: "Hostile", Sources: []string{"hostile.bpf.c"}, Package: "hostile", printer: new(printer)}
	code, _, err := req.goFile(data, targets[0], modelOptions{names: names, source: "hostile.bpf.c", target: targets[0], globalTypes: true})
	return code.text, err
}

// checkHarmless fails if something of an object got out of the identifier, the
// string or the comment that it belongs in: the code is no Go any more, or does
// what generated code never does.
func checkHarmless(tb testing.TB, code []byte) {
	tb.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "hostile.go", code, parser.ParseComments)
	if err != nil {
		tb.Fatalf("not Go: %v\n%s", err, code)
	}
	ours := []string{"embed"}
	for _, i := range imports() {
		ours = append(ours, i.path)
	}
	for _, imp := range file.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		if !slices.Contains(ours, path) {
			tb.Errorf("imports %q", path)
		}
	}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && (f.Name.Name == "init" || f.Name.Name == "main") {
			tb.Errorf("declares func %s", f.Name.Name)
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			text := strings.TrimSpace(c.Text)
			if c.Text == "//go:embed hostile_bpfel.o" || strings.HasPrefix(c.Text, "//go:build ") && c.Pos() < file.Package {
				continue
			}
			for _, directive := range []string{"//go:", "//line ", "/*line ", "//export ", "//extern "} {
				if strings.HasPrefix(text, directive) {
					tb.Errorf("directive %q", c.Text)
				}
			}
		}
	}
}

// smallObjects are the seeds: what is in testdata, as far as it is small.
func smallObjects(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("../../testdata/*-el.o")
	if err != nil || len(files) == 0 {
		tb.Fatal("no seeds:", err)
	}
	seeds := make(map[string][]byte)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		if len(data) < 16<<10 {
			seeds[filepath.Base(name)] = data
		}
	}
	return seeds
}

// breakouts are what names may be full of.
var breakouts = []string{
	"\"\n}\nfunc init(){panic(1)}\n//",
	"`\nimport \"os/exec\"\n",
	"\n//go:generate rm -rf /\n",
	"*/ func main(){} /*",
	"\r\n//line x.go:1\r\n",
	"../../../../etc/passwd",
	"\\x22;\\u0022%s%n\\",
	"x\u2028\u202e\ufeff\xff\xfe",
}

// Names of an object become identifiers, strings and comments of Go, whatever
// they are.
func TestHostileNames(t *testing.T) {
	for name, data := range smallObjects(t) {
		obj, err := object.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		for i, old := range stringsOf(data, obj) {
			breakout := breakouts[i%len(breakouts)] // there are many names: each of these gets everywhere
			evil := strings.Repeat(breakout, len(old)/len(breakout)+1)[:len(old)]
			changed := bytes.ReplaceAll(data, []byte("\x00"+old+"\x00"), []byte("\x00"+evil+"\x00"))
			code, err := goCodeOf(t, changed)
			if err != nil {
				continue // refused is as good
			}
			checkHarmless(t, code)
			if t.Failed() {
				t.Fatalf("%s with %q for %q", name, evil, old)
			}
		}
	}
}

// stringsOf are the names in an object that can get into Go code.
func stringsOf(data []byte, obj *object.Object) []string {
	var all []string
	for _, m := range obj.Maps {
		all = append(all, m.Name, m.Section)
	}
	for _, p := range obj.Programs {
		all = append(all, p.Name, p.Section, p.AttachTo)
	}
	for _, v := range obj.Variables {
		all = append(all, v.Name, v.Section)
	}
	if obj.Types != nil {
		for typ, err := range obj.Types.All() {
			if err == nil {
				all = append(all, typ.TypeName())
			}
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool {
		return len(name) < 2 || !bytes.Contains(data, []byte("\x00"+name+"\x00"))
	})
}

// FuzzGenerator changes whole objects.
func FuzzGenerator(f *testing.F) {
	for _, data := range smallObjects(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if code, err := goCodeOf(t, data); err == nil {
			checkHarmless(t, code)
		}
	})
}

// FuzzManifest: what is read and written again says the same.
func FuzzManifest(f *testing.F) {
	seeds, err := filepath.Glob("../../examples/*/*" + ManifestExt)
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds:", err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	path := filepath.Join(f.TempDir(), "fuzz"+ManifestExt)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := ReadManifest(path)
		if err != nil {
			return
		}
		if err := os.WriteFile(path, m.Marshal(), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := ReadManifest(path)
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, m.Marshal())
		}
		if !bytes.Equal(again.Marshal(), m.Marshal()) {
			t.Errorf("changed on the way:\n%s\n%s", m.Marshal(), again.Marshal())
		}
	})
}
