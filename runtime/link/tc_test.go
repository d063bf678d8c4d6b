package link

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"golang.org/x/sys/unix"
)

func TestTC(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	for _, attachType := range []ebpf.AttachType{ebpf.AttachTCXIngress, ebpf.AttachTCXEgress} {
		t.Run(attachType.String(), func(t *testing.T) {
			testutil.CheckFDs(t)
			testutil.NetNS(t)
			first, second := newCounter(t), newCounter(t)
			f := &family{spec: ebpf.ProgramSpec{Type: ebpf.SchedCLS}, idAt: -1}
			prog := f.program(t, first)
			l, err := AttachTC(TCOptions{Interface: testutil.Loopback, Program: prog, Attach: attachType})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			prog.Close()
			a := &attached{family: &family{trigger: triggerPacket}, Link: l}
			a.expect(t, first, true)
			if err := l.Update(f.program(t, second)); err != nil {
				t.Fatal(err)
			}
			a.expect(t, first, false)
			a.expect(t, second, true)
			_, errInfo := l.Info()
			for what, err := range map[string]error{"pin": l.Pin("x"), "unpin": l.Unpin(), "info": errInfo} {
				if !errors.Is(err, ErrNotSupported) {
					t.Errorf("%s: %v", what, err)
				}
			}
			for range 2 {
				if err := l.Detach(); err != nil {
					t.Error(err)
				}
			}
			a.expect(t, second, false)
			for range 2 {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := errors.Join(l.Detach(), l.Update(f.program(t, first))); !errors.Is(err, os.ErrClosed) {
				t.Errorf("after close: %v", err)
			}
		})
	}
}

// A filter belongs to the network namespace in which it was made, whichever
// thread closes it, and to its place among others.
func TestTCPlace(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	testutil.CheckFDs(t)
	testutil.NetNS(t)
	c := newCounter(t)
	f := &family{spec: ebpf.ProgramSpec{Type: ebpf.SchedCLS}, idAt: -1}
	opts := TCOptions{Interface: testutil.Loopback, Program: f.program(t, c), Attach: ebpf.AttachTCXEgress, Priority: 7, Handle: 3}
	l, err := AttachTC(opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AttachTC(opts); !errors.Is(err, unix.EEXIST) {
		t.Errorf("the same place: %v", err)
	}
	opts.Handle = 0
	other, err := AttachTC(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	a := &attached{family: &family{trigger: triggerPacket}, Link: l}
	a.expect(t, c, true)
	var elsewhere sync.WaitGroup
	elsewhere.Go(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	elsewhere.Wait()
	a.expect(t, c, false)
}

func TestTCThatCannotBe(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	testutil.NetNS(t)
	prog := load(t, ebpf.ProgramSpec{Type: ebpf.SchedCLS}, exitZero)
	tests := map[string]struct {
		opts TCOptions
		want error
		text string
	}{
		"no interface":   {TCOptions{Program: prog, Attach: ebpf.AttachTCXIngress}, unix.EINVAL, "interface index 0"},
		"not here":       {TCOptions{Program: prog, Attach: ebpf.AttachTCXIngress, Interface: 4711}, unix.ENODEV, "interface 4711"},
		"no direction":   {TCOptions{Program: prog, Interface: testutil.Loopback}, os.ErrInvalid, "want TCXIngress or TCXEgress"},
		"no program":     {TCOptions{Attach: ebpf.AttachTCXIngress, Interface: testutil.Loopback}, os.ErrInvalid, "no program"},
		"no such filter": {TCOptions{Program: load(t, kprobeSpec, exitZero), Attach: ebpf.AttachTCXIngress, Interface: testutil.Loopback}, os.ErrInvalid, "SchedCLS"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			if _, err := AttachTC(test.opts); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}
