package link

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"golang.org/x/sys/unix"
)

// AttachReuseport lets a program of type SkReuseport choose which of the sockets
// that share an address (SO_REUSEPORT) gets a packet or connection. conn is one
// of them. The program stays until DetachReuseport or the end of the last of the
// sockets. Linux 4.19.
func AttachReuseport(conn syscall.Conn, program *ebpf.Program) error {
	fd, err := borrow(program)
	if err != nil {
		return fmt.Errorf("attach to sockets with SO_REUSEPORT: %w", err)
	}
	defer fd.Close()
	if err := setSocketOption(conn, unix.SO_ATTACH_REUSEPORT_EBPF, fd.Int()); err != nil { // nobody else closes it
		return fmt.Errorf("attach %v to sockets with SO_REUSEPORT: %w", program, err)
	}
	return nil
}

// DetachReuseport ends what AttachReuseport began. It wraps os.ErrNotExist if
// there is no program. Linux 5.3.
func DetachReuseport(conn syscall.Conn) error {
	if err := setSocketOption(conn, unix.SO_DETACH_REUSEPORT_BPF, 0); err != nil {
		return fmt.Errorf("detach from sockets with SO_REUSEPORT: %w", err)
	}
	return nil
}

// socketLink is a program of a socket, for which the kernel has no bpf_link.
type socketLink struct {
	conn   syscall.Conn
	detach func(syscall.Conn) error

	mu     sync.Mutex
	closed bool
}

func (l *socketLink) isLink() {}

// Close is Link.Close. That the socket is closed, or has another program's
// filter removed already, is no error.
func (l *socketLink) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.detach(l.conn)
	if errors.Is(err, fs.ErrNotExist) || isClosed(l.conn) {
		return nil
	}
	return err
}

// isClosed tells whether a socket is closed, of whichever package it is.
func isClosed(conn syscall.Conn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	return raw.Control(func(uintptr) {}) != nil
}

// Detach is Link.Detach.
func (l *socketLink) Detach() error { return l.Close() }

// Update is Link.Update.
func (l *socketLink) Update(*ebpf.Program) error { return l.unsupported("update") }

// Pin is Link.Pin.
func (l *socketLink) Pin(string) error { return l.unsupported("pin") }

// Unpin is Link.Unpin.
func (l *socketLink) Unpin() error { return l.unsupported("unpin") }

// Info is Link.Info.
func (l *socketLink) Info() (*Info, error) { return nil, l.unsupported("info about") }

func (l *socketLink) unsupported(what string) error {
	return fmt.Errorf("%s program of a socket: it has no bpf_link: %w", what, ErrNotSupported)
}
