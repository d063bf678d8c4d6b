package ebpf_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/link"
)

// operation is what an unprivileged user can do with some capabilities, and
// with none of them left out. SECURITY.md has the same table.
type operation struct {
	name string
	caps []uintptr
	do   func() error
}

func loadOf(typ ebpf.ProgramType) func() (*ebpf.Program, error) {
	return func() (*ebpf.Program, error) {
		return ebpf.NewProgram(&ebpf.ProgramSpec{Type: typ, License: "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}})
	}
}

func closing[C interface{ Close() error }](open func() (C, error)) func() error {
	return func() error {
		c, err := open()
		if err != nil {
			return err
		}
		return c.Close()
	}
}

func mapOf(spec ebpf.MapSpec) func() error {
	return closing(func() (*ebpf.Map, error) { return ebpf.NewMap(&spec) })
}

func attachRawTracepoint() (link.Link, error) {
	prog, err := loadOf(ebpf.RawTracepoint)()
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	return link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: prog})
}

func attachXDP() (link.Link, error) {
	prog, err := loadOf(ebpf.XDP)()
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	return link.AttachXDP(link.XDPOptions{Interface: testutil.Loopback, Program: prog, Flags: link.XDPGenericMode})
}

var operations = []operation{
	{"hash map", []uintptr{unix.CAP_BPF}, mapOf(ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1})},
	{"ring buffer", []uintptr{unix.CAP_BPF}, mapOf(ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})},
	{"device map", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}, mapOf(ebpf.MapSpec{Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 1})},
	{"socket filter", []uintptr{unix.CAP_BPF}, closing(loadOf(ebpf.SocketFilter))},
	{"XDP", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}, closing(loadOf(ebpf.XDP))},
	{"traffic control", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}, closing(loadOf(ebpf.SchedCLS))},
	{"tracepoint", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}, closing(loadOf(ebpf.TracePoint))},
	{"raw tracepoint", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}, closing(loadOf(ebpf.RawTracepoint))},
	{"attach raw tracepoint", []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}, closing(attachRawTracepoint)},
	{"attach XDP", []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}, closing(attachXDP)},
}

// asNobody in the environment makes the test below do one operation, with the
// capabilities that it was given.
const asNobody = "BPFGEN_TEST_OPERATION"

// Each operation succeeds for an unprivileged user who has the capabilities that
// it needs and no other, and fails, naming what is missing, without any one.
func TestLeastPrivilege(t *testing.T) {
	if name := os.Getenv(asNobody); name != "" {
		perform(t, name)
		return
	}
	testutil.NeedsLinux(t, "CAP_BPF", 5, 8)
	testutil.Needs(t, testutil.XDPLink)
	exe := filepath.Join(openDir(t), "test")
	copyFile(t, "/proc/self/exe", exe)
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			if out, err := runAsNobody(exe, op.name, op.caps); err != nil {
				t.Errorf("with %s: %v\n%s", names(op.caps), err, out)
			}
			for i, missing := range op.caps {
				rest := slices.Delete(slices.Clone(op.caps), i, i+1)
				out, err := runAsNobody(exe, op.name, rest)
				if err == nil {
					t.Errorf("succeeded without %s", names([]uintptr{missing}))
				} else if !strings.Contains(out, "needs "+names([]uintptr{missing})) {
					t.Errorf("without %s, which it doesn't name: %s", names([]uintptr{missing}), out)
				}
			}
		})
	}
}

// perform is what the child does.
func perform(t *testing.T, name string) {
	for _, op := range operations {
		if op.name != name {
			continue
		}
		if err := op.do(); err != nil {
			if !errors.Is(err, fs.ErrPermission) {
				t.Fatalf("refused for another reason: %v", err)
			}
			t.Fatal(err)
		}
	}
}

func runAsNobody(exe, name string, caps []uintptr) (string, error) {
	cmd := exec.Command(exe, "-test.run=^TestLeastPrivilege$")
	cmd.Dir = filepath.Dir(exe)
	cmd.Env = []string{asNobody + "=" + name}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: caps}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func names(caps []uintptr) string {
	all := map[uintptr]string{unix.CAP_BPF: "CAP_BPF", unix.CAP_PERFMON: "CAP_PERFMON", unix.CAP_NET_ADMIN: "CAP_NET_ADMIN"}
	var list []string
	for _, c := range caps {
		list = append(list, all[c])
	}
	return strings.Join(list, " and ")
}

// openDir is a folder that everyone can look into.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bpfgen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(fmt.Errorf("copy the test: %w", err))
	}
}
