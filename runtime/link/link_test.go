package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"golang.org/x/sys/unix"
)

// sendPackets in the environment makes this binary send packets, and no more:
// processes in a control group are its own children.
const sendPackets = "BPFGEN_TEST_SEND_PACKETS"

func TestMain(m *testing.M) {
	if os.Getenv(sendPackets) != "" {
		if err := sendToSelf(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testutil.Main(m)
}

// sendToSelf sends one packet over lo. When it has arrived, whoever watches its
// way has seen it.
func sendToSelf() error {
	receiver, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer receiver.Close()
	sender, err := net.Dial("udp4", receiver.LocalAddr().String())
	if err != nil {
		return err
	}
	defer sender.Close()
	if _, err := sender.Write([]byte("hello")); err != nil {
		return err
	}
	if err := receiver.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	_, _, err = receiver.ReadFrom(make([]byte, 10))
	return err
}

// counter is an array map with one number.
type counter struct{ *ebpf.Map }

func newCounter(t testing.TB) counter {
	t.Helper()
	testutil.Needs(t, testutil.GlobalData)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return counter{m}
}

func (c counter) value(t testing.TB) uint64 {
	t.Helper()
	var n uint64
	if err := c.Lookup(uint32(0), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// increment counts one more.
func (c counter) increment() asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, c.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
	}
}

// magicSyscall is the number of no system call, so that nobody else makes it.
const magicSyscall = 0x4242

func makeMagicSyscall(t testing.TB) {
	t.Helper()
	if _, _, errno := unix.Syscall(magicSyscall, 0, 0, 0); errno != unix.ENOSYS {
		t.Fatalf("system call %#x: %v", magicSyscall, errno)
	}
}

// family is one way to attach, as the tests below need to know it.
type family struct {
	name  string
	needs []testutil.Feature
	// perf is for what is a bpf_link on kernels that have it for perf events,
	// and works without on others.
	perf bool
	spec ebpf.ProgramSpec
	// idAt is where in the program's context the number of a system call is;
	// others than the magic one don't count. Negative: count everything.
	idAt    int16
	returns int32
	// attach is how the test attaches; dir is a control group, a program's
	// file or a pinned sockmap if it needs one.
	attach  func(prog *ebpf.Program, dir string) (Link, error)
	cgroup  bool
	exe     bool
	netkit  bool
	sockmap bool
	netns   bool
	trigger func(t testing.TB, dir string)

	updatable, detachable bool
	check                 func(*Info) error
}

// afterEntry is where functions have an instruction that isn't ftrace's: behind
// endbr64, or a call of five bytes; behind two instructions, and a third where
// indirect calls are guarded; behind a branch of six bytes.
var afterEntry = map[string][2]uint64{"amd64": {4, 5}, "arm64": {8, 12}, "s390x": {6, 10}}

var families = []family{
	{
		name:  "tp_btf",
		needs: []testutil.Feature{testutil.TracingRawTp, testutil.BPFLink},
		spec:  ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "sys_enter"},
		idAt:  8,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachTracing(TracingOptions{Program: prog})
		},
		trigger: func(t testing.TB, _ string) { makeMagicSyscall(t) },
		check: func(info *Info) error {
			// For the kernel it is a raw tracepoint.
			if d := info.RawTracepoint(); d == nil || d.Name != "sys_enter" || info.Tracing() != nil {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:  "fentry",
		needs: []testutil.Feature{testutil.Fentry, testutil.BPFLink},
		spec:  ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: SyscallWrapper("sys_getsid")},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachTracing(TracingOptions{Program: prog})
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check: func(info *Info) error {
			if d := info.Tracing(); d == nil || d.AttachType != ebpf.AttachTraceFEntry || d.TargetBtfId == 0 && kernel.AtLeast(tracingTarget) {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	tracingFamily("fexit", ebpf.AttachTraceFExit, testutil.Fentry),
	fmodRetFamily(),
	tracingFamily("fsession", ebpf.AttachTraceFSession, testutil.Fsession),
	tracingMultiFamily("fentry.multi", ebpf.AttachTraceFEntryMulti),
	tracingMultiFamily("fexit.multi", ebpf.AttachTraceFExitMulti),
	tracingMultiFamily("fsession.multi", ebpf.AttachTraceFSessionMulti),
	{
		name:  "raw tracepoint",
		needs: []testutil.Feature{testutil.RawTracepoint, testutil.BPFLink},
		spec:  ebpf.ProgramSpec{Type: ebpf.RawTracepoint},
		idAt:  8,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachRawTracepoint(RawTracepointOptions{Program: prog, Name: "sys_enter"})
		},
		trigger: func(t testing.TB, _ string) { makeMagicSyscall(t) },
		check: func(info *Info) error {
			if d := info.RawTracepoint(); d == nil || d.Name != "sys_enter" {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:  "tracepoint",
		needs: []testutil.Feature{testutil.Tracepoint},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.TracePoint},
		idAt:  8,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return Tracepoint("raw_syscalls", "sys_enter", prog, nil)
		},
		trigger: func(t testing.TB, _ string) { makeMagicSyscall(t) },
		check: func(info *Info) error {
			d := info.PerfEvent()
			if d == nil && !kernel.AtLeast(perfInfo) {
				return nil
			}
			if d == nil || d.Type != PerfEventTracepoint || d.Tracepoint().Tracepoint != "sys_enter" {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:  "kprobe",
		needs: []testutil.Feature{testutil.Kprobe},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return Kprobe("sys_getsid", prog, nil)
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check:   checkKprobeInfo(PerfEventKprobe),
	},
	{
		name:  "kretprobe",
		needs: []testutil.Feature{testutil.Kprobe},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return Kretprobe("sys_getsid", prog, nil)
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check:   checkKprobeInfo(PerfEventKretprobe),
	},
	{
		name:  "ksyscall",
		needs: []testutil.Feature{testutil.Kprobe},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return Ksyscall("getsid", prog, nil)
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check:   checkKprobeInfo(PerfEventKprobe),
	},
	{
		name:  "kretsyscall",
		needs: []testutil.Feature{testutil.Kprobe},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return Kretsyscall("getsid", prog, nil)
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check:   checkKprobeInfo(PerfEventKretprobe),
	},
	{
		name:  "kprobe with offset",
		needs: []testutil.Feature{testutil.Kprobe},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			offsets := afterEntry[runtime.GOARCH]
			l, err := Kprobe("sys_getsid", prog, &KprobeOptions{Offset: offsets[0]})
			if errors.Is(err, unix.EILSEQ) || errors.Is(err, unix.EINVAL) {
				return Kprobe("sys_getsid", prog, &KprobeOptions{Offset: offsets[1]})
			}
			return l, err
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check:   checkKprobeInfo(PerfEventKprobe),
	},
	{
		name:  "kretprobe in tracefs",
		needs: []testutil.Feature{testutil.Kprobe},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.Kprobe},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return Kretprobe("sys_getsid", prog, &KprobeOptions{RetprobeMaxActive: 32, TraceFSPrefix: "bpfgen"})
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(0) },
		check:   checkKprobeInfo(PerfEventKretprobe),
	},
	uprobeFamily("uprobe", PerfEventUprobe, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return ex.Uprobe("target", prog, nil)
	}),
	uprobeFamily("uretprobe", PerfEventUretprobe, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return ex.Uretprobe("target", prog, nil)
	}),
	uprobeFamily("uprobe in tracefs", PerfEventUprobe, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return attachUprobeTracefs(ex, prog, &UprobeOptions{TraceFSPrefix: "bpfgen"}, false)
	}),
	uprobeFamily("uretprobe in tracefs", PerfEventUretprobe, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return attachUprobeTracefs(ex, prog, &UprobeOptions{}, true)
	}),
	kprobeMultiFamily("kprobe.multi", ebpf.AttachTraceKprobeMulti, testutil.KprobeMulti, func(prog *ebpf.Program, opts KprobeMultiOptions) (Link, error) {
		return KprobeMulti(prog, opts)
	}),
	kprobeMultiFamily("kretprobe.multi", ebpf.AttachTraceKprobeMulti, testutil.KprobeMulti, func(prog *ebpf.Program, opts KprobeMultiOptions) (Link, error) {
		return KretprobeMulti(prog, opts)
	}),
	kprobeMultiFamily("kprobe.session", ebpf.AttachTraceKprobeSession, testutil.KprobeSession, func(prog *ebpf.Program, opts KprobeMultiOptions) (Link, error) {
		opts.Session = true
		return KprobeMulti(prog, opts)
	}),
	uprobeMultiFamily("uprobe.multi", ebpf.AttachTraceUprobeMulti, testutil.UprobeMulti, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return ex.UprobeMulti([]string{"second", "target"}, prog, nil)
	}),
	uprobeMultiFamily("uretprobe.multi", ebpf.AttachTraceUprobeMulti, testutil.UprobeMulti, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return ex.UretprobeMulti([]string{"second", "target"}, prog, nil)
	}),
	uprobeMultiFamily("uprobe.session", ebpf.AttachTraceUprobeSession, testutil.UprobeSession, func(ex *Executable, prog *ebpf.Program) (Link, error) {
		return ex.UprobeMulti([]string{"second", "target"}, prog, &UprobeMultiOptions{Session: true})
	}),
	{
		name:    "XDP",
		needs:   []testutil.Feature{testutil.XDPLink},
		spec:    ebpf.ProgramSpec{Type: ebpf.XDP},
		idAt:    -1,
		returns: 2, // XDP_PASS
		netns:   true,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback, Flags: XDPGenericMode})
		},
		trigger:   triggerPacket,
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.XDP(); d == nil || d.Ifindex != testutil.Loopback {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "tcx",
		needs:   []testutil.Feature{testutil.TCX},
		spec:    ebpf.ProgramSpec{Type: ebpf.SchedCLS, AttachType: ebpf.AttachTCXEgress},
		idAt:    -1,
		returns: -1, // TCX_NEXT
		netns:   true,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachTCX(TCXOptions{Program: prog, Interface: testutil.Loopback, Attach: ebpf.AttachTCXEgress, Anchor: Head()})
		},
		trigger:   triggerPacket,
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.TCX(); d == nil || d.Ifindex != testutil.Loopback || d.AttachType != ebpf.AttachTCXEgress {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "netkit",
		needs:   []testutil.Feature{testutil.Netkit},
		spec:    ebpf.ProgramSpec{Type: ebpf.SchedCLS, AttachType: ebpf.AttachNetkitPrimary},
		idAt:    -1,
		returns: -1, // NETKIT_NEXT
		netkit:  true,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			iface, err := net.InterfaceByName("primary")
			if err != nil {
				return nil, err
			}
			return AttachNetkit(NetkitOptions{Program: prog, Interface: iface.Index, Attach: ebpf.AttachNetkitPrimary, Anchor: Head()})
		},
		trigger:   sendOnNetkit,
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.Netkit(); d == nil || d.Ifindex == 0 || d.AttachType != ebpf.AttachNetkitPrimary {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "netfilter",
		needs:   []testutil.Feature{testutil.Netfilter},
		spec:    ebpf.ProgramSpec{Type: ebpf.Netfilter, AttachType: ebpf.AttachNetfilter},
		idAt:    -1,
		returns: 1, // NF_ACCEPT
		netns:   true,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachNetfilter(netfilterOptions(prog))
		},
		trigger:    triggerPacket,
		detachable: true,
		check: func(info *Info) error {
			want := NetfilterInfo{ProtocolFamily: NetfilterProtoIPv4, Hook: NetfilterInetLocalOut, Priority: -128}
			if d := info.Netfilter(); d == nil || *d != want {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:  "LSM",
		needs: []testutil.Feature{testutil.LSM},
		spec:  ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getsid"},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			return AttachLSM(LSMOptions{Program: prog})
		},
		trigger: func(t testing.TB, _ string) { _, _ = unix.Getsid(os.Getpid()) },
		check: func(info *Info) error {
			if d := info.Tracing(); d == nil || d.AttachType != ebpf.AttachLSMMac {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:  "perf event",
		needs: []testutil.Feature{testutil.Tracepoint},
		perf:  true,
		spec:  ebpf.ProgramSpec{Type: ebpf.PerfEvent},
		idAt:  -1,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			event, err := pageFaults()
			if err != nil {
				return nil, err
			}
			defer unix.Close(event)
			return AttachPerfEvent(event, prog, nil)
		},
		trigger: func(t testing.TB, _ string) { faultPages(t) },
		check: func(info *Info) error {
			d := info.PerfEvent()
			if d == nil && !kernel.AtLeast(perfInfo) {
				return nil
			}
			if d == nil || d.Type != PerfEventEvent || d.Event().Type != unix.PERF_TYPE_SOFTWARE || d.Event().Config != unix.PERF_COUNT_SW_PAGE_FAULTS {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "sockmap",
		needs:   []testutil.Feature{testutil.SockmapLink},
		spec:    ebpf.ProgramSpec{Type: ebpf.SkMsg, AttachType: ebpf.AttachSkMsgVerdict},
		idAt:    -1,
		returns: 1, // SK_PASS
		sockmap: true,
		attach: func(prog *ebpf.Program, pin string) (Link, error) {
			m, err := ebpf.LoadPinnedMap(pin, nil)
			if err != nil {
				return nil, err
			}
			defer m.Close()
			return AttachSockmap(SockmapOptions{Map: m, Program: prog, Attach: ebpf.AttachSkMsgVerdict})
		},
		trigger:   sendThroughSockmap,
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.Sockmap(); d == nil || d.MapID == 0 || d.AttachType != ebpf.AttachSkMsgVerdict {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "cgroup",
		needs:   []testutil.Feature{testutil.CgroupLink},
		spec:    ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress},
		idAt:    -1,
		returns: 1, // pass
		cgroup:  true,
		attach: func(prog *ebpf.Program, dir string) (Link, error) {
			return AttachCgroup(CgroupOptions{Path: dir, Attach: ebpf.AttachCGroupInetEgress, Program: prog})
		},
		trigger:   triggerInCgroup,
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.Cgroup(); d == nil || d.CgroupId == 0 || d.AttachType != ebpf.AttachCGroupInetEgress {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "lsm_cgroup",
		needs:   []testutil.Feature{testutil.LSMCgroup, testutil.CgroupLink},
		spec:    ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMCgroup, AttachTo: "socket_bind"},
		idAt:    -1,
		returns: 1, // go ahead
		cgroup:  true,
		attach: func(prog *ebpf.Program, dir string) (Link, error) {
			return AttachCgroup(CgroupOptions{Path: dir, Attach: ebpf.AttachLSMCgroup, Program: prog})
		},
		trigger:   triggerInCgroup,
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.Cgroup(); d == nil || d.AttachType != ebpf.AttachLSMCgroup {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
	{
		name:    "network namespace",
		needs:   []testutil.Feature{testutil.XDPLink},
		spec:    ebpf.ProgramSpec{Type: ebpf.SkLookup, AttachType: ebpf.AttachSkLookup},
		idAt:    -1,
		returns: 1, // SK_PASS
		netns:   true,
		attach: func(prog *ebpf.Program, _ string) (Link, error) {
			ns, err := os.Open("/proc/thread-self/ns/net")
			if err != nil {
				return nil, err
			}
			defer ns.Close()
			return AttachNetNs(int(ns.Fd()), prog)
		},
		trigger: func(t testing.TB, _ string) {
			listener, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			conn, err := net.Dial("tcp4", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		},
		updatable: true, detachable: true,
		check: func(info *Info) error {
			if d := info.NetNs(); d == nil || d.NetnsInode == 0 || d.AttachType != ebpf.AttachSkLookup {
				return fmt.Errorf("%+v", d)
			}
			return nil
		},
	},
}

// tracingTarget is the first kernel that tells what links of TracingType trace.
var tracingTarget = uapi.KernelVersion{Major: 5, Minor: 13}

// perfInfo is the first kernel that tells about links on perf events.
var perfInfo = uapi.KernelVersion{Major: 6, Minor: 6}

func checkKprobeInfo(want PerfEventKind) func(*Info) error {
	return func(info *Info) error {
		d := info.PerfEvent()
		if d == nil && !kernel.AtLeast(perfInfo) {
			return nil
		}
		if d == nil || d.Type != want || !strings.HasSuffix(d.Kprobe().Function, "sys_getsid") {
			return fmt.Errorf("%+v", d)
		}
		return nil
	}
}

func triggerPacket(t testing.TB, _ string) {
	t.Helper()
	if err := sendToSelf(); err != nil {
		t.Fatal(err)
	}
}

func triggerInCgroup(t testing.TB, dir string) {
	t.Helper()
	group, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), sendPackets+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// program counts what it sees into c.
func (f *family) program(t testing.TB, c counter) *ebpf.Program {
	t.Helper()
	var insns asm.Instructions
	if f.idAt >= 0 {
		insns = append(insns,
			asm.LoadMem(asm.R3, asm.R1, f.idAt, asm.DWord),
			asm.JNE.Imm(asm.R3, magicSyscall, "out"),
		)
	}
	insns = append(insns, c.increment()...)
	insns = append(insns, asm.Mov.Imm(asm.R0, f.returns).WithSymbol("out"), asm.Return())
	spec := f.spec
	spec.Instructions, spec.License, spec.Name = insns, "GPL", "test"
	prog, err := ebpf.NewProgram(&spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

// place makes what the test attaches to: a network namespace to be in, or a
// control group, program or sockmap, of which it returns the path.
func (f *family) place(t testing.TB) string {
	t.Helper()
	switch {
	case f.netns:
		testutil.NetNS(t)
	case f.cgroup:
		return testutil.Cgroup(t)
	case f.exe:
		return writeExecutable(t)
	case f.netkit:
		testutil.NetNS(t)
		testutil.NetkitPair(t, "primary", "peer")
	case f.sockmap:
		return pinSockmap(t)
	}
	return ""
}

// attached is an attachment under test.
type attached struct {
	*family
	Link
	dir string
}

// start skips the test if it must, and attaches a program that counts into c.
func (f *family) start(t *testing.T, c counter) *attached {
	t.Helper()
	testutil.Needs(t, f.needs...)
	a := &attached{family: f, dir: f.place(t)}
	var err error
	if a.Link, err = f.attach(f.program(t, c), a.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// isBPFLink tells whether the kernel makes a bpf_link for this family.
func (f *family) isBPFLink() bool {
	return !f.perf || testutil.Lacks(testutil.PerfEventLink) == ""
}

// expectEnd fails unless the program sees no more, soon: what the last name in
// a file system keeps alive is freed after the name.
func (a *attached) expectEnd(t *testing.T, c counter) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		before := c.value(t)
		a.trigger(t, a.dir)
		if c.value(t) == before {
			return
		}
	}
	t.Error("still attached")
}

// expect triggers the hook, and fails unless the program sees it, or doesn't.
func (a *attached) expect(t *testing.T, c counter, seen bool) {
	t.Helper()
	before := c.value(t)
	a.trigger(t, a.dir)
	if after := c.value(t); (after > before) != seen {
		t.Errorf("counter went from %d to %d, want a change: %v", before, after, seen)
	}
}

func forEachFamily(t *testing.T, test func(t *testing.T, f *family)) {
	for i := range families {
		t.Run(families[i].name, func(t *testing.T) { test(t, &families[i]) })
	}
}

func TestAttachAndClose(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		testutil.CheckFDs(t)
		c := newCounter(t)
		a := f.start(t, c)
		a.expect(t, c, true)
		for range 2 {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
		a.expect(t, c, false)
		if _, err := a.Info(); !errors.Is(err, os.ErrClosed) && f.isBPFLink() {
			t.Errorf("info after close: %v", err)
		}
	})
}

func TestLinkOutlivesItsProgram(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		c := newCounter(t)
		testutil.Needs(t, f.needs...)
		a := &attached{family: f, dir: f.place(t)}
		prog := f.program(t, c)
		var err error
		if a.Link, err = f.attach(prog, a.dir); err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		prog.Close()
		a.expect(t, c, true)
	})
}

func TestInfo(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		a := f.start(t, newCounter(t))
		info, err := a.Info()
		if !f.isBPFLink() {
			if !errors.Is(err, ErrNotSupported) {
				t.Errorf("got %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if info.ID == 0 || info.Program == 0 || info.Type == UnspecifiedType {
			t.Errorf("info %+v", info)
		}
		if err := f.check(info); err != nil {
			t.Errorf("details: %v", err)
		}
		again, err := NewFromID(info.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		same, err := again.Info()
		if err != nil || same.ID != info.ID {
			t.Errorf("by ID: %+v, %v", same, err)
		}
	})
}

func TestPin(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		testutil.CheckFDs(t)
		file := filepath.Join(testutil.BPFFS(t), "link")
		c := newCounter(t)
		a := f.start(t, c)
		err := a.Pin(file)
		if !f.isBPFLink() {
			if !errors.Is(err, ErrNotSupported) || !errors.Is(a.Unpin(), ErrNotSupported) {
				t.Errorf("got %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
		a.expect(t, c, true)

		again, err := LoadPinnedLink(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		a.expect(t, c, true)
		if err := errors.Join(again.Unpin(), again.Close()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("pin is still there: %v", err)
		}
		a.expectEnd(t, c)
	})
}

func TestUpdate(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		testutil.CheckFDs(t)
		first, second := newCounter(t), newCounter(t)
		a := f.start(t, first)
		err := a.Update(f.program(t, second))
		if !f.updatable {
			if !errors.Is(err, ErrNotSupported) {
				t.Errorf("got %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		a.expect(t, first, false)
		a.expect(t, second, true)
		if err := a.Update(nil); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("update to nothing: %v", err)
		}
	})
}

func TestDetach(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		testutil.Needs(t, testutil.LinkDetach)
		c := newCounter(t)
		a := f.start(t, c)
		err := a.Detach()
		if !f.detachable {
			if !errors.Is(err, ErrNotSupported) {
				t.Errorf("got %v", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		a.expect(t, c, false)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAttachWhatCannotBe(t *testing.T) {
	closed := func(t *testing.T, f *family) *ebpf.Program {
		prog := f.program(t, newCounter(t))
		prog.Close()
		return prog
	}
	forEachFamily(t, func(t *testing.T, f *family) {
		testutil.CheckFDs(t)
		testutil.Needs(t, f.needs...)
		dir := f.place(t)
		if l, err := f.attach(nil, dir); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("no program: %v, %v", l, err)
		}
		if l, err := f.attach(closed(t, f), dir); !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed program: %v, %v", l, err)
		}
	})
}

// Goroutines use a link in all ways while its owner closes it.
func TestCloseDuringUse(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		if !f.isBPFLink() {
			return // nothing that a closed descriptor could be used for
		}
		testutil.Needs(t, f.needs...)
		testutil.CheckFDs(t)
		pin := filepath.Join(testutil.BPFFS(t), "link")
		c := newCounter(t)
		dir := f.place(t)
		testutil.Hammer(t, 3, func() testutil.Hammered {
			prog := f.program(t, c) // what was pinned ends a little later than its link
			l := f.attachWhenFree(t, prog, dir, pin)
			h := testutil.Hammered{
				Close: func() error { return errors.Join(l.Close(), ignoreMissing(os.Remove(pin))) },
				Fine:  []error{ErrNotSupported, os.ErrExist},
				Ops: map[string]func() error{
					"Info": func() error { _, err := l.Info(); return err },
					"Pin":  func() error { return errors.Join(l.Pin(pin), l.Unpin()) },
				},
			}
			if f.updatable {
				h.Ops["Update"] = func() error { return l.Update(prog) }
				h.Ops["BeforeLink"] = func() error {
					_, _, fd, err := BeforeLink(l).place()
					if err == nil {
						err = fd.Close()
					}
					return err
				}
			}
			if event, ok := l.(PerfEvent); ok {
				h.Ops["PerfEvent"] = func() error {
					file, err := event.PerfEvent()
					if err == nil {
						err = file.Close()
					}
					return err
				}
			}
			return h
		})
	})
}

// attachWhenFree attaches where another link has just been closed: one that was
// pinned at that moment, and whose pin nobody removed, ends when the kernel gets
// to it.
func (f *family) attachWhenFree(t *testing.T, prog *ebpf.Program, dir, pin string) Link {
	t.Helper()
	if err := ignoreMissing(os.Remove(pin)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		l, err := f.attach(prog, dir)
		if err == nil {
			return l
		}
		if !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EEXIST) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// An iterator that is closed ends no pass that has begun, and begins none.
func TestCloseIteratorDuringUse(t *testing.T) {
	testutil.Needs(t, testutil.Iter)
	testutil.CheckFDs(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "bpf_map"}, exitZero)
	testutil.Hammer(t, 10, func() testutil.Hammered {
		it, err := AttachIter(IterOptions{Program: prog})
		if err != nil {
			t.Fatal(err)
		}
		return testutil.Hammered{Close: it.Close, Ops: map[string]func() error{
			"Open": func() error {
				pass, err := it.Open()
				if err != nil {
					return err
				}
				_, err = io.ReadAll(pass)
				return errors.Join(err, pass.Close())
			},
		}}
	})
}

// Kernels before 5.7 attach to control groups without a bpf_link. Newer ones
// still can, so this needs no old one.
func TestCgroupWithoutLink(t *testing.T) {
	testutil.CheckFDs(t)
	f := familyNamed(t, "cgroup")
	testutil.Needs(t, testutil.CgroupSKB)
	first, second := newCounter(t), newCounter(t)
	a := &attached{family: f, dir: testutil.Cgroup(t)}
	dir, err := os.Open(a.dir)
	if err != nil {
		t.Fatal(err)
	}
	prog := f.program(t, first)
	l, err := attachCgroupLegacy(dir, CgroupOptions{Attach: ebpf.AttachCGroupInetEgress, Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	a.Link = l
	prog.Close()
	a.expect(t, first, true)
	if err := a.Update(f.program(t, second)); err != nil {
		t.Fatal(err)
	}
	a.expect(t, first, false)
	a.expect(t, second, true)
	_, errInfo := a.Info()
	for what, err := range map[string]error{"pin": a.Pin("x"), "unpin": a.Unpin(), "info": errInfo} {
		if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "needs a bpf_link (Linux 5.7)") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := a.Detach(); err != nil {
		t.Error(err)
	}
	a.expect(t, second, false)
	for range 2 {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(a.Update(prog), a.Detach()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// Kernels before 5.15 put programs on perf events without a bpf_link.
func TestPerfEventWithoutLink(t *testing.T) {
	testutil.CheckFDs(t)
	testutil.Needs(t, testutil.Tracepoint)
	f := &family{spec: ebpf.ProgramSpec{Type: ebpf.TracePoint}, idAt: 8}
	c := newCounter(t)
	id, err := kernel.TracepointID("raw_syscalls", "sys_enter")
	if err != nil {
		t.Fatal(err)
	}
	event, err := openTraceEvent(id, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := &perfEventLink{event: event}
	defer l.Close()
	if err := l.attachByIoctl(f.program(t, c)); err != nil {
		t.Fatal(err)
	}
	makeMagicSyscall(t)
	if got := c.value(t); got != 1 {
		t.Errorf("the program ran %d times", got)
	}
	_, errInfo := l.Info()
	for what, err := range map[string]error{
		"pin": l.Pin("x"), "unpin": l.Unpin(), "info": errInfo, "detach": l.Detach(), "update": l.Update(nil),
	} {
		if !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	makeMagicSyscall(t)
	if got := c.value(t); got != 1 {
		t.Errorf("after close: %d times", got)
	}
}

// load makes a program of instructions.
func load(t testing.TB, spec ebpf.ProgramSpec, insns asm.Instructions) *ebpf.Program {
	t.Helper()
	spec.Instructions, spec.License = insns, "GPL"
	prog, err := ebpf.NewProgram(&spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

func TestIterator(t *testing.T) {
	testutil.Needs(t, testutil.Iter)
	testutil.CheckFDs(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "bpf_map"}, asm.Instructions{
		asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord), // struct bpf_iter_meta *
		asm.LoadMem(asm.R1, asm.R2, 0, asm.DWord), // struct seq_file *
		asm.StoreImm(asm.RFP, -8, 0x2a, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R3, 8),
		asm.FnSeqWrite.Call(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
	newCounter(t) // there is at least this map
	it, err := AttachIter(IterOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for range 2 {
		pass, err := it.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(pass)
		if err != nil || len(text) < 16 || len(text)%8 != 0 || binary.NativeEndian.Uint64(text) != 0x2a {
			t.Errorf("%x, %v", text, err)
		}
		if err := pass.Close(); err != nil {
			t.Error(err)
		}
	}
	info, err := it.Info()
	if err != nil || info.Type != IterType || info.Iter().TargetName != "bpf_map" {
		t.Errorf("info %+v, %v", info, err)
	}
	file := filepath.Join(testutil.BPFFS(t), "iter")
	if err := it.Pin(file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || len(text) < 16 {
		t.Errorf("reading the pin: %x, %v", text, err)
	}
	again, err := LoadPinnedLink(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, ok := again.(*Iter); !ok {
		t.Errorf("pinned iterator is a %T", again)
	}
	it.Close()
	if _, err := it.Open(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("open after close: %v", err)
	}
}

func TestIteratorOverAMap(t *testing.T) {
	testutil.Needs(t, testutil.Iter)
	c := newCounter(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "bpf_map_elem"}, append(c.increment(),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	))
	if _, err := AttachIter(IterOptions{Program: prog}); err == nil {
		t.Error("attached without a map")
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	it, err := AttachIter(IterOptions{Program: prog, Map: m})
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	pass, err := it.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer pass.Close()
	if _, err := io.ReadAll(pass); err != nil {
		t.Error(err)
	}
	if got := c.value(t); got != 8 { // seven elements and the end
		t.Errorf("the program ran %d times", got)
	}
}

func TestXDPInterfaceIsTaken(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)
	testutil.NetNS(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.XDP}, asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()})
	first, err := AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback})
	if !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "device or resource busy: the interface has program ") {
		t.Errorf("second: %v", err)
	}
	if _, err := AttachXDP(XDPOptions{Program: prog, Interface: 4711}); err == nil {
		t.Error("no such interface: no error")
	}
}

func TestXDPOnAWire(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink, testutil.Veth)
	testutil.NetNS(t)
	left, _ := testutil.VethPair(t, "left", "right")
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.XDP}, asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()})
	l, err := AttachXDP(XDPOptions{Program: prog, Interface: left, Flags: XDPDriverMode})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// Programs note their number, in the order in which they run.
func TestTCXOrder(t *testing.T) {
	testutil.Needs(t, testutil.TCX)
	testutil.NetNS(t)
	o := ordered{newCounter(t), ebpf.ProgramSpec{Type: ebpf.SchedCLS, AttachType: ebpf.AttachTCXEgress}, -1}
	o.test(t, func(prog *ebpf.Program, anchor Anchor) (Link, error) {
		return AttachTCX(TCXOptions{Program: prog, Interface: testutil.Loopback, Attach: ebpf.AttachTCXEgress, Anchor: anchor})
	}, func() { triggerPacket(t, "") })
}

func TestCgroupOrder(t *testing.T) {
	testutil.Needs(t, testutil.CgroupAnchors)
	path := testutil.Cgroup(t)
	o := ordered{newCounter(t), ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress}, 1}
	o.test(t, func(prog *ebpf.Program, anchor Anchor) (Link, error) {
		return AttachCgroup(CgroupOptions{Program: prog, Path: path, Attach: ebpf.AttachCGroupInetEgress, Anchor: anchor})
	}, func() { triggerInCgroup(t, path) })
}

// ordered is programs that note the order in which they run, as the decimal
// digits of a number.
type ordered struct {
	counter
	spec    ebpf.ProgramSpec
	returns int32
}

func (o ordered) program(t testing.TB, digit int32) *ebpf.Program {
	return load(t, o.spec, asm.Instructions{
		asm.LoadMapValue(asm.R1, o.FD(), 0),
		asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord),
		asm.Mul.Imm(asm.R2, 10),
		asm.Add.Imm(asm.R2, digit),
		asm.StoreMem(asm.R1, 0, asm.R2, asm.DWord),
		asm.Mov.Imm(asm.R0, o.returns),
		asm.Return(),
	})
}

func (o ordered) test(t *testing.T, attach func(*ebpf.Program, Anchor) (Link, error), trigger func()) {
	t.Helper()
	attachAt := func(digit int32, anchor Anchor) (Link, *ebpf.Program) {
		t.Helper()
		prog := o.program(t, digit)
		l, err := attach(prog, anchor)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l, prog
	}
	five, progFive := attachAt(5, nil)
	attachAt(1, Head())
	attachAt(9, Tail())
	attachAt(4, BeforeLink(five))
	after := AfterProgram(progFive)
	if o.spec.Type == ebpf.CGroupSKB {
		after = AfterLink(five) // links and programs don't know each other there
	}
	attachAt(6, after)
	info, err := five.Info()
	if err != nil {
		t.Fatal(err)
	}
	attachAt(3, BeforeLinkByID(info.ID))
	trigger()
	if got := o.value(t) % 1e6; got != 143569 {
		t.Errorf("order %d", got)
	}
}

func TestCookies(t *testing.T) {
	testutil.Needs(t, testutil.PerfEventLink)
	const cookie = 0x1122334455667788
	c := newCounter(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.TracePoint}, asm.Instructions{
		asm.LoadMem(asm.R3, asm.R1, 8, asm.DWord),
		asm.JNE.Imm(asm.R3, magicSyscall, "out"),
		asm.FnGetAttachCookie.Call(),
		asm.LoadMapValue(asm.R1, c.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	})
	l, err := Tracepoint("raw_syscalls", "sys_enter", prog, &TracepointOptions{Cookie: cookie})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	makeMagicSyscall(t)
	if got := c.value(t); got != cookie {
		t.Errorf("cookie %#x", got)
	}
}

func TestTracingCookie(t *testing.T) {
	testutil.Needs(t, testutil.Fentry, testutil.TracingCookie)
	const cookie = 0x1122334455667788
	c := newCounter(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFExit, AttachTo: SyscallWrapper("sys_getsid")}, asm.Instructions{
		asm.FnGetAttachCookie.Call(),
		asm.LoadMapValue(asm.R1, c.FD(), 0),
		asm.StoreMem(asm.R1, 0, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	})
	if _, err := AttachTracing(TracingOptions{Program: prog, Cookie: cookie}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("without attach type: %v", err)
	}
	l, err := AttachTracing(TracingOptions{Program: prog, Cookie: cookie, AttachType: ebpf.AttachTraceFExit})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _ = unix.Getsid(0)
	if got := c.value(t); got != cookie {
		t.Errorf("cookie %#x", got)
	}
}

func TestPerfEventFile(t *testing.T) {
	testutil.Needs(t, testutil.PerfEventLink)
	testutil.CheckFDs(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.TracePoint}, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	l, err := Tracepoint("raw_syscalls", "sys_enter", prog, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(PerfEvent).PerfEvent()
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
}

func TestMissingTargets(t *testing.T) {
	testutil.Needs(t, testutil.RawTracepoint)
	raw := load(t, ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	xdp := load(t, ebpf.ProgramSpec{Type: ebpf.XDP}, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	attempts := map[string]struct {
		attach func() (Link, error)
		want   error
		text   string
	}{
		"raw tracepoint": {func() (Link, error) {
			return AttachRawTracepoint(RawTracepointOptions{Name: "no_such_thing", Program: raw})
		}, os.ErrNotExist, `attach to raw tracepoint "no_such_thing"`},
		"tracepoint": {func() (Link, error) {
			return Tracepoint("sched", "no_such_thing", raw, nil)
		}, os.ErrNotExist, "no tracepoint sched:no_such_thing"},
		"control group": {func() (Link, error) {
			return AttachCgroup(CgroupOptions{Path: "/no/such/folder", Program: raw})
		}, os.ErrNotExist, "/no/such/folder"},
		"not a control group": {func() (Link, error) {
			return AttachCgroup(CgroupOptions{Path: "/", Program: raw})
		}, unix.EINVAL, "control group /"},
		"not a tracing program": {func() (Link, error) {
			return AttachTracing(TracingOptions{Program: xdp})
		}, os.ErrInvalid, "XDP"},
		"not for network namespaces": {func() (Link, error) {
			l, err := AttachNetNs(0, xdp)
			return l, err
		}, os.ErrInvalid, "want FlowDissector or SkLookup"},
		"interface": {func() (Link, error) {
			return AttachXDP(XDPOptions{Program: xdp})
		}, unix.EINVAL, "interface index 0"},
		"kprobe without symbol": {func() (Link, error) {
			return Kprobe("", xdp, nil)
		}, os.ErrInvalid, "no name of a function"},
		"kprobe with a command": {func() (Link, error) {
			return Kprobe("x\n-:y", xdp, nil)
		}, os.ErrInvalid, "no name of a function"},
	}
	for name, attempt := range attempts {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			_, err := attempt.attach()
			if !errors.Is(err, attempt.want) || !strings.Contains(err.Error(), attempt.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestKprobeOnNothing(t *testing.T) {
	testutil.Needs(t, testutil.Kprobe)
	testutil.CheckFDs(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe}, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	if _, err := Kprobe("no_such_function", prog, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Kretprobe("no_such_function", prog, &KprobeOptions{RetprobeMaxActive: 1}); err == nil {
		t.Error("in tracefs: no error")
	}
}

// Without kprobes in the kernel, the error says so.
func TestKprobeNotSupported(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	if testutil.Lacks(testutil.Kprobe) == "" {
		t.Log("this kernel has kprobes")
		return
	}
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Kprobe}, asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()})
	_, err := Kprobe("sys_getsid", prog, nil)
	if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "CONFIG_KPROBE_EVENTS") {
		t.Errorf("got %v", err)
	}
}

func TestLinksFromNowhere(t *testing.T) {
	testutil.Needs(t, testutil.BPFLink)
	testutil.CheckFDs(t)
	if _, err := NewFromFD(-1); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("descriptor -1: %v", err)
	}
	if _, err := NewFromID(1<<31 - 2); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such ID: %v", err)
	}
	if _, err := LoadPinnedLink(filepath.Join(testutil.BPFFS(t), "nothing"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such pin: %v", err)
	}
	dup, err := unix.FcntlInt(uintptr(newCounter(t).FD()), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := NewFromFD(dup); err == nil {
		t.Errorf("a map became a link: %v", l)
	}
}

func TestSyscallWrapper(t *testing.T) {
	once := SyscallWrapper("sys_read")
	if once == "sys_read" || !strings.HasSuffix(once, "_sys_read") || SyscallWrapper(once) != once {
		t.Errorf("got %q", once)
	}
}

func TestTypeNames(t *testing.T) {
	for typ, want := range map[Type]string{XDPType: "XDP", SockmapType: "Sockmap", Type(99): "Type(99)"} {
		if typ.String() != want {
			t.Errorf("got %q, want %q", typ, want)
		}
	}
}
