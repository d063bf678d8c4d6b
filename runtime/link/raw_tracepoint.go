package link

import (
	"fmt"
	"io/fs"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// RawTracepointOptions say what AttachRawTracepoint attaches.
type RawTracepointOptions struct {
	// Name of the tracepoint, without its group: "sched_switch".
	Name string
	// Program must be of type RawTracepoint or RawTracepointWritable.
	Program *ebpf.Program
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux 6.10.
	Cookie uint64
}

// AttachRawTracepoint attaches a program to a tracepoint, whose arguments it
// gets as the kernel passes them. It wraps os.ErrNotExist if there is no such
// tracepoint. Linux 4.17; as a bpf_link, which can be pinned, 5.8.
func AttachRawTracepoint(opts RawTracepointOptions) (Link, error) {
	if opts.Name == "" {
		return nil, fmt.Errorf("attach to a raw tracepoint without name: %w", fs.ErrInvalid)
	}
	l, err := openRawTracepoint(opts.Program, opts.Name, opts.Cookie, uapi.KernelVersion{Major: 4, Minor: 17})
	if err != nil {
		return nil, fmt.Errorf("attach to raw tracepoint %q: %w", opts.Name, err)
	}
	return l, nil
}

func openRawTracepoint(prog *ebpf.Program, name string, cookie uint64, since uapi.KernelVersion) (*RawLink, error) {
	program, err := borrow(prog)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	fd, err := kernel.RawTracepointOpen(program, name, cookie)
	if err != nil {
		if cookie != 0 {
			since = uapi.KernelVersion{Major: 6, Minor: 10}
		}
		return nil, needs(kernel.ExplainPermission(err, kernel.CapBPF, kernel.CapPerfmon), since)
	}
	return &RawLink{fd: fd}, nil
}

// RawTracepointInfo is what Info tells about links of RawTracepointType.
type RawTracepointInfo struct {
	Name   string
	Cookie uint64 // Linux 6.10
}

// RawTracepoint is about links of RawTracepointType, nil for others. Linux 5.8.
func (r Info) RawTracepoint() *RawTracepointInfo { return detail[RawTracepointInfo](r) }

func rawTracepointInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	name := make([]byte, maxName)
	info := kernel.RawTracepointLinkInfo{Name: kernel.Bytes(name), NameLen: uint32(len(name))}
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &RawTracepointInfo{Name: kernel.GoString(name), Cookie: info.Cookie}, nil
}
