package uapi

// AttachType is enum bpf_attach_type: what a program is attached to.
type AttachType uint32

// AttachNone is for programs whose type needs no attach type.
const AttachNone AttachType = 0

// Every attach type of the kernel's UAPI, in its order.
const (
	AttachCGroupInetIngress AttachType = iota
	AttachCGroupInetEgress
	AttachCGroupInetSockCreate
	AttachCGroupSockOps
	AttachSkSKBStreamParser
	AttachSkSKBStreamVerdict
	AttachCGroupDevice
	AttachSkMsgVerdict
	AttachCGroupInet4Bind
	AttachCGroupInet6Bind
	AttachCGroupInet4Connect
	AttachCGroupInet6Connect
	AttachCGroupInet4PostBind
	AttachCGroupInet6PostBind
	AttachCGroupUDP4Sendmsg
	AttachCGroupUDP6Sendmsg
	AttachLircMode2
	AttachFlowDissector
	AttachCGroupSysctl
	AttachCGroupUDP4Recvmsg
	AttachCGroupUDP6Recvmsg
	AttachCGroupGetsockopt
	AttachCGroupSetsockopt
	AttachTraceRawTp
	AttachTraceFEntry
	AttachTraceFExit
	AttachModifyReturn
	AttachLSMMac
	AttachTraceIter
	AttachCgroupInet4GetPeername
	AttachCgroupInet6GetPeername
	AttachCgroupInet4GetSockname
	AttachCgroupInet6GetSockname
	AttachXDPDevMap
	AttachCgroupInetSockRelease
	AttachXDPCPUMap
	AttachSkLookup
	AttachXDP
	AttachSkSKBVerdict
	AttachSkReuseportSelect
	AttachSkReuseportSelectOrMigrate
	AttachPerfEvent
	AttachTraceKprobeMulti
	AttachLSMCgroup
	AttachStructOps
	AttachNetfilter
	AttachTCXIngress
	AttachTCXEgress
	AttachTraceUprobeMulti
	AttachCgroupUnixConnect
	AttachCgroupUnixSendmsg
	AttachCgroupUnixRecvmsg
	AttachCgroupUnixGetpeername
	AttachCgroupUnixGetsockname
	AttachNetkitPrimary
	AttachNetkitPeer
	AttachTraceKprobeSession
	AttachTraceUprobeSession
	AttachTraceFSession
	AttachTraceFEntryMulti
	AttachTraceFExitMulti
	AttachTraceFSessionMulti
)

// attachTypes has a row for every AttachType, at its value. The Go API calls
// the first one None: zero is also what "no attach type" looks like.
var attachTypes = [...]row{
	AttachCGroupInetIngress:          {"BPF_CGROUP_INET_INGRESS", "None", "cgroup_inet_ingress", KernelVersion{4, 10}},
	AttachCGroupInetEgress:           {"BPF_CGROUP_INET_EGRESS", "CGroupInetEgress", "cgroup_inet_egress", KernelVersion{4, 10}},
	AttachCGroupInetSockCreate:       {"BPF_CGROUP_INET_SOCK_CREATE", "CGroupInetSockCreate", "cgroup_inet_sock_create", KernelVersion{4, 10}},
	AttachCGroupSockOps:              {"BPF_CGROUP_SOCK_OPS", "CGroupSockOps", "cgroup_sock_ops", KernelVersion{4, 13}},
	AttachSkSKBStreamParser:          {"BPF_SK_SKB_STREAM_PARSER", "SkSKBStreamParser", "sk_skb_stream_parser", KernelVersion{4, 14}},
	AttachSkSKBStreamVerdict:         {"BPF_SK_SKB_STREAM_VERDICT", "SkSKBStreamVerdict", "sk_skb_stream_verdict", KernelVersion{4, 14}},
	AttachCGroupDevice:               {"BPF_CGROUP_DEVICE", "CGroupDevice", "cgroup_device", KernelVersion{4, 15}},
	AttachSkMsgVerdict:               {"BPF_SK_MSG_VERDICT", "SkMsgVerdict", "sk_msg_verdict", KernelVersion{4, 17}},
	AttachCGroupInet4Bind:            {"BPF_CGROUP_INET4_BIND", "CGroupInet4Bind", "cgroup_inet4_bind", KernelVersion{4, 17}},
	AttachCGroupInet6Bind:            {"BPF_CGROUP_INET6_BIND", "CGroupInet6Bind", "cgroup_inet6_bind", KernelVersion{4, 17}},
	AttachCGroupInet4Connect:         {"BPF_CGROUP_INET4_CONNECT", "CGroupInet4Connect", "cgroup_inet4_connect", KernelVersion{4, 17}},
	AttachCGroupInet6Connect:         {"BPF_CGROUP_INET6_CONNECT", "CGroupInet6Connect", "cgroup_inet6_connect", KernelVersion{4, 17}},
	AttachCGroupInet4PostBind:        {"BPF_CGROUP_INET4_POST_BIND", "CGroupInet4PostBind", "cgroup_inet4_post_bind", KernelVersion{4, 17}},
	AttachCGroupInet6PostBind:        {"BPF_CGROUP_INET6_POST_BIND", "CGroupInet6PostBind", "cgroup_inet6_post_bind", KernelVersion{4, 17}},
	AttachCGroupUDP4Sendmsg:          {"BPF_CGROUP_UDP4_SENDMSG", "CGroupUDP4Sendmsg", "cgroup_udp4_sendmsg", KernelVersion{4, 18}},
	AttachCGroupUDP6Sendmsg:          {"BPF_CGROUP_UDP6_SENDMSG", "CGroupUDP6Sendmsg", "cgroup_udp6_sendmsg", KernelVersion{4, 18}},
	AttachLircMode2:                  {"BPF_LIRC_MODE2", "LircMode2", "lirc_mode2", KernelVersion{4, 18}},
	AttachFlowDissector:              {"BPF_FLOW_DISSECTOR", "FlowDissector", "flow_dissector", KernelVersion{4, 20}},
	AttachCGroupSysctl:               {"BPF_CGROUP_SYSCTL", "CGroupSysctl", "cgroup_sysctl", KernelVersion{5, 2}},
	AttachCGroupUDP4Recvmsg:          {"BPF_CGROUP_UDP4_RECVMSG", "CGroupUDP4Recvmsg", "cgroup_udp4_recvmsg", KernelVersion{5, 2}},
	AttachCGroupUDP6Recvmsg:          {"BPF_CGROUP_UDP6_RECVMSG", "CGroupUDP6Recvmsg", "cgroup_udp6_recvmsg", KernelVersion{5, 2}},
	AttachCGroupGetsockopt:           {"BPF_CGROUP_GETSOCKOPT", "CGroupGetsockopt", "cgroup_getsockopt", KernelVersion{5, 3}},
	AttachCGroupSetsockopt:           {"BPF_CGROUP_SETSOCKOPT", "CGroupSetsockopt", "cgroup_setsockopt", KernelVersion{5, 3}},
	AttachTraceRawTp:                 {"BPF_TRACE_RAW_TP", "TraceRawTp", "trace_raw_tp", KernelVersion{5, 5}},
	AttachTraceFEntry:                {"BPF_TRACE_FENTRY", "TraceFEntry", "trace_fentry", KernelVersion{5, 5}},
	AttachTraceFExit:                 {"BPF_TRACE_FEXIT", "TraceFExit", "trace_fexit", KernelVersion{5, 5}},
	AttachModifyReturn:               {"BPF_MODIFY_RETURN", "ModifyReturn", "modify_return", KernelVersion{5, 7}},
	AttachLSMMac:                     {"BPF_LSM_MAC", "LSMMac", "lsm_mac", KernelVersion{5, 7}},
	AttachTraceIter:                  {"BPF_TRACE_ITER", "TraceIter", "trace_iter", KernelVersion{5, 8}},
	AttachCgroupInet4GetPeername:     {"BPF_CGROUP_INET4_GETPEERNAME", "CgroupInet4GetPeername", "cgroup_inet4_getpeername", KernelVersion{5, 8}},
	AttachCgroupInet6GetPeername:     {"BPF_CGROUP_INET6_GETPEERNAME", "CgroupInet6GetPeername", "cgroup_inet6_getpeername", KernelVersion{5, 8}},
	AttachCgroupInet4GetSockname:     {"BPF_CGROUP_INET4_GETSOCKNAME", "CgroupInet4GetSockname", "cgroup_inet4_getsockname", KernelVersion{5, 8}},
	AttachCgroupInet6GetSockname:     {"BPF_CGROUP_INET6_GETSOCKNAME", "CgroupInet6GetSockname", "cgroup_inet6_getsockname", KernelVersion{5, 8}},
	AttachXDPDevMap:                  {"BPF_XDP_DEVMAP", "XDPDevMap", "xdp_devmap", KernelVersion{5, 8}},
	AttachCgroupInetSockRelease:      {"BPF_CGROUP_INET_SOCK_RELEASE", "CgroupInetSockRelease", "cgroup_inet_sock_release", KernelVersion{5, 9}},
	AttachXDPCPUMap:                  {"BPF_XDP_CPUMAP", "XDPCPUMap", "xdp_cpumap", KernelVersion{5, 9}},
	AttachSkLookup:                   {"BPF_SK_LOOKUP", "SkLookup", "sk_lookup", KernelVersion{5, 9}},
	AttachXDP:                        {"BPF_XDP", "XDP", "xdp", KernelVersion{5, 9}},
	AttachSkSKBVerdict:               {"BPF_SK_SKB_VERDICT", "SkSKBVerdict", "sk_skb_verdict", KernelVersion{5, 13}},
	AttachSkReuseportSelect:          {"BPF_SK_REUSEPORT_SELECT", "SkReuseportSelect", "sk_reuseport_select", KernelVersion{5, 14}},
	AttachSkReuseportSelectOrMigrate: {"BPF_SK_REUSEPORT_SELECT_OR_MIGRATE", "SkReuseportSelectOrMigrate", "sk_reuseport_select_or_migrate", KernelVersion{5, 14}},
	AttachPerfEvent:                  {"BPF_PERF_EVENT", "PerfEvent", "perf_event", KernelVersion{5, 15}},
	AttachTraceKprobeMulti:           {"BPF_TRACE_KPROBE_MULTI", "TraceKprobeMulti", "trace_kprobe_multi", KernelVersion{5, 18}},
	AttachLSMCgroup:                  {"BPF_LSM_CGROUP", "LSMCgroup", "lsm_cgroup", KernelVersion{6, 0}},
	AttachStructOps:                  {"BPF_STRUCT_OPS", "StructOps", "struct_ops", KernelVersion{6, 4}},
	AttachNetfilter:                  {"BPF_NETFILTER", "Netfilter", "netfilter", KernelVersion{6, 4}},
	AttachTCXIngress:                 {"BPF_TCX_INGRESS", "TCXIngress", "tcx_ingress", KernelVersion{6, 6}},
	AttachTCXEgress:                  {"BPF_TCX_EGRESS", "TCXEgress", "tcx_egress", KernelVersion{6, 6}},
	AttachTraceUprobeMulti:           {"BPF_TRACE_UPROBE_MULTI", "TraceUprobeMulti", "trace_uprobe_multi", KernelVersion{6, 6}},
	AttachCgroupUnixConnect:          {"BPF_CGROUP_UNIX_CONNECT", "CgroupUnixConnect", "cgroup_unix_connect", KernelVersion{6, 7}},
	AttachCgroupUnixSendmsg:          {"BPF_CGROUP_UNIX_SENDMSG", "CgroupUnixSendmsg", "cgroup_unix_sendmsg", KernelVersion{6, 7}},
	AttachCgroupUnixRecvmsg:          {"BPF_CGROUP_UNIX_RECVMSG", "CgroupUnixRecvmsg", "cgroup_unix_recvmsg", KernelVersion{6, 7}},
	AttachCgroupUnixGetpeername:      {"BPF_CGROUP_UNIX_GETPEERNAME", "CgroupUnixGetpeername", "cgroup_unix_getpeername", KernelVersion{6, 7}},
	AttachCgroupUnixGetsockname:      {"BPF_CGROUP_UNIX_GETSOCKNAME", "CgroupUnixGetsockname", "cgroup_unix_getsockname", KernelVersion{6, 7}},
	AttachNetkitPrimary:              {"BPF_NETKIT_PRIMARY", "NetkitPrimary", "netkit_primary", KernelVersion{6, 7}},
	AttachNetkitPeer:                 {"BPF_NETKIT_PEER", "NetkitPeer", "netkit_peer", KernelVersion{6, 7}},
	AttachTraceKprobeSession:         {"BPF_TRACE_KPROBE_SESSION", "TraceKprobeSession", "trace_kprobe_session", KernelVersion{6, 10}},
	AttachTraceUprobeSession:         {"BPF_TRACE_UPROBE_SESSION", "TraceUprobeSession", "trace_uprobe_session", KernelVersion{6, 13}},
	AttachTraceFSession:              {"BPF_TRACE_FSESSION", "TraceFSession", "trace_fsession", KernelVersion{7, 0}},
	AttachTraceFEntryMulti:           {"BPF_TRACE_FENTRY_MULTI", "TraceFEntryMulti", "trace_fentry_multi", KernelVersion{7, 2}},
	AttachTraceFExitMulti:            {"BPF_TRACE_FEXIT_MULTI", "TraceFExitMulti", "trace_fexit_multi", KernelVersion{7, 2}},
	AttachTraceFSessionMulti:         {"BPF_TRACE_FSESSION_MULTI", "TraceFSessionMulti", "trace_fsession_multi", KernelVersion{7, 2}},
}

// String is the name that the Go API has for t, without its prefix Attach
// ("CGroupInetEgress").
func (t AttachType) String() string { return goName(attachTypes[:], uint32(t), "AttachType") }

// UAPI is the name of t's constant in linux/bpf.h, or "" for an unknown value.
func (t AttachType) UAPI() string { return find(attachTypes[:], uint32(t)).uapi }

// LibbpfName is what libbpf and bpftool call t ("cgroup_inet_egress"), or "".
func (t AttachType) LibbpfName() string { return find(attachTypes[:], uint32(t)).libbpf }

// MinKernel is the first mainline kernel that has t; zero for an unknown value.
func (t AttachType) MinKernel() KernelVersion { return find(attachTypes[:], uint32(t)).since }

// Known tells whether this table has t.
func (t AttachType) Known() bool { return uint64(t) < uint64(len(attachTypes)) }
