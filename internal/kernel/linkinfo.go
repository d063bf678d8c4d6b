package kernel

// LinkInfo is the head of struct bpf_link_info. The types below begin with it
// and go on with what the kernel tells about links of one type.
type LinkInfo struct {
	Type   uint32
	ID     uint32
	ProgID uint32
	_      uint32
}

// RawTracepointLinkInfo is for raw tracepoints.
type RawTracepointLinkInfo struct {
	LinkInfo
	Name    Pointer // out buffer
	NameLen uint32  // in and out
	_       uint32
	Cookie  uint64 // since 6.10
}

// The union in struct bpf_link_info starts eight-byte aligned, so members that
// begin with 32-bit fields come right after the head.

// TracingLinkInfo is for fentry, fexit, fmod_ret, LSM, tp_btf and freplace.
type TracingLinkInfo struct {
	LinkInfo
	AttachType  uint32
	TargetObjID uint32 // a program for freplace, else BTF
	TargetBTFID uint32
	_           uint32
	Cookie      uint64
}

// CgroupLinkInfo is for cgroups.
type CgroupLinkInfo struct {
	LinkInfo
	CgroupID   uint64
	AttachType uint32
	_          uint32
}

// IterLinkInfo is for iterators.
type IterLinkInfo struct {
	LinkInfo
	TargetName    Pointer // out buffer
	TargetNameLen uint32
	MapID         uint32
	CgroupID      uint64 // or thread and process ID
	Order         uint32
	_             uint32
}

// NetNsLinkInfo is for network namespaces.
type NetNsLinkInfo struct {
	LinkInfo
	NetnsIno   uint32
	AttachType uint32
}

// InterfaceLinkInfo is for XDP (without attach type), tcx and netkit.
type InterfaceLinkInfo struct {
	LinkInfo
	Ifindex    uint32
	AttachType uint32
}

// SockmapLinkInfo is for sockmaps.
type SockmapLinkInfo struct {
	LinkInfo
	MapID      uint32
	AttachType uint32
}

// NetfilterLinkInfo is for netfilter.
type NetfilterLinkInfo struct {
	LinkInfo
	ProtocolFamily uint32
	Hook           uint32
	Priority       int32
	Flags          uint32
}

// KprobeMultiLinkInfo is for kprobe.multi. Needs 6.6.
type KprobeMultiLinkInfo struct {
	LinkInfo
	Addrs   Pointer // out buffer
	Count   uint32  // in and out
	Flags   uint32
	Missed  uint64
	Cookies Pointer // out buffer
}

// TracingMultiLinkInfo is for fentry.multi and the like. Needs 7.2.
type TracingMultiLinkInfo struct {
	LinkInfo
	AttachType uint32
	Count      uint32 // in and out
	ObjID      uint32 // of the BTF
	_          uint32
	IDs        Pointer // out buffer
	Addrs      Pointer // out buffer
	Cookies    Pointer // out buffer
}

// UprobeMultiLinkInfo is for uprobe.multi. Needs 6.8.
type UprobeMultiLinkInfo struct {
	LinkInfo
	Path          Pointer // out buffer
	Offsets       Pointer // out buffer
	RefCtrOffsets Pointer // out buffer
	Cookies       Pointer // out buffer
	PathSize      uint32  // in and out
	Count         uint32  // in and out
	Flags         uint32
	PID           uint32
}

// PerfEventLinkInfo is for programs on perf events; Kind tells which of the
// types below has the rest. Needs 6.6.
type PerfEventLinkInfo struct {
	LinkInfo
	Kind uint32 // enum bpf_perf_event_type
	_    uint32
}

// PerfUprobeLinkInfo is for uprobes and uretprobes.
type PerfUprobeLinkInfo struct {
	PerfEventLinkInfo
	FileName     Pointer // out buffer
	NameLen      uint32
	Offset       uint32
	Cookie       uint64
	RefCtrOffset uint64
}

// PerfKprobeLinkInfo is for kprobes and kretprobes.
type PerfKprobeLinkInfo struct {
	PerfEventLinkInfo
	FuncName Pointer // out buffer
	NameLen  uint32
	Offset   uint32
	Addr     uint64
	Missed   uint64
	Cookie   uint64
}

// PerfTracepointLinkInfo is for tracepoints.
type PerfTracepointLinkInfo struct {
	PerfEventLinkInfo
	Name    Pointer // out buffer
	NameLen uint32
	_       uint32
	Cookie  uint64
}

// PerfPlainLinkInfo is for other perf events.
type PerfPlainLinkInfo struct {
	PerfEventLinkInfo
	Config uint64
	Type   uint32
	_      uint32
	Cookie uint64
}
