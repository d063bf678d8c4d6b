package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Info is what the kernel knows about a link. What it knows about links of one
// type is behind the method of that name.
type Info struct {
	Type    Type
	ID      ID
	Program ebpf.ProgramID

	details any // *XDPInfo for a link of XDPType, and so on
}

// Info is Link.Info.
func (l *RawLink) Info() (*Info, error) {
	var head kernel.LinkInfo
	if err := kernel.ObjInfo(l.fd, &head); err != nil {
		return nil, fmt.Errorf("info about link: %w", needs(err, linkIDs))
	}
	info := &Info{Type: Type(head.Type), ID: ID(head.ID), Program: ebpf.ProgramID(head.ProgID)}
	if int(info.Type) >= len(details) || details[info.Type] == nil {
		return info, nil
	}
	var err error
	if info.details, err = details[info.Type](l.fd, head); err != nil {
		return nil, fmt.Errorf("info about %s link: %w", info.Type, err)
	}
	return info, nil
}

// detail is the details of info if they are of that type, else nil.
func detail[T any](info Info) *T {
	d, _ := info.details.(*T)
	return d
}

// maxName is enough for what the kernel calls its symbols, tracepoints and
// iterators.
const maxName = 512
