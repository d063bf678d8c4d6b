package link

import (
	"errors"
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// StructOpsOptions say what AttachStructOps attaches.
type StructOpsOptions struct {
	// Map must be of type StructOpsMap.
	Map *ebpf.Map
}

// AttachStructOps lets the kernel call the programs of a struct_ops map. For a
// map declared in SEC(".struct_ops.link"), which needs 6.4, that is a bpf_link,
// for which UpdateStructOps is what Update is for others. For one declared in
// SEC(".struct_ops") it isn't: Close and Detach remove the struct from the
// kernel, which only ends what doesn't use it any more, and everything else
// wraps ErrNotSupported. Linux 5.6.
func AttachStructOps(opts StructOpsOptions) (Link, error) {
	m := opts.Map
	if m == nil || m.Type() != ebpf.StructOpsMap {
		return nil, fmt.Errorf("attach struct_ops: map %v isn't one: %w", m, os.ErrInvalid)
	}
	if err := m.RegisterStructOps(); err != nil {
		return nil, fmt.Errorf("attach struct_ops: %w", err)
	}
	if m.Flags()&uapi.MapFlagLink == 0 {
		clone, err := m.Clone()
		if err != nil {
			return nil, fmt.Errorf("attach struct_ops: %w", err)
		}
		return &registration{m: clone}, nil
	}
	fd, err := borrowMap(m)
	if err != nil {
		return nil, fmt.Errorf("attach struct_ops: %w", err)
	}
	defer fd.Close()
	l, err := kernel.LinkCreate(&kernel.LinkCreateAttr[kernel.LinkNone]{
		ProgFD: uint32(fd.Int()), AttachType: uint32(ebpf.AttachStructOps),
	})
	if err != nil {
		err = needs(kernel.ExplainPermission(err, kernel.CapBPF), structOpsLink)
		if errno := kernel.Errno(err); errno == unix.EEXIST || errno == unix.EBUSY {
			err = fmt.Errorf("%w: the kernel has another one registered by the same name, or as the only one that it takes: unregister that, or change the name in the struct", err)
		}
		return nil, fmt.Errorf("attach struct_ops %v: %w", m, err)
	}
	return &RawLink{fd: l}, nil
}

var structOpsLink = uapi.KernelVersion{Major: 6, Minor: 4}

// UpdateStructOps replaces the struct_ops of a link, without a moment in which
// none is attached. Both maps have to be declared in SEC(".struct_ops.link"), and
// of the same type; what else the kernel wants to be the same, like the name of a
// congestion control, depends on that type. Linux 6.4.
func UpdateStructOps(l Link, m *ebpf.Map) error {
	raw, ok := l.(*RawLink)
	if !ok {
		return fmt.Errorf("update struct_ops: %T isn't a bpf_link: %w", l, ErrNotSupported)
	}
	if m == nil || m.Type() != ebpf.StructOpsMap {
		return fmt.Errorf("update struct_ops: map %v isn't one: %w", m, os.ErrInvalid)
	}
	if err := m.RegisterStructOps(); err != nil {
		return fmt.Errorf("update struct_ops: %w", err)
	}
	fd, err := borrowMap(m)
	if err != nil {
		return fmt.Errorf("update struct_ops: %w", err)
	}
	defer fd.Close()
	if err := kernel.LinkUpdate(raw.fd, fd, nil, 0); err != nil {
		return fmt.Errorf("update struct_ops link to %v: %w", m, needs(err, structOpsLink))
	}
	return nil
}

// borrowMap is a descriptor of the map that only the caller closes.
func borrowMap(m *ebpf.Map) (*kernel.FD, error) {
	clone, err := m.Clone()
	if err != nil {
		return nil, err
	}
	defer clone.Close()
	return kernel.DupFD(clone.FD())
}

// registration is a struct_ops that took effect when its map was written.
type registration struct{ m *ebpf.Map }

func (r *registration) isLink() {}

// Close is Link.Close.
func (r *registration) Close() error {
	err := r.Detach()
	if errors.Is(err, ebpf.ErrClosed) {
		return nil
	}
	return errors.Join(err, r.m.Close())
}

// Detach is Link.Detach.
func (r *registration) Detach() error {
	err := r.m.Delete(uint32(0))
	if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("detach struct_ops: %w", err)
	}
	return nil
}

// Update is Link.Update.
func (r *registration) Update(*ebpf.Program) error { return r.unsupported("update") }

// Pin is Link.Pin.
func (r *registration) Pin(string) error { return r.unsupported("pin") }

// Unpin is Link.Unpin.
func (r *registration) Unpin() error { return r.unsupported("unpin") }

// Info is Link.Info.
func (r *registration) Info() (*Info, error) { return nil, r.unsupported("info about") }

func (r *registration) unsupported(what string) error {
	return fmt.Errorf(`%s struct_ops: only those in SEC(".struct_ops.link") have a bpf_link: %w`, what, ErrNotSupported)
}
