package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/fault"
)

// bpf is the system call. What attr and the pointers in it refer to may be on
// the stack: it isn't moved while the call runs. Of Go's ways into the kernel,
// syscall.Syscall6 has the fewest functions in between: after a system call the
// processor has forgotten where they return to, and each costs some nanoseconds.
func bpf(cmd Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	if errno := injected(cmd); errno != 0 {
		return -1, errno
	}
	r, _, errno := syscall.Syscall6(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size, 0, 0, 0)
	return int(r), errno
}

// injected is how a test wants cmd to fail. In a normal build it is zero, and
// nothing is left of it.
func injected(cmd Cmd) unix.Errno {
	if !fault.Enabled {
		return 0
	}
	return fault.Errno(cmd.String())
}

// call is bpf for commands with an attr struct and no result but success.
func call[A any](cmd Cmd, attr *A) error {
	if _, errno := bpf(cmd, unsafe.Pointer(attr), unsafe.Sizeof(*attr)); errno != 0 {
		return failed(cmd, errno)
	}
	return nil
}

// open is bpf for commands that return a descriptor.
func open[A any](cmd Cmd, attr *A) (*FD, error) {
	raw, errno := bpf(cmd, unsafe.Pointer(attr), unsafe.Sizeof(*attr))
	if errno != 0 {
		return nil, failed(cmd, errno)
	}
	return ownFD(raw)
}
