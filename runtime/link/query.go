package link

import (
	"errors"
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// QueryOptions say what QueryPrograms asks about.
type QueryOptions struct {
	// Target is what programs are attached to: an interface index for tcx and
	// netkit; a descriptor of a control group, network namespace or sockmap;
	// nothing for LIRC and the flow dissector of the root namespace.
	Target int
	// Attach is the attach type of the programs.
	Attach ebpf.AttachType
	// QueryFlags are flags of BPF_PROG_QUERY; 1 is for programs that a control
	// group has from those above it.
	QueryFlags uint32
}

// QueryResult is what is attached.
type QueryResult struct {
	// Programs in the order in which they run.
	Programs []AttachedProgram

	// Revision counts changes to Programs, for ExpectedRevision in options.
	// Zero if the attach type, or this kernel, doesn't count.
	Revision uint64
}

// AttachedProgram is one that is attached.
type AttachedProgram struct {
	ID     ebpf.ProgramID
	linkID ID
}

// LinkID is the link that the program is attached by; false if there is none,
// or if the kernel doesn't tell.
func (ap *AttachedProgram) LinkID() (ID, bool) { return ap.linkID, ap.linkID != 0 }

// HaveLinkInfo tells whether LinkID is known of any of the programs.
func (qr *QueryResult) HaveLinkInfo() bool {
	for i := range qr.Programs {
		if qr.Programs[i].linkID != 0 {
			return true
		}
	}
	return false
}

// progQuery is the first kernel that tells what is attached.
var progQuery = uapi.KernelVersion{Major: 4, Minor: 15}

// QueryPrograms asks what is attached somewhere, by links or otherwise. It wraps
// ErrNotSupported before Linux 4.15.
func QueryPrograms(opts QueryOptions) (*QueryResult, error) {
	for {
		attr := kernel.ProgQueryAttr{TargetFD: uint32(opts.Target), AttachType: uint32(opts.Attach), QueryFlags: opts.QueryFlags}
		err := kernel.ProgQuery(&attr)
		if err == nil && attr.Count == 0 {
			return &QueryResult{Revision: attr.Revision}, nil
		}
		var result *QueryResult
		if err == nil {
			result, err = queryPrograms(opts, attr.Count, attr.Revision != 0)
		}
		switch {
		case err == nil:
			return result, nil
		case errors.Is(err, unix.ENOSPC): // somebody attached one meanwhile
		default:
			err = needs(kernel.ExplainPermission(err, kernel.CapNetAdmin), progQuery)
			return nil, fmt.Errorf("query programs of attach type %v: %w", opts.Attach, err)
		}
	}
}

// queryPrograms asks for count programs. What counts revisions knows links.
func queryPrograms(opts QueryOptions, count uint32, counted bool) (*QueryResult, error) {
	programs, links := make([]uint32, count), make([]uint32, count)
	attr := kernel.ProgQueryAttr{
		TargetFD: uint32(opts.Target), AttachType: uint32(opts.Attach), QueryFlags: opts.QueryFlags,
		ProgIDs: kernel.Slice(programs), Count: count,
	}
	if counted {
		attr.LinkIDs = kernel.Slice(links)
	}
	if err := kernel.ProgQuery(&attr); err != nil {
		return nil, err
	}
	result := &QueryResult{Programs: make([]AttachedProgram, min(attr.Count, count)), Revision: attr.Revision}
	for i := range result.Programs {
		result.Programs[i] = AttachedProgram{ID: ebpf.ProgramID(programs[i]), linkID: ID(links[i])}
	}
	return result, nil
}
