package link

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"golang.org/x/sys/unix"
)

// traceProbe is a probe made in tracefs, which stays until somebody removes it.
type traceProbe struct {
	file        string // of tracefs, that makes such probes
	group, name string
	removed     atomic.Bool
}

// The files that make and remove probes.
const (
	kprobeEvents = "kprobe_events"
	uprobeEvents = "uprobe_events"
)

// openKprobeTracefs makes a probe in tracefs, and opens its perf event.
func openKprobeTracefs(symbol string, opts *KprobeOptions, ret bool) (*kernel.FD, *traceProbe, error) {
	probe, err := newTraceProbe(kprobeEvents, opts.TraceFSPrefix, symbol)
	if err != nil {
		return nil, nil, err
	}
	kind := "p"
	if ret {
		kind = "r"
		if opts.RetprobeMaxActive > 0 {
			kind += strconv.Itoa(opts.RetprobeMaxActive)
		}
	}
	where := symbol
	if opts.Offset != 0 {
		where += "+" + strconv.FormatUint(opts.Offset, 10)
	}
	event, err := probe.open(kind, where, -1, 0)
	if err != nil {
		return nil, nil, err
	}
	return event, probe, nil
}

// open makes the probe, and opens its perf event.
func (p *traceProbe) open(kind, where string, pid, cpu int) (*kernel.FD, error) {
	tracefs, err := kernel.OpenTracefs()
	if err != nil {
		return nil, err
	}
	defer tracefs.Close()
	if err := tracefs.Append(p.file, fmt.Sprintf("%s:%s/%s %s", kind, p.group, p.name, where)); err != nil {
		return nil, err
	}
	id, err := tracefs.TracepointID(p.group, p.name)
	if err != nil {
		return nil, errors.Join(err, p.remove())
	}
	event, err := openTraceEvent(id, pid, cpu)
	if err != nil {
		return nil, errors.Join(err, p.remove())
	}
	return event, nil
}

// newTraceProbe chooses a name. The group is random, so that probes on one
// symbol, by many processes, don't meet.
func newTraceProbe(file, prefix, symbol string) (*traceProbe, error) {
	if prefix == "" {
		prefix = "ebpf"
	}
	if !isSymbol(prefix) {
		return nil, fmt.Errorf("TraceFSPrefix %q: want letters, digits and underscores: %w", prefix, os.ErrInvalid)
	}
	name := []byte("probe_" + symbol)
	for i, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			name[i] = '_'
		}
	}
	const maxEventName = 63
	var random [8]byte
	if _, err := unix.Getrandom(random[:], 0); err != nil {
		return nil, fmt.Errorf("random name: %w", err)
	}
	return &traceProbe{
		file:  file,
		group: prefix + fmt.Sprintf("_%x", random),
		name:  string(name[:min(len(name), maxEventName)]),
	}, nil
}

// remove takes the probe away, once; after an error, it may be tried again. An
// event that others still use, or that the kernel is about to free, keeps the
// probe: for a moment, or for seconds on a machine that has too much to do.
func (p *traceProbe) remove() error {
	if p.removed.Swap(true) {
		return nil
	}
	err := p.tryToRemove()
	p.removed.Store(err == nil)
	return err
}

func (p *traceProbe) tryToRemove() error {
	tracefs, err := kernel.OpenTracefs()
	if err != nil {
		return err
	}
	defer tracefs.Close()
	const patience = 4 * time.Second
	for wait := time.Millisecond; ; wait *= 2 {
		err := tracefs.Append(p.file, "-:"+p.group+"/"+p.name)
		if errors.Is(err, unix.EBUSY) && wait < patience {
			time.Sleep(wait)
			continue
		}
		if err != nil {
			return fmt.Errorf("remove probe %s/%s: %w", p.group, p.name, err)
		}
		return nil
	}
}
