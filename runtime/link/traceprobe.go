package link

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// traceProbe is a probe made in tracefs, which stays until somebody removes it.
type traceProbe struct {
	group, name string
	removed     atomic.Bool
}

const kprobeEvents = "kprobe_events"

// openKprobeTracefs makes a probe in tracefs, and opens its perf event.
func openKprobeTracefs(symbol string, opts *KprobeOptions, ret bool) (*kernel.FD, *traceProbe, error) {
	tracefs, err := kernel.OpenTracefs()
	if err != nil {
		return nil, nil, err
	}
	defer tracefs.Close()
	probe, err := newTraceProbe(opts.TraceFSPrefix, symbol)
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
	command := fmt.Sprintf("%s:%s/%s %s", kind, probe.group, probe.name, symbol)
	if opts.Offset != 0 {
		command += "+" + strconv.FormatUint(opts.Offset, 10)
	}
	if err := tracefs.Append(kprobeEvents, command); err != nil {
		if errors.Is(err, ErrNotSupported) {
			return nil, nil, fmt.Errorf("this kernel has no kprobes (CONFIG_KPROBE_EVENTS): %w", err)
		}
		return nil, nil, explainKprobe(symbol, err)
	}
	id, err := tracefs.TracepointID(probe.group, probe.name)
	if err != nil {
		return nil, nil, errors.Join(err, probe.remove())
	}
	event, err := openTraceEvent(id)
	if err != nil {
		return nil, nil, errors.Join(err, probe.remove())
	}
	return event, probe, nil
}

// newTraceProbe chooses a name. The group is random, so that probes on one
// symbol, by many processes, don't meet.
func newTraceProbe(prefix, symbol string) (*traceProbe, error) {
	if prefix == "" {
		prefix = "ebpf"
	}
	if !isSymbol(prefix) {
		return nil, fmt.Errorf("TraceFSPrefix %q: want letters, digits and underscores: %w", prefix, os.ErrInvalid)
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	name := []byte(symbol)
	for i, c := range name {
		if c == '.' || c == '$' {
			name[i] = '_'
		}
	}
	const maxEventName = 63
	return &traceProbe{
		group: prefix + "_" + hex.EncodeToString(random[:]),
		name:  string(name[:min(len(name), maxEventName)]),
	}, nil
}

// remove takes the probe away, once.
func (p *traceProbe) remove() error {
	if p.removed.Swap(true) {
		return nil
	}
	tracefs, err := kernel.OpenTracefs()
	if err != nil {
		return err
	}
	defer tracefs.Close()
	if err := tracefs.Append(kprobeEvents, "-:"+p.group+"/"+p.name); err != nil {
		return fmt.Errorf("remove probe %s/%s: %w", p.group, p.name, err)
	}
	return nil
}
