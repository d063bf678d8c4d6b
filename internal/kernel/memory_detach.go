package kernel

import (
	"os"
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
	_, err := unix.MmapPtr(-1, 0, unsafe.Pointer(unsafe.SliceData(m.bytes)), uintptr(len(m.bytes)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_FIXED|unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	return os.NewSyscallError("mmap", err)
}
