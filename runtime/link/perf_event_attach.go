package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// PerfEventOptions say more about what AttachPerfEvent attaches.
type PerfEventOptions struct {
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux 5.15.
	Cookie uint64
}

// AttachPerfEvent attaches a program of type PerfEvent to a perf event, of which
// event is a descriptor from perf_event_open(2): a timer or a counter of the
// processor, say, on one CPU or for one process. It starts the event if that was
// opened disabled. The descriptor stays the caller's, who may close it. opts may
// be nil. Linux 4.9.
//
// Before Linux 5.15 the program stays attached until the caller's descriptor is
// closed too.
//
// The Link implements PerfEvent.
func AttachPerfEvent(event int, prog *ebpf.Program, opts *PerfEventOptions) (Link, error) {
	if opts == nil {
		opts = &PerfEventOptions{}
	}
	fd, err := kernel.DupFD(event)
	if err != nil {
		return nil, fmt.Errorf("attach to perf event: %w", err)
	}
	l, err := attachPerfEvent(prog, fd, nil, opts.Cookie)
	if err != nil {
		return nil, fmt.Errorf("attach %v to perf event: %w", prog, err)
	}
	return l, nil
}
