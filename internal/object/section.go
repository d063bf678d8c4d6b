package object

import (
	"strings"

	"github.com/bpfgen/bpfgen/internal/nearest"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Suffix says what stands after the slash in a section name.
type Suffix uint8

// What the suffixes of section names mean.
const (
	SuffixNone          Suffix = iota // takes no suffix: the name is matched as a whole
	SuffixIgnored                     // anything: it has no meaning
	SuffixKernelFunc                  // kernel function, "do_unlinkat"; kprobes also "name+0x10"
	SuffixKernelPattern               // kernel functions by pattern, "tcp_*"
	SuffixUserFunc                    // "/path/to/binary:function+offset"
	SuffixUserPattern                 // "/path/to/binary:pattern"
	SuffixUSDT                        // "/path/to/binary:provider:name"
	SuffixSyscall                     // system call, "unlinkat"
	SuffixTracepoint                  // "category/name"
	SuffixRawTracepoint               // tracepoint without its category, "sched_switch"
	SuffixLSMHook                     // "file_mprotect"
	SuffixIterator                    // what is iterated over, "bpf_map_elem"
	SuffixProgramFunc                 // function of another, already loaded BPF program
)

// Trait is a set of properties that a section name gives to its programs.
type Trait uint16

// The properties.
const (
	Sleepable          Trait = 1 << iota // may fault: loaded with BPF_F_SLEEPABLE
	XDPFrags                             // takes packets in fragments: loaded with BPF_F_XDP_HAS_FRAGS
	AttachBTF                            // the attach target is a BTF ID, resolved at load
	Attachable                           // attached with BPF_PROG_ATTACH or a link made of its attach type
	AttachTypeOptional                   // kernels that know no expected attach type (before 4.17) load it without
	USDT                                 // a user-space static tracepoint
	Multi                                // one link attaches to many functions
	Session                              // runs at entry and at return
	Return                               // runs when the function returns
)

// SectionDef is what a section name says about the programs in it.
type SectionDef struct {
	Name   string // without suffix and its slash
	Type   uapi.ProgType
	Attach uapi.AttachType
	Suffix Suffix
	Traits Trait
}

// Has tells whether d has all traits in t.
func (d *SectionDef) Has(t Trait) bool { return d.Traits&t == t }

// ProgFlags are the flags of BPF_PROG_LOAD that d implies.
func (d *SectionDef) ProgFlags() uint32 {
	var flags uint32
	if d.Has(Sleepable) {
		flags |= uapi.ProgFlagSleepable
	}
	if d.Has(XDPFrags) {
		flags |= uapi.ProgFlagXDPHasFrags
	}
	return flags
}

// sections has a row for every section name that libbpf knows. A name with a
// suffix matches as "name" and "name/suffix", one without as a whole.
var sections = [...]SectionDef{
	{"socket", uapi.ProgTypeSocketFilter, uapi.AttachNone, SuffixNone, 0},
	{"sk_reuseport/migrate", uapi.ProgTypeSkReuseport, uapi.AttachSkReuseportSelectOrMigrate, SuffixNone, Attachable},
	{"sk_reuseport", uapi.ProgTypeSkReuseport, uapi.AttachSkReuseportSelect, SuffixNone, Attachable},
	{"kprobe", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixKernelFunc, 0},
	{"uprobe", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixUserFunc, 0},
	{"uprobe.s", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixUserFunc, Sleepable},
	{"kretprobe", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixKernelFunc, Return},
	{"uretprobe", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixUserFunc, Return},
	{"uretprobe.s", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixUserFunc, Sleepable | Return},
	{"kprobe.multi", uapi.ProgTypeKprobe, uapi.AttachTraceKprobeMulti, SuffixKernelPattern, Multi},
	{"kretprobe.multi", uapi.ProgTypeKprobe, uapi.AttachTraceKprobeMulti, SuffixKernelPattern, Multi | Return},
	{"kprobe.session", uapi.ProgTypeKprobe, uapi.AttachTraceKprobeSession, SuffixKernelPattern, Session},
	{"uprobe.multi", uapi.ProgTypeKprobe, uapi.AttachTraceUprobeMulti, SuffixUserPattern, Multi},
	{"uretprobe.multi", uapi.ProgTypeKprobe, uapi.AttachTraceUprobeMulti, SuffixUserPattern, Multi | Return},
	{"uprobe.session", uapi.ProgTypeKprobe, uapi.AttachTraceUprobeSession, SuffixUserPattern, Session},
	{"uprobe.multi.s", uapi.ProgTypeKprobe, uapi.AttachTraceUprobeMulti, SuffixUserPattern, Sleepable | Multi},
	{"uretprobe.multi.s", uapi.ProgTypeKprobe, uapi.AttachTraceUprobeMulti, SuffixUserPattern, Sleepable | Multi | Return},
	{"uprobe.session.s", uapi.ProgTypeKprobe, uapi.AttachTraceUprobeSession, SuffixUserPattern, Sleepable | Session},
	{"ksyscall", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixSyscall, 0},
	{"kretsyscall", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixSyscall, Return},
	{"usdt", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixUSDT, USDT},
	{"usdt.s", uapi.ProgTypeKprobe, uapi.AttachNone, SuffixUSDT, Sleepable | USDT},
	{"tc/ingress", uapi.ProgTypeSchedCLS, uapi.AttachTCXIngress, SuffixNone, 0},
	{"tc/egress", uapi.ProgTypeSchedCLS, uapi.AttachTCXEgress, SuffixNone, 0},
	{"tcx/ingress", uapi.ProgTypeSchedCLS, uapi.AttachTCXIngress, SuffixNone, 0},
	{"tcx/egress", uapi.ProgTypeSchedCLS, uapi.AttachTCXEgress, SuffixNone, 0},
	{"tc", uapi.ProgTypeSchedCLS, uapi.AttachNone, SuffixNone, 0},
	{"classifier", uapi.ProgTypeSchedCLS, uapi.AttachNone, SuffixNone, 0},
	{"action", uapi.ProgTypeSchedACT, uapi.AttachNone, SuffixNone, 0},
	{"netkit/primary", uapi.ProgTypeSchedCLS, uapi.AttachNetkitPrimary, SuffixNone, 0},
	{"netkit/peer", uapi.ProgTypeSchedCLS, uapi.AttachNetkitPeer, SuffixNone, 0},
	{"tracepoint", uapi.ProgTypeTracePoint, uapi.AttachNone, SuffixTracepoint, 0},
	{"tp", uapi.ProgTypeTracePoint, uapi.AttachNone, SuffixTracepoint, 0},
	{"tracepoint.s", uapi.ProgTypeTracePoint, uapi.AttachNone, SuffixTracepoint, Sleepable},
	{"tp.s", uapi.ProgTypeTracePoint, uapi.AttachNone, SuffixTracepoint, Sleepable},
	{"raw_tracepoint", uapi.ProgTypeRawTracepoint, uapi.AttachNone, SuffixRawTracepoint, 0},
	{"raw_tp", uapi.ProgTypeRawTracepoint, uapi.AttachNone, SuffixRawTracepoint, 0},
	{"raw_tracepoint.s", uapi.ProgTypeRawTracepoint, uapi.AttachNone, SuffixRawTracepoint, Sleepable},
	{"raw_tp.s", uapi.ProgTypeRawTracepoint, uapi.AttachNone, SuffixRawTracepoint, Sleepable},
	{"raw_tracepoint.w", uapi.ProgTypeRawTracepointWritable, uapi.AttachNone, SuffixRawTracepoint, 0},
	{"raw_tp.w", uapi.ProgTypeRawTracepointWritable, uapi.AttachNone, SuffixRawTracepoint, 0},
	{"tp_btf", uapi.ProgTypeTracing, uapi.AttachTraceRawTp, SuffixRawTracepoint, AttachBTF},
	{"tp_btf.s", uapi.ProgTypeTracing, uapi.AttachTraceRawTp, SuffixRawTracepoint, Sleepable | AttachBTF},
	{"fentry", uapi.ProgTypeTracing, uapi.AttachTraceFEntry, SuffixKernelFunc, AttachBTF},
	{"fmod_ret", uapi.ProgTypeTracing, uapi.AttachModifyReturn, SuffixKernelFunc, AttachBTF},
	{"fexit", uapi.ProgTypeTracing, uapi.AttachTraceFExit, SuffixKernelFunc, AttachBTF},
	{"fentry.s", uapi.ProgTypeTracing, uapi.AttachTraceFEntry, SuffixKernelFunc, Sleepable | AttachBTF},
	{"fmod_ret.s", uapi.ProgTypeTracing, uapi.AttachModifyReturn, SuffixKernelFunc, Sleepable | AttachBTF},
	{"fexit.s", uapi.ProgTypeTracing, uapi.AttachTraceFExit, SuffixKernelFunc, Sleepable | AttachBTF},
	{"fsession", uapi.ProgTypeTracing, uapi.AttachTraceFSession, SuffixKernelFunc, AttachBTF | Session},
	{"fsession.s", uapi.ProgTypeTracing, uapi.AttachTraceFSession, SuffixKernelFunc, Sleepable | AttachBTF | Session},
	{"fsession.multi", uapi.ProgTypeTracing, uapi.AttachTraceFSessionMulti, SuffixKernelPattern, Multi | Session},
	{"fsession.multi.s", uapi.ProgTypeTracing, uapi.AttachTraceFSessionMulti, SuffixKernelPattern, Sleepable | Multi | Session},
	{"fentry.multi", uapi.ProgTypeTracing, uapi.AttachTraceFEntryMulti, SuffixKernelPattern, Multi},
	{"fexit.multi", uapi.ProgTypeTracing, uapi.AttachTraceFExitMulti, SuffixKernelPattern, Multi},
	{"fentry.multi.s", uapi.ProgTypeTracing, uapi.AttachTraceFEntryMulti, SuffixKernelPattern, Sleepable | Multi},
	{"fexit.multi.s", uapi.ProgTypeTracing, uapi.AttachTraceFExitMulti, SuffixKernelPattern, Sleepable | Multi},
	{"freplace", uapi.ProgTypeExtension, uapi.AttachNone, SuffixProgramFunc, AttachBTF},
	{"lsm", uapi.ProgTypeLSM, uapi.AttachLSMMac, SuffixLSMHook, AttachBTF},
	{"lsm.s", uapi.ProgTypeLSM, uapi.AttachLSMMac, SuffixLSMHook, Sleepable | AttachBTF},
	{"lsm_cgroup", uapi.ProgTypeLSM, uapi.AttachLSMCgroup, SuffixLSMHook, AttachBTF},
	{"iter", uapi.ProgTypeTracing, uapi.AttachTraceIter, SuffixIterator, AttachBTF},
	{"iter.s", uapi.ProgTypeTracing, uapi.AttachTraceIter, SuffixIterator, Sleepable | AttachBTF},
	{"syscall", uapi.ProgTypeSyscall, uapi.AttachNone, SuffixNone, Sleepable},
	{"xdp.frags/devmap", uapi.ProgTypeXDP, uapi.AttachXDPDevMap, SuffixNone, XDPFrags},
	{"xdp/devmap", uapi.ProgTypeXDP, uapi.AttachXDPDevMap, SuffixNone, Attachable},
	{"xdp.frags/cpumap", uapi.ProgTypeXDP, uapi.AttachXDPCPUMap, SuffixNone, XDPFrags},
	{"xdp/cpumap", uapi.ProgTypeXDP, uapi.AttachXDPCPUMap, SuffixNone, Attachable},
	{"xdp.frags", uapi.ProgTypeXDP, uapi.AttachXDP, SuffixNone, XDPFrags},
	{"xdp", uapi.ProgTypeXDP, uapi.AttachXDP, SuffixNone, Attachable | AttachTypeOptional},
	{"perf_event", uapi.ProgTypePerfEvent, uapi.AttachNone, SuffixNone, 0},
	{"lwt_in", uapi.ProgTypeLWTIn, uapi.AttachNone, SuffixNone, 0},
	{"lwt_out", uapi.ProgTypeLWTOut, uapi.AttachNone, SuffixNone, 0},
	{"lwt_xmit", uapi.ProgTypeLWTXmit, uapi.AttachNone, SuffixNone, 0},
	{"lwt_seg6local", uapi.ProgTypeLWTSeg6Local, uapi.AttachNone, SuffixNone, 0},
	{"sockops", uapi.ProgTypeSockOps, uapi.AttachCGroupSockOps, SuffixNone, Attachable | AttachTypeOptional},
	{"sk_skb/stream_parser", uapi.ProgTypeSkSKB, uapi.AttachSkSKBStreamParser, SuffixNone, Attachable | AttachTypeOptional},
	{"sk_skb/stream_verdict", uapi.ProgTypeSkSKB, uapi.AttachSkSKBStreamVerdict, SuffixNone, Attachable | AttachTypeOptional},
	{"sk_skb/verdict", uapi.ProgTypeSkSKB, uapi.AttachSkSKBVerdict, SuffixNone, Attachable | AttachTypeOptional},
	{"sk_skb", uapi.ProgTypeSkSKB, uapi.AttachNone, SuffixNone, 0},
	{"sk_msg", uapi.ProgTypeSkMsg, uapi.AttachSkMsgVerdict, SuffixNone, Attachable | AttachTypeOptional},
	{"lirc_mode2", uapi.ProgTypeLircMode2, uapi.AttachLircMode2, SuffixNone, Attachable | AttachTypeOptional},
	{"flow_dissector", uapi.ProgTypeFlowDissector, uapi.AttachFlowDissector, SuffixNone, Attachable | AttachTypeOptional},
	{"cgroup_skb/ingress", uapi.ProgTypeCGroupSKB, uapi.AttachCGroupInetIngress, SuffixNone, Attachable | AttachTypeOptional},
	{"cgroup_skb/egress", uapi.ProgTypeCGroupSKB, uapi.AttachCGroupInetEgress, SuffixNone, Attachable | AttachTypeOptional},
	{"cgroup/skb", uapi.ProgTypeCGroupSKB, uapi.AttachNone, SuffixNone, 0},
	{"cgroup/sock_create", uapi.ProgTypeCGroupSock, uapi.AttachCGroupInetSockCreate, SuffixNone, Attachable},
	{"cgroup/sock_release", uapi.ProgTypeCGroupSock, uapi.AttachCgroupInetSockRelease, SuffixNone, Attachable},
	{"cgroup/sock", uapi.ProgTypeCGroupSock, uapi.AttachCGroupInetSockCreate, SuffixNone, Attachable | AttachTypeOptional},
	{"cgroup/post_bind4", uapi.ProgTypeCGroupSock, uapi.AttachCGroupInet4PostBind, SuffixNone, Attachable},
	{"cgroup/post_bind6", uapi.ProgTypeCGroupSock, uapi.AttachCGroupInet6PostBind, SuffixNone, Attachable},
	{"cgroup/bind4", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupInet4Bind, SuffixNone, Attachable},
	{"cgroup/bind6", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupInet6Bind, SuffixNone, Attachable},
	{"cgroup/connect4", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupInet4Connect, SuffixNone, Attachable},
	{"cgroup/connect6", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupInet6Connect, SuffixNone, Attachable},
	{"cgroup/connect_unix", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupUnixConnect, SuffixNone, Attachable},
	{"cgroup/sendmsg4", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupUDP4Sendmsg, SuffixNone, Attachable},
	{"cgroup/sendmsg6", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupUDP6Sendmsg, SuffixNone, Attachable},
	{"cgroup/sendmsg_unix", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupUnixSendmsg, SuffixNone, Attachable},
	{"cgroup/recvmsg4", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupUDP4Recvmsg, SuffixNone, Attachable},
	{"cgroup/recvmsg6", uapi.ProgTypeCGroupSockAddr, uapi.AttachCGroupUDP6Recvmsg, SuffixNone, Attachable},
	{"cgroup/recvmsg_unix", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupUnixRecvmsg, SuffixNone, Attachable},
	{"cgroup/getpeername4", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupInet4GetPeername, SuffixNone, Attachable},
	{"cgroup/getpeername6", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupInet6GetPeername, SuffixNone, Attachable},
	{"cgroup/getpeername_unix", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupUnixGetpeername, SuffixNone, Attachable},
	{"cgroup/getsockname4", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupInet4GetSockname, SuffixNone, Attachable},
	{"cgroup/getsockname6", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupInet6GetSockname, SuffixNone, Attachable},
	{"cgroup/getsockname_unix", uapi.ProgTypeCGroupSockAddr, uapi.AttachCgroupUnixGetsockname, SuffixNone, Attachable},
	{"cgroup/sysctl", uapi.ProgTypeCGroupSysctl, uapi.AttachCGroupSysctl, SuffixNone, Attachable},
	{"cgroup/getsockopt", uapi.ProgTypeCGroupSockopt, uapi.AttachCGroupGetsockopt, SuffixNone, Attachable},
	{"cgroup/setsockopt", uapi.ProgTypeCGroupSockopt, uapi.AttachCGroupSetsockopt, SuffixNone, Attachable},
	{"cgroup/dev", uapi.ProgTypeCGroupDevice, uapi.AttachCGroupDevice, SuffixNone, Attachable | AttachTypeOptional},
	{"struct_ops", uapi.ProgTypeStructOps, uapi.AttachNone, SuffixIgnored, 0},
	{"struct_ops.s", uapi.ProgTypeStructOps, uapi.AttachNone, SuffixIgnored, Sleepable},
	{"sk_lookup", uapi.ProgTypeSkLookup, uapi.AttachSkLookup, SuffixNone, Attachable},
	{"netfilter", uapi.ProgTypeNetfilter, uapi.AttachNetfilter, SuffixNone, 0},
}

// MatchSection finds what the section name sec means: its row, what stands
// after the slash, and whether a leading "?" makes its programs optional.
// For an unknown name, ok is false.
//
// Names that have more behind them than the table says ("classifier/from-eth0",
// "xdp_prog", "socket1") are taken for the first row that they begin with, as
// old loaders did; an exact match always wins. What follows such a name has no
// meaning, so suffix is empty.
func MatchSection(sec string) (def *SectionDef, suffix string, optional, ok bool) {
	sec, optional = strings.CutPrefix(sec, "?")
	if sec == "" {
		return nil, "", optional, false
	}
	for i := range sections {
		d := &sections[i]
		if d.Name[0] != sec[0] {
			continue
		}
		rest, found := strings.CutPrefix(sec, d.Name)
		switch {
		case !found:
		case rest == "":
			return d, "", optional, true
		case d.Suffix != SuffixNone && rest[0] == '/':
			if d.Suffix != SuffixIgnored {
				suffix = rest[1:]
			}
			return d, suffix, optional, true
		}
	}
	for i := range sections {
		if d := &sections[i]; d.Suffix == SuffixNone && strings.HasPrefix(sec, d.Name) {
			return d, "", optional, true
		}
	}
	return nil, "", optional, false
}

// NearestSection is the known section name with the least edit distance to
// sec, with sec's suffix where the name takes one: for "did you mean". It is
// empty when nothing is near.
func NearestSection(sec string) string {
	sec = strings.TrimPrefix(sec, "?")
	if len(sec) > 256 {
		return "" // nobody mistyped this
	}
	head, suffix, hasSuffix := strings.Cut(sec, "/")
	best, bestDistance := "", len(head)/2+1
	for i := range sections {
		d := &sections[i]
		candidate, written := d.Name, sec
		if d.Suffix != SuffixNone {
			written = head
		}
		if n := nearest.Distance(written, candidate, bestDistance); n < bestDistance {
			bestDistance = n
			best = candidate
			if d.Suffix != SuffixNone && hasSuffix {
				best += "/" + suffix
			}
		}
	}
	return best
}
