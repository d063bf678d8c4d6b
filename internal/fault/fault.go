// Package fault lets tests make any system call of the runtime fail, or count
// it. Wherever the module asks the kernel for something, it asks [At] first; in
// a normal build that is nothing, and the compiler removes it. Built with the
// tag "faults", a test can put a trap there:
//
//	go test -tags faults ./runtime/...
package fault

import "syscall"

// Trap sees a system call before it happens. What it returns, if not zero, is
// how the call fails; the call doesn't happen then, unless it is a close, which
// gives the descriptor back even if it fails. A command of bpf(2) is called as
// in linux/bpf.h ("BPF_MAP_CREATE"), anything else as in its manual page
// ("mmap"); "open" and "read" are files, not objects of BPF.
//
// It is called from any goroutine.
type Trap func(call string) syscall.Errno
