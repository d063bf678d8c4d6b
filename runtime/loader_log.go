package ebpf

import (
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Sizes of the verifier's log, in bytes. Kernels before 5.2 take at most 16 MiB.
const (
	logSizeDefault = 64 << 10
	logSizeMax     = 1 << 30
)

// verifierLog is what the kernel wrote.
type verifierLog struct {
	text      []byte
	truncated bool
}

// logged is a system call that writes a log. It returns how many bytes the log
// really has, if the kernel says so.
type logged func(level uint32, log []byte) (fd *kernel.FD, trueSize uint32, err error)

// withLog repeats a call until its log fits the buffer.
func withLog(level LogLevel, call logged, sizes ...uint32) (*kernel.FD, verifierLog, error) {
	if level == 0 {
		level = LogLevelBranch
	}
	size := uint32(logSizeDefault)
	for _, s := range sizes {
		size = max(size, s)
	}
	for {
		log := make([]byte, min(size, logSizeMax))
		fd, trueSize, err := call(uint32(level), log)
		if kernel.Errno(err) != syscall.ENOSPC {
			return fd, verifierLog{text: log}, err
		}
		if size >= logSizeMax {
			return nil, verifierLog{text: log, truncated: true}, err
		}
		if size *= 4; trueSize > 0 {
			size = trueSize
		}
	}
}
