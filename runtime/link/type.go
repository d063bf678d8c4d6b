package link

import (
	"strconv"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Type is the kind of a link, enum bpf_link_type.
type Type uint32

// The kinds of links.
const (
	UnspecifiedType   Type = iota
	RawTracepointType      // Linux 5.8
	TracingType            // Linux 5.7
	CgroupType             // Linux 5.7
	IterType               // Linux 5.8
	NetNsType              // Linux 5.8
	XDPType                // Linux 5.9
	PerfEventType          // Linux 5.15
	KprobeMultiType        // Linux 5.18
	StructOpsType          // Linux 6.4
	NetfilterType          // Linux 6.4
	TCXType                // Linux 6.6
	UprobeMultiType        // Linux 6.6
	NetkitType             // Linux 6.7
	SockmapType            // Linux 6.10
	TracingMultiType       // Linux 7.2
)

// kind is what is known about one Type.
type kind struct {
	name      string
	updatable bool // can its program be replaced
}

var kinds = [...]kind{
	UnspecifiedType:   {name: "Unspecified"},
	RawTracepointType: {name: "RawTracepoint"},
	TracingType:       {name: "Tracing"},
	CgroupType:        {name: "Cgroup", updatable: true},
	IterType:          {name: "Iter", updatable: true},
	NetNsType:         {name: "NetNs", updatable: true},
	XDPType:           {name: "XDP", updatable: true},
	PerfEventType:     {name: "PerfEvent"},
	KprobeMultiType:   {name: "KprobeMulti"},
	StructOpsType:     {name: "StructOps", updatable: true},
	NetfilterType:     {name: "Netfilter"},
	TCXType:           {name: "TCX", updatable: true},
	UprobeMultiType:   {name: "UprobeMulti"},
	NetkitType:        {name: "Netkit", updatable: true},
	SockmapType:       {name: "Sockmap", updatable: true},
	TracingMultiType:  {name: "TracingMulti"},
}

// details is what Info has to tell about each Type. It is a table of its own so
// that only programs that ask have it: names of types are in all of them.
var details = [...]func(*kernel.FD, kernel.LinkInfo) (any, error){
	RawTracepointType: rawTracepointInfo,
	TracingType:       tracingInfo,
	CgroupType:        cgroupInfo,
	IterType:          iterInfo,
	NetNsType:         netNsInfo,
	XDPType:           xdpInfo,
	PerfEventType:     perfEventInfo,
	KprobeMultiType:   kprobeMultiInfo,
	NetfilterType:     netfilterInfo,
	TCXType:           tcxInfo,
	UprobeMultiType:   uprobeMultiInfo,
	NetkitType:        netkitInfo,
	SockmapType:       sockmapInfo,
	TracingMultiType:  tracingMultiInfo,
}

func (t Type) kind() kind {
	if int(t) < len(kinds) {
		return kinds[t]
	}
	return kind{name: "Type(" + strconv.Itoa(int(t)) + ")", updatable: true}
}

// String is the constant's name without "Type".
func (t Type) String() string { return t.kind().name }
