package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What a C source says about an event, for Go types to stand for.
const ownProgram = `//go:build ignore
#define SEC(name) __attribute__((section(name), used))
enum kind { OPEN, CLOSE };
union addr { unsigned int v4; unsigned char v6[16]; };
struct inner { short a, b; };
typedef unsigned int port_t;
struct event {
	unsigned int pid;
	enum kind kind;
	char comm[16];
	struct { unsigned long long start, end; };
	union addr from;
	struct inner inner[2];
	void *task;
	unsigned char low : 4, high : 4;
	_Bool failed;
	port_t port;
};
struct event last SEC(".data.last");
struct { struct event e; int more; } outer SEC(".data.last");
struct late { unsigned int a; unsigned long long b; } late SEC(".data.last");
port_t port SEC(".data.last");
SEC("socket") int count(void *ctx) { return last.pid + outer.more + late.a + port; }
char _license[] SEC("license") = "MIT";
`

const ownEvent = `package %s

import "structs"

type Kind uint8

type Times struct{ Start, End uint64 }

type Event struct {
	_       structs.HostLayout
	Pid     uint32
	Kind    int32
	Comm    [16]byte
	Times
	From    [16]byte
	Inner   [2]struct{ A, B int16 }
	Task    uint64
	Flags   uint8
	Failed  bool
	_       [2]byte
	Port    uint32
}

type Port uint32
`

// A Go type of the user's stands for a C type where the layout is the same, on
// every architecture.
func TestOwnTypes(t *testing.T) {
	mod, sum := userModule(t)
	files := map[string]string{
		"go.mod": mod, "go.sum": sum, "prog.c": ownProgram,
		"main.go":        fmt.Sprintf(ownEvent, "main") + "\nfunc main() { var o SnoopVariables; _ = o }\n",
		"events/type.go": fmt.Sprintf(ownEvent, "link"), // the name of another import of the output
	}
	for _, test := range []struct {
		about string
		types []string
		has   []string
	}{
		{"of the package", []string{"event=Event", "port_t=Port"}, []string{
			"ebpf.VarSpec[Event]", "\tE    Event\n", "unsafe.Offsetof((*(*Event)(nil)).Port)", "ebpf.VarSpec[Port]",
		}},
		{"of another one", []string{"event=example.com/user/events.Event"}, []string{
			"ebpf.VarSpec[link.Event]", "E    link.Event", `link "example.com/user/events"`, "unsafe.Sizeof((*(*link.Event)(nil)))",
		}},
		{"of the package, by its long name", []string{"event=example.com/user.Event"}, []string{"ebpf.VarSpec[Event]"}},
	} {
		t.Run(test.about, func(t *testing.T) {
			folder(t, files)
			env := ownHome(t)
			var args []string
			for _, typ := range test.types {
				args = append(args, "-type", typ)
			}
			got := bpfgen(t, env, append(args, "Snoop", "prog.c")...)
			if got.code != 0 || got.stderr != "" {
				t.Fatalf("%+v", got)
			}
			code := tree(t)["snoop_bpfel.go"]
			for _, want := range test.has {
				if !strings.Contains(code, want) {
					t.Errorf("no %q in\n%s", want, code)
				}
			}
			if strings.Contains(code, "SnoopEvent") || strings.Contains(code, "SnoopInner") {
				t.Errorf("types are declared that nothing needs:\n%s", code)
			}
			for _, arch := range []string{"amd64", "386"} {
				vet := exec.Command("go", "vet", ".")
				vet.Env = append(os.Environ(), append(env, "GOARCH="+arch, "CGO_ENABLED=0")...)
				if out, err := vet.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", arch, err, out)
				}
			}

			// The file that has the type is an input like any other.
			where := "main.go"
			if strings.Contains(test.types[0], "events") {
				where = "events/type.go"
			}
			changed := strings.Replace(tree(t)[where], "Pid ", "PID ", 1)
			if err := os.WriteFile(where, []byte(changed), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := bpfgen(t, env, append(args, "-verbose", "Snoop", "prog.c")...); got.code != 0 || !strings.Contains(got.stdout, "wrote ") {
				t.Errorf("after a change of the type: %+v", got)
			}
		})
	}
}

// The first field that differs is named, or what else is wrong.
func TestOwnTypeMistakes(t *testing.T) {
	for _, test := range []struct {
		typ      string
		old, new string // in the Go type
		want     string
	}{
		{"event=Event", "Pid     uint32", "Pid     int32", "field Pid: Go has int32, C has unsigned int"},
		{"event=Event", "Pid     uint32", "Pid     float32", "field Pid: Go has float32, C has unsigned int"},
		{"event=Event", "Pid     uint32", "Pid     uint64", "field Pid: uint64 has 8 bytes, C's unsigned int has 4"},
		{"event=Event", "Kind    int32", "", "field Comm is at offset 4, C's comm at 8"},
		{"event=Event", "Kind    int32", "Kind Kind; X int16", "field Kind: example.com/user.Kind has 1 bytes, C's enum kind has 4"},
		{"event=Event", "Comm    [16]byte", "Comm [4]byte; X [12]uint16", "field Comm: [4]byte has 4 bytes, C's char[16] has 16"},
		{"event=Event", "Start, End uint64", "Start uint64; X, Y uint32", "field X: uint32 has 4 bytes, C's unsigned long long has 8"},
		{"event=Event", "From    [16]byte", "From [8]uint16", "field From: [8]uint16 is no member of C's union addr: [16]byte stands for all of them"},
		{"event=Event", "A, B int16", "A int8; B int16", "field Inner[0].A: int8 has 1 bytes, C's short has 2"},
		{"event=Event", "_       [2]byte", "Pad     [2]byte", "field Pad at offset 74: C has nothing there"},
		{"event=Event", "Task    uint64", "Task    *Event", "field Task: *example.com/user.Event refers to memory of Go's, which C can't have"},
		{"event=Event", "Task    uint64", "Task    uint", "field Task: the size of uint depends on the machine: use a type with a size in its name"},
		{"event=Event", "Failed  bool", "Failed  uint16; X bool", "no field is at offset 73, where C has failed"},
		{"event=Event", "Kind    int32", "Kind    SnoopKind", "field Kind: its type isn't known: it can't be a generated one, nor use one"},
		{"event=Event", "Port    uint32", "Port uint32; _ uint32", "example.com/user.Event has 88 bytes, C's struct event has 80"},
		{"late=Late", "type Port uint32", "type Late struct { A uint32; B uint64 }", "on 386, field B is at offset 4, C's b at 8"},
		{"event=Other", "", "", "-type event=Other: package . has no type of that name"},
		{"event=example.com/other.Event", "", "", "-type event=example.com/other.Event: "},
		{"nothing=Event", "", "", "type nothing: the object doesn't have it"},
		{"kind=Kind", "", "", "example.com/user.Kind has 1 bytes, C's enum kind has 4"},
	} {
		t.Run(test.typ+" "+test.new, func(t *testing.T) {
			source := fmt.Sprintf(ownEvent, "main")
			if !strings.Contains(source, test.old) {
				t.Fatal("nothing to replace")
			}
			folder(t, map[string]string{
				"go.mod": goMod, "prog.c": ownProgram, "main.go": strings.Replace(source, test.old, test.new, 1),
			})
			before := len(tree(t))
			got := bpfgen(t, ownHome(t), "-target", "amd64", "-type", test.typ, "Snoop", "prog.c")
			if got.code != 1 || !strings.Contains(got.stderr, test.want) || len(tree(t)) != before {
				t.Errorf("want %q: %+v", test.want, got)
			}
		})
	}
}
