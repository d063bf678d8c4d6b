package link

import (
	"fmt"
	"syscall"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"golang.org/x/sys/unix"
)

// AttachSocketFilter lets a program of type SocketFilter choose what a socket
// receives: it returns how many bytes of a packet to keep. It replaces another
// filter, and lasts until DetachSocketFilter or the end of the socket. Linux
// 3.19.
func AttachSocketFilter(conn syscall.Conn, program *ebpf.Program) error {
	fd, err := borrow(program)
	if err != nil {
		return fmt.Errorf("attach socket filter: %w", err)
	}
	defer fd.Close()
	if err := setSocketOption(conn, unix.SO_ATTACH_BPF, fd.Int()); err != nil { // nobody else closes it
		return fmt.Errorf("attach socket filter %v: %w", program, err)
	}
	return nil
}

// DetachSocketFilter removes the filter of a socket. It wraps os.ErrNotExist if
// there is none.
func DetachSocketFilter(conn syscall.Conn) error {
	if err := setSocketOption(conn, unix.SO_DETACH_BPF, 0); err != nil {
		return fmt.Errorf("detach socket filter: %w", err)
	}
	return nil
}

func setSocketOption(conn syscall.Conn, option, value int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var errSet error
	err = raw.Control(func(fd uintptr) {
		errSet = kernel.SetSocketOption(int(fd), option, value)
	})
	if err != nil {
		return err
	}
	return errSet
}
