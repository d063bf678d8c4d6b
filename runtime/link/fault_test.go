//go:build faults

package link

import (
	"errors"
	"os"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// Every way to attach, from attaching to closing, with each system call failing
// in turn. What isn't attached in the end sees nothing, even if it was on the
// way to it.
func TestFaults(t *testing.T) {
	forEachFamily(t, func(t *testing.T, f *family) {
		testutil.Needs(t, f.needs...)
		c := newCounter(t)
		dir := f.place(t)
		testutil.Faults(t, func() error {
			// Linux before 5.12 attaches a tracing program once only.
			var prog *ebpf.Program
			testutil.Faultless(func() { prog = f.program(t, c) })
			defer prog.Close()
			l, err := f.attach(prog, dir)
			if err != nil {
				return err
			}
			defer l.Close()
			a := &attached{f, l, dir}
			testutil.Faultless(func() { a.expect(t, c, true) })
			if _, err := l.Info(); err != nil && f.isBPFLink() {
				return err
			}
			return l.Close()
		}, nil)
		(&attached{family: f, dir: dir}).expectEnd(t, c)
	})
}

// The same for traffic control, whose messages go through netlink.
func TestFaultsOfTC(t *testing.T) {
	testutil.NetNS(t)
	c := newCounter(t)
	f := &family{spec: ebpf.ProgramSpec{Type: ebpf.SchedCLS}, idAt: -1, trigger: triggerPacket}
	prog := f.program(t, c)
	testutil.Faults(t, func() error {
		l, err := AttachTC(TCOptions{Interface: testutil.Loopback, Program: prog, Attach: ebpf.AttachTCXEgress})
		if err != nil {
			return err
		}
		defer testutil.Faultless(func() {
			if err := l.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		})
		return l.Close()
	}, nil)
	(&attached{family: f}).expectEnd(t, c)
}
