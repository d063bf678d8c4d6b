package kernel

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// signalMask is the set of signals that this thread held back before maskSignals.
type signalMask struct{ previous unix.Sigset_t }

// maskSignals holds back, on this thread, what the Go runtime sends its own
// threads: SIGURG to preempt a goroutine and SIGPROF to sample it. The kernel
// delivers them late, at restore; meanwhile the goroutine keeps its thread.
func maskSignals() *signalMask {
	var blocked unix.Sigset_t
	bits := 8 * int(unsafe.Sizeof(blocked.Val[0]))
	for _, sig := range [...]int{int(unix.SIGURG), int(unix.SIGPROF)} {
		blocked.Val[(sig-1)/bits] |= 1 << ((sig - 1) % bits)
	}
	runtime.LockOSThread()
	mask := new(signalMask)
	// The call can only fail for arguments that these aren't; even then
	// callers just see EAGAIN or EINTR more often.
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, &mask.previous)
	return mask
}

// restore ends maskSignals, on the same goroutine.
func (m *signalMask) restore() {
	_ = unix.PthreadSigmask(unix.SIG_SETMASK, &m.previous, nil)
	runtime.UnlockOSThread()
}
