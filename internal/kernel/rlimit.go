package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

// memcgAccounting is the first kernel that charges BPF memory to the control
// group instead of RLIMIT_MEMLOCK.
var memcgAccounting = uapi.KernelVersion{Major: 5, Minor: 11}

// RemoveMemlock raises RLIMIT_MEMLOCK of this process to infinity on kernels
// that count BPF memory against it (before 5.11), and does nothing on others.
func RemoveMemlock() error {
	if AtLeast(memcgAccounting) || memlockUnlimited() {
		return nil
	}
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := setrlimit(unix.RLIMIT_MEMLOCK, &unlimited); err != nil {
		return ExplainPermission(fmt.Errorf("raise RLIMIT_MEMLOCK to infinity: %w", err), CapSysResource)
	}
	return nil
}

// charged runs a command that old kernels charge to RLIMIT_MEMLOCK. If such a
// kernel refuses, the limit may be why: it is raised for good, as far as this
// process may do that, and the command runs again.
func charged[A any](cmd Cmd, attr *A) (*FD, error) {
	fd, err := open(cmd, attr)
	if Errno(err) != unix.EPERM || AtLeast(memcgAccounting) || memlockUnlimited() || RemoveMemlock() != nil {
		return fd, err
	}
	return open(cmd, attr)
}

func memlockUnlimited() bool {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit)
	return err == nil && limit.Cur == unix.RLIM_INFINITY
}
