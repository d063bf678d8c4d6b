package linker_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/linker"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

const prelude = `
#define SEC(name) __attribute__((section(name)))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __weak __attribute__((weak))
#define __hidden __attribute__((visibility("hidden")))
`

// compile makes inputs a.c, b.c … of C sources.
func compile(t *testing.T, sources []string, flags ...string) (inputs []linker.Input) {
	t.Helper()
	for i, source := range sources {
		inputs = append(inputs, linker.Input{
			Name: string(rune('a'+i)) + ".c",
			Data: testutil.Compile(t, prelude+source, append([]string{"-Wno-visibility", "-Wno-unused-function"}, flags...)...),
		})
	}
	return inputs
}

func link(t *testing.T, inputs []linker.Input) []byte {
	t.Helper()
	object, err := linker.Link(inputs)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// symbol is what debug/elf, which owes nothing to this package, makes of one.
func symbol(t *testing.T, object []byte, name string) (s elf.Symbol, data []byte) {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name != name {
			continue
		}
		if s.Section == elf.SHN_UNDEF {
			return s, nil
		}
		section := file.Sections[s.Section]
		if section.Type == elf.SHT_NOBITS {
			return s, make([]byte, s.Size)
		}
		data, err := section.Data()
		if err != nil {
			t.Fatal(err)
		}
		return s, data[s.Value:][:s.Size]
	}
	t.Fatalf("no symbol %s", name)
	return elf.Symbol{}, nil
}

// Which of several definitions is the one, and what the others still say.
func TestResolution(t *testing.T) {
	for _, test := range []struct {
		about   string
		sources []string
		data    string // first byte of x
		bind    elf.SymBind
		vis     elf.SymVis
	}{
		{"defined and declared", []string{`int x = 'a';`, `extern int x; int *f(void) { return &x; }`}, "a", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"declared and defined", []string{`extern int x; int *f(void) { return &x; }`, `int x = 'b';`}, "b", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"weak and strong", []string{`int x __weak = 'a';`, `int x = 'b';`}, "b", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"strong and weak", []string{`int x = 'a';`, `int x __weak = 'b';`}, "a", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"two weak ones", []string{`int x __weak = 'a';`, `int x __weak = 'b';`}, "a", elf.STB_WEAK, elf.STV_DEFAULT},
		{"weak in another section", []string{`int x __weak;`, `int x = 'b';`}, "b", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"a strong one between weak ones", []string{`int x __weak = 'a';`, `int x = 'b';`, `int x __weak = 'c';`}, "b", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"weak, but needed", []string{`int x __weak = 'a';`, `extern int x; int *f(void) { return &x; }`}, "a", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"weak and needed, yet overridden", []string{`int x __weak = 'a';`, `extern int x; int *f(void) { return &x; }`, `int x = 'c';`}, "c", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"weak, and not needed", []string{`int x __weak = 'a';`, `extern int x __weak; int *f(void) { return &x; }`}, "a", elf.STB_WEAK, elf.STV_DEFAULT},
		{"hidden by a declaration", []string{`int x = 'a';`, `extern int x __hidden; int *f(void) { return &x; }`}, "a", elf.STB_GLOBAL, elf.STV_HIDDEN},
		{"hidden by what lost", []string{`int x __weak __hidden = 'a';`, `int x = 'b';`}, "b", elf.STB_GLOBAL, elf.STV_HIDDEN},
		{"defined nowhere", []string{`extern int x; int *f(void) { return &x; }`, `extern int x __weak; int *g(void) { return &x; }`}, "", elf.STB_GLOBAL, elf.STV_DEFAULT},
		{"a static one is somebody else", []string{`int x = 'a';`, `static int x = 'b'; int *f(void) { return &x; } extern int x2;`}, "b", elf.STB_LOCAL, elf.STV_DEFAULT},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			s, data := symbol(t, link(t, compile(t, test.sources)), "x")
			if len(data) > 0 {
				data = data[:1]
			}
			if string(data) != test.data || elf.ST_BIND(s.Info) != test.bind || elf.ST_VISIBILITY(s.Other) != test.vis {
				t.Errorf("%q, %v, %v; want %q, %v, %v", data, elf.ST_BIND(s.Info), elf.ST_VISIBILITY(s.Other), test.data, test.bind, test.vis)
			}
		})
	}
}

const array = `struct {
	__uint(type, 2); __uint(max_entries, 4); __type(key, int); __type(value, struct v);
} m SEC(".maps");
`

// What files may say differently about the same thing, and what not. All errors
// name both files and the symbol.
func TestAgreement(t *testing.T) {
	const useX = ` void *f(void) { return (void *)&x; }`
	for _, test := range []struct {
		about, a, b string
		want        string // in the error; empty if it is all right
	}{
		{"twice", `int x = 1;`, `int x = 2;`, "link b.c with a.c: x: both define it: rename one, make it static, or make one __weak"},
		{"function twice", `int x(void) { return 1; }`, `int x(void) { return 2; }`, "both define it"},
		{"function and variable", `int x(void) { return 1; }`, `extern int x;` + useX, "var x here, func x there"},
		{"size", `int x = 1;`, `extern long x;` + useX, "link b.c with a.c: x: long of 8 bytes here, int of 4 there"},
		{"sign", `int x = 1;`, `extern unsigned x;` + useX, ""},
		{"typedef", `typedef int T; T x = 1;`, `extern int x;` + useX, ""},
		{"qualifiers", `int x = 1;`, `extern const volatile int x;` + useX, ""},
		{"array length", `int x[4] = {1};`, `extern int x[];` + useX, ""},
		{"array or not", `int x[4] = {1};`, `extern int x;` + useX, "int here, array there"},
		{"member", `struct s { int a; } x;`, `extern struct s { int b; } x;` + useX, "member 0 of struct s has another name or offset there"},
		{"members", `struct s { int a; } x;`, `extern struct s { int a, b; } x;` + useX, "struct s has 2 members here, 1 there"},
		{"member's type", `struct s { int a; } x;`, `extern struct s { float a; } x;` + useX, "member 0 of struct s: float here, int there"},
		{"struct's name", `struct s { int a; } x;`, `extern struct t { int a; } x;` + useX, "struct t here, struct s there"},
		{"behind a pointer", `struct s { int a; }; struct s *x;`, `extern struct s { long b; } *x;` + useX, ""},
		{"a pointer to something declared", `struct s { int a; }; struct s *x;`, `struct s; extern struct s *x;` + useX, ""},
		{"a pointer to something declared as another kind", `struct s { int a; }; struct s *x;`, `union s; extern union s *x;` + useX, "union s here, struct s there"},
		{"a pointer to something else declared", `struct s { int a; }; struct s *x;`, `struct t; extern struct t *x;` + useX, "struct t here, struct s there"},
		{"enum", `enum e { A } x = A;`, `extern enum e { B = 7 } x;` + useX, ""},
		{"union", `union u { int a; } x;`, `extern struct u { int a; } x;` + useX, "struct u here, union u there"},
		{"number of parameters", `int x(int a) { return a; }`, `int x(int a, int b); int f(void) { return x(1, 2); }`, "2 parameters here, 1 there"},
		{"names of parameters", `int x(int a) { return a; }`, `int x(int b); int f(void) { return x(1); }`, ""},
		{"type of a parameter", `int x(int a) { return a; }`, `int x(int *a); int f(void) { return x(0); }`, "parameter 1: pointer here, int there"},
		{"result", `long x(int a) { return a; }`, `int x(int a); int f(void) { return x(0); }`, "result: int of 4 bytes here, long of 8 there"},
		{"no result", `void x(int a) {}`, `int x(int a); int f(void) { return x(0); }`, "result: int here, void there"},
		{"map", `struct v { int a; };` + array, `struct v { int a; }; extern ` + array + ` void *f(void) { return &m; }`, ""},
		{"map's type", `struct v { int a; };` + array, `struct v { int a; }; extern ` + strings.Replace(array, "type, 2", "type, 1", 1) + ` void *f(void) { return &m; }`,
			"link b.c with a.c: m: the map's type is 1 here, 2 there"},
		{"map's value", `struct v { int a; };` + array, `struct v { int b; }; extern ` + array + ` void *f(void) { return &m; }`,
			"the map's value: member 0 of struct v has another name or offset there"},
		{"map's key without type", `struct v { int a; };` + array, `struct v { int a; }; extern ` + strings.Replace(array, "__type(key, int)", "__uint(key_size, 4)", 1) + ` void *f(void) { return &m; }`,
			"the map's key has a type in one file only"},
		{"two maps", `struct v { int a; };` + array, `struct v { int a; };` + array, "m: both define it"},
		{"map of maps", outer("", "7"), outer("extern", "7") + ` void *f(void) { return &o; }`, ""},
		{"inner map", outer("", "7"), outer("extern", "8") + ` void *f(void) { return &o; }`, "inner map: the map's max_entries is 8 here, 7 there"},
		{"map that is a variable there", `int m;`, `struct v { int a; }; extern ` + array + ` void *f(void) { return &m; }`,
			"m: it is declared in section .maps here, and in section .bss there"},
		{"the kernel's, and defined", `int x = 1;`, `extern int x SEC(".kconfig");` + useX, "x: it is declared in section .kconfig here, and in section .data there"},
		{"the kernel's in two ways", `extern const int x SEC(".kconfig");` + useX, `extern const int x SEC(".ksyms"); void *g(void) { return (void *)&x; }`,
			"x: it is declared in section .ksyms here, and in section .kconfig there"},
		{"the kernel's, twice", `extern int x SEC(".kconfig");` + useX, `extern int x SEC(".kconfig"); void *g(void) { return (void *)&x; }`, ""},
		{"the kernel's, of another size", `extern int x SEC(".kconfig");` + useX, `extern char x SEC(".kconfig"); void *g(void) { return (void *)&x; }`, "char of 1 bytes here, int of 4 there"},
		{"license", `char _license[] SEC("license") = "GPL";`, `char _license[] SEC("license") = "GPL";`, ""},
		{"license by another name", `char _license[] SEC("license") = "GPL";`, `const char LICENSE[] SEC("license") = "GPL";`, ""},
		{"licenses", `char _license[] SEC("license") = "GPL";`, `char _license[] SEC("license") = "MIT";`,
			`link b.c with a.c: license: the files have different contents in this section, "MIT" and "GPL": one object has one license`},
		{"versions", `int v SEC("version") = 65;`, `int v2 SEC("version") = 66;`, `one object has one version`},
		{"section with and without const", `int x SEC(".data.x") = 1;`, `const int y SEC(".data.x") = 1;`, "link b.c with a.c: .data.x: the section has other flags: A with entries of 0 bytes, and WA"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			_, err := linker.Link(compile(t, []string{test.a, test.b}))
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && err == nil:
				t.Error("no error")
			case test.want == "":
				return
			}
			var linkError *linker.Error
			if !strings.Contains(err.Error(), test.want) || !errors.As(err, &linkError) {
				t.Errorf("%v\nwant: %s", err, test.want)
			} else if linkError.File != "b.c" || linkError.Other != "a.c" || linkError.Symbol == "" {
				t.Errorf("%#v doesn't tell all", linkError)
			}
		})
	}
}

// outer is a map of maps.
func outer(storage, entries string) string {
	return `struct inner { __uint(type, 2); __uint(max_entries, ` + entries + `); __type(key, int); __type(value, int); };
` + storage + ` struct {
	__uint(type, 12); __uint(max_entries, 1); __type(key, int); __uint(value_size, 4); __array(values, struct inner);
} o SEC(".maps");
`
}

// What a single file can be refused for.
func TestRefusals(t *testing.T) {
	object := compile(t, []string{`int x = 1;`})[0]
	bare := compile(t, []string{`int x __weak = 1;`}, "-g0")[0]
	for _, test := range []struct {
		about  string
		inputs []linker.Input
		want   string
	}{
		{"nothing", nil, "link: no files"},
		{"text", []linker.Input{object, {Name: "b.c", Data: []byte("int x;\n")}}, "link b.c: elf: the file is text, not an object"},
		{"other byte order", []linker.Input{object, compile(t, []string{`int y = 1;`}, "-target", "bpfeb")[0]}, "compile both for the same target"},
		{"tentative definition", compile(t, []string{`int x;`}, "-fcommon"), "link a.c: x is a tentative definition: initialise it, or compile with -fno-common"},
		{"no BTF", []linker.Input{object, {Name: "bare.c", Data: bare.Data}}, "link bare.c with a.c: x: only BTF tells"},
		{"executable", []linker.Input{{Name: "a.c", Data: retype(object.Data)}}, "an executable, not a relocatable object"},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			if _, err := linker.Link(test.inputs); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nwant: %s", err, test.want)
			}
		})
	}
}

// retype makes an object an executable by its header.
func retype(object []byte) []byte {
	object = bytes.Clone(object)
	object[16] = 2
	return object
}

// Files without BTF are linked as long as they have nothing in common.
func TestWithoutBTF(t *testing.T) {
	object := link(t, compile(t, []string{`int x = 'a';`, `int y = 'b'; static int z = 'c'; int *f(void) { return &z; }`}, "-g0"))
	for name, want := range map[string]byte{"x": 'a', "y": 'b', "z": 'c'} {
		if _, data := symbol(t, object, name); data[0] != want {
			t.Errorf("%s is %q, want %q", name, data[0], want)
		}
	}
}
