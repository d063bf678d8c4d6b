package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each of these makes bpf2go abort, panic, emit code that doesn't compile, or lie.
func TestWhatBpf2goGetsWrong(t *testing.T) {
	const prefix = `//go:build ignore
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
SEC("license") char _license[] = "GPL";
`
	cases := []struct {
		name   string
		c      string
		has    []string
		hasnt  string
		stderr string
	}{
		{"onlyunion", "union u { int a; long b; } u;", []string{"func (s *XU) AsB() (v int64)", "func (s *XU) SetA(v int32)"}, "", ""},
		{"samename", "int foo_bar, fooBar;", []string{"`ebpf:\"foo_bar\"`", "`ebpf:\"fooBar\"`"}, "", ""},
		{"closeprog", "SEC(\"socket\") int close(void *ctx) { return 0; }", []string{"CloseProgram *ebpf.Program `ebpf:\"close\"`"}, "", ""},
		{"typeobjects", "struct objects { int a; } o;", []string{"type XObjectsStruct struct", "type XObjects struct"}, "", ""},
		{"anonymous", "struct s { struct { int in; }; int after; } s;", []string{"In    int32", "After int32"}, "", ""},
		{"pointer", "struct s { void *p; float f; } s;", []string{"ebpf.Ptr // void *", "float32"}, "", ""},
		{"identifier", "int _1abc;", []string{"X1abc ebpf.VarSpec[int32]", "`ebpf:\"_1abc\"`"}, "", ""},
		{"emptyunion", "struct s { union {} none; int a; } s;", []string{"A int32"}, "", ""},
		{"text", "struct s { char comm[16]; } s;", []string{"Comm XChars16", "func (c XChars16) String() string"}, "[16]int8", ""},
		{"enumtyped", "enum e { A, B }; struct s { enum e e; } s;", []string{"E XE", "XEB XE = 1"}, "", ""},
		{"nested", "struct in { int a; }; struct s { struct in in; } s;", []string{"In XIn", "type XIn struct"}, "", ""},
		{"bitfields", "struct s { unsigned a : 3, b : 29; } s;", []string{"func (s *XS) A() (v uint32)", "func (s *XS) SetB(v uint32)"}, "", ""},
		{"unions", "struct s { union { int a; long b; } u; } s;", []string{"U XSU", "func (s *XSU) AsB() (v int64)"}, "", ""},
		{"packed", "struct __attribute__((packed)) s { char c; int i; } s;", []string{"func (s *XS) I() (v int32)", "_ [5]struct{} = [unsafe.Sizeof(XS{})]struct{}{}"}, "", ""},
		{
			"innermap", "struct v { int a; }; struct { __uint(type, 12); __uint(key_size, 4); __uint(max_entries, 1); " +
				"__array(values, struct { __uint(type, 1); __type(key, int); __type(value, struct v); __uint(max_entries, 1); }); } m SEC(\".maps\"); struct v v;",
			[]string{"type XV struct", "ebpf.MapOfMaps[uint32, ebpf.HashMap[int32, XV]]"}, "", "",
		},
		{"constants", "enum { LIMIT = 5, OTHER }; int n; SEC(\"socket\") int p(void *c) { return n + LIMIT; }", []string{"XOTHER uint32 = 6"}, "", ""},
		{"optional", "SEC(\"?xdp\") int p(void *c) { return 0; }", []string{"P *ebpf.Program `ebpf:\"p,optional\"`"}, "", ""},
		{"unknown", "SEC(\"xpd\") int p(void *c) { return 0; }", nil, "", `prog.c: section name "xpd" is unknown, the nearest known one is "xdp"`},
	}
	mod, sum := userModule(t)
	dir := folder(t, map[string]string{"go.mod": mod, "go.sum": sum})
	env := goEnv(t)
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			plant(t, dir, map[string]string{test.name + "/prog.c": prefix + test.c + "\n"})
			t.Chdir(filepath.Join(dir, test.name))
			got := bpfgen(t, append(env, "GOPACKAGE="+test.name), "X", "prog.c")
			if got.code != 0 || test.stderr == "" && got.stderr != "" || !strings.Contains(got.stderr, test.stderr) {
				t.Fatalf("%+v", got)
			}
			code, err := os.ReadFile("x_bpfel.go")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.has {
				if !strings.Contains(strings.Join(strings.Fields(string(code)), " "), strings.Join(strings.Fields(want), " ")) {
					t.Errorf("no %q in\n%s", want, code)
				}
			}
			if test.hasnt != "" && strings.Contains(string(code), test.hasnt) {
				t.Errorf("%q in\n%s", test.hasnt, code)
			}
		})
	}
	build := exec.Command("go", "vet", "./...")
	build.Dir = dir
	build.Env = append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
