package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// TCXOptions say what AttachTCX attaches, and where.
type TCXOptions struct {
	// Interface is the index of the network interface.
	Interface int
	// Program must be of type SchedCLS.
	Program *ebpf.Program
	// Attach is AttachTCXIngress or AttachTCXEgress.
	Attach ebpf.AttachType
	// Anchor is the place among other programs; nil is at the end.
	Anchor Anchor
	// ExpectedRevision, if not zero, lets the attachment fail if the programs
	// have changed since QueryPrograms returned it.
	ExpectedRevision uint64
	// Flags of BPF_LINK_CREATE beyond those that Anchor stands for.
	Flags uint32
}

// AttachTCX attaches a program to what an interface receives or sends, in the
// traffic control layer, together with others. Linux 6.6.
func AttachTCX(opts TCXOptions) (Link, error) {
	l, err := attachToInterface(opts.Program, uapi.KernelVersion{Major: 6, Minor: 6}, opts.Interface, relative{
		attachType: opts.Attach, anchor: opts.Anchor, revision: opts.ExpectedRevision, flags: opts.Flags,
	})
	switch kernel.Errno(err) {
	case unix.EEXIST, unix.ESTALE, unix.ENOENT, unix.ERANGE:
		err = taken(err, "the interface", attachedTo(opts.Interface, opts.Attach, 0), "a program is there once; an anchor, and a revision, have to be of those that are there")
	}
	if err != nil {
		return nil, fmt.Errorf("attach tcx program to interface %d: %w", opts.Interface, err)
	}
	return l, nil
}

// relative is an attachment at a place among others.
type relative struct {
	target     uint32 // descriptor or interface
	attachType ebpf.AttachType
	anchor     Anchor
	revision   uint64
	flags      uint32
}

func attachToInterface(prog *ebpf.Program, since uapi.KernelVersion, iface int, to relative) (*RawLink, error) {
	if iface <= 0 {
		return nil, fmt.Errorf("interface index %d: %w", iface, unix.EINVAL)
	}
	to.target = uint32(iface)
	return attachRelative(prog, since, to)
}

func attachRelative(prog *ebpf.Program, since uapi.KernelVersion, to relative) (*RawLink, error) {
	attr := kernel.LinkCreateAttr[kernel.LinkRelative]{
		TargetFD: to.target, AttachType: uint32(to.attachType), Flags: to.flags,
		Extra: kernel.LinkRelative{ExpectedRevision: to.revision},
	}
	if to.anchor != nil {
		flags, id, fd, err := to.anchor.place()
		if err != nil {
			return nil, err
		}
		attr.Flags |= flags
		attr.Extra.FDOrID = id
		if fd != nil {
			defer fd.Close()
			attr.Extra.FDOrID = uint32(fd.Int())
		}
	}
	return attach(prog, since, attr, kernel.CapBPF, kernel.CapNetAdmin)
}

// TCXInfo is what Info tells about links of TCXType.
type TCXInfo struct {
	Ifindex    uint32 // zero if the interface is gone
	AttachType ebpf.AttachType
}

// TCX is about links of TCXType, nil for others. Linux 6.6.
func (r Info) TCX() *TCXInfo { return detail[TCXInfo](r) }

func tcxInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.InterfaceLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &TCXInfo{Ifindex: info.Ifindex, AttachType: ebpf.AttachType(info.AttachType)}, nil
}
