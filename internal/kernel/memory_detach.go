package kernel

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Detach lets go of what was mapped, and puts private memory full of zeros in its
// place. Unlike Unmap it may run at any time: who is using the Memory, or still
// has a pointer into it, goes on with memory that means nothing.
func (m *Memory) Detach() error {
	if len(m.bytes) == 0 {
		return nil
	}
	_, err := mmap(-1, 0, unsafe.Pointer(unsafe.SliceData(m.bytes)), uintptr(len(m.bytes)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_FIXED|unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	return os.NewSyscallError("mmap", err)
}

// Keep makes the memory stay for as long as the process runs, so that pointers
// into it don't need the *Memory. Detach still lets go of the kernel's memory.
// It may run at any time but that of Unmap.
func (m *Memory) Keep() { runtime.SetFinalizer(m, nil) }
