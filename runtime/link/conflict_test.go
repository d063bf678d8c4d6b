package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"golang.org/x/sys/unix"
)

// occupant is a program by the name of "occupant", and its ID.
func occupant(t *testing.T, spec ebpf.ProgramSpec, returns int32) (*ebpf.Program, ebpf.ProgramID) {
	t.Helper()
	spec.Name = "occupant"
	prog := load(t, spec, asm.Instructions{asm.Mov.Imm(asm.R0, returns), asm.Return()})
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return prog, id
}

func expectConflict(t *testing.T, err error, errno unix.Errno, parts ...string) {
	t.Helper()
	if err == nil || !errors.Is(err, errno) {
		t.Fatalf("got %v, want %v", err, errno)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\nlacks %q", err, part)
		}
	}
}

// Whoever finds a place taken learns by which program.
func TestXDPConflict(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)
	testutil.NetNS(t)
	prog, id := occupant(t, ebpf.ProgramSpec{Type: ebpf.XDP}, 2)
	first, err := AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback})
	if err != nil {
		t.Fatal(err)
	}
	_, err = AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback})
	expectConflict(t, err, unix.EBUSY, fmt.Sprintf(`the interface has program "occupant" (ID %d) by link `, id), "Update")
	first.Close()
}

// The same for a program that "ip link set dev lo xdp" has attached.
func TestXDPConflictWithoutLink(t *testing.T) {
	testutil.Needs(t, testutil.XDPLink)
	testutil.NetNS(t)
	prog, id := occupant(t, ebpf.ProgramSpec{Type: ebpf.XDP}, 2)
	setXDP(t, testutil.Loopback, prog.FD())
	defer setXDP(t, testutil.Loopback, -1)
	_, err := AttachXDP(XDPOptions{Program: prog, Interface: testutil.Loopback, Flags: XDPGenericMode})
	expectConflict(t, err, unix.EBUSY, fmt.Sprintf(`the interface has program "occupant" (ID %d): `, id))
}

// setXDP attaches by netlink, generic mode.
func setXDP(t *testing.T, iface, fd int) {
	t.Helper()
	const iflaXDPFD, iflaXDPFlags = 1, 3
	number := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	xdp := kernel.AppendNetlinkAttr(nil, iflaXDPFD, number(uint32(fd)))
	xdp = kernel.AppendNetlinkAttr(xdp, iflaXDPFlags, number(uint32(XDPGenericMode)))
	message := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(message[4:], uint32(iface))
	socket, err := kernel.OpenNetlink()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if _, err := socket.Request(unix.RTM_SETLINK, 0, kernel.AppendNetlinkAttr(message, iflaXDP|nestedAttr, xdp)); err != nil {
		t.Fatal(err)
	}
}

func TestCgroupConflict(t *testing.T) {
	testutil.Needs(t, testutil.CgroupLink)
	path := testutil.Cgroup(t)
	prog, id := occupant(t, ebpf.ProgramSpec{Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress}, 1)
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	alone := RawAttachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupInetEgress}
	if err := RawAttachProgram(alone); err != nil {
		t.Fatal(err)
	}
	_, err = AttachCgroup(CgroupOptions{Path: path, Program: prog, Attach: ebpf.AttachCGroupInetEgress})
	expectConflict(t, err, unix.EPERM, fmt.Sprintf(`has program "occupant" (ID %d): `, id), "BPF_F_ALLOW_MULTI")
	if err := RawDetachProgram(RawDetachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupInetEgress}); err != nil {
		t.Error(err)
	}
}

func TestTCXConflict(t *testing.T) {
	testutil.Needs(t, testutil.TCX)
	testutil.NetNS(t)
	prog, id := occupant(t, ebpf.ProgramSpec{Type: ebpf.SchedCLS, AttachType: ebpf.AttachTCXEgress}, -1)
	opts := TCXOptions{Program: prog, Interface: testutil.Loopback, Attach: ebpf.AttachTCXEgress}
	first, err := AttachTCX(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = AttachTCX(opts)
	expectConflict(t, err, unix.EEXIST, fmt.Sprintf(`the interface has program "occupant" (ID %d) by link `, id))
	opts.ExpectedRevision = 99
	_, err = AttachTCX(opts)
	expectConflict(t, err, unix.ESTALE, "revision")
}

func TestNetNsConflict(t *testing.T) {
	testutil.Needs(t, testutil.CgroupLink)
	testutil.NetNS(t)
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	prog, id := occupant(t, ebpf.ProgramSpec{Type: ebpf.FlowDissector}, 0)
	first, err := AttachNetNs(int(ns.Fd()), prog)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = AttachNetNs(int(ns.Fd()), prog)
	expectConflict(t, err, unix.E2BIG, fmt.Sprintf(`it has program "occupant" (ID %d)`, id))
}

func TestSockmapConflict(t *testing.T) {
	testutil.Needs(t, testutil.SockmapLink)
	prog, id := occupant(t, ebpf.ProgramSpec{Type: ebpf.SkMsg, AttachType: ebpf.AttachSkMsgVerdict}, 1)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.SockMap, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	opts := SockmapOptions{Map: m, Program: prog, Attach: ebpf.AttachSkMsgVerdict}
	first, err := AttachSockmap(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = AttachSockmap(opts)
	expectConflict(t, err, unix.EBUSY, fmt.Sprintf(`the map has program "occupant" (ID %d)`, id))
}

func TestNetlinkAttr(t *testing.T) {
	attrs := kernel.AppendNetlinkAttr(nil, 3, []byte{1, 2, 3})
	attrs = kernel.AppendNetlinkAttr(attrs, 5|nestedAttr, []byte{4})
	for kind, want := range map[uint16]string{3: "\x01\x02\x03", 5: "\x04", 7: ""} {
		if got := string(netlinkAttr(attrs, kind)); got != want {
			t.Errorf("%d: %q, want %q", kind, got, want)
		}
	}
	for cut := range attrs {
		netlinkAttr(attrs[:cut], 5) // ends
	}
}
