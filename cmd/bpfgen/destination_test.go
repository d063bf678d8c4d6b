package main

import (
	"os/exec"
	"strings"
	"testing"
)

const goMod = "module example.com/user\n\ngo 1.25\n"

// What the rest of the package declares is avoided, or named in the refusal.
func TestDestinationPackage(t *testing.T) {
	for _, test := range []struct {
		about  string
		files  map[string]string
		stderr []string // all of these
		has    []string // in snoop_bpfel.go
		code   int
	}{
		{
			about: "a type that is taken",
			files: map[string]string{"main.go": "package main\n\ntype SnoopEvent struct{}\n"},
			has:   []string{"type SnoopEventStruct struct"},
			stderr: []string{
				"bpfgen: warning: prog.c: SnoopEvent is declared at main.go:3: what is generated for event is SnoopEventStruct",
			},
		},
		{
			about: "a constant, in a test of the package",
			files: map[string]string{"main.go": "package main\n", "a_test.go": "package main\n\nvar SnoopVarLast = 1\n"},
			has:   []string{"SnoopVarLast2 ", `= "last"`},
		},
		{
			about:  "a name that isn't ours to change",
			files:  map[string]string{"main.go": "package main\n\nfunc LoadSnoop() {}\n"},
			stderr: []string{"LoadSnoop is declared at main.go:3", "choose another identifier than Snoop"},
			code:   1,
		},
		{
			about: "names of imports",
			files: map[string]string{"main.go": "package main\n\nfunc strings() {}\n\nvar fmt, ebpf = 1, 2\n"},
			has:   []string{`_strings "strings"`, `_ebpf "github.com/bpfgen/bpfgen/runtime"`, `_fmt "fmt"`},
		},
		{
			about: "another package, another system, a method, a file that is half written",
			files: map[string]string{
				"main.go":       "package main\n\ntype T int\n\nfunc (T) SnoopEvent() {}\n\nfunc f() { x := SnoopObjects{\n",
				"x_test.go":     "package main_test\n\ntype SnoopEvent int\n",
				"other.go":      "//go:build !linux\n\npackage main\n\nfunc LoadSnoop() {}\n",
				"sub/sub.go":    "package sub\n\ntype SnoopEvent int\n",
				"alias.go":      "package main\n\nimport ebpf \"fmt\"\n",
				"old_s390x.go":  "package main\n\ntype other int\n",
				"snoop_big.go":  "//go:build tag\n\npackage main\n\ntype SnoopEvent int\n",
				"snoop_test.go": "package main\n",
			},
			has: []string{"type SnoopEvent struct", `	ebpf "github.com/bpfgen`},
		},
	} {
		t.Run(test.about, func(t *testing.T) {
			test.files["prog.c"], test.files["go.mod"] = program, goMod
			folder(t, test.files)
			for range 2 { // our own output is nobody else's
				got := bpfgen(t, goEnv(t), "Snoop", "prog.c")
				if got.code != test.code {
					t.Fatalf("%+v", got)
				}
				for _, want := range test.stderr {
					if !strings.Contains(got.stderr, want) {
						t.Errorf("stderr doesn't say %q:\n%s", want, got.stderr)
					}
				}
				for _, want := range test.has {
					if code := tree(t)["snoop_bpfel.go"]; !strings.Contains(code, want) {
						t.Errorf("no %q in\n%s", want, code)
					}
				}
			}
		})
	}
}

// goEnv is what the go command needs besides PATH.
func goEnv(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	return []string{"GOCACHE=" + lines[0], "GOMODCACHE=" + lines[1], "GOFLAGS=-mod=mod", "GOPROXY=off"}
}

// ownHome is goEnv with a home folder of the test's own. The go command's telemetry
// is off in it: a process that outlives the command would write there while the test
// removes the folder.
func ownHome(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	plant(t, home, map[string]string{".config/go/telemetry/mode": "off"})
	return append(goEnv(t), "HOME="+home, "XDG_CONFIG_HOME=")
}
