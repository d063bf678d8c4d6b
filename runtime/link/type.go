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
	updatable bool                                           // can its program be replaced
	details   func(*kernel.FD, kernel.LinkInfo) (any, error) // what Info has to tell; nil if nothing
}

var kinds = [...]kind{
	UnspecifiedType:   {name: "Unspecified"},
	RawTracepointType: {name: "RawTracepoint", details: rawTracepointInfo},
	TracingType:       {name: "Tracing", details: tracingInfo},
	CgroupType:        {name: "Cgroup", updatable: true, details: cgroupInfo},
	IterType:          {name: "Iter", updatable: true, details: iterInfo},
	NetNsType:         {name: "NetNs", updatable: true, details: netNsInfo},
	XDPType:           {name: "XDP", updatable: true, details: xdpInfo},
	PerfEventType:     {name: "PerfEvent", details: perfEventInfo},
	KprobeMultiType:   {name: "KprobeMulti", details: kprobeMultiInfo},
	StructOpsType:     {name: "StructOps", updatable: true},
	NetfilterType:     {name: "Netfilter", details: netfilterInfo},
	TCXType:           {name: "TCX", updatable: true, details: tcxInfo},
	UprobeMultiType:   {name: "UprobeMulti", details: uprobeMultiInfo},
	NetkitType:        {name: "Netkit", updatable: true, details: netkitInfo},
	SockmapType:       {name: "Sockmap", updatable: true, details: sockmapInfo},
	TracingMultiType:  {name: "TracingMulti", details: tracingMultiInfo},
}

func (t Type) kind() kind {
	if int(t) < len(kinds) {
		return kinds[t]
	}
	return kind{name: "Type(" + strconv.Itoa(int(t)) + ")", updatable: true}
}

// String is the constant's name without "Type".
func (t Type) String() string { return t.kind().name }
