package btf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Handle is type information in the kernel: of a map, a program, a module or
// the kernel itself. The kernel keeps it as long as there is a Handle, or
// something that it describes. There is no finalizer: who makes a Handle closes
// it. All methods may be called from any goroutine at any time; after Close
// they give ErrClosed.
type Handle struct {
	fd   *kernel.FD
	size uint32 // of the blob, in bytes
	// split types refer to those of the kernel.
	split bool
}

// NewHandle gives the contents of a Builder to the kernel. A kernel that
// doesn't take all of it is given what is left by [KernelMarshalOptions]. Needs
// 4.18 and CAP_BPF.
//
// Returns an error wrapping [ErrNotSupported] if the kernel has no BTF.
func NewHandle(b *Builder) (*Handle, error) {
	plain := MarshalOptions{PreventNoTypeFound: true}
	blob, err := b.Marshal(nil, &plain)
	if err != nil {
		return nil, fmt.Errorf("types for the kernel: %w", err)
	}
	if h, err := newHandle(blob); err == nil {
		return h, nil
	}
	if opts := KernelMarshalOptions(); *opts != plain {
		if blob, err = b.Marshal(nil, opts); err != nil {
			return nil, fmt.Errorf("types for the kernel: %w", err)
		}
	}
	return NewHandleFromRawBTF(blob)
}

// NewHandleFromRawBTF gives a blob to the kernel as it is. Needs 4.18 and
// CAP_BPF.
//
// Returns an error with the kernel's reason if it refuses the blob, and one
// wrapping [ErrNotSupported] if it has no BTF.
func NewHandleFromRawBTF(btf []byte) (*Handle, error) {
	if len(btf) == 0 || uint64(len(btf)) > math.MaxUint32 {
		return nil, fmt.Errorf("load BTF: %d bytes are no BTF: %w", len(btf), syscall.EINVAL)
	}
	h, err := newHandle(btf)
	switch {
	case err == nil:
		return h, nil
	case kernel.Errno(err) == syscall.EPERM:
		return nil, fmt.Errorf("load BTF: %w", kernel.ExplainPermission(err, kernel.CapBPF))
	case kernel.Errno(err) == syscall.EINVAL && !kernel.AtLeast(uapi.KernelVersion{Major: 4, Minor: 18}):
		return nil, fmt.Errorf("load BTF: %w: %w: it needs Linux 4.18", err, ErrNotSupported)
	}
	return newHandleWithLog(btf)
}

func newHandle(blob []byte) (*Handle, error) {
	fd, err := kernel.BTFLoad(&kernel.BTFLoadAttr{BTF: kernel.Bytes(blob), BTFSize: uint32(len(blob))})
	if err != nil {
		return nil, err
	}
	return &Handle{fd: fd, size: uint32(len(blob))}, nil
}

// maxLogSize is all that kernels before 5.2 take.
const maxLogSize = 16 << 20

// newHandleWithLog tries again what the kernel has refused, for its reason.
func newHandleWithLog(blob []byte) (*Handle, error) {
	attr := kernel.BTFLoadAttr{BTF: kernel.Bytes(blob), BTFSize: uint32(len(blob)), LogLevel: 1}
	for size := 64 << 10; ; size *= 4 {
		log := make([]byte, size)
		attr.LogBuf, attr.LogSize = kernel.Bytes(log), uint32(size)
		fd, err := kernel.BTFLoad(&attr)
		if err == nil {
			return &Handle{fd: fd, size: uint32(len(blob))}, nil
		}
		if kernel.Errno(err) == syscall.ENOSPC && size < maxLogSize {
			continue
		}
		if reason := lastLine(log); reason != "" {
			return nil, fmt.Errorf("load BTF: %w: %s", err, reason)
		}
		return nil, fmt.Errorf("load BTF: %w", err)
	}
}

// lastLine is where the kernel stopped.
func lastLine(log []byte) string {
	text, _, _ := bytes.Cut(log, []byte{0})
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// NewHandleFromID opens the type information with an ID. It wraps
// os.ErrNotExist if there is none. Needs 4.18 and CAP_SYS_ADMIN.
func NewHandleFromID(id ID) (*Handle, error) {
	fd, err := kernel.FDByID(kernel.CmdBTFGetFDByID, uint32(id), 0)
	if err != nil {
		return nil, fmt.Errorf("BTF with ID %d: %w", id, kernel.ExplainPermission(err, kernel.CapSysAdmin))
	}
	info, err := handleInfo(fd)
	if err != nil {
		_ = fd.Close()
		return nil, err
	}
	return &Handle{fd: fd, size: info.size, split: info.IsModule()}, nil
}

// FD is the descriptor, -1 after Close. It is the handle's: don't close it, and
// don't use it while others may close the handle.
func (h *Handle) FD() int { return h.fd.Int() }

// Close gives up the handle. Closing again, or closing nil, does nothing.
func (h *Handle) Close() error {
	if h == nil {
		return nil
	}
	if err := h.fd.Close(); err != nil && !errors.Is(err, kernel.ErrClosed) {
		return err
	}
	return nil
}

// Clone is a second handle of the same types, to be closed by itself. The clone
// of nil is nil.
func (h *Handle) Clone() (*Handle, error) {
	if h == nil {
		return nil, nil
	}
	fd, err := h.fd.Dup()
	if err != nil {
		return nil, fmt.Errorf("clone BTF handle: %w", err)
	}
	return &Handle{fd: fd, size: h.size, split: h.split}, nil
}

// Spec reads the types. Those of a module need the kernel's as base, which may
// be nil else.
func (h *Handle) Spec(base *Spec) (*Spec, error) {
	if h.split && base == nil {
		return nil, errors.New("types of a module: they refer to the kernel's types, which must be given as base")
	}
	if !h.split {
		base = nil
	}
	blob := make([]byte, h.size)
	if err := kernel.ObjInfo(h.fd, &kernel.BTFInfo{BTF: kernel.Bytes(blob), BTFSize: h.size}); err != nil {
		return nil, fmt.Errorf("read BTF: %w", err)
	}
	return LoadSplitSpecFromBytes(blob, base)
}

// Info asks the kernel about the types.
func (h *Handle) Info() (*HandleInfo, error) { return handleInfo(h.fd) }

// HandleInfo is what the kernel knows about type information.
type HandleInfo struct {
	// ID identifies the types in the kernel, as long as they exist.
	ID ID
	// Name is that of a module, or "vmlinux". Types from user space have none.
	// Available since 5.11.
	Name string
	// IsKernel tells that the types are the kernel's own, or a module's.
	// Available since 5.11.
	IsKernel bool

	size uint32
}

// moduleNameLen is the most that the kernel's MODULE_NAME_LEN comes to.
const moduleNameLen = 64

func handleInfo(fd *kernel.FD) (*HandleInfo, error) {
	var name [moduleNameLen]byte
	info := kernel.BTFInfo{Name: kernel.Bytes(name[:]), NameLen: uint32(len(name))}
	err := kernel.ObjInfo(fd, &info)
	if kernel.Errno(err) == syscall.E2BIG { // before 5.11, there was no name to ask for
		info = kernel.BTFInfo{}
		err = kernel.ObjInfo(fd, &info)
	}
	if err != nil {
		return nil, fmt.Errorf("info about BTF: %w", err)
	}
	return &HandleInfo{ID: ID(info.ID), Name: kernel.GoString(name[:]), IsKernel: info.KernelBTF != 0, size: info.BTFSize}, nil
}

// IsVmlinux tells that the types are those of the kernel without its modules.
func (i *HandleInfo) IsVmlinux() bool { return i.IsKernel && i.Name == "vmlinux" }

// IsModule tells that the types are a module's.
func (i *HandleInfo) IsModule() bool { return i.IsKernel && i.Name != "vmlinux" }

// HandleIterator goes through all type information in the kernel. The zero value
// is at the start. Needs 4.18 and CAP_SYS_ADMIN.
type HandleIterator struct {
	// ID of the current handle, after Next.
	ID ID
	// Handle is closed by the following Next. Use Take to keep it.
	Handle *Handle

	err error
}

// Next opens the next handle. It returns false, with nothing left to close, at
// the end; Err then tells whether the end is all there was.
func (it *HandleIterator) Next() bool {
	_ = it.Take().Close()
	for it.err == nil {
		id, err := kernel.NextID(kernel.CmdBTFGetNextID, uint32(it.ID))
		if kernel.Errno(err) == syscall.ENOENT {
			return false
		}
		if err != nil {
			it.err = fmt.Errorf("next BTF after ID %d: %w", it.ID, kernel.ExplainPermission(err, kernel.CapSysAdmin))
			return false
		}
		it.ID = ID(id)
		h, err := NewHandleFromID(it.ID)
		if kernel.Errno(err) == syscall.ENOENT {
			continue // gone already
		}
		if it.Handle, it.err = h, err; err == nil {
			return true
		}
	}
	return false
}

// Take hands over the current handle, which the caller closes.
func (it *HandleIterator) Take() *Handle {
	h := it.Handle
	it.Handle = nil
	return h
}

// Err is what ended the iteration early: nil if it came to its end.
func (it *HandleIterator) Err() error { return it.err }

// FindHandle returns the first handle, in order of IDs, of which predicate is
// true. Needs 4.18 and CAP_SYS_ADMIN.
//
// Returns an error wrapping [ErrNotFound] if there is none.
func FindHandle(predicate func(info *HandleInfo) bool) (*Handle, error) {
	var it HandleIterator
	defer func() { _ = it.Take().Close() }()
	for it.Next() {
		info, err := it.Handle.Info()
		if err != nil {
			return nil, err
		}
		if predicate(info) {
			return it.Take(), nil
		}
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("find BTF handle: %w", ErrNotFound)
}
