package ebpf

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// What old kernels call, or recognise, in another way than programs say today.

// forOldKernel puts it in the words that the running kernel, which is before
// contextTags, understands.
func (c *code) forOldKernel(typ ProgramType, b *btf.Builder) error {
	c.insns = withOlderHelpers(c.insns, kernel.AtLeast)
	return c.nameContexts(typ, b, kernel.AtLeast)
}

// olderHelpers read any memory; those that they stand in for tell the kernel's
// from a process's.
var olderHelpers = []struct {
	since       uapi.KernelVersion // that have fn
	fn, instead asm.BuiltinFunc
}{
	{uapi.KernelVersion{Major: 5, Minor: 5}, asm.FnProbeReadKernel, asm.FnProbeRead},
	{uapi.KernelVersion{Major: 5, Minor: 5}, asm.FnProbeReadUser, asm.FnProbeRead},
	{uapi.KernelVersion{Major: 5, Minor: 5}, asm.FnProbeReadKernelStr, asm.FnProbeReadStr},
	{uapi.KernelVersion{Major: 5, Minor: 5}, asm.FnProbeReadUserStr, asm.FnProbeReadStr},
}

// withOlderHelpers is insns, or a copy that calls what the kernel has.
func withOlderHelpers(insns asm.Instructions, atLeast func(uapi.KernelVersion) bool) asm.Instructions {
	for _, h := range olderHelpers {
		if atLeast(h.since) {
			continue
		}
		own := false
		for i := range insns {
			if !insns[i].IsBuiltinCall() || insns[i].Constant != int64(h.fn) {
				continue
			}
			if !own {
				insns, own = slices.Clone(insns), true
			}
			insns[i].Constant = int64(h.instead)
		}
	}
	return insns
}

// contextTags is the first kernel that knows a context by the tag of an
// argument, as __arg_ctx of <bpf/bpf_helpers.h> makes it, and by no type.
var contextTags = uapi.KernelVersion{Major: 6, Minor: 8}

const contextTag = "arg:ctx"

// contextOf is the struct that programs of a type get, by the name that kernels
// go by; "" if it has none.
func contextOf(typ ProgramType) string {
	switch typ {
	case CGroupDevice:
		return "bpf_cgroup_dev_ctx"
	case CGroupSKB, FlowDissector, LWTIn, LWTOut, LWTSeg6Local, LWTXmit, SchedACT, SchedCLS, SkSKB, SocketFilter:
		return "__sk_buff"
	case CGroupSock:
		return "bpf_sock"
	case CGroupSockAddr:
		return "bpf_sock_addr"
	case CGroupSockopt:
		return "bpf_sockopt"
	case CGroupSysctl:
		return "bpf_sysctl"
	case Kprobe:
		return "bpf_user_pt_regs_t"
	case Netfilter:
		return "bpf_nf_ctx"
	case PerfEvent:
		return "bpf_perf_event_data"
	case RawTracepoint, RawTracepointWritable:
		return "bpf_raw_tracepoint_args"
	case SkLookup:
		return "bpf_sk_lookup"
	case SkMsg:
		return "sk_msg_md"
	case SkReuseport:
		return "sk_reuseport_md"
	case SockOps:
		return "bpf_sock_ops"
	case XDP:
		return "xdp_md"
	}
	return ""
}

// nameContexts gives the global functions of a program that have a tagged context
// a type that names it, if the kernel needs that. It changes which types c's
// records of functions refer to.
func (c *code) nameContexts(typ ProgramType, b *btf.Builder, atLeast func(uapi.KernelVersion) bool) error {
	context := contextOf(typ)
	if context == "" || atLeast(contextTags) {
		return nil
	}
	record := c.funcInfo
	for i := range c.insns {
		ref := c.insns[i].Func()
		if ref.IsZero() {
			continue
		}
		fn, err := withContext(ref, typ, context)
		if err == nil && fn != nil {
			var id btf.TypeID
			id, err = b.Add(fn)
			binary.NativeEndian.PutUint32(record[4:], uint32(id))
		}
		if err != nil {
			return fmt.Errorf("context of function %s: %w", ref.Name(), err)
		}
		record = record[funcInfoSize:]
	}
	return nil
}

// withContext is a function with the named struct in place of the types of its
// tagged arguments, nil if it is fine as it is.
func withContext(ref btf.TypeRef, typ ProgramType, context string) (*btf.Func, error) {
	declared, err := ref.Type()
	if err != nil {
		return nil, err
	}
	fn, ok := declared.(*btf.Func)
	if !ok || fn.Linkage != btf.GlobalFunc || len(fn.ParamTags) == 0 {
		return nil, nil
	}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok {
		return nil, nil
	}
	params, changed := slices.Clone(proto.Params), false
	for i := range params {
		if i < len(fn.ParamTags) && slices.Contains(fn.ParamTags[i], contextTag) && isContextByTag(params[i].Type, typ, context) {
			params[i].Type, changed = &btf.Pointer{Target: &btf.Struct{Name: context}}, true
		}
	}
	if !changed {
		return nil, nil
	}
	return &btf.Func{
		Name: fn.Name, Linkage: fn.Linkage, Tags: fn.Tags, ParamTags: fn.ParamTags,
		Type: &btf.FuncProto{Return: proto.Return, Params: params},
	}, nil
}

// isContextByTag tells whether nothing but a tag says that an argument is a
// context: its type could be one, but isn't what the kernel goes by.
func isContextByTag(param btf.Type, typ ProgramType, context string) bool {
	pointer, ok := btf.As[*btf.Pointer](param)
	if !ok {
		return false
	}
	registers := typ == Kprobe || typ == PerfEvent
	if alias, ok := btf.QualifiedType(pointer.Target).(*btf.Typedef); ok && registers && alias.Name == "bpf_user_pt_regs_t" {
		return false
	}
	switch target := btf.UnderlyingType(pointer.Target).(type) {
	case *btf.Void:
		return true
	case *btf.Struct:
		return registers && target.Name != context && isRegisters(target.Name)
	case *btf.Int:
		return target.Size == 8 && (typ == RawTracepoint || typ == RawTracepointWritable)
	}
	return false
}

// isRegisters tells whether a struct is what some architecture calls the
// registers of a process.
func isRegisters(name string) bool {
	return name == "pt_regs" || name == "user_pt_regs" || name == "user_regs_struct"
}
