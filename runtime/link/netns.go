package link

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// NetNsLink is a program attached to a network namespace.
type NetNsLink struct{ RawLink }

// AttachNetNs attaches a program of type FlowDissector (Linux 5.8) or SkLookup
// (5.9) to the network namespace that the descriptor ns refers to.
func AttachNetNs(ns int, prog *ebpf.Program) (*NetNsLink, error) {
	if prog == nil {
		return nil, fmt.Errorf("attach to network namespace: no program: %w", os.ErrInvalid)
	}
	var attachType ebpf.AttachType
	since := uapi.KernelVersion{Major: 5, Minor: 8}
	switch prog.Type() {
	case ebpf.FlowDissector:
		attachType = ebpf.AttachFlowDissector
	case ebpf.SkLookup:
		attachType = ebpf.AttachSkLookup
		since = uapi.KernelVersion{Major: 5, Minor: 9}
	default:
		return nil, fmt.Errorf("attach %v to network namespace: want FlowDissector or SkLookup: %w", prog, os.ErrInvalid)
	}
	l, err := attach(prog, since, kernel.LinkCreateAttr[kernel.LinkNone]{
		TargetFD: uint32(ns), AttachType: uint32(attachType),
	}, kernel.CapBPF, kernel.CapNetAdmin)
	if errno := kernel.Errno(err); errno == unix.E2BIG || errno == unix.EEXIST {
		err = taken(err, "it", attachedTo(ns, attachType, 0), "detach that first; a flow dissector of the initial network namespace is everybody's")
	}
	if err != nil {
		return nil, fmt.Errorf("attach %v to network namespace: %w", prog, err)
	}
	return &NetNsLink{RawLink{fd: l.fd}}, nil
}

// NetNsInfo is what Info tells about links of NetNsType.
type NetNsInfo struct {
	NetnsInode uint32
	AttachType ebpf.AttachType
}

// NetNs is about links of NetNsType, nil for others. Linux 5.8.
func (r Info) NetNs() *NetNsInfo { return detail[NetNsInfo](r) }

func netNsInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.NetNsLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &NetNsInfo{NetnsInode: info.NetnsIno, AttachType: ebpf.AttachType(info.AttachType)}, nil
}
