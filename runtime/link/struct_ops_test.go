package link

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"golang.org/x/sys/unix"
)

// congestionControls loads an object with several.
func congestionControls(t *testing.T) *ebpf.Collection {
	t.Helper()
	coll, err := ebpf.LoadCollection(objectFile("structops"))
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(coll.Close)
	return coll
}

// connectWith opens a TCP connection with a congestion control, and closes it.
func connectWith(congestion string) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, congestion)
		})
		return errors.Join(err, failed)
	}}
	conn, err := dialer.Dial("tcp4", listener.Addr().String())
	if err != nil {
		return err
	}
	return conn.Close()
}

func variable(t *testing.T, coll *ebpf.Collection, name string) (n int32) {
	t.Helper()
	if err := coll.Variables[name].Get(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAttachStructOps(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	testutil.CheckFDs(t)
	coll := congestionControls(t)
	l, err := AttachStructOps(StructOpsOptions{Map: coll.Maps["demo_link"]})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := connectWith("bpfgen_link"); err != nil {
		t.Fatal(err)
	}
	if n := variable(t, coll, "inits"); n == 0 {
		t.Error("init wasn't called")
	}
	if info, err := l.Info(); err != nil || info.Type != StructOpsType {
		t.Error(info, err)
	}

	// The struct that replaces it has no init.
	if err := UpdateStructOps(l, coll.Maps["demo_update"]); err != nil {
		t.Fatal(err)
	}
	before := variable(t, coll, "inits")
	if err := connectWith("bpfgen_link"); err != nil {
		t.Fatal(err)
	}
	if after := variable(t, coll, "inits"); after != before {
		t.Error("the replaced struct was called")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := connectWith("bpfgen_link"); !errors.Is(err, unix.ENOENT) {
		t.Error("after Close:", err)
	}
}

// A scheduler begins with its link, and ends with it.
func TestSchedExt(t *testing.T) {
	testutil.Needs(t, testutil.SchedExt)
	testutil.CheckFDs(t)
	coll, err := ebpf.LoadCollection(objectFile("schedext"))
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	l, err := AttachStructOps(StructOpsOptions{Map: coll.Maps["idle_hands"]})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	state := func() string {
		text, err := os.ReadFile("/sys/kernel/sched_ext/state")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	if state() != "enabled" || variable(t, coll, "inits") != 1 || variable(t, coll, "exits") != 0 {
		t.Errorf("%s: init was called %d times, exit %d times", state(), variable(t, coll, "inits"), variable(t, coll, "exits"))
	}
	if info, err := l.Info(); err != nil || info.Type != StructOpsType {
		t.Errorf("%+v, %v", info, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if state() == "disabled" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if state() != "disabled" || variable(t, coll, "exits") != 1 {
		t.Errorf("after Close: %s, exit was called %d times", state(), variable(t, coll, "exits"))
	}
}

func TestAttachStructOpsByRegistering(t *testing.T) {
	testutil.Needs(t, testutil.StructOps)
	testutil.CheckFDs(t)
	spec, err := ebpf.LoadCollectionSpec(objectFile("structops"))
	if err != nil {
		t.Fatal(err)
	}
	var objs struct {
		Old *ebpf.Map `ebpf:"demo_old"`
	}
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		t.Fatalf("%+v", err)
	}
	defer objs.Old.Close()
	if err := connectWith("bpfgen_old"); !errors.Is(err, unix.ENOENT) {
		t.Error("loading alone had an effect:", err)
	}
	l, err := AttachStructOps(StructOpsOptions{Map: objs.Old})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := connectWith("bpfgen_old"); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"Update": l.Update(nil), "Pin": l.Pin("/sys/fs/bpf/x"), "Unpin": l.Unpin(), "UpdateStructOps": UpdateStructOps(l, objs.Old),
	} {
		if !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Info(); !errors.Is(err, ErrNotSupported) {
		t.Error("Info:", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error("closing again:", err)
	}
	if err := connectWith("bpfgen_old"); !errors.Is(err, unix.ENOENT) {
		t.Error("after Close:", err)
	}
}

// What the kernel objects to in a struct is no reason not to load it.
func TestAttachStructOpsRefused(t *testing.T) {
	testutil.Needs(t, testutil.StructOps, testutil.StructOpsLink)
	testutil.CheckFDs(t)
	spec, err := ebpf.LoadCollectionSpec(objectFile("structops"))
	if err != nil {
		t.Fatal(err)
	}
	delete(spec.Maps["demo_link"].StructOps, "undo_cwnd") // which every congestion control has
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	_, err = AttachStructOps(StructOpsOptions{Map: coll.Maps["demo_link"]})
	if err == nil || !strings.Contains(err.Error(), "is a member missing that it needs") {
		t.Error(err)
	}
	if _, err = AttachStructOps(StructOpsOptions{Map: coll.Maps[".bss"]}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
	if _, err = AttachStructOps(StructOpsOptions{}); !errors.Is(err, os.ErrInvalid) {
		t.Error(err)
	}
}

// objectFile is an object for this machine's byte order.
func objectFile(name string) string {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return "../../testdata/" + name + "-el.o"
	}
	return "../../testdata/" + name + "-eb.o"
}
