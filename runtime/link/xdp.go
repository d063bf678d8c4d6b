package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// XDPAttachFlags choose where in the path of a packet the program runs.
type XDPAttachFlags uint32

// The places where XDP programs run. Without any, the driver runs them if it
// can, else the generic code.
const (
	// XDPGenericMode is the generic code, after the kernel has made an skb:
	// for all interfaces, at a price.
	XDPGenericMode XDPAttachFlags = 1 << (iota + 1)
	// XDPDriverMode is the driver, or an error.
	XDPDriverMode
	// XDPOffloadMode is the network card, or an error.
	XDPOffloadMode
)

// XDPOptions say what AttachXDP attaches.
type XDPOptions struct {
	// Program must be of type XDP.
	Program *ebpf.Program
	// Interface is the index of the network interface.
	Interface int
	// Flags are at most one of XDPAttachFlags.
	Flags XDPAttachFlags
}

// AttachXDP attaches a program to what a network interface receives. One
// program has room on an interface. Linux 5.9.
func AttachXDP(opts XDPOptions) (Link, error) {
	if opts.Interface <= 0 {
		return nil, fmt.Errorf("attach XDP program: interface index %d: %w", opts.Interface, unix.EINVAL)
	}
	l, err := attach(opts.Program, uapi.KernelVersion{Major: 5, Minor: 9}, kernel.LinkCreateAttr[kernel.LinkNone]{
		TargetFD: uint32(opts.Interface), AttachType: uint32(ebpf.AttachXDP), Flags: uint32(opts.Flags),
	}, kernel.CapBPF, kernel.CapNetAdmin)
	if errno := kernel.Errno(err); errno == unix.EBUSY || errno == unix.EEXIST {
		err = taken(err, "the interface", xdpOn(opts.Interface), "one XDP program has room there, detach it or call its link's Update")
	}
	if err != nil {
		return nil, fmt.Errorf("attach XDP program to interface %d: %w", opts.Interface, err)
	}
	return l, nil
}

// XDPInfo is what Info tells about links of XDPType.
type XDPInfo struct {
	Ifindex uint32 // zero if the interface is gone
}

// XDP is about links of XDPType, nil for others. Linux 5.9.
func (r Info) XDP() *XDPInfo { return detail[XDPInfo](r) }

func xdpInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.InterfaceLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &XDPInfo{Ifindex: info.Ifindex}, nil
}
