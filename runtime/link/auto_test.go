package link

import (
	"bytes"
	"errors"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// declare makes spec what the parser makes of a section.
func declare(t testing.TB, spec *ebpf.ProgramSpec, section string) {
	t.Helper()
	def, suffix, _, ok := object.MatchSection(section)
	if !ok {
		t.Fatalf("unknown section %q", section)
	}
	spec.SectionName, spec.Type, spec.AttachType, spec.AttachTo = section, ebpf.ProgramType(def.Type), ebpf.AttachType(def.Attach), suffix
	spec.Flags = def.ProgFlags()
}

// autoTest is a section that attaches as one of the families, at PLACE.
type autoTest struct {
	family, section string
	options         func(t testing.TB, place string) []Options // nil: the section says it all
}

func opts(o ...Options) func(testing.TB, string) []Options {
	return func(testing.TB, string) []Options { return o }
}

var autoTests = []autoTest{
	{"tp_btf", "tp_btf/sys_enter", nil},
	{"fentry", "fentry/" + SyscallWrapper("sys_getsid"), nil},
	{"fexit", "fexit/" + SyscallWrapper("sys_getsid"), nil},
	{"fmod_ret", "fmod_ret/security_task_getsid", nil},
	{"fsession", "fsession/" + SyscallWrapper("sys_getsid"), nil},
	{"fentry.multi", "fentry.multi/*_sys_getp?id", nil},
	{"fexit.multi", "fexit.multi/" + SyscallWrapper("sys_getp?id"), nil},
	{"fsession.multi", "fsession.multi", opts(TracingMultiOptions{Functions: multiSymbols})},
	{"raw tracepoint", "raw_tp/sys_enter", nil},
	{"raw tracepoint", "raw_tracepoint/sys_enter", nil},
	{"raw tracepoint", "raw_tp.w/sys_enter", nil},
	{"raw tracepoint", "raw_tp", opts(RawTracepointOptions{Name: "sys_enter"})},
	{"tracepoint", "tp/raw_syscalls/sys_enter", nil},
	{"tracepoint", "tracepoint/raw_syscalls/sys_enter", nil},
	{"kprobe", "kprobe/" + SyscallWrapper("sys_getsid"), nil},
	{"kprobe", "kprobe/" + SyscallWrapper("sys_getsid") + "+0x0", nil},
	{"kretprobe", "kretprobe/" + SyscallWrapper("sys_getsid"), nil},
	{"ksyscall", "ksyscall/getsid", nil},
	{"kretsyscall", "kretsyscall/getsid", nil},
	{"uprobe", "uprobe/PLACE:target", nil},
	{"uprobe", "uprobe/PLACE:target+0", nil},
	{"uprobe", "uprobe.s/PLACE:target", opts(&UprobeOptions{})},
	{"uretprobe", "uretprobe/PLACE:target", nil},
	{"uprobe", "uprobe", func(_ testing.TB, path string) []Options {
		return []Options{UprobeTarget{Path: path, Symbol: "target"}}
	}},
	{"kprobe", "kprobe", opts(&KprobeTarget{Symbol: SyscallWrapper("sys_getsid")})},
	{"ksyscall", "ksyscall", opts(KprobeTarget{Symbol: "getsid"})},
	{"tracepoint", "tp", opts(TracepointTarget{Group: "raw_syscalls", Name: "sys_enter"})},
	{"uprobe.multi", "uprobe.multi", func(_ testing.TB, path string) []Options {
		return []Options{UprobeMultiTarget{Path: path, Symbols: []string{"target"}}}
	}},
	{"kprobe.multi", "kprobe.multi/" + SyscallWrapper("sys_getp?id"), nil},
	{"kprobe.multi", "kprobe.multi/" + SyscallWrapper("sys_getpgid"), nil},
	{"kprobe.multi", "kprobe.multi", opts(KprobeMultiOptions{Symbols: multiSymbols})},
	{"kretprobe.multi", "kretprobe.multi/*_sys_getp?id", nil},
	{"kprobe.session", "kprobe.session/*_sys_getp?id", nil},
	{"uprobe.multi", "uprobe.multi/PLACE:t*t", nil},
	{"uprobe.multi", "uprobe.multi/PLACE:target", nil},
	{"uretprobe.multi", "uretprobe.multi/PLACE:*", nil},
	{"uprobe.session", "uprobe.session/PLACE:targe?", nil},
	{"XDP", "xdp", opts(XDPOptions{Interface: testutil.Loopback, Flags: XDPGenericMode})},
	{"XDP", "xdp.frags", opts(CgroupOptions{Path: "/"}, &XDPOptions{Interface: testutil.Loopback, Flags: XDPGenericMode})},
	{"tcx", "tcx/egress", opts(TCXOptions{Interface: testutil.Loopback})},
	{"tcx", "tc/egress", opts(TCXOptions{Interface: testutil.Loopback, Anchor: Head()})},
	{"tcx", "classifier", opts(TCXOptions{Interface: testutil.Loopback, Attach: ebpf.AttachTCXEgress})},
	{"tcx", "tc", opts(TCTarget{Interface: testutil.Loopback, Attach: ebpf.AttachTCXEgress})},
	{"netkit", "netkit/primary", func(t testing.TB, _ string) []Options {
		iface, err := net.InterfaceByName("primary")
		if err != nil {
			t.Fatal(err)
		}
		return []Options{NetkitOptions{Interface: iface.Index}}
	}},
	{"netfilter", "netfilter", opts(netfilterOptions(nil))},
	{"LSM", "lsm/task_getsid", nil},
	{"perf event", "perf_event", func(t testing.TB, _ string) []Options {
		event, err := pageFaults()
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(event), "page faults")
		t.Cleanup(func() { file.Close() })
		return []Options{TargetFD(event)}
	}},
	{"sockmap", "sk_msg", func(t testing.TB, pin string) []Options {
		m, err := ebpf.LoadPinnedMap(pin, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return []Options{SockmapOptions{Map: m}}
	}},
	{"cgroup", "cgroup_skb/egress", func(_ testing.TB, dir string) []Options { return []Options{CgroupOptions{Path: dir}} }},
	{"lsm_cgroup", "lsm_cgroup/socket_bind", func(_ testing.TB, dir string) []Options { return []Options{&CgroupOptions{Path: dir}} }},
	{"cgroup", "cgroup/skb", func(_ testing.TB, dir string) []Options {
		return []Options{CgroupOptions{Path: dir, Attach: ebpf.AttachCGroupInetEgress}}
	}},
	{"network namespace", "sk_lookup", func(t testing.TB, _ string) []Options {
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		return []Options{TargetFD(ns.Fd())}
	}},
}

func TestAuto(t *testing.T) {
	for _, test := range autoTests {
		f := *familyNamed(t, test.family)
		t.Run(test.section, func(t *testing.T) {
			testutil.Needs(t, f.needs...)
			switch test.section {
			case "uprobe.s/PLACE:target":
				testutil.NeedsLinux(t, "sleepable programs on uprobes", 6, 0)
			case "xdp.frags":
				testutil.NeedsLinux(t, "XDP of packets in fragments", 5, 18)
			case "perf_event": // without, the program stays as long as the event
				testutil.Needs(t, testutil.PerfEventLink)
			}
			testutil.CheckFDs(t)
			c := newCounter(t)
			a := &attached{family: &f, dir: f.place(t)}
			declare(t, &f.spec, strings.ReplaceAll(test.section, "PLACE", a.dir))
			var options []Options
			if test.options != nil {
				options = test.options(t, a.dir)
			}
			var err error
			if a.Link, err = Auto(f.program(t, c), options...); err != nil {
				t.Fatal(err)
			}
			a.expect(t, c, true)
			if err := a.Close(); err != nil {
				t.Error(err)
			}
			a.expect(t, c, false)
		})
	}
}

func familyNamed(t testing.TB, name string) *family {
	t.Helper()
	for i := range families {
		if families[i].name == name {
			return &families[i]
		}
	}
	t.Fatalf("no family %q", name)
	return nil
}

// A clone of a program knows what it was declared as.
func TestAutoClone(t *testing.T) {
	f := *familyNamed(t, "raw tracepoint")
	testutil.Needs(t, f.needs...)
	declare(t, &f.spec, "raw_tp/sys_enter")
	c := newCounter(t)
	clone, err := f.program(t, c).Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer clone.Close()
	l, err := Auto(clone)
	if err != nil {
		t.Fatal(err)
	}
	a := &attached{family: &f, Link: l}
	defer a.Close()
	a.expect(t, c, true)
}

// What SEC() leaves open and nobody says is named, with the way out.
func TestAutoIncomplete(t *testing.T) {
	tests := []struct {
		section, missing, remedy string
		options                  []Options
	}{
		{section: "kprobe", missing: "which function", remedy: `SEC("kprobe/FUNCTION")`},
		{section: "kretsyscall", missing: "which system call", remedy: `SEC("kretsyscall/NAME")`},
		{section: "kprobe.multi", missing: "which functions", remedy: "link.KprobeMultiOptions"},
		{section: "uprobe", missing: "which file and function", remedy: `SEC("uprobe/PATH:FUNCTION")`},
		{section: "usdt", missing: "which file and probe", remedy: `SEC("usdt/PATH:PROVIDER:NAME")`},
		{section: "tp", missing: "which tracepoint", remedy: `SEC("tp/CATEGORY/NAME")`},
		{section: "raw_tp", missing: "which tracepoint", remedy: "link.RawTracepointOptions"},
		{section: "perf_event", missing: "which event", remedy: "link.TargetFD"},
		{section: "xdp", missing: "which interface", remedy: "link.XDPOptions"},
		{section: "xdp", missing: "which interface", remedy: "link.XDPOptions", options: []Options{TCXOptions{Interface: 1}, (*XDPOptions)(nil)}},
		{section: "tc", missing: "which interface", remedy: "link.TCOptions"},
		{section: "tc", missing: "which direction", remedy: "tcx/ingress", options: []Options{TCXOptions{Interface: 1}}},
		{section: "action", remedy: "tc"},
		{section: "sk_msg", missing: "which sockets", remedy: "link.SockmapOptions"},
		{section: "sk_lookup", missing: "which network namespace", remedy: "/proc/self/ns/net"},
		{section: "cgroup/bind4", missing: "which control group", remedy: "link.CgroupOptions"},
		{section: "sockops", missing: "which control group", remedy: "link.CgroupOptions"},
		{section: "socket", missing: "which socket", remedy: "link.AttachSocketFilter"},
		{section: "sk_reuseport", missing: "which socket", remedy: "link.AttachReuseport"},
		{section: "xdp/devmap", remedy: "DevMap"},
		{section: "lwt_in", remedy: "ip route add"},
		{section: "syscall", remedy: "Program.Run"},
	}
	for _, test := range tests {
		spec := ebpf.ProgramSpec{Instructions: exitZero, License: "GPL"}
		declare(t, &spec, test.section)
		t.Run(test.section, func(t *testing.T) {
			if uapi.ProgType(spec.Type) != uapi.ProgTypeKprobe {
				spec.AttachTo = ""
			}
			prog, err := ebpf.NewProgram(&spec)
			if errors.Is(err, ErrNotSupported) {
				t.Skipf("this kernel can't load it: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer prog.Close()
			l, err := Auto(prog, test.options...)
			var incomplete *IncompleteError
			switch {
			case l != nil || err == nil:
				t.Fatalf("attached: %v", l)
			case !strings.Contains(err.Error(), test.remedy):
				t.Errorf("no way out in %v", err)
			case test.missing == "" && !errors.Is(err, ErrNotSupported):
				t.Errorf("got %v", err)
			case test.missing != "" && (!errors.As(err, &incomplete) || incomplete.Missing != test.missing || incomplete.Section != test.section || !errors.Is(err, os.ErrInvalid)):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAutoMalformed(t *testing.T) {
	for section, want := range map[string]string{
		"uprobe/malloc":                  "want PATH:FUNCTION",
		"uretprobe//proc/self/exe:f+3":   "has no offset",
		"uprobe/no.such.so:malloc":       "neither in the working directory",
		"usdt//proc/self/exe:test":       "want PATH:PROVIDER:NAME",
		"tp/sched_switch":                "want CATEGORY/NAME",
		"kprobe.multi/no spaces":         "names of functions",
		"uprobe.multi//proc/self/exe:z~": `"z~"`,
	} {
		spec := ebpf.ProgramSpec{Instructions: exitZero, License: "GPL"}
		declare(t, &spec, section)
		spec.AttachType = ebpf.AttachNone // to be loaded by any kernel
		prog, err := ebpf.NewProgram(&spec)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := Auto(prog); l != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", section, l, err)
		}
		prog.Close()
	}
	if l, err := Auto(nil); l != nil || !errors.Is(err, os.ErrInvalid) {
		t.Errorf("no program: %v", err)
	}
}

// SEC("usdt/…") needs nothing but itself, even if the collection is closed but
// for the program.
func TestAutoUSDT(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe, testutil.PerfEventLink)
	if runtime.GOARCH != "amd64" {
		t.Skip("needs amd64: the arguments are in its registers")
	}
	m := machines[runtime.GOARCH]
	path := writeExecutable(t, note("hit", codeAddress+m.second, dataAddress+8, "-4@$-9 8@(%rsp) 8@%rax")...)
	source := strings.Replace(usdtSource, `SEC("usdt")`, `SEC("usdt/`+path+`:test:hit")`, 1)
	object := testutil.Compile(t, source, "-D__TARGET_ARCH_x86", "-idirafter", "/usr/include/x86_64-linux-gnu", "-Wno-unused-function")
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	testutil.CheckFDs(t)
	var objs struct {
		Probe *ebpf.Program  `ebpf:"probe"`
		Calls *ebpf.Variable `ebpf:"calls"`
	}
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		t.Fatal(err)
	}
	defer objs.Probe.Close()
	for range 2 { // together
		l, err := Auto(objs.Probe, USDTOptions{Cookie: testCookie})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if n := run(t, path); n != 1 {
		t.Errorf("the kernel counted the probe %d times", n)
	}
	var calls int64
	if err := objs.Calls.Get(&calls); err != nil || calls != 2 {
		t.Errorf("%d calls: %v", calls, err)
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"tcp_ack", "tcp_ack", true},
		{"tcp_ack", "tcp_acks", false},
		{"tcp_*", "tcp_", true},
		{"tcp_*", "tcp_ack", true},
		{"tcp_*", "udp_ack", false},
		{"*", "", true},
		{"*", "anything", true},
		{"", "", true},
		{"", "x", false},
		{"*_ack", "tcp_ack", true},
		{"*_ack", "tcp_ack_update", false},
		{"*_ack", "_ack_ack", true},
		{"t?p_*k", "tcp_ack", true},
		{"t?p_*k", "tp_ack", false},
		{"?", "", false},
		{"**a**b**", "xxaxxbxx", true},
		{"**a**b**", "xxbxxaxx", false},
		{"a*a*a*a*a*a*a*a*b", strings.Repeat("a", 100), false},
	} {
		if got := matches(test.pattern, test.name); got != test.want {
			t.Errorf("%q and %q: %v", test.pattern, test.name, got)
		}
		if got := matches(test.pattern, []byte(test.name)); got != test.want {
			t.Errorf("%q and bytes %q: %v", test.pattern, test.name, got)
		}
	}
}
