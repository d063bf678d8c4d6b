package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"golang.org/x/sys/unix"
)

// TracepointOptions say more about what Tracepoint attaches.
type TracepointOptions struct {
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux 5.15.
	Cookie uint64
}

// Tracepoint attaches a program of type TracePoint to the tracepoint group:name
// (the folders below events in tracefs), such as "sched", "sched_switch". It
// wraps os.ErrNotExist if there is no such tracepoint. opts may be nil. Linux
// 4.7; tracepoints of system calls 4.14.
//
// The Link implements PerfEvent.
func Tracepoint(group, name string, prog *ebpf.Program, opts *TracepointOptions) (Link, error) {
	if opts == nil {
		opts = &TracepointOptions{}
	}
	id, err := kernel.TracepointID(group, name)
	if err != nil {
		return nil, fmt.Errorf("attach to %w", err)
	}
	event, err := openTraceEvent(id, -1, 0)
	if err != nil {
		return nil, fmt.Errorf("attach to tracepoint %s:%s: %w", group, name, err)
	}
	l, err := attachPerfEvent(prog, event, nil, opts.Cookie)
	if err != nil {
		return nil, fmt.Errorf("attach %v to tracepoint %s:%s: %w", prog, group, name, err)
	}
	return l, nil
}

// openTraceEvent opens the perf event of a tracepoint, or of a probe made in
// tracefs: for one process, or (-1) for all. The latter is bound to one CPU, as
// perf events have to be, but programs on it run on all.
func openTraceEvent(id uint64, pid, cpu int) (*kernel.FD, error) {
	event, err := kernel.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_TRACEPOINT, Config: id,
		Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
	}, pid, cpu)
	return event, kernel.ExplainPermission(err, kernel.CapPerfmon)
}
