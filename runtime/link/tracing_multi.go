package link

import (
	"fmt"
	"os"
	"slices"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// TracingMultiOptions say what AttachTracingMulti attaches, and to which
// functions: either Functions or Pattern.
type TracingMultiOptions struct {
	// Program must be of type Tracing.
	Program *ebpf.Program
	// AttachType is the program's: AttachTraceFEntryMulti,
	// AttachTraceFExitMulti or AttachTraceFSessionMulti.
	AttachType ebpf.AttachType
	// Functions are names of functions of the kernel, without its modules.
	Functions []string
	// Pattern is for the names of all such functions that can be traced:
	// "tcp_*", "vfs_????". Finding them needs access to tracefs.
	Pattern string
	// Cookies are what bpf_get_attach_cookie returns in the program, one for
	// each of Functions, or none.
	Cookies []uint64
}

// AttachTracingMulti attaches a program to the beginnings or ends of many
// functions at once: SEC("fentry.multi/…"), SEC("fexit.multi/…") or
// SEC("fsession.multi/…"). It wraps os.ErrNotExist if one of them doesn't exist.
// Linux 7.2.
func AttachTracingMulti(opts TracingMultiOptions) (Link, error) {
	ids, err := opts.resolve()
	if err != nil {
		return nil, fmt.Errorf("attach %v to functions: %w", opts.Program, err)
	}
	l, err := attach(opts.Program, uapi.KernelVersion{Major: 7, Minor: 2}, kernel.LinkCreateAttr[kernel.LinkTracingMulti]{
		AttachType: uint32(opts.AttachType),
		Extra:      kernel.LinkTracingMulti{IDs: kernel.Slice(ids), Count: uint32(len(ids)), Cookies: sliceOrNil(opts.Cookies)},
	}, kernel.CapBPF, kernel.CapPerfmon)
	if err != nil {
		return nil, fmt.Errorf("attach %v to %d functions: %w", opts.Program, len(ids), err)
	}
	return l, nil
}

// resolve finds the functions in the kernel's BTF.
func (opts *TracingMultiOptions) resolve() ([]btf.TypeID, error) {
	switch {
	case (len(opts.Functions) == 0) == (opts.Pattern == ""):
		return nil, fmt.Errorf("want either Functions or Pattern: %w", os.ErrInvalid)
	case len(opts.Cookies) > 0 && len(opts.Cookies) != len(opts.Functions):
		return nil, fmt.Errorf("%d Cookies for %d functions: %w", len(opts.Cookies), len(opts.Functions), os.ErrInvalid)
	case strings.Contains(opts.Pattern, ":"):
		return nil, fmt.Errorf("pattern %q: functions of modules aren't found yet: %w", opts.Pattern, ErrNotSupported)
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	if opts.Pattern == "" {
		return functionsNamed(spec, opts.Functions)
	}
	return functionsLike(spec, opts.Pattern)
}

// functionsNamed are the functions with names, in their order.
func functionsNamed(spec *btf.Spec, names []string) ([]btf.TypeID, error) {
	ids := make([]btf.TypeID, len(names))
	spec.Visit(func(id btf.TypeID, kind btf.Kind, name []byte) bool {
		if kind == btf.KindFunc {
			if i := slices.Index(names, string(name)); i >= 0 {
				ids[i] = id
			}
		}
		return true
	})
	for i, id := range ids {
		if id == 0 {
			return nil, fmt.Errorf("no function %s in the types of this kernel: %w", names[i], os.ErrNotExist)
		}
	}
	return ids, nil
}

// functionsLike are the functions whose names fit a pattern, as far as programs
// can be attached to them.
func functionsLike(spec *btf.Spec, pattern string) ([]btf.TypeID, error) {
	names, err := kernel.TraceableNames(func(name []byte) bool { return matches(pattern, name) })
	if err != nil {
		return nil, fmt.Errorf("functions like %q: %w", pattern, err)
	}
	var ids []btf.TypeID
	spec.Visit(func(id btf.TypeID, kind btf.Kind, name []byte) bool {
		if kind == btf.KindFunc && names[string(name)] {
			ids = append(ids, id)
		}
		return true
	})
	ids = slices.DeleteFunc(ids, func(id btf.TypeID) bool { return !hasTraceableSignature(spec, id) })
	if len(ids) == 0 {
		return nil, fmt.Errorf("no function like %q in this kernel, or none that programs can be attached to: %w", pattern, os.ErrNotExist)
	}
	return ids, nil
}

// What the kernel can pass on to programs.
const (
	maxParams    = 12
	maxParamSize = 16 // bytes
)

// hasTraceableSignature tells whether the kernel can pass on the arguments and
// the result of a function.
func hasTraceableSignature(spec *btf.Spec, id btf.TypeID) bool {
	typ, err := spec.TypeByID(id)
	if err != nil {
		return false
	}
	function, ok := typ.(*btf.Func)
	if !ok {
		return false
	}
	proto, ok := function.Type.(*btf.FuncProto)
	if !ok || len(proto.Params) > maxParams || isComposite(proto.Return) {
		return false
	}
	for _, param := range proto.Params {
		if size, err := btf.Sizeof(param.Type); err != nil || size == 0 || size > maxParamSize {
			return false // Void stands for any number of arguments
		}
	}
	return true
}

func isComposite(typ btf.Type) bool {
	switch btf.UnderlyingType(typ).(type) {
	case *btf.Struct, *btf.Union:
		return true
	}
	return false
}

// TracingMultiInfo is what Info tells about links of TracingMultiType.
type TracingMultiInfo struct {
	AttachType     ebpf.AttachType
	TargetObjectId uint32 // ID of the BTF of the functions

	functions []TracingMultiFunction
}

// TracingMultiFunction is one of the functions of a link.
type TracingMultiFunction struct {
	ID      btf.TypeID
	Address uint64 // zero if kernel.kptr_restrict hides it
	Cookie  uint64
}

// Functions are those that the program is attached to.
func (tmi *TracingMultiInfo) Functions() []TracingMultiFunction { return tmi.functions }

// TracingMulti is about links of TracingMultiType, nil for others, or if the
// kernel doesn't tell, as 7.2 doesn't.
func (r Info) TracingMulti() *TracingMultiInfo { return detail[TracingMultiInfo](r) }

func tracingMultiInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.TracingMultiLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil || info.Count == 0 {
		return nil, err
	}
	ids, addrs, cookies := make([]btf.TypeID, info.Count), make([]uint64, info.Count), make([]uint64, info.Count)
	info = kernel.TracingMultiLinkInfo{
		Count: info.Count, IDs: kernel.Slice(ids), Addrs: kernel.Slice(addrs), Cookies: kernel.Slice(cookies),
	}
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	result := &TracingMultiInfo{AttachType: ebpf.AttachType(info.AttachType), TargetObjectId: info.ObjID}
	for i, id := range ids {
		result.functions = append(result.functions, TracingMultiFunction{ID: id, Address: addrs[i], Cookie: cookies[i]})
	}
	return result, nil
}
