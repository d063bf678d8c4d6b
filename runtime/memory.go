package ebpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Memory is the contents of a map, shared with the kernel: reading and writing
// takes no system call. It goes with its map: after Close of that, it gives
// ErrClosed.
//
// Go and C programs that share memory have to agree about when who touches
// what, as threads do. A single aligned value of up to eight bytes is read and
// written whole.
type Memory struct {
	mapped   *kernel.Memory
	readOnly bool
	closed   atomic.Bool
}

// mapping is the Memory of a map, if somebody asked for it.
type mapping struct {
	memory atomic.Pointer[Memory] // changed with mu held
	mu     sync.Mutex
	frozen bool // known to be read-only
	closed bool
	failed error // why there was no memory, which matters more than that there can't be any more
}

// of is the one Memory of m.
func (mp *mapping) of(m *Map) (*Memory, error) {
	if memory := mp.memory.Load(); memory != nil {
		return memory, nil
	}
	return mp.open(m)
}

// open is of for who comes first, or last.
func (mp *mapping) open(m *Map) (*Memory, error) {
	mp.mu.Lock()
	defer mp.mu.Unlock()
	if mp.closed {
		return nil, fmt.Errorf("memory of map %q: %w", m.name, ErrClosed)
	}
	if memory := mp.memory.Load(); memory != nil {
		return memory, nil
	}
	memory, err := mapMemory(m, mp.frozen)
	if err != nil {
		if mp.failed == nil || !errors.Is(err, ErrClosed) {
			mp.failed = err
		}
		err = mp.failed
		return nil, fmt.Errorf("memory of map %q: %w", m.name, err)
	}
	mp.memory.Store(memory)
	return memory, nil
}

// close ends all use of the memory.
func (mp *mapping) close() {
	mp.mu.Lock()
	defer mp.mu.Unlock()
	if memory := mp.memory.Load(); memory != nil {
		memory.close()
	}
	mp.memory.Store(nil) // so that the garbage collector can have it before the map
	mp.closed = true
}

// mapMemory maps for writing if it may.
func mapMemory(m *Map, frozen bool) (*Memory, error) {
	size := m.memorySize()
	access := kernel.ReadWrite
	if frozen || m.flags&uapi.MapFlagRdonly != 0 {
		access = kernel.ReadOnly
	}
	if m.typ == Arena && m.extra != 0 {
		return mapMemoryAt(m, size, access)
	}
	mapped, err := kernel.MapMemory(m.fd, 0, size, access)
	if access == kernel.ReadWrite && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)) {
		access = kernel.ReadOnly // frozen by somebody else
		mapped, err = kernel.MapMemory(m.fd, 0, size, access)
	}
	if err != nil {
		return nil, err
	}
	return &Memory{mapped: mapped, readOnly: access == kernel.ReadOnly}, nil
}

// mapMemoryAt is for arenas that have to be at one address. There may still be an
// earlier one, closed, but not known to be out of use before the garbage collector
// has run.
func mapMemoryAt(m *Map, size int, access kernel.Access) (*Memory, error) {
	mapped, err := kernel.MapMemoryAt(m.fd, m.extra, size, access)
	for wait := time.Millisecond; errors.Is(err, syscall.EEXIST) && wait < 50*time.Millisecond; wait *= 2 {
		runtime.GC()
		time.Sleep(wait) // what it finds is let go of in the background
		mapped, err = kernel.MapMemoryAt(m.fd, m.extra, size, access)
	}
	if err != nil {
		return nil, err
	}
	return &Memory{mapped: mapped, readOnly: access == kernel.ReadOnly}, nil
}

// memorySize is how much of a map can be mapped: whole pages.
func (m *Map) memorySize() int {
	page := os.Getpagesize()
	if m.typ == Arena {
		return int(m.maxEntries) * page
	}
	elements := int(m.maxEntries) * ((m.value.size + 7) &^ 7)
	return (elements + page - 1) / page * page
}

// close lets go of the kernel's memory. Who is reading or writing right now sees
// other memory, never none.
func (mm *Memory) close() {
	mm.closed.Store(true)
	_ = mm.mapped.Detach() // if that fails, the garbage collector lets go
}

// at is part of the memory.
func (mm *Memory) at(off int64, size int) ([]byte, error) {
	if mm.closed.Load() {
		return nil, ErrClosed
	}
	b, ok := mm.part(off, size)
	if !ok {
		return nil, fmt.Errorf("%d bytes at offset %d are beyond the %d bytes of memory: %w", size, off, len(mm.mapped.Bytes()), io.EOF)
	}
	return b, nil
}

// part is at without an error that says why not.
func (mm *Memory) part(off int64, size int) ([]byte, bool) {
	b := mm.mapped.Bytes()
	if off < 0 || off > int64(len(b)) || int64(size) > int64(len(b))-off {
		return nil, false
	}
	return b[off : off+int64(size)], true
}

// Size is the number of bytes.
func (mm *Memory) Size() uint32 { return uint32(len(mm.mapped.Bytes())) }

// ReadOnly tells whether writing is forbidden.
func (mm *Memory) ReadOnly() bool { return mm.readOnly }

// ReadAt implements io.ReaderAt.
func (mm *Memory) ReadAt(p []byte, off int64) (int, error) {
	if mm.closed.Load() {
		return 0, ErrClosed
	}
	b := mm.mapped.Bytes()
	if off < 0 || off >= int64(len(b)) {
		return 0, fmt.Errorf("read at offset %d of %d: %w", off, len(b), io.EOF)
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	if mm.closed.Load() {
		return 0, ErrClosed // what was read may not be the map's any more
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (mm *Memory) WriteAt(p []byte, off int64) (int, error) {
	if mm.readOnly {
		return 0, fmt.Errorf("write at offset %d: %w", off, ErrReadOnly)
	}
	b, err := mm.at(off, len(p))
	if err != nil {
		return 0, fmt.Errorf("write: %w", err)
	}
	n := copy(b, p)
	runtime.KeepAlive(mm) // without it, the memory may go
	return n, nil
}
