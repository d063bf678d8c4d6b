package link

import (
	"errors"
	"fmt"
	"os"
	"sync"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// CgroupOptions say what AttachCgroup attaches.
type CgroupOptions struct {
	// Path of a control group's folder, of version 2.
	Path string
	// Attach is one of the AttachCGroup constants, the same as the program's.
	Attach ebpf.AttachType
	// Program must be of a type for control groups.
	Program *ebpf.Program
	// Anchor is the place among other programs of the same control group; nil
	// is at the end. It has to be a link, or Head or Tail: programs serve
	// RawAttachProgram only. Linux 6.17.
	Anchor Anchor
	// ExpectedRevision, if not zero, lets the attachment fail if the programs
	// have changed since QueryPrograms returned it. Linux 6.17.
	ExpectedRevision uint64
	// Flags of BPF_LINK_CREATE beyond those that Anchor stands for, such as
	// CgroupPreorder.
	Flags uint32
}

// CgroupPreorder, in CgroupOptions.Flags, makes a program run before those of
// control groups below, and not after them. Linux 6.15.
const CgroupPreorder = 1 << 6

// AttachCgroup attaches a program to a control group and those below it, next
// to the programs that are there already. Linux 5.7, or without a bpf_link, so
// that it can't be pinned and lasts until Close even if the process ends: 4.10.
func AttachCgroup(opts CgroupOptions) (Link, error) {
	dir, err := kernel.OpenFile(opts.Path, os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("attach to control group: %w", err)
	}
	l, err := opts.attach(dir)
	if err == nil {
		dir.Close()
		return l, nil
	}
	if opts.Program != nil && !opts.placed() && errors.Is(err, ErrNotSupported) && !kernel.AtLeast(bpfLink) {
		var legacy *cgroupAttachment
		if legacy, err = attachCgroupLegacy(dir, opts); err == nil {
			return legacy, nil
		}
	}
	err = opts.explain(err, dir)
	dir.Close()
	return nil, fmt.Errorf("attach %v to control group %s: %w", opts.Program, opts.Path, err)
}

// queryEffective is for programs that a control group has from those above it.
const queryEffective = 1 << 0

// explain names the programs that keep others away: those attached, here or
// above, without BPF_F_ALLOW_MULTI.
func (opts *CgroupOptions) explain(err error, dir *os.File) error {
	if kernel.Errno(err) != unix.EPERM {
		return err
	}
	holders := attachedTo(int(dir.Fd()), opts.Attach, queryEffective)
	if len(holders) == 0 {
		return err
	}
	return taken(err, "the control group, or one above it,", holders,
		"a program attached without BPF_F_ALLOW_MULTI lets no others in: whoever attached it has to detach it, or attach it as a link or with that flag")
}

// Kernels that know of the place of programs in a control group.
var (
	cgroupPreorder = uapi.KernelVersion{Major: 6, Minor: 15}
	cgroupAnchors  = uapi.KernelVersion{Major: 6, Minor: 17}
)

// placed tells whether the place among other programs matters.
func (opts *CgroupOptions) placed() bool {
	return opts.Anchor != nil || opts.ExpectedRevision != 0 || opts.Flags != 0
}

func (opts *CgroupOptions) attach(dir *os.File) (*RawLink, error) {
	since := bpfLink
	switch {
	case opts.Anchor != nil, opts.ExpectedRevision != 0:
		since = cgroupAnchors
	case opts.Flags != 0:
		since = cgroupPreorder
	}
	if opts.ExpectedRevision != 0 && !kernel.AtLeast(since) { // which would ignore it
		return nil, fmt.Errorf("ExpectedRevision needs Linux %v: %w", since, ErrNotSupported)
	}
	l, err := attachRelative(opts.Program, since, relative{
		target: uint32(dir.Fd()), attachType: opts.Attach, anchor: opts.Anchor,
		revision: opts.ExpectedRevision, flags: opts.Flags,
	})
	if errors.Is(err, unix.ESTALE) {
		err = fmt.Errorf("programs have changed since revision %d: %w", opts.ExpectedRevision, err)
	}
	return l, err
}

// Flags of BPF_PROG_ATTACH for control groups.
const (
	allowOverride = 1 << 0 // groups below may have a program instead
	allowMulti    = 1 << 1 // groups below, and this one, may have more programs. Linux 4.15
)

// cgroupAttachment stands for a program that is attached without a bpf_link.
type cgroupAttachment struct {
	attachType ebpf.AttachType
	multi      bool

	mu   sync.Mutex
	dir  *os.File      // nil once closed
	prog *ebpf.Program // a clone that nobody else closes
}

var _ Link = (*cgroupAttachment)(nil)

func (c *cgroupAttachment) isLink() {}

// attachCgroupLegacy takes ownership of dir if it succeeds.
func attachCgroupLegacy(dir *os.File, opts CgroupOptions) (*cgroupAttachment, error) {
	prog, err := opts.Program.Clone()
	if err != nil {
		return nil, err
	}
	c := &cgroupAttachment{attachType: opts.Attach, dir: dir, prog: prog, multi: true}
	err = kernel.ProgAttach(c.attr(prog, allowMulti))
	if errors.Is(err, os.ErrInvalid) || kernel.Errno(err) != 0 {
		c.multi = false
		err = kernel.ProgAttach(c.attr(prog, allowOverride))
	}
	if err != nil {
		prog.Close()
		return nil, kernel.ExplainPermission(err, kernel.CapNetAdmin)
	}
	return c, nil
}

func (c *cgroupAttachment) attr(prog *ebpf.Program, flags uint32) *kernel.ProgAttachAttr {
	return &kernel.ProgAttachAttr{
		TargetFD: uint32(c.dir.Fd()), AttachFD: uint32(prog.FD()),
		AttachType: uint32(c.attachType), AttachFlags: flags,
	}
}

// Close detaches the program.
func (c *cgroupAttachment) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == nil {
		return nil
	}
	err := c.detach()
	err = errors.Join(err, c.prog.Close(), c.dir.Close())
	c.dir = nil
	return err
}

// Detach detaches the program.
func (c *cgroupAttachment) Detach() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == nil {
		return kernel.ErrClosed
	}
	return c.detach()
}

func (c *cgroupAttachment) detach() error {
	if err := kernel.ProgDetach(c.attr(c.prog, 0)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("detach from control group: %w", err)
	}
	return nil
}

// Update replaces the program: as one step if it is the only one, or since
// Linux 5.5.
func (c *cgroupAttachment) Update(replacement *ebpf.Program) error {
	if replacement == nil {
		return fmt.Errorf("update control group: no program: %w", os.ErrInvalid)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == nil {
		return kernel.ErrClosed
	}
	prog, err := replacement.Clone()
	if err != nil {
		return fmt.Errorf("update control group: %w", err)
	}
	attr := c.attr(prog, allowOverride)
	if c.multi {
		attr.AttachFlags = allowMulti | kernel.FlagReplace
		attr.ReplaceFD = uint32(c.prog.FD())
	}
	if err := kernel.ProgAttach(attr); err != nil {
		prog.Close()
		return fmt.Errorf("update control group: %w", err)
	}
	previous := c.prog
	c.prog = prog
	return previous.Close()
}

// Pin fails: there is nothing to pin.
func (c *cgroupAttachment) Pin(string) error {
	return fmt.Errorf("pin: needs a bpf_link (Linux %v): %w", bpfLink, ErrNotSupported)
}

// Unpin fails: there is nothing to unpin.
func (c *cgroupAttachment) Unpin() error {
	return fmt.Errorf("unpin: needs a bpf_link (Linux %v): %w", bpfLink, ErrNotSupported)
}

// Info fails: there is nothing to ask about.
func (c *cgroupAttachment) Info() (*Info, error) {
	return nil, fmt.Errorf("info: needs a bpf_link (Linux %v): %w", bpfLink, ErrNotSupported)
}

// CgroupInfo is what Info tells about links of CgroupType.
type CgroupInfo struct {
	CgroupId   uint64 // inode number of the folder
	AttachType ebpf.AttachType
}

// Cgroup is about links of CgroupType, nil for others. Linux 5.8.
func (r Info) Cgroup() *CgroupInfo { return detail[CgroupInfo](r) }

func cgroupInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.CgroupLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &CgroupInfo{CgroupId: info.CgroupID, AttachType: ebpf.AttachType(info.AttachType)}, nil
}
