package link

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// SockmapOptions say what AttachSockmap attaches.
type SockmapOptions struct {
	// Map must be of type SockMap or SockHash.
	Map *ebpf.Map
	// Program must be of type SkMsg or SkSKB.
	Program *ebpf.Program
	// Attach is AttachSkMsgVerdict, AttachSkSKBStreamParser,
	// AttachSkSKBStreamVerdict or AttachSkSKBVerdict, the same as the
	// program's.
	Attach ebpf.AttachType
}

// AttachSockmap attaches a program to the sockets in a map, those that are there
// and those to come. Linux 6.10; before, RawAttachProgram can do it with the
// map's descriptor as Target.
func AttachSockmap(opts SockmapOptions) (Link, error) {
	if opts.Map == nil {
		return nil, fmt.Errorf("attach to sockmap: no map: %w", os.ErrInvalid)
	}
	target, err := borrowMap(opts.Map)
	if err != nil {
		return nil, fmt.Errorf("attach to sockmap: %w", err)
	}
	defer target.Close()
	l, err := attach(opts.Program, uapi.KernelVersion{Major: 6, Minor: 10}, kernel.LinkCreateAttr[kernel.LinkNone]{
		TargetFD: uint32(target.Int()), AttachType: uint32(opts.Attach),
	}, kernel.CapBPF, kernel.CapNetAdmin)
	if kernel.Errno(err) == unix.EBUSY {
		err = taken(err, "the map", attachedTo(target.Int(), opts.Attach, 0), "detach that first, or call its link's Update")
	}
	if err != nil {
		return nil, fmt.Errorf("attach %v to sockmap %v: %w", opts.Program, opts.Map, err)
	}
	return l, nil
}

// SockmapInfo is what Info tells about links of SockmapType.
type SockmapInfo struct {
	MapID      ebpf.MapID // zero if the map is gone
	AttachType ebpf.AttachType
}

// Sockmap is about links of SockmapType, nil for others. Linux 6.10.
func (r Info) Sockmap() *SockmapInfo { return detail[SockmapInfo](r) }

func sockmapInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.SockmapLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &SockmapInfo{MapID: ebpf.MapID(info.MapID), AttachType: ebpf.AttachType(info.AttachType)}, nil
}
