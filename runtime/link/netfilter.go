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

// NetfilterAttachFlags are flags of netfilter programs.
type NetfilterAttachFlags uint32

// NetfilterIPDefrag puts fragments of IP packets together before the program.
// The priority has to be above -400 then. Linux 6.6.
const NetfilterIPDefrag NetfilterAttachFlags = 1 << 0

// NetfilterInetHook is a place in the path of a packet, enum nf_inet_hooks.
type NetfilterInetHook uint32

// The places in the path of a packet.
const (
	NetfilterInetPreRouting NetfilterInetHook = iota
	NetfilterInetLocalIn
	NetfilterInetForward
	NetfilterInetLocalOut
	NetfilterInetPostRouting
)

// NetfilterProtocolFamily is a family of protocols as netfilter numbers them.
type NetfilterProtocolFamily uint32

// The families of protocols. Programs attach to NetfilterProtoIPv4 and
// NetfilterProtoIPv6.
const (
	NetfilterProtoUnspec NetfilterProtocolFamily = 0
	NetfilterProtoInet   NetfilterProtocolFamily = 1 // both IPv4 and IPv6
	NetfilterProtoIPv4   NetfilterProtocolFamily = 2
	NetfilterProtoARP    NetfilterProtocolFamily = 3
	NetfilterProtoNetdev NetfilterProtocolFamily = 5
	NetfilterProtoBridge NetfilterProtocolFamily = 7
	NetfilterProtoIPv6   NetfilterProtocolFamily = 10
)

// NetfilterOptions say what AttachNetfilter attaches.
type NetfilterOptions struct {
	// Program must be of type Netfilter.
	Program *ebpf.Program
	// ProtocolFamily is NetfilterProtoIPv4 or NetfilterProtoIPv6.
	ProtocolFamily NetfilterProtocolFamily
	// Hook is the place in the path of a packet.
	Hook NetfilterInetHook
	// Priority among what else is there, lowest first. No two programs have
	// the same, and neither the least nor the greatest number is allowed.
	Priority int32
	// Flags of BPF_LINK_CREATE.
	Flags uint32
	// NetfilterFlags are flags of the hook.
	NetfilterFlags NetfilterAttachFlags
}

// AttachNetfilter attaches a program to a hook of netfilter, in the network
// namespace of the calling thread. Linux 6.4.
func AttachNetfilter(opts NetfilterOptions) (Link, error) {
	if opts.Program != nil && opts.Program.Type() != ebpf.Netfilter {
		return nil, fmt.Errorf("attach netfilter program: %v isn't one: %w", opts.Program, os.ErrInvalid)
	}
	since := uapi.KernelVersion{Major: 6, Minor: 4}
	if opts.NetfilterFlags&NetfilterIPDefrag != 0 {
		since.Minor = 6
	}
	l, err := attach(opts.Program, since, kernel.LinkCreateAttr[kernel.LinkNetfilter]{
		AttachType: uint32(ebpf.AttachNetfilter), Flags: opts.Flags,
		Extra: kernel.LinkNetfilter{
			ProtocolFamily: uint32(opts.ProtocolFamily), Hook: uint32(opts.Hook),
			Priority: opts.Priority, Flags: uint32(opts.NetfilterFlags),
		},
	}, kernel.CapBPF, kernel.CapNetAdmin)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, unix.EBUSY):
		err = taken(err, fmt.Sprintf("priority %d", opts.Priority), netfilterAt(opts), "choose another priority")
	case errors.Is(err, unix.EAFNOSUPPORT):
		err = fmt.Errorf("protocol family %d: this kernel has IPv4 (2) and perhaps IPv6 (10): %w", opts.ProtocolFamily, err)
	}
	return nil, fmt.Errorf("attach %v to netfilter hook %d: %w", opts.Program, opts.Hook, err)
}

// netfilterAt are the programs that are where opts wants to attach one. They may
// be in other network namespaces, which links don't tell.
func netfilterAt(opts NetfilterOptions) []holder {
	return linked(func(info *Info) bool {
		nf := info.Netfilter()
		return nf != nil && nf.ProtocolFamily == opts.ProtocolFamily && nf.Hook == opts.Hook && nf.Priority == opts.Priority
	})
}

// NetfilterInfo is what Info tells about links of NetfilterType.
type NetfilterInfo struct {
	ProtocolFamily NetfilterProtocolFamily
	Hook           NetfilterInetHook
	Priority       int32
	Flags          uint32 // as NetfilterFlags in the options
}

// Netfilter is about links of NetfilterType, nil for others. Linux 6.4.
func (r Info) Netfilter() *NetfilterInfo { return detail[NetfilterInfo](r) }

func netfilterInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.NetfilterLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &NetfilterInfo{
		ProtocolFamily: NetfilterProtocolFamily(info.ProtocolFamily),
		Hook:           NetfilterInetHook(info.Hook),
		Priority:       info.Priority,
		Flags:          info.Flags,
	}, nil
}
