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
	name  string
	needs []testutil.Feature
	caps  []uintptr
	do    func() error
}

// What operations take.
var (
	onlyBPF    = []uintptr{unix.CAP_BPF}
	networking = []uintptr{unix.CAP_BPF, unix.CAP_NET_ADMIN}
	tracing    = []uintptr{unix.CAP_BPF, unix.CAP_PERFMON}
)

// The specs of programs below leave open what they return.
func programOf(spec ebpf.ProgramSpec, returns int32) func() (*ebpf.Program, error) {
	spec.License, spec.Instructions = "GPL", asm.Instructions{asm.Mov.Imm(asm.R0, returns), asm.Return()}
	return func() (*ebpf.Program, error) { return ebpf.NewProgram(&spec) }
}

func loading(spec ebpf.ProgramSpec, returns int32) func() error {
	return closing(programOf(spec, returns))
}

// loadingOf is for types of programs that need no more to be said.
func loadingOf(typ ebpf.ProgramType) func() error { return loading(ebpf.ProgramSpec{Type: typ}, 1) }

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
	spec.MaxEntries = max(1, spec.MaxEntries)
	return closing(func() (*ebpf.Map, error) { return ebpf.NewMap(&spec) })
}

// attaching loads a program, attaches and detaches it.
func attaching(spec ebpf.ProgramSpec, returns int32, attach func(*ebpf.Program) (link.Link, error)) func() error {
	return func() error {
		prog, err := programOf(spec, returns)()
		if err != nil {
			return err
		}
		defer prog.Close()
		return closing(func() (link.Link, error) { return attach(prog) })()
	}
}

var (
	xdp      = ebpf.ProgramSpec{Type: ebpf.XDP}
	tcx      = ebpf.ProgramSpec{Type: ebpf.SchedCLS, AttachType: ebpf.AttachTCXEgress}
	egress   = ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress}
	netHook  = ebpf.ProgramSpec{Type: ebpf.Netfilter, AttachType: ebpf.AttachNetfilter}
	iterator = ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "task"}
	tpBTF    = ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_enter"}
	fentry   = ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "do_exit"}
	uprobes  = ebpf.ProgramSpec{Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti}
	lsm      = ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getsid"}
)

var operations = []operation{
	{"hash", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 4})},
	{"array", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4})},
	{"LRU hash", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.LRUHash, KeySize: 4, ValueSize: 4})},
	{"queue", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.Queue, ValueSize: 4})},
	{"LPM trie", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.LPMTrie, KeySize: 8, ValueSize: 4, Flags: unix.BPF_F_NO_PREALLOC})},
	{"ring buffer", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 4096})},
	{"perf event array", nil, onlyBPF, mapOf(ebpf.MapSpec{Type: ebpf.PerfEventArray})},
	{"device map", nil, networking, mapOf(ebpf.MapSpec{Type: ebpf.DevMap, KeySize: 4, ValueSize: 4})},
	{"socket map", nil, networking, mapOf(ebpf.MapSpec{Type: ebpf.SockMap, KeySize: 4, ValueSize: 4})},
	{"XSK map", nil, networking, mapOf(ebpf.MapSpec{Type: ebpf.XSKMap, KeySize: 4, ValueSize: 4})},

	{"load socket filter", nil, onlyBPF, loadingOf(ebpf.SocketFilter)},
	{"load cgroup_skb", nil, onlyBPF, loading(egress, 1)},
	{"load sk_lookup", []testutil.Feature{testutil.LinkDetach}, onlyBPF, loading(ebpf.ProgramSpec{Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup}, 1)},
	{"load syscall", []testutil.Feature{testutil.PerfEventLink}, onlyBPF, loading(ebpf.ProgramSpec{Type: ebpf.Syscall, Flags: unix.BPF_F_SLEEPABLE}, 0)},
	{"load XDP", nil, networking, loading(xdp, 2)},
	{"load traffic control", nil, networking, loadingOf(ebpf.SchedCLS)},
	{"load cgroup/dev", nil, networking, loadingOf(ebpf.CGroupDevice)},
	{"load cgroup/sock", nil, networking, loading(ebpf.ProgramSpec{Type: ebpf.CGroupSock, AttachType: ebpf.AttachCGroupInetSockCreate}, 1)},
	{"load cgroup/connect4", nil, networking, loading(ebpf.ProgramSpec{Type: ebpf.CGroupSockAddr, AttachType: ebpf.AttachCGroupInet4Connect}, 1)},
	{"load sockops", nil, networking, loadingOf(ebpf.SockOps)},
	{"load sk_skb", nil, networking, loadingOf(ebpf.SkSKB)},
	{"load sk_msg", nil, networking, loadingOf(ebpf.SkMsg)},
	{"load netfilter", []testutil.Feature{testutil.Netfilter}, networking, loading(netHook, 1)},
	{"load tracepoint", nil, tracing, loadingOf(ebpf.TracePoint)},
	{"load raw tracepoint", nil, tracing, loadingOf(ebpf.RawTracepoint)},
	{"load kprobe", nil, tracing, loadingOf(ebpf.Kprobe)},
	{"load perf event", nil, tracing, loadingOf(ebpf.PerfEvent)},
	{"load tp_btf", []testutil.Feature{testutil.TracingRawTp}, tracing, loading(tpBTF, 0)},
	{"load fentry", []testutil.Feature{testutil.Fentry}, tracing, loading(fentry, 0)},
	{"load iterator", []testutil.Feature{testutil.Iter}, tracing, loading(iterator, 0)},
	{"load LSM", []testutil.Feature{testutil.LSM}, tracing, loading(lsm, 0)},

	{"attach raw tracepoint", nil, tracing, attaching(ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, 0, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: prog})
	})},
	{"attach tp_btf", []testutil.Feature{testutil.TracingRawTp, testutil.BPFLink}, tracing, attaching(tpBTF, 0, attachTracing)},
	{"attach fentry", []testutil.Feature{testutil.Fentry, testutil.BPFLink}, tracing, attaching(fentry, 0, attachTracing)},
	{"attach LSM", []testutil.Feature{testutil.LSM}, tracing, attaching(lsm, 0, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachLSM(link.LSMOptions{Program: prog})
	})},
	{"attach iterator", []testutil.Feature{testutil.Iter}, tracing, attaching(iterator, 0, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachIter(link.IterOptions{Program: prog})
	})},
	{"attach uprobe.multi", []testutil.Feature{testutil.UprobeMulti}, tracing, attaching(uprobes, 0, func(prog *ebpf.Program) (link.Link, error) {
		exe, err := link.OpenExecutable("/proc/self/exe")
		if err != nil {
			return nil, err
		}
		return exe.UprobeMulti(nil, prog, &link.UprobeMultiOptions{Addresses: []uint64{0x1000}}) // test programs have no symbols
	})},
	{"attach XDP", []testutil.Feature{testutil.XDPLink}, networking, attaching(xdp, 2, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachXDP(link.XDPOptions{Interface: testutil.Loopback, Program: prog, Flags: link.XDPGenericMode})
	})},
	{"attach tcx", []testutil.Feature{testutil.TCX}, networking, attaching(tcx, -1, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachTCX(link.TCXOptions{Interface: testutil.Loopback, Program: prog, Attach: ebpf.AttachTCXEgress})
	})},
	{"attach cgroup_skb", []testutil.Feature{testutil.CgroupLink}, networking, attaching(egress, 1, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachCgroup(link.CgroupOptions{Path: os.Getenv(cgroupOfTest), Program: prog, Attach: ebpf.AttachCGroupInetEgress})
	})},
	{"attach netfilter", []testutil.Feature{testutil.Netfilter}, networking, attaching(netHook, 1, func(prog *ebpf.Program) (link.Link, error) {
		return link.AttachNetfilter(link.NetfilterOptions{Program: prog, ProtocolFamily: link.NetfilterProtoIPv4, Hook: link.NetfilterInetLocalOut, Priority: -128})
	})},
}

// uprobeByPerfEvent takes what tracing takes on older kernels, and CAP_SYS_ADMIN on
// newer ones.
var uprobeByPerfEvent = operation{"attach uprobe", []testutil.Feature{testutil.Uprobe, testutil.PerfEventLink}, nil, attaching(ebpf.ProgramSpec{Type: ebpf.Kprobe}, 0, func(prog *ebpf.Program) (link.Link, error) {
	exe, err := link.OpenExecutable("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	return exe.Uprobe("", prog, &link.UprobeOptions{Address: 0x1000}) // test programs have no symbols
})}

func attachTracing(prog *ebpf.Program) (link.Link, error) {
	return link.AttachTracing(link.TracingOptions{Program: prog})
}

// asNobody in the environment makes the test below do one operation, with the
// capabilities that it was given.
const asNobody = "BPFGEN_TEST_OPERATION"

// cgroupOfTest in the environment is a control group that nothing is in.
const cgroupOfTest = "BPFGEN_TEST_CGROUP"

// Each operation succeeds for an unprivileged user who has the capabilities that
// it needs and no other, and fails, naming what is missing, without any one.
func TestLeastPrivilege(t *testing.T) {
	if name := os.Getenv(asNobody); name != "" {
		perform(t, name)
		return
	}
	testutil.NeedsLinux(t, "CAP_BPF", 5, 8)
	if sysctl, err := os.ReadFile("/proc/sys/kernel/unprivileged_bpf_disabled"); err == nil && strings.TrimSpace(string(sysctl)) == "0" {
		t.Skip("needs kernel.unprivileged_bpf_disabled: on this machine, some of it takes no capability")
	}
	exe := filepath.Join(openDir(t), "test")
	copyFile(t, "/proc/self/exe", exe)
	cgroup := testutil.Cgroup(t)
	if err := os.Chmod(cgroup, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run(uprobeByPerfEvent.name, func(t *testing.T) {
		testutil.Needs(t, uprobeByPerfEvent.needs...)
		if out, err := runAsNobody(exe, uprobeByPerfEvent.name, cgroup, []uintptr{unix.CAP_SYS_ADMIN}); err != nil {
			t.Errorf("with CAP_SYS_ADMIN: %v\n%s", err, out)
		}
		out, err := runAsNobody(exe, uprobeByPerfEvent.name, cgroup, tracing)
		if err != nil && !strings.Contains(out, "needs CAP_SYS_ADMIN") {
			t.Errorf("without CAP_SYS_ADMIN, which it doesn't name: %s", out)
		}
	})
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			testutil.Needs(t, op.needs...)
			if out, err := runAsNobody(exe, op.name, cgroup, op.caps); err != nil {
				t.Errorf("with %s: %v\n%s", names(op.caps), err, out)
			}
			for i, missing := range op.caps {
				rest := slices.Delete(slices.Clone(op.caps), i, i+1)
				out, err := runAsNobody(exe, op.name, cgroup, rest)
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
	for _, op := range append(operations, uprobeByPerfEvent) {
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

func runAsNobody(exe, name, cgroup string, caps []uintptr) (string, error) {
	cmd := exec.Command(exe, "-test.run=^TestLeastPrivilege$")
	cmd.Dir = filepath.Dir(exe)
	cmd.Env = []string{asNobody + "=" + name, cgroupOfTest + "=" + cgroup}
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
