package kernel

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Access says what may be done with mapped memory.
type Access int

// The kinds of access to mapped memory.
const (
	ReadOnly  Access = unix.PROT_READ
	ReadWrite Access = unix.PROT_READ | unix.PROT_WRITE
)

// Memory is memory of the kernel that is mapped into this process. It goes
// with Unmap, if its owner knows that no pointer into it is in use; or else
// when the garbage collector finds the Memory itself unreachable, so that who
// keeps a pointer into it has to keep the *Memory as well.
type Memory struct {
	bytes []byte
}

// MapMemory maps size bytes of what fd describes, from offset (a multiple of
// the page size) on, shared with the kernel. The mapping outlives fd.
func MapMemory(fd *FD, offset int64, size int, access Access) (*Memory, error) {
	return mapMemory(fd, nil, offset, size, access, unix.MAP_SHARED)
}

// MapMemoryAt is MapMemory for what has to be at one address, in bytes. It fails
// with EEXIST if something else is there.
func MapMemoryAt(fd *FD, address uint64, size int, access Access) (*Memory, error) {
	if uint64(uintptr(address)) != address {
		return nil, fmt.Errorf("map memory at address %#x: %w", address, unix.ERANGE)
	}
	return mapMemory(fd, pointerTo(uintptr(address)), 0, size, access, unix.MAP_SHARED|unix.MAP_FIXED_NOREPLACE)
}

// pointerTo is for addresses outside of what the garbage collector manages.
func pointerTo(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

func mapMemory(fd *FD, at unsafe.Pointer, offset int64, size int, access Access, flags int) (*Memory, error) {
	if size <= 0 {
		return nil, fmt.Errorf("map %d bytes of memory: %w", size, os.ErrInvalid)
	}
	raw, err := fd.Acquire()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	addr, err := mmap(raw, offset, at, uintptr(size), int(access), flags)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memory: %w", size, os.NewSyscallError("mmap", err))
	}
	m := &Memory{bytes: unsafe.Slice((*byte)(addr), size)}
	// A cleanup would be compiled for this type, and bring its own queue.
	runtime.SetFinalizer(m, func(m *Memory) { _ = unmap(m.bytes) })
	return m, nil
}

func unmap(bytes []byte) error {
	err := unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(bytes)), uintptr(len(bytes)))
	return os.NewSyscallError("munmap", err)
}

// Bytes is the memory, nil after Unmap. Writing to it without ReadWrite ends
// the process, as does any access once it is unmapped.
func (m *Memory) Bytes() []byte { return m.bytes }

// Unmap gives the memory back. It must not run at the same time as itself or
// as any other use of the Memory; doing it again does nothing.
func (m *Memory) Unmap() error {
	if m == nil || m.bytes == nil {
		return nil
	}
	bytes := m.bytes
	m.bytes = nil
	runtime.SetFinalizer(m, nil)
	return unmap(bytes)
}
