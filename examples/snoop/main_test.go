package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/link"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// TestMain is also the program that is executed: there may be no other.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "quit" {
		return
	}
	testutil.Main(m)
}

func TestRun(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp, testutil.XDPLink)
	testutil.NetNS(t)
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// A packet that has arrived was counted, before anything is executed.
	var out testutil.Output
	var acting sync.WaitGroup
	acting.Go(func() {
		for ctx.Err() == nil {
			if _, err := conn.WriteTo([]byte("packet"), conn.LocalAddr()); err != nil {
				t.Error(err)
			}
			if _, _, err := conn.ReadFrom(make([]byte, 10)); err != nil {
				t.Error(err)
			}
			if err := exec.Command("/proc/self/exe", "quit").Run(); err != nil {
				t.Error(err)
			}
		}
	})
	acting.Go(func() {
		out.Await(ctx, `(?m)^\d+ exe$`)
		cancel()
	})
	err = run(ctx, &out, 0)
	cancel()
	acting.Wait()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^\d+ exe$`, `(?m)^process 0: \d+$`, `(?m)^process [1-9]\d*: 1$`, `(?m)^0 events dropped$`} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("output lacks %s", want)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s", out.String())
	}
}

// If one program can't be attached, those before it are detached: an interface
// has room for one XDP program, and it is free again.
func TestAttachAllOrNothing(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp, testutil.XDPLink)
	testutil.CheckFDs(t)
	testutil.NetNS(t)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	load := func() *SnoopObjects {
		t.Helper()
		spec, err := NewSnoopSpecs()
		if err != nil {
			t.Fatal(err)
		}
		objs, err := spec.Load(nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { objs.Close() })
		return objs
	}
	opts := SnoopAttach{CountPackets: link.XDPOptions{Interface: lo.Index}}

	broken := load()
	broken.HandleExec.Close()
	links, err := broken.Attach(opts)
	if links != nil || !errors.Is(err, ebpf.ErrClosed) || !strings.HasPrefix(err.Error(), "attach Snoop: attach tracing program ") {
		t.Fatalf("a closed program is attached: %v, %v", links, err)
	}

	var incomplete *link.IncompleteError
	if _, err := load().Attach(SnoopAttach{}); !errors.As(err, &incomplete) || incomplete.Missing != "which interface" {
		t.Errorf("no interface: %v", err)
	}

	objs := load()
	if links, err = objs.Attach(opts); err != nil {
		t.Fatal(err)
	}
	if _, err := objs.AttachCountPackets(opts.CountPackets); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("two programs on an interface: %v", err)
	}
	if links.CountPackets == nil || links.HandleExec == nil {
		t.Errorf("links %+v", links)
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
}

// One program alone, and one that is not wanted at all.
func TestAttachOne(t *testing.T) {
	testutil.Needs(t, testutil.TracingRawTp)
	testutil.CheckFDs(t)
	spec, err := NewSnoopSpecs()
	if err != nil {
		t.Fatal(err)
	}
	spec.CountPackets.Optional = true
	objs, err := spec.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer objs.Close()
	if objs.CountPackets != nil {
		t.Error("a program is loaded that is optional")
	}
	if _, err := objs.AttachCountPackets(link.XDPOptions{Interface: 1}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("attach what isn't loaded: %v", err)
	}
	one, err := objs.AttachHandleExec(link.TracingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	links, err := objs.Attach(SnoopAttach{})
	if err != nil {
		t.Fatal(err)
	}
	if links.CountPackets != nil || links.HandleExec == nil {
		t.Errorf("links %+v", links)
	}
	if err := links.Close(); err != nil {
		t.Error(err)
	}
}
