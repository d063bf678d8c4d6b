package link

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// TracingOptions say what AttachTracing attaches.
type TracingOptions struct {
	// Program must be of type Tracing. What it attaches to was decided when
	// it was loaded.
	Program *ebpf.Program
	// AttachType is the program's: AttachTraceRawTp, AttachTraceFEntry,
	// AttachTraceFExit or AttachModifyReturn. Only a Cookie needs it.
	AttachType ebpf.AttachType
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux
	// 5.19; for AttachTraceRawTp 6.10.
	Cookie uint64
}

// AttachTracing attaches a program to the function or tracepoint that it was
// loaded for: SEC("fentry/…"), SEC("fexit/…"), SEC("fmod_ret/…") or
// SEC("tp_btf/…"). Linux 5.5.
func AttachTracing(opts TracingOptions) (Link, error) {
	if opts.Program == nil || opts.Program.Type() != ebpf.Tracing {
		return nil, fmt.Errorf("attach tracing program: %v isn't one: %w", opts.Program, os.ErrInvalid)
	}
	if opts.Cookie == 0 || opts.AttachType == ebpf.AttachTraceRawTp {
		l, err := openRawTracepoint(opts.Program, "", opts.Cookie, uapi.KernelVersion{Major: 5, Minor: 5})
		if err != nil {
			return nil, fmt.Errorf("attach tracing program %v: %w", opts.Program, err)
		}
		return l, nil
	}
	switch opts.AttachType {
	case ebpf.AttachTraceFEntry, ebpf.AttachTraceFExit, ebpf.AttachModifyReturn:
	default:
		return nil, fmt.Errorf("attach tracing program %v: a cookie needs an AttachType for tracing, not %v: %w", opts.Program, opts.AttachType, os.ErrInvalid)
	}
	l, err := attach(opts.Program, uapi.KernelVersion{Major: 5, Minor: 19}, kernel.LinkCreateAttr[kernel.LinkTracing]{
		AttachType: uint32(opts.AttachType),
		Extra:      kernel.LinkTracing{Cookie: opts.Cookie},
	}, kernel.CapBPF, kernel.CapPerfmon)
	if err != nil {
		return nil, fmt.Errorf("attach tracing program %v: %w", opts.Program, err)
	}
	return l, nil
}

// TracingInfo is what Info tells about links of TracingType.
type TracingInfo struct {
	AttachType     ebpf.AttachType
	TargetObjectId uint32     // ID of the BTF, or of the program that is traced. Linux 5.13
	TargetBtfId    btf.TypeID // Linux 5.13
}

// Tracing is about links of TracingType, nil for others. Linux 5.8.
func (r Info) Tracing() *TracingInfo { return detail[TracingInfo](r) }

func tracingInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.TracingLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &TracingInfo{
		AttachType:     ebpf.AttachType(info.AttachType),
		TargetObjectId: info.TargetObjID,
		TargetBtfId:    btf.TypeID(info.TargetBTFID),
	}, nil
}
