package uapi

// ProgType is enum bpf_prog_type: where a program runs and what it may do.
type ProgType uint32

// Every program type of the kernel's UAPI, in its order.
const (
	ProgTypeUnspec ProgType = iota
	ProgTypeSocketFilter
	ProgTypeKprobe
	ProgTypeSchedCLS
	ProgTypeSchedACT
	ProgTypeTracePoint
	ProgTypeXDP
	ProgTypePerfEvent
	ProgTypeCGroupSKB
	ProgTypeCGroupSock
	ProgTypeLWTIn
	ProgTypeLWTOut
	ProgTypeLWTXmit
	ProgTypeSockOps
	ProgTypeSkSKB
	ProgTypeCGroupDevice
	ProgTypeSkMsg
	ProgTypeRawTracepoint
	ProgTypeCGroupSockAddr
	ProgTypeLWTSeg6Local
	ProgTypeLircMode2
	ProgTypeSkReuseport
	ProgTypeFlowDissector
	ProgTypeCGroupSysctl
	ProgTypeRawTracepointWritable
	ProgTypeCGroupSockopt
	ProgTypeTracing
	ProgTypeStructOps
	ProgTypeExtension
	ProgTypeLSM
	ProgTypeSkLookup
	ProgTypeSyscall
	ProgTypeNetfilter
)

// progTypes has a row for every ProgType, at its value.
var progTypes = [...]row{
	ProgTypeUnspec:                {"BPF_PROG_TYPE_UNSPEC", "UnspecifiedProgram", "unspec", KernelVersion{0, 0}},
	ProgTypeSocketFilter:          {"BPF_PROG_TYPE_SOCKET_FILTER", "SocketFilter", "socket_filter", KernelVersion{3, 19}},
	ProgTypeKprobe:                {"BPF_PROG_TYPE_KPROBE", "Kprobe", "kprobe", KernelVersion{4, 1}},
	ProgTypeSchedCLS:              {"BPF_PROG_TYPE_SCHED_CLS", "SchedCLS", "sched_cls", KernelVersion{4, 1}},
	ProgTypeSchedACT:              {"BPF_PROG_TYPE_SCHED_ACT", "SchedACT", "sched_act", KernelVersion{4, 1}},
	ProgTypeTracePoint:            {"BPF_PROG_TYPE_TRACEPOINT", "TracePoint", "tracepoint", KernelVersion{4, 7}},
	ProgTypeXDP:                   {"BPF_PROG_TYPE_XDP", "XDP", "xdp", KernelVersion{4, 8}},
	ProgTypePerfEvent:             {"BPF_PROG_TYPE_PERF_EVENT", "PerfEvent", "perf_event", KernelVersion{4, 9}},
	ProgTypeCGroupSKB:             {"BPF_PROG_TYPE_CGROUP_SKB", "CGroupSKB", "cgroup_skb", KernelVersion{4, 10}},
	ProgTypeCGroupSock:            {"BPF_PROG_TYPE_CGROUP_SOCK", "CGroupSock", "cgroup_sock", KernelVersion{4, 10}},
	ProgTypeLWTIn:                 {"BPF_PROG_TYPE_LWT_IN", "LWTIn", "lwt_in", KernelVersion{4, 10}},
	ProgTypeLWTOut:                {"BPF_PROG_TYPE_LWT_OUT", "LWTOut", "lwt_out", KernelVersion{4, 10}},
	ProgTypeLWTXmit:               {"BPF_PROG_TYPE_LWT_XMIT", "LWTXmit", "lwt_xmit", KernelVersion{4, 10}},
	ProgTypeSockOps:               {"BPF_PROG_TYPE_SOCK_OPS", "SockOps", "sock_ops", KernelVersion{4, 13}},
	ProgTypeSkSKB:                 {"BPF_PROG_TYPE_SK_SKB", "SkSKB", "sk_skb", KernelVersion{4, 14}},
	ProgTypeCGroupDevice:          {"BPF_PROG_TYPE_CGROUP_DEVICE", "CGroupDevice", "cgroup_device", KernelVersion{4, 15}},
	ProgTypeSkMsg:                 {"BPF_PROG_TYPE_SK_MSG", "SkMsg", "sk_msg", KernelVersion{4, 17}},
	ProgTypeRawTracepoint:         {"BPF_PROG_TYPE_RAW_TRACEPOINT", "RawTracepoint", "raw_tracepoint", KernelVersion{4, 17}},
	ProgTypeCGroupSockAddr:        {"BPF_PROG_TYPE_CGROUP_SOCK_ADDR", "CGroupSockAddr", "cgroup_sock_addr", KernelVersion{4, 17}},
	ProgTypeLWTSeg6Local:          {"BPF_PROG_TYPE_LWT_SEG6LOCAL", "LWTSeg6Local", "lwt_seg6local", KernelVersion{4, 18}},
	ProgTypeLircMode2:             {"BPF_PROG_TYPE_LIRC_MODE2", "LircMode2", "lirc_mode2", KernelVersion{4, 18}},
	ProgTypeSkReuseport:           {"BPF_PROG_TYPE_SK_REUSEPORT", "SkReuseport", "sk_reuseport", KernelVersion{4, 19}},
	ProgTypeFlowDissector:         {"BPF_PROG_TYPE_FLOW_DISSECTOR", "FlowDissector", "flow_dissector", KernelVersion{4, 20}},
	ProgTypeCGroupSysctl:          {"BPF_PROG_TYPE_CGROUP_SYSCTL", "CGroupSysctl", "cgroup_sysctl", KernelVersion{5, 2}},
	ProgTypeRawTracepointWritable: {"BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE", "RawTracepointWritable", "raw_tracepoint_writable", KernelVersion{5, 2}},
	ProgTypeCGroupSockopt:         {"BPF_PROG_TYPE_CGROUP_SOCKOPT", "CGroupSockopt", "cgroup_sockopt", KernelVersion{5, 3}},
	ProgTypeTracing:               {"BPF_PROG_TYPE_TRACING", "Tracing", "tracing", KernelVersion{5, 5}},
	ProgTypeStructOps:             {"BPF_PROG_TYPE_STRUCT_OPS", "StructOps", "struct_ops", KernelVersion{5, 6}},
	ProgTypeExtension:             {"BPF_PROG_TYPE_EXT", "Extension", "ext", KernelVersion{5, 6}},
	ProgTypeLSM:                   {"BPF_PROG_TYPE_LSM", "LSM", "lsm", KernelVersion{5, 7}},
	ProgTypeSkLookup:              {"BPF_PROG_TYPE_SK_LOOKUP", "SkLookup", "sk_lookup", KernelVersion{5, 9}},
	ProgTypeSyscall:               {"BPF_PROG_TYPE_SYSCALL", "Syscall", "syscall", KernelVersion{5, 14}},
	ProgTypeNetfilter:             {"BPF_PROG_TYPE_NETFILTER", "Netfilter", "netfilter", KernelVersion{6, 4}},
}

// String is the name that the Go API has for t ("SchedCLS").
func (t ProgType) String() string { return goName(progTypes[:], uint32(t), "ProgramType") }

// UAPI is the name of t's constant in linux/bpf.h, or "" for an unknown value.
func (t ProgType) UAPI() string { return find(progTypes[:], uint32(t)).uapi }

// LibbpfName is what libbpf and bpftool call t ("sched_cls"), or "".
func (t ProgType) LibbpfName() string { return find(progTypes[:], uint32(t)).libbpf }

// MinKernel is the first mainline kernel that loads such programs; zero for an
// unknown value.
func (t ProgType) MinKernel() KernelVersion { return find(progTypes[:], uint32(t)).since }

// Known tells whether this table has t.
func (t ProgType) Known() bool { return uint64(t) < uint64(len(progTypes)) }
