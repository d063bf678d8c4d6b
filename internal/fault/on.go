//go:build faults

package fault

import (
	"sync/atomic"
	"syscall"
)

// Enabled tells whether there can be traps.
const Enabled = true

// trap is what Set set. A variable of the package, for only tests have it.
var trap atomic.Pointer[Trap]

// Set puts a trap at every system call, until restore.
func Set(t Trap) (restore func()) {
	previous := trap.Swap(&t)
	return func() { trap.Store(previous) }
}

// Errno is how a system call is made to fail, zero for not at all.
func Errno(call string) syscall.Errno {
	if t := trap.Load(); t != nil {
		return (*t)(call)
	}
	return 0
}

// At is Errno as an error.
func At(call string) error {
	if errno := Errno(call); errno != 0 {
		return errno
	}
	return nil
}
