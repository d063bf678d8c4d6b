package needs

import (
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// What is needed besides a version: capabilities, configuration and licence, by
// the kernel's own lists (is_net_admin_prog_type and is_perfmon_prog_type in
// kernel/bpf/syscall.c, bpf_base_func_proto in kernel/bpf/helpers.c).

// netProgTypes need CAP_NET_ADMIN to be loaded.
var netProgTypes = map[uapi.ProgType]bool{
	uapi.ProgTypeSchedCLS: true, uapi.ProgTypeSchedACT: true, uapi.ProgTypeXDP: true,
	uapi.ProgTypeLWTIn: true, uapi.ProgTypeLWTOut: true, uapi.ProgTypeLWTXmit: true, uapi.ProgTypeLWTSeg6Local: true,
	uapi.ProgTypeSkSKB: true, uapi.ProgTypeSkMsg: true, uapi.ProgTypeFlowDissector: true,
	uapi.ProgTypeCGroupDevice: true, uapi.ProgTypeCGroupSock: true, uapi.ProgTypeCGroupSockAddr: true,
	uapi.ProgTypeCGroupSockopt: true, uapi.ProgTypeCGroupSysctl: true, uapi.ProgTypeSockOps: true,
	uapi.ProgTypeExtension: true, uapi.ProgTypeNetfilter: true,
}

// tracingProgTypes need CAP_PERFMON to be loaded.
var tracingProgTypes = map[uapi.ProgType]bool{
	uapi.ProgTypeKprobe: true, uapi.ProgTypeTracePoint: true, uapi.ProgTypePerfEvent: true,
	uapi.ProgTypeRawTracepoint: true, uapi.ProgTypeRawTracepointWritable: true, uapi.ProgTypeTracing: true,
	uapi.ProgTypeLSM: true, uapi.ProgTypeStructOps: true, uapi.ProgTypeExtension: true,
}

// gplProgTypes are refused without a compatible licence.
var gplProgTypes = map[uapi.ProgType]bool{uapi.ProgTypeLSM: true, uapi.ProgTypeStructOps: true}

// netMapTypes need CAP_NET_ADMIN to be created.
var netMapTypes = map[uapi.MapType]bool{
	uapi.MapTypeSockMap: true, uapi.MapTypeSockHash: true, uapi.MapTypeDevMap: true,
	uapi.MapTypeDevMapHash: true, uapi.MapTypeXSKMap: true,
}

// perfmonHelpers need CAP_PERFMON in programs whose type doesn't.
var perfmonHelpers = map[asm.BuiltinFunc]bool{
	asm.FnTracePrintk: true, asm.FnTraceVprintk: true, asm.FnGetCurrentTask: true, asm.FnGetCurrentTaskBtf: true,
	asm.FnProbeReadUser: true, asm.FnProbeReadKernel: true, asm.FnProbeReadUserStr: true, asm.FnProbeReadKernelStr: true,
	asm.FnSnprintfBtf: true, asm.FnSnprintf: true, asm.FnTaskPtRegs: true,
}

// gplHelpers are refused in programs whose licence isn't compatible with the
// GPL, as of Linux 6.12 (gpl_only in their struct bpf_func_proto).
var gplHelpers = map[asm.BuiltinFunc]bool{
	asm.FnProbeRead: true, asm.FnProbeReadStr: true, asm.FnProbeReadUser: true, asm.FnProbeReadUserStr: true,
	asm.FnProbeReadKernel: true, asm.FnProbeReadKernelStr: true, asm.FnProbeWriteUser: true,
	asm.FnCopyFromUserTask: true, asm.FnTracePrintk: true, asm.FnTraceVprintk: true,
	asm.FnGetCurrentTask: true, asm.FnGetCurrentTaskBtf: true, asm.FnTaskPtRegs: true,
	asm.FnGetStackid: true, asm.FnGetStack: true, asm.FnGetBranchSnapshot: true, asm.FnReadBranchRecords: true,
	asm.FnPerfEventOutput: true, asm.FnPerfEventRead: true, asm.FnPerfEventReadValue: true, asm.FnPerfProgReadValue: true,
	asm.FnGetFuncIp: true, asm.FnSkbOutput: true, asm.FnXdpOutput: true, asm.FnOverrideReturn: true,
	asm.FnSeqPrintf: true, asm.FnSeqWrite: true, asm.FnSeqPrintfBtf: true, asm.FnSnprintf: true,
	asm.FnCheckMtu: true, asm.FnFibLookup: true,
	asm.FnTcpCheckSyncookie: true, asm.FnTcpGenSyncookie: true,
	asm.FnTcpRawCheckSyncookieIpv4: true, asm.FnTcpRawCheckSyncookieIpv6: true,
	asm.FnTcpRawGenSyncookieIpv4: true, asm.FnTcpRawGenSyncookieIpv6: true,
	asm.FnTimerInit: true, asm.FnTimerSetCallback: true, asm.FnTimerStart: true, asm.FnTimerCancel: true,
	asm.FnRcKeydown: true, asm.FnRcPointerRel: true, asm.FnRcRepeat: true,
}

// mapConfig are the options without which a kernel has no maps of a type.
var mapConfig = map[uapi.MapType][]string{
	uapi.MapTypeXSKMap:              {"CONFIG_XDP_SOCKETS"},
	uapi.MapTypeSockMap:             {"CONFIG_NET_SOCK_MSG"},
	uapi.MapTypeSockHash:            {"CONFIG_NET_SOCK_MSG"},
	uapi.MapTypeCGroupArray:         {"CONFIG_CGROUPS"},
	uapi.MapTypeCgrpStorage:         {"CONFIG_CGROUPS"},
	uapi.MapTypeCGroupStorage:       {"CONFIG_CGROUP_BPF"},
	uapi.MapTypePerCPUCGroupStorage: {"CONFIG_CGROUP_BPF"},
	uapi.MapTypeInodeStorage:        {"CONFIG_BPF_LSM"},
	uapi.MapTypePerfEventArray:      {"CONFIG_PERF_EVENTS"},
	uapi.MapTypeArena:               {"CONFIG_MMU", "CONFIG_BPF_JIT"},
}

// progConfig are the options without which a kernel takes no programs of a type.
var progConfig = map[uapi.ProgType][]string{
	uapi.ProgTypeKprobe:                {"CONFIG_BPF_EVENTS"},
	uapi.ProgTypeTracePoint:            {"CONFIG_BPF_EVENTS"},
	uapi.ProgTypePerfEvent:             {"CONFIG_BPF_EVENTS"},
	uapi.ProgTypeRawTracepoint:         {"CONFIG_BPF_EVENTS"},
	uapi.ProgTypeRawTracepointWritable: {"CONFIG_BPF_EVENTS"},
	uapi.ProgTypeTracing:               {"CONFIG_BPF_EVENTS", "CONFIG_DEBUG_INFO_BTF", "CONFIG_BPF_JIT"},
	uapi.ProgTypeLSM:                   {"CONFIG_BPF_LSM", "CONFIG_DEBUG_INFO_BTF", "CONFIG_BPF_JIT"},
	uapi.ProgTypeStructOps:             {"CONFIG_DEBUG_INFO_BTF", "CONFIG_BPF_JIT"},
	uapi.ProgTypeExtension:             {"CONFIG_DEBUG_INFO_BTF", "CONFIG_BPF_JIT"},
	uapi.ProgTypeCGroupSKB:             {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeCGroupSock:            {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeCGroupSockAddr:        {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeCGroupSockopt:         {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeCGroupSysctl:          {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeCGroupDevice:          {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeSockOps:               {"CONFIG_CGROUP_BPF"},
	uapi.ProgTypeSkSKB:                 {"CONFIG_NET_SOCK_MSG"},
	uapi.ProgTypeSkMsg:                 {"CONFIG_NET_SOCK_MSG"},
	uapi.ProgTypeSchedACT:              {"CONFIG_NET_ACT_BPF"},
	uapi.ProgTypeLWTIn:                 {"CONFIG_LWTUNNEL_BPF"},
	uapi.ProgTypeLWTOut:                {"CONFIG_LWTUNNEL_BPF"},
	uapi.ProgTypeLWTXmit:               {"CONFIG_LWTUNNEL_BPF"},
	uapi.ProgTypeLWTSeg6Local:          {"CONFIG_IPV6_SEG6_BPF"},
	uapi.ProgTypeLircMode2:             {"CONFIG_BPF_LIRC_MODE2"},
	uapi.ProgTypeNetfilter:             {"CONFIG_NETFILTER_BPF_LINK"},
}

// sectionConfig are the options without which programs whose section begins so
// can't be attached.
var sectionConfig = []struct{ prefix, option string }{
	{"kprobe.", "CONFIG_FPROBE"},
	{"kretprobe.", "CONFIG_FPROBE"},
	{"kprobe", "CONFIG_KPROBE_EVENTS"},
	{"kretprobe", "CONFIG_KPROBE_EVENTS"},
	{"ksyscall", "CONFIG_KPROBE_EVENTS"},
	{"kretsyscall", "CONFIG_KPROBE_EVENTS"},
	{"uprobe", "CONFIG_UPROBE_EVENTS"},
	{"uretprobe", "CONFIG_UPROBE_EVENTS"},
	{"usdt", "CONFIG_UPROBE_EVENTS"},
	{"tracepoint/syscalls/", "CONFIG_FTRACE_SYSCALLS"},
	{"tp/syscalls/", "CONFIG_FTRACE_SYSCALLS"},
	{"fentry", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"},
	{"fexit", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"},
	{"fmod_ret", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"},
	{"tcx/", "CONFIG_NET_XGRESS"},
	{"netkit/", "CONFIG_NETKIT"},
	{"xdp", "CONFIG_NET"},
}
