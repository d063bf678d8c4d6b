package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the types of generated code rule out, and what the compiler says to it.
// The code is that of examples/snoop.
var compileFail = []struct{ name, code, want string }{
	{
		"key of the wrong type",
		`objs.Execs.Get("42")`,
		`cannot use "42" (untyped string constant) as uint32 value in argument to objs.Execs.Get`,
	},
	{
		"value of the wrong type",
		`objs.Execs.Set(42, SnoopEvent{})`,
		`cannot use SnoopEvent{} (value of struct type SnoopEvent) as uint64 value in argument to objs.Execs.Set`,
	},
	{
		"constant of the wrong type",
		`spec.TargetPid.Set("x")`,
		`cannot use "x" (untyped string constant) as uint32 value in argument to spec.TargetPid.Set`,
	},
	{
		"constant after load",
		`objs.TargetPid.Set(42)`,
		`objs.TargetPid.Set undefined (type ebpf.Const[uint32] has no field or method Set)`,
	},
	{
		"event of the wrong type",
		`for ev := range objs.Events.All(context.Background()) { var _ *uint64 = ev }`,
		`cannot use ev (variable of type *SnoopEvent) as *uint64 value in variable declaration`,
	},
	{
		"no options for Attach",
		`objs.Attach()`,
		"not enough arguments in call to objs.Attach\n\thave ()\n\twant (SnoopAttach)",
	},
	{
		"options of another kind",
		`objs.Attach(SnoopAttach{CountPackets: link.CgroupOptions{}})`,
		`cannot use link.CgroupOptions{} (value of struct type link.CgroupOptions) as link.XDPOptions value in struct literal`,
	},
	{
		"options where nothing is left open",
		`objs.Attach(SnoopAttach{HandleExec: link.TracingOptions{}})`,
		`unknown field HandleExec in struct literal of type SnoopAttach`,
	},
	{
		"no options for one program",
		`objs.AttachCountPackets()`,
		"not enough arguments in call to objs.AttachCountPackets\n\thave ()\n\twant (link.XDPOptions)",
	},
	{
		"what a map of another kind can do",
		`objs.Events.Entries()`,
		`objs.Events.Entries undefined (type ringbuf.Events[SnoopEvent] has no field or method Entries)`,
	},
}

// Wrong uses of generated code don't compile, and the compiler says why.
func TestCompileFail(t *testing.T) {
	files := map[string]string{}
	files["go.mod"], files["go.sum"] = userModule(t)
	generated, err := filepath.Glob("../../examples/snoop/snoop_bpfe[lb].*")
	if err != nil || len(generated) == 0 {
		t.Fatal("examples/snoop has no generated files:", err)
	}
	for _, path := range generated {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(data)
	}
	files["main.go"] = "package main\n\nfunc main() {}\n"
	for i, c := range compileFail {
		files[fmt.Sprintf("wrong%d.go", i)] = fmt.Sprintf(`package main

import (
	"context"

	"github.com/bpfgen/bpfgen/runtime/link"
)

var (
	_ context.Context
	_ link.Link
)

func _(spec *SnoopSpecs, objs *SnoopObjects) {
	%s
}
`, c.code)
	}
	folder(t, files)
	out, err := exec.Command("go", "build", "-gcflags=-e", ".").CombinedOutput()
	if err == nil {
		t.Fatal("all of it compiles")
	}
	for i, c := range compileFail {
		if got := messagesAbout(string(out), fmt.Sprintf("wrong%d.go", i)); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.code, got, c.want)
		}
	}
}

// messagesAbout is what the compiler says of a file, without places.
func messagesAbout(out, file string) string {
	var said []string
	about := false
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "./"); ok {
			name, rest, _ := strings.Cut(rest, ":")
			about = name == file
			_, line, _ = strings.Cut(rest, ": ")
		}
		if about {
			said = append(said, line)
		}
	}
	return strings.Join(said, "\n")
}

// Generated code for every way to attach a program compiles against the runtime.
func TestAttachCompiles(t *testing.T) {
	source, err := os.ReadFile("../../internal/codegen/testdata/attach/in.bpf.c")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"attach.bpf.c": "//go:build ignore\n" + string(source), "main.go": "package main\n\nfunc main() {}\n"}
	files["go.mod"], files["go.sum"] = userModule(t)
	folder(t, files)
	if got := bpfgen(t, nil, "Attach", "attach.bpf.c"); got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	if out, err := exec.Command("go", "vet", ".").CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}
