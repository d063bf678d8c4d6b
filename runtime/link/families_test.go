package link

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"golang.org/x/sys/unix"
)

func netfilterOptions(prog *ebpf.Program) NetfilterOptions {
	return NetfilterOptions{Program: prog, ProtocolFamily: NetfilterProtoIPv4, Hook: NetfilterInetLocalOut, Priority: -128}
}

// sendOnNetkit makes the primary interface send something.
func sendOnNetkit(t testing.TB, _ string) {
	t.Helper()
	iface, err := net.InterfaceByName("primary")
	if err != nil {
		t.Fatal(err)
	}
	sock, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sock)
	to := unix.SockaddrLinklayer{Ifindex: iface.Index, Protocol: binary.BigEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff})}
	if err := unix.Sendto(sock, make([]byte, 40), 0, &to); err != nil {
		t.Fatal(err)
	}
}

// pageFaults opens a perf event that happens whenever this thread gets a page.
func pageFaults() (int, error) {
	return unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_PAGE_FAULTS, Size: unix.PERF_ATTR_SIZE_VER0,
		Sample: 1, Bits: unix.PerfBitDisabled,
	}, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

// faultPages gets pages, on the CPU that pageFaults looks at.
func faultPages(t testing.TB) {
	t.Helper()
	var before, first unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	first.Set(0)
	if err := unix.SchedSetaffinity(0, &first); err != nil {
		t.Fatal(err)
	}
	memory, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	if err := errors.Join(unix.Munmap(memory), unix.SchedSetaffinity(0, &before)); err != nil {
		t.Fatal(err)
	}
}

// pinSockmap makes a map of sockets, and returns its name in a BPF file system.
func pinSockmap(t testing.TB) string {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.SockMap, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	file := filepath.Join(testutil.BPFFS(t), "sockmap")
	if err := m.Pin(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// sendThroughSockmap sends by a socket that is in the map.
func sendThroughSockmap(t testing.TB, pin string) {
	t.Helper()
	m, err := ebpf.LoadPinnedMap(pin, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var errPut error
	err = raw.Control(func(fd uintptr) { errPut = m.Put(uint32(0), uint32(fd)) })
	_, errWrite := conn.Write([]byte("hello"))
	if err := errors.Join(err, errPut, errWrite); err != nil {
		t.Fatal(err)
	}
}

func TestNetfilterThatCannotBe(t *testing.T) {
	testutil.Needs(t, testutil.Netfilter)
	testutil.NetNS(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Netfilter, AttachType: ebpf.AttachNetfilter}, asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()})
	first, err := AttachNetfilter(netfilterOptions(prog))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := AttachNetfilter(netfilterOptions(prog)); !errors.Is(err, unix.EBUSY) || !strings.Contains(err.Error(), "priority -128") {
		t.Errorf("twice: %v", err)
	}
	arp := netfilterOptions(prog)
	arp.ProtocolFamily = NetfilterProtoARP
	if _, err := AttachNetfilter(arp); !errors.Is(err, unix.EAFNOSUPPORT) || !strings.Contains(err.Error(), "protocol family 3") {
		t.Errorf("ARP: %v", err)
	}
	if _, err := AttachNetfilter(netfilterOptions(load(t, kprobeSpec, exitZero))); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("kprobe: %v", err)
	}
}

func TestNetfilterDefrag(t *testing.T) {
	testutil.Needs(t, testutil.Netfilter, testutil.TCX) // as old as the flag
	testutil.NetNS(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.Netfilter, AttachType: ebpf.AttachNetfilter}, asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()})
	opts := netfilterOptions(prog)
	opts.NetfilterFlags = NetfilterIPDefrag
	l, err := AttachNetfilter(opts)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, os.ErrNotExist) {
		t.Skipf("needs defragmentation: this kernel has no nf_defrag_ipv4: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil || info.Netfilter().Flags != uint32(NetfilterIPDefrag) {
		t.Errorf("info %+v, %v", info, err)
	}
}

func TestLSMCookie(t *testing.T) {
	testutil.Needs(t, testutil.LSM, testutil.TracingCookie)
	c := newCounter(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getsid"}, storeCookie(c))
	l, err := AttachLSM(LSMOptions{Program: prog, Cookie: testCookie})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _ = unix.Getsid(os.Getpid())
	if got := c.value(t); got != testCookie {
		t.Errorf("cookie %#x", got)
	}
}

// replaceable loads a program with a function, and one to replace it.
func replaceable(t *testing.T) (target, replacement *ebpf.Program) {
	t.Helper()
	name := "../../testdata/links-el.o"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		name = "../../testdata/links-eb.o"
	}
	spec, err := ebpf.LoadCollectionSpec(name)
	if err != nil {
		t.Fatal(err)
	}
	if target, err = ebpf.NewProgram(spec.Programs["caller"]); err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { target.Close() })
	extension := spec.Programs["replacement"]
	extension.AttachTarget = target
	if replacement, err = ebpf.NewProgram(extension); err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { replacement.Close() })
	return target, replacement
}

func TestFreplace(t *testing.T) {
	testutil.Needs(t, testutil.Freplace)
	testutil.CheckFDs(t)
	target, replacement := replaceable(t)
	expect := func(want uint32) {
		t.Helper()
		if got, _, err := target.Test(make([]byte, 64)); got != want || err != nil {
			t.Errorf("got %d, want %d: %v", got, want, err)
		}
	}
	expect(4)
	l, err := AttachFreplace(nil, "", replacement)
	if err != nil {
		t.Fatal(err)
	}
	expect(43)
	info, err := l.Info()
	if err != nil || info.Tracing() == nil {
		t.Errorf("info %+v, %v", info, err)
	}
	l.Close()
	expect(4)
	for name, attempt := range map[string]func() (Link, error){
		"half a target": func() (Link, error) { return AttachFreplace(target, "", replacement) },
		"no extension":  func() (Link, error) { return AttachFreplace(nil, "", target) },
		"no program":    func() (Link, error) { return AttachFreplace(nil, "", nil) },
	} {
		if _, err := attempt(); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFreplaceInAnotherProgram(t *testing.T) {
	testutil.Needs(t, testutil.Freplace, testutil.LinkDetach) // since 5.10
	testutil.CheckFDs(t)
	_, replacement := replaceable(t)
	other, _ := replaceable(t)
	l, err := AttachFreplace(other, "replaceable", replacement)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got, _, err := other.Test(make([]byte, 64)); got != 43 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := AttachFreplace(other, "missing", replacement); err == nil || !strings.Contains(err.Error(), "no function of that name") {
		t.Errorf("got %v", err)
	}
}

func TestPerfEventCookie(t *testing.T) {
	testutil.Needs(t, testutil.PerfEventLink)
	c := newCounter(t)
	event, err := pageFaults()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(event)
	l, err := AttachPerfEvent(event, load(t, ebpf.ProgramSpec{Type: ebpf.PerfEvent}, storeCookie(c)), &PerfEventOptions{Cookie: testCookie})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	faultPages(t)
	if got := c.value(t); got != testCookie {
		t.Errorf("cookie %#x", got)
	}
	if _, err := AttachPerfEvent(-1, nil, nil); err == nil {
		t.Error("no event: no error")
	}
}

func TestQueryPrograms(t *testing.T) {
	testutil.Needs(t, testutil.TCX)
	testutil.NetNS(t)
	spec := ebpf.ProgramSpec{Type: ebpf.SchedCLS, AttachType: ebpf.AttachTCXIngress}
	insns := asm.Instructions{asm.Mov.Imm(asm.R0, -1), asm.Return()}
	query := func() *QueryResult {
		t.Helper()
		result, err := QueryPrograms(QueryOptions{Target: testutil.Loopback, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if r := query(); len(r.Programs) != 0 || r.HaveLinkInfo() {
		t.Errorf("before: %+v", r)
	}
	linked, raw := load(t, spec, insns), load(t, spec, insns)
	l, err := AttachTCX(TCXOptions{Program: linked, Interface: testutil.Loopback, Attach: ebpf.AttachTCXIngress})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	revision := query().Revision
	opts := RawAttachProgramOptions{
		Target: testutil.Loopback, Program: raw, Attach: ebpf.AttachTCXIngress,
		Anchor: BeforeLink(l), ExpectedRevision: revision + 1,
	}
	if err := RawAttachProgram(opts); !errors.Is(err, unix.ESTALE) {
		t.Errorf("wrong revision: %v", err)
	}
	opts.ExpectedRevision = revision
	if err := RawAttachProgram(opts); err != nil {
		t.Fatal(err)
	}
	r := query()
	if len(r.Programs) != 2 || r.Programs[1].ID != info.Program || !r.HaveLinkInfo() || r.Revision != revision+1 {
		t.Fatalf("both: %+v", r)
	}
	if id, ok := r.Programs[1].LinkID(); id != info.ID || !ok {
		t.Errorf("link %d, %v", id, ok)
	}
	if id, ok := r.Programs[0].LinkID(); ok {
		t.Errorf("a link for what has none: %d", id)
	}
	replacement := load(t, spec, insns)
	if err := RawAttachProgram(RawAttachProgramOptions{Target: testutil.Loopback, Program: replacement, Attach: ebpf.AttachTCXIngress, Anchor: ReplaceProgram(raw)}); err != nil {
		t.Fatal(err)
	}
	detach := RawDetachProgramOptions{Target: testutil.Loopback, Program: replacement, Attach: ebpf.AttachTCXIngress}
	if err := RawDetachProgram(detach); err != nil {
		t.Error(err)
	}
	if err := RawDetachProgram(detach); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("detach again: %v", err)
	}
	if r := query(); len(r.Programs) != 1 {
		t.Errorf("after: %+v", r)
	}
}

// The programs of a control group have revisions, as those of interfaces do, and
// a place among those of control groups below.
func TestCgroupPlace(t *testing.T) {
	testutil.Needs(t, testutil.CgroupAnchors)
	path := testutil.Cgroup(t)
	below := filepath.Join(path, "below")
	if err := os.Mkdir(below, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(below) })
	o := ordered{newCounter(t), ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress}, 1}
	attach := func(path string, digit int32, revision uint64, flags uint32) error {
		l, err := AttachCgroup(CgroupOptions{
			Path: path, Attach: ebpf.AttachCGroupInetEgress, Program: o.program(t, digit), ExpectedRevision: revision, Flags: flags,
		})
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	}
	for digit, flags := range map[int32]uint32{1: CgroupPreorder, 3: 0} {
		if err := attach(path, digit, 0, flags); err != nil {
			t.Fatal(err)
		}
	}
	if err := attach(below, 2, 0, 0); err != nil {
		t.Fatal(err)
	}
	triggerInCgroup(t, below)
	if got := o.value(t) % 1000; got != 123 {
		t.Errorf("order %d", got)
	}
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	result, err := QueryPrograms(QueryOptions{Target: int(dir.Fd()), Attach: ebpf.AttachCGroupInetEgress})
	if err != nil || len(result.Programs) != 2 || result.Revision == 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	if err := attach(path, 4, result.Revision+1, 0); !errors.Is(err, unix.ESTALE) {
		t.Errorf("wrong revision: %v", err)
	}
	if err := attach(path, 4, result.Revision, 0); err != nil {
		t.Errorf("right revision: %v", err)
	}
}

// Before kernels had them, places are refused, and not ignored.
func TestCgroupPlaceNotSupported(t *testing.T) {
	testutil.Needs(t, testutil.CgroupSKB)
	if kernel.AtLeast(cgroupAnchors) {
		t.Skip("this kernel has them")
	}
	path := testutil.Cgroup(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress}, exitZero)
	for _, opts := range []CgroupOptions{{Anchor: Head()}, {ExpectedRevision: 1}} {
		opts.Path, opts.Attach, opts.Program = path, ebpf.AttachCGroupInetEgress, prog
		if l, err := AttachCgroup(opts); l != nil || !errors.Is(err, ErrNotSupported) {
			t.Errorf("%+v: %v", opts, err)
		}
	}
}

func TestRawAttachToCgroup(t *testing.T) {
	testutil.Needs(t, testutil.CgroupSKB, testutil.ProgQuery)
	testutil.CheckFDs(t)
	path := testutil.Cgroup(t)
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c := newCounter(t)
	f := &family{spec: ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress}, idAt: -1, returns: 1}
	prog := f.program(t, c)
	opts := RawAttachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupInetEgress, Flags: allowMulti}
	if err := RawAttachProgram(opts); err != nil {
		t.Fatal(err)
	}
	triggerInCgroup(t, path)
	if c.value(t) == 0 {
		t.Error("the program didn't run")
	}
	r, err := QueryPrograms(QueryOptions{Target: int(dir.Fd()), Attach: ebpf.AttachCGroupInetEgress})
	if err != nil || len(r.Programs) != 1 || r.HaveLinkInfo() {
		t.Errorf("got %+v, %v", r, err)
	}
	opts.Flags = 0
	if err := RawDetachProgram(RawDetachProgramOptions(opts)); err != nil {
		t.Error(err)
	}
	opts.Flags = anchorFlags
	if err := RawAttachProgram(opts); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "use Anchor") {
		t.Errorf("flags of anchors: %v", err)
	}
	if err := RawAttachProgram(RawAttachProgramOptions{}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("no program: %v", err)
	}
}

// Sockmaps take programs without a link since 4.14.
func TestRawAttachToSockmap(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	c := newCounter(t)
	pin := pinSockmap(t)
	m, err := ebpf.LoadPinnedMap(pin, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	f := &family{spec: ebpf.ProgramSpec{Type: ebpf.SkMsg, AttachType: ebpf.AttachSkMsgVerdict}, idAt: -1, returns: 1}
	opts := RawAttachProgramOptions{Target: m.FD(), Program: f.program(t, c), Attach: ebpf.AttachSkMsgVerdict}
	if err := RawAttachProgram(opts); err != nil {
		t.Fatal(err)
	}
	sendThroughSockmap(t, pin)
	if c.value(t) == 0 {
		t.Error("the program didn't run")
	}
	if err := RawDetachProgram(RawDetachProgramOptions(opts)); err != nil {
		t.Error(err)
	}
}

func TestFlowDissector(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)
	testutil.NetNS(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.FlowDissector, AttachType: ebpf.AttachFlowDissector}, exitZero)
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	l, err := AttachNetNs(int(ns.Fd()), prog)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil || info.NetNs().AttachType != ebpf.AttachFlowDissector {
		t.Errorf("info %+v, %v", info, err)
	}
	r, err := QueryPrograms(QueryOptions{Target: int(ns.Fd()), Attach: ebpf.AttachFlowDissector})
	if err != nil || len(r.Programs) != 1 || r.Programs[0].ID != info.Program {
		t.Errorf("query: %+v, %v", r, err)
	}
}

func TestAllLinks(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)
	testutil.CheckFDs(t)
	testutil.NetNS(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.XDP}, asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()})
	l, err := AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	var it Iterator
	defer it.Close()
	var taken Link
	var last ID
	for it.Next() {
		if it.ID <= last || it.Link == nil {
			t.Errorf("link %d after %d", it.ID, last)
		}
		if last = it.ID; it.ID == info.ID {
			taken = it.Take()
		}
	}
	if it.Err() != nil || taken == nil {
		t.Fatalf("found %v, %v", taken, it.Err())
	}
	if again, err := taken.Info(); err != nil || again.ID != info.ID {
		t.Errorf("%+v, %v", again, err)
	}
	if err := taken.Close(); err != nil {
		t.Error(err)
	}
}

func TestSocketFilter(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	testutil.CheckFDs(t)
	c := newCounter(t)
	f := &family{spec: ebpf.ProgramSpec{Type: ebpf.SocketFilter}, idAt: -1}
	prog := f.program(t, c)
	receiver, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	conn := receiver.(*net.UDPConn)
	send := func() {
		t.Helper()
		sender, err := net.Dial("udp4", receiver.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer sender.Close()
		if _, err := io.WriteString(sender, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	if err := DetachSocketFilter(conn); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing to detach: %v", err)
	}
	if err := AttachSocketFilter(conn, prog); err != nil {
		t.Fatal(err)
	}
	send()
	if got := c.value(t); got != 1 {
		t.Errorf("the program ran %d times", got)
	}
	if err := DetachSocketFilter(conn); err != nil {
		t.Error(err)
	}
	send()
	if got := c.value(t); got != 1 {
		t.Errorf("after it was detached: %d times", got)
	}
	if err := AttachSocketFilter(conn, nil); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("no program: %v", err)
	}
	conn.Close()
	if err := AttachSocketFilter(conn, prog); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed socket: %v", err)
	}
}
