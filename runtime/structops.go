package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// structOps is the value of a struct_ops map that the kernel hasn't been given
// yet. It holds the programs in it, which may be closed meanwhile.
type structOps struct {
	mu       sync.Mutex
	data     []byte // as the kernel lays it out, without programs
	programs []structOpsProgram
}

// structOpsProgram is a pointer to a function in a struct_ops.
type structOpsProgram struct {
	offset uint32 // bytes into the value
	fd     *kernel.FD
}

// RegisterStructOps gives the kernel the value of a struct_ops map, which loading
// has made from its spec. A map declared in SEC(".struct_ops") takes effect with
// that, until its element 0 is deleted. One in SEC(".struct_ops.link") is only
// made ready for link.AttachStructOps: loading does it, unless the kernel objects
// to the value, which this tells again. Once done, it does nothing.
func (m *Map) RegisterStructOps() error {
	if m.typ != StructOpsMap {
		return fmt.Errorf("register map %q: it is a %s, not a %s", m.name, m.typ, StructOpsMap)
	}
	if m.ops == nil {
		return nil
	}
	m.ops.mu.Lock()
	defer m.ops.mu.Unlock()
	if m.ops.data == nil {
		return nil
	}
	if err := m.putStructOps(m.ops); err != nil {
		return fmt.Errorf("register map %q: %w", m.name, explainStructOps(err))
	}
	m.ops.release()
	return nil
}

// putStructOps writes the value, with descriptors for programs.
func (m *Map) putStructOps(ops *structOps) error {
	var refs kernel.Refs
	defer refs.Release()
	for _, p := range ops.programs {
		raw, err := refs.Acquire(p.fd)
		if err != nil {
			return err
		}
		binary.NativeEndian.PutUint64(ops.data[p.offset:], uint64(raw))
	}
	err := kernel.MapUpdate(m.fd, address(make([]byte, m.keySize)), address(ops.data), uint64(UpdateAny))
	if m.flags&uapi.MapFlagLink != 0 && errors.Is(err, unix.EBUSY) {
		return nil // somebody else did it: the value of such maps is set once
	}
	return err
}

func explainStructOps(err error) error {
	switch kernel.Errno(err) {
	case unix.EEXIST:
		return fmt.Errorf("%w: there is another of that name", err)
	case unix.EINVAL:
		return fmt.Errorf("%w: the kernel takes no such struct: is a member missing that it needs, or one set that it doesn't let programs set?", err)
	case unix.EBUSY:
		return fmt.Errorf("%w: it is registered, or was and is still in use", err)
	case kernel.ENOTSUPP, unix.EOPNOTSUPP:
		return fmt.Errorf("%w: %w", err, ErrNotSupported)
	}
	return err
}

// release forgets the value, and lets go of the programs.
func (ops *structOps) release() {
	for _, p := range ops.programs {
		_ = p.fd.Close()
	}
	ops.data, ops.programs = nil, nil
}

// close is release for maps that are closed. nil is fine.
func (ops *structOps) close() {
	if ops == nil {
		return
	}
	ops.mu.Lock()
	defer ops.mu.Unlock()
	ops.release()
}

// clone is for another handle of the map. The clone of nil is nil.
func (ops *structOps) clone() (*structOps, error) {
	if ops == nil {
		return nil, nil
	}
	ops.mu.Lock()
	defer ops.mu.Unlock()
	dup := &structOps{data: append([]byte(nil), ops.data...)}
	for _, p := range ops.programs {
		fd, err := p.fd.Dup()
		if err != nil {
			dup.release()
			return nil, err
		}
		dup.programs = append(dup.programs, structOpsProgram{p.offset, fd})
	}
	return dup, nil
}
