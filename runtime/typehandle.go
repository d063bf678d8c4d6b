package ebpf

import (
	"fmt"
	"sync"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Handle opens the map's type information in the kernel, for the caller to
// close. It wraps ErrNotSupported if the map has none. Needs 4.18 and
// CAP_SYS_ADMIN.
func (m *Map) Handle() (*btf.Handle, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	return openTypes(fmt.Sprintf("map %q", m.name), info.btfID)
}

// Handle opens the program's type information in the kernel, for the caller to
// close. It wraps ErrNotSupported if the program has none. Needs 5.0 and, unless
// SetHandle was called, CAP_SYS_ADMIN.
func (p *Program) Handle() (*btf.Handle, error) {
	if h, err := p.types.clone(); h != nil || err != nil {
		return h, err
	}
	id, err := p.typeID()
	if err != nil {
		return nil, err
	}
	return openTypes(fmt.Sprintf("program %q", p.name), id)
}

// SetHandle makes the program remember its type information, so that Handle
// doesn't need CAP_SYS_ADMIN. The program keeps a clone of h until its own
// Close.
func (p *Program) SetHandle(h *btf.Handle) error {
	if h == nil {
		return fmt.Errorf("types of program %q: the handle is nil", p.name)
	}
	given, err := h.Info()
	if err != nil {
		return fmt.Errorf("types of program %q: %w", p.name, err)
	}
	id, err := p.typeID()
	if err != nil {
		return err
	}
	if id != given.ID {
		return fmt.Errorf("types of program %q: it has those with ID %d, not %d", p.name, id, given.ID)
	}
	return p.types.set(h)
}

// typeID identifies the program's type information, 0 if it has none.
func (p *Program) typeID() (btf.ID, error) {
	info, err := p.basics()
	if err != nil {
		return 0, fmt.Errorf("types of program %q: %w", p.name, err)
	}
	return btf.ID(info.BTFID), nil
}

func openTypes(what string, id btf.ID) (*btf.Handle, error) {
	if id == 0 {
		return nil, fmt.Errorf("types of %s: it was loaded without any: %w", what, ErrNotSupported)
	}
	h, err := btf.NewHandleFromID(id)
	if err != nil {
		return nil, fmt.Errorf("types of %s: %w", what, err)
	}
	return h, nil
}

// typeHandle is a place for a handle, which is closed with its owner.
type typeHandle struct {
	mu     sync.Mutex
	handle *btf.Handle
	closed bool
}

// clone is nil if there is no handle.
func (th *typeHandle) clone() (*btf.Handle, error) {
	th.mu.Lock()
	defer th.mu.Unlock()
	return th.handle.Clone()
}

// set keeps a clone of h, unless there is a handle of the same types already.
func (th *typeHandle) set(h *btf.Handle) error {
	th.mu.Lock()
	defer th.mu.Unlock()
	if th.closed {
		return ErrClosed
	}
	if th.handle != nil {
		return nil
	}
	var err error
	th.handle, err = h.Clone()
	return err
}

func (th *typeHandle) close() error {
	th.mu.Lock()
	defer th.mu.Unlock()
	err := th.handle.Close()
	th.handle, th.closed = nil, true
	return err
}
