package link

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"golang.org/x/sys/unix"
)

// listen opens a socket that may share its address.
func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var errSet error
		err := raw.Control(func(fd uintptr) {
			errSet = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, errSet)
	}}
	conn, err := config.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.UDPConn)
}

// Programs of sockets are attached like others, and last until Close.
func TestAutoSocket(t *testing.T) {
	for _, section := range []string{"socket", "sk_reuseport", "sk_reuseport/migrate"} {
		t.Run(section, func(t *testing.T) {
			testutil.Needs(t, testutil.GlobalData)
			if section != "socket" {
				testutil.NeedsLinux(t, "attach types of sk_reuseport", 5, 14)
			}
			testutil.CheckFDs(t)
			c := newCounter(t)
			f := &family{idAt: -1}
			declare(t, &f.spec, section)
			receiver := listen(t)
			send := func() {
				t.Helper()
				sender, err := net.Dial("udp4", receiver.LocalAddr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer sender.Close()
				_, _ = io.WriteString(sender, "hello") // that nobody takes it is told here, at times
			}
			l, err := Auto(f.program(t, c), SocketTarget{receiver})
			if err != nil {
				t.Fatal(err)
			}
			send()
			if got := c.value(t); got != 1 {
				t.Errorf("the program ran %d times", got)
			}
			for _, unsupported := range []error{l.Update(nil), l.Pin("x"), l.Unpin(), func() error { _, err := l.Info(); return err }()} {
				if !errors.Is(unsupported, ErrNotSupported) {
					t.Errorf("got %v", unsupported)
				}
			}
			if err := errors.Join(l.Close(), l.Close()); err != nil {
				t.Error(err)
			}
			send()
			if got := c.value(t); got != 1 {
				t.Errorf("after Close: %d times", got)
			}
		})
	}
}

// A socket that is closed first takes its program along.
func TestAutoSocketThatCloses(t *testing.T) {
	testutil.Needs(t, testutil.GlobalData)
	f := &family{spec: ebpf.ProgramSpec{}, idAt: -1}
	declare(t, &f.spec, "socket")
	receiver := listen(t)
	l, err := Auto(f.program(t, newCounter(t)), SocketTarget{receiver})
	if err != nil {
		t.Fatal(err)
	}
	receiver.Close()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
