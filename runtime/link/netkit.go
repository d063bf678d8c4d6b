package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// NetkitOptions say what AttachNetkit attaches, and where.
type NetkitOptions struct {
	// Interface is the index of the primary interface of a netkit pair.
	Interface int
	// Program must be of type SchedCLS.
	Program *ebpf.Program
	// Attach is AttachNetkitPrimary, for what the primary interface sends, or
	// AttachNetkitPeer, for what its peer does.
	Attach ebpf.AttachType
	// Anchor is the place among other programs; nil is at the end.
	Anchor Anchor
	// ExpectedRevision, if not zero, lets the attachment fail if the programs
	// have changed since QueryPrograms returned it.
	ExpectedRevision uint64
	// Flags of BPF_LINK_CREATE beyond those that Anchor stands for.
	Flags uint32
}

// AttachNetkit attaches a program to a pair of netkit interfaces, together with
// others. Linux 6.7.
func AttachNetkit(opts NetkitOptions) (Link, error) {
	l, err := attachToInterface(opts.Program, uapi.KernelVersion{Major: 6, Minor: 7}, opts.Interface, relative{
		attachType: opts.Attach, anchor: opts.Anchor, revision: opts.ExpectedRevision, flags: opts.Flags,
	})
	if err != nil {
		return nil, fmt.Errorf("attach netkit program to interface %d: %w", opts.Interface, err)
	}
	return l, nil
}

// NetkitInfo is what Info tells about links of NetkitType.
type NetkitInfo struct {
	Ifindex    uint32 // zero if the interface is gone
	AttachType ebpf.AttachType
}

// Netkit is about links of NetkitType, nil for others. Linux 6.7.
func (r Info) Netkit() *NetkitInfo { return detail[NetkitInfo](r) }

func netkitInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.InterfaceLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &NetkitInfo{Ifindex: info.Ifindex, AttachType: ebpf.AttachType(info.AttachType)}, nil
}
