// Package link attaches programs to the hooks of the kernel.
//
// A Link is an attachment. Who makes it closes it: neither the garbage collector
// nor closing the Program does. When the process ends, the kernel ends all
// attachments that aren't pinned.
package link

import (
	"errors"
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// ErrNotSupported is what a hook, or this kernel, can't do.
var ErrNotSupported = ebpf.ErrNotSupported

// ID identifies a link in the kernel, as long as it exists.
type ID uint32

// Link is a program attached to a hook. Methods may be called from any
// goroutine; after Close they give ErrClosed.
type Link interface {
	// Update replaces the program, without a moment in which none is
	// attached. ErrNotSupported if the hook can't do that. Linux 5.7.
	Update(*ebpf.Program) error

	// Pin gives the attachment a name in a BPF file system, which keeps it
	// after Close and after the end of the process. Pinning again moves the
	// name. ErrNotSupported without a bpf_link.
	Pin(string) error

	// Unpin removes the name. The attachment stays until Close.
	Unpin() error

	// Close ends the attachment, unless it is pinned. Closing again does nothing.
	Close() error

	// Detach ends the attachment, even if it is pinned. The link is left
	// without function, to be closed. ErrNotSupported if the hook can't do
	// that. Linux 5.9.
	Detach() error

	// Info asks the kernel about the link. ErrNotSupported without a
	// bpf_link. Linux 5.8.
	Info() (*Info, error)

	isLink()
}

// RawLink is a bpf_link: an attachment that is an object of the kernel.
type RawLink struct {
	fd  *kernel.FD
	pin kernel.Pinned
}

var _ Link = (*RawLink)(nil)

func (l *RawLink) isLink() {}

// FD is the descriptor, -1 after Close. It is the link's: don't close it.
func (l *RawLink) FD() int { return l.fd.Int() }

// Close is Link.Close.
func (l *RawLink) Close() error { return closeFD(l.fd) }

// closeFD is Close that may be called again.
func closeFD(fd *kernel.FD) error {
	if err := fd.Close(); err != kernel.ErrClosed {
		return err
	}
	return nil
}

// Pin is Link.Pin.
func (l *RawLink) Pin(fileName string) error {
	if err := l.pin.Pin(l.fd, fileName); err != nil {
		return fmt.Errorf("pin link to %s: %w", fileName, needs(err, bpfLink))
	}
	return nil
}

// Unpin is Link.Unpin.
func (l *RawLink) Unpin() error {
	if err := l.pin.Unpin(); err != nil {
		return fmt.Errorf("unpin link: %w", err)
	}
	return nil
}

// IsPinned tells whether the link has a name by Pin or LoadPinnedLink.
func (l *RawLink) IsPinned() bool { return l.pin.Is() }

// Detach is Link.Detach.
func (l *RawLink) Detach() error {
	if err := kernel.LinkDetach(l.fd); err != nil {
		return fmt.Errorf("detach link: %w", needs(err, uapi.KernelVersion{Major: 5, Minor: 9}))
	}
	return nil
}

// Update is Link.Update.
func (l *RawLink) Update(replacement *ebpf.Program) error {
	return l.UpdateArgs(RawLinkUpdateOptions{New: replacement})
}

// RawLinkUpdateOptions say how to replace the program of a link.
type RawLinkUpdateOptions struct {
	New   *ebpf.Program
	Old   *ebpf.Program // if not nil: fail unless this one is attached
	Flags uint32
}

// UpdateArgs is Update with more choice. Linux 5.7.
func (l *RawLink) UpdateArgs(opts RawLinkUpdateOptions) error {
	if opts.New == nil {
		return fmt.Errorf("update link: no program: %w", os.ErrInvalid)
	}
	replacement, err := borrow(opts.New)
	if err != nil {
		return fmt.Errorf("update link: %w", err)
	}
	defer replacement.Close()
	var old *kernel.FD
	if opts.Old != nil {
		if old, err = borrow(opts.Old); err != nil {
			return fmt.Errorf("update link: %w", err)
		}
		defer old.Close()
	}
	if err := kernel.LinkUpdate(l.fd, replacement, old, opts.Flags); err != nil {
		return fmt.Errorf("update link to program %v: %w", opts.New, l.explainUpdate(err))
	}
	return nil
}

// explainUpdate says so if the kernel's EINVAL only means that links of this
// type keep their program.
func (l *RawLink) explainUpdate(err error) error {
	var info kernel.LinkInfo
	switch errInfo := kernel.ObjInfo(l.fd, &info); {
	case errInfo == kernel.ErrClosed:
		return errInfo
	case errInfo == nil && !Type(info.Type).kind().updatable:
		return fmt.Errorf("a %s link keeps its program (%w): %w", Type(info.Type), err, ErrNotSupported)
	}
	return needs(err, bpfLink)
}

// RawLinkOptions say what AttachRawLink attaches.
type RawLinkOptions struct {
	// Target is the descriptor or interface index to attach to, as the
	// attach type wants.
	Target int
	// Program to attach.
	Program *ebpf.Program
	// Attach is the attach type, the same as the program's.
	Attach ebpf.AttachType
	// BTF is the type to attach to, if the target is a program.
	BTF btf.TypeID
	// Flags of BPF_LINK_CREATE.
	Flags uint32
}

// AttachRawLink is BPF_LINK_CREATE, for hooks that this package has no function
// for. Linux 5.7.
func AttachRawLink(opts RawLinkOptions) (*RawLink, error) {
	return attach(opts.Program, bpfLink, kernel.LinkCreateAttr[kernel.LinkTracing]{
		TargetFD: uint32(opts.Target), AttachType: uint32(opts.Attach), Flags: opts.Flags,
		Extra: kernel.LinkTracing{TargetBTFID: uint32(opts.BTF)},
	})
}

// attach fills in the program and creates a link. Since is the first kernel
// that can do it, need the capabilities that it asks for.
func attach[E kernel.LinkExtra](prog *ebpf.Program, since uapi.KernelVersion, attr kernel.LinkCreateAttr[E], need ...kernel.Capability) (*RawLink, error) {
	program, err := borrow(prog)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	attr.ProgFD = uint32(program.Int()) // nobody else closes it
	fd, err := kernel.LinkCreate(&attr)
	if err != nil {
		return nil, needs(kernel.ExplainPermission(err, need...), since)
	}
	return &RawLink{fd: fd}, nil
}

// borrow is a descriptor of the program that only the caller closes, so that
// who closes the program meanwhile doesn't matter.
func borrow(prog *ebpf.Program) (*kernel.FD, error) {
	if prog == nil {
		return nil, fmt.Errorf("no program: %w", os.ErrInvalid)
	}
	clone, err := prog.Clone()
	if err != nil {
		return nil, err
	}
	defer clone.Close()
	return kernel.DupFD(clone.FD())
}

var bpfLink = uapi.KernelVersion{Major: 5, Minor: 7}

// needs explains an EINVAL from a kernel that is older than since, which means
// that it doesn't know what it was asked.
func needs(err error, since uapi.KernelVersion) error {
	if err == nil || errors.Is(err, os.ErrInvalid) || kernel.Errno(err) == 0 || kernel.AtLeast(since) {
		return err
	}
	return fmt.Errorf("needs Linux %v: %w: %w", since, err, ErrNotSupported)
}

// NewFromFD makes a Link of a raw descriptor, and takes ownership of that even
// if it fails.
func NewFromFD(fd int) (Link, error) {
	if fd < 0 {
		return nil, fmt.Errorf("link from descriptor %d: %w", fd, os.ErrInvalid)
	}
	return newLink(kernel.NewFD(fd))
}

// NewFromID opens the link with an ID. It wraps os.ErrNotExist if there is none.
// Linux 5.8.
func NewFromID(id ID) (Link, error) {
	fd, err := kernel.FDByID(kernel.CmdLinkGetFDByID, uint32(id), 0)
	if err != nil {
		err = kernel.ExplainPermission(err, kernel.CapSysAdmin)
		return nil, fmt.Errorf("link with ID %d: %w", id, needs(err, linkIDs))
	}
	return newLink(fd)
}

// LoadPinnedLink opens a link by its name in a BPF file system. opts may be nil.
// Linux 5.7.
func LoadPinnedLink(fileName string, opts *ebpf.LoadPinOptions) (Link, error) {
	fd, err := kernel.ObjGet(fileName, opts.Marshal())
	if err != nil {
		return nil, fmt.Errorf("pinned link %s: %w", fileName, kernel.ExplainPermission(err))
	}
	l, err := newLink(fd)
	if err != nil {
		return nil, fmt.Errorf("pinned link %s: %w", fileName, err)
	}
	switch l := l.(type) {
	case *RawLink:
		l.pin.Loaded(fileName)
	case *Iter:
		l.pin.Loaded(fileName)
	case *NetNsLink:
		l.pin.Loaded(fileName)
	}
	return l, nil
}

// newLink takes ownership of fd, even if it fails.
func newLink(fd *kernel.FD) (Link, error) {
	var info kernel.LinkInfo
	kind, err := kernel.Kind(fd)
	switch {
	case err != nil:
	case kind != kernel.KindLink:
		err = fmt.Errorf("it is a %s: %w", kind, os.ErrInvalid)
	default:
		err = needs(kernel.ObjInfo(fd, &info), linkIDs)
	}
	if err != nil {
		fd.Close()
		return nil, fmt.Errorf("what link is this: %w", err)
	}
	switch Type(info.Type) {
	case IterType:
		return &Iter{RawLink{fd: fd}}, nil
	case NetNsType:
		return &NetNsLink{RawLink{fd: fd}}, nil
	default:
		return &RawLink{fd: fd}, nil
	}
}

var linkIDs = uapi.KernelVersion{Major: 5, Minor: 8}
