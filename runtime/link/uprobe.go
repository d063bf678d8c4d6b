package link

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/chain"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// UprobeOptions say more about what Uprobe and Uretprobe attach.
type UprobeOptions struct {
	// Address of the probe: an offset in the file. If it isn't zero, the
	// symbol is not looked up.
	Address uint64
	// Offset of the probe from the symbol or Address, in bytes: must be where
	// an instruction begins.
	Offset uint64
	// PID of the one process to probe; zero is all of them, also those that
	// start later.
	PID int
	// RefCtrOffset is where the file has a counter of probes (a semaphore of
	// USDT), which the kernel counts up in all processes as long as the link
	// exists: an offset in the file. Linux 4.20.
	RefCtrOffset uint64
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux 5.15.
	Cookie uint64
	// TraceFSPrefix begins the name of the group of probes made in tracefs,
	// before Linux 4.17; default "ebpf".
	TraceFSPrefix string
}

// Uprobe attaches a program of type Kprobe to the beginning of a function in
// this file, in all processes that run it. The symbol may have a version:
// "pthread_create@GLIBC_2.34". It wraps ErrNoSymbol if there is no such
// function, and ErrNotSupported if there is, but in a shared library: open that
// one. opts may be nil. Linux 4.3.
//
// The Link implements PerfEvent.
func (ex *Executable) Uprobe(symbol string, prog *ebpf.Program, opts *UprobeOptions) (Link, error) {
	return ex.uprobe(symbol, prog, opts, false)
}

// Uretprobe is Uprobe for the end of a function. Not for programs in Go: their
// stacks move, and with them the return addresses that this changes.
func (ex *Executable) Uretprobe(symbol string, prog *ebpf.Program, opts *UprobeOptions) (Link, error) {
	return ex.uprobe(symbol, prog, opts, true)
}

func (ex *Executable) uprobe(symbol string, prog *ebpf.Program, opts *UprobeOptions, ret bool) (Link, error) {
	if opts == nil {
		opts = &UprobeOptions{}
	}
	what := "uprobe"
	if ret {
		what = "uretprobe"
	}
	where := fmt.Sprintf("%q in %s", symbol, ex.path)
	if err := checkUprobe(opts); err != nil {
		return nil, fmt.Errorf("attach %s to %s: %w", what, where, err)
	}
	offset, err := ex.address(symbol, opts.Address, opts.Offset)
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", what, err)
	}
	event, probe, err := ex.openUprobe(symbol, offset, opts, ret)
	if err != nil {
		return nil, fmt.Errorf("attach %s to %s: %w", what, where, err)
	}
	l, err := attachPerfEvent(prog, event, probe, opts.Cookie)
	if err != nil {
		return nil, fmt.Errorf("attach %v by %s to %s: %w", prog, what, where, err)
	}
	return l, nil
}

func checkUprobe(opts *UprobeOptions) error {
	switch {
	case opts.PID < 0:
		return fmt.Errorf("PID of %d: %w", opts.PID, os.ErrInvalid)
	case opts.RefCtrOffset > math.MaxUint32:
		return fmt.Errorf("RefCtrOffset of %#x: more than 32 bits: %w", opts.RefCtrOffset, os.ErrInvalid)
	}
	return nil
}

// openUprobe makes a probe in the way that the kernel allows.
func (ex *Executable) openUprobe(symbol string, offset uint64, opts *UprobeOptions, ret bool) (*kernel.FD, *traceProbe, error) {
	event, err := ex.openUprobePMU(offset, opts, ret)
	if !errors.Is(err, errNoPMU) {
		return event, nil, err
	}
	return ex.openUprobeTracefs(symbol, offset, opts, ret)
}

// refCtrShift is where attr.Config of a uprobe has the offset of the counter.
const refCtrShift = 32

var refCtrs = uapi.KernelVersion{Major: 4, Minor: 20}

// openUprobePMU makes a probe that exists only as a perf event. Linux 4.17.
func (ex *Executable) openUprobePMU(offset uint64, opts *UprobeOptions, ret bool) (*kernel.FD, error) {
	pmu, err := kernel.ReadPMU("uprobe")
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoPMU
	}
	if err != nil {
		return nil, err
	}
	attr := unix.PerfEventAttr{Type: pmu.Type, Ext2: offset, Config: opts.RefCtrOffset << refCtrShift}
	if ret {
		attr.Config |= 1 << pmu.RetprobeBit
	}
	pid, cpu := opts.target()
	event, err := kernel.PerfEventOpenNamed(&attr, ex.path, pid, cpu)
	return event, ex.explainUprobe(opts, err)
}

// target is whom to probe, as perf_event_open wants it: one process anywhere,
// or all of them, for which a CPU has to be named that then doesn't matter.
func (opts *UprobeOptions) target() (pid, cpu int) {
	if opts.PID != 0 {
		return opts.PID, -1
	}
	return -1, 0
}

// openUprobeTracefs makes a probe in tracefs, and opens its perf event.
func (ex *Executable) openUprobeTracefs(symbol string, offset uint64, opts *UprobeOptions, ret bool) (*kernel.FD, *traceProbe, error) {
	if strings.ContainsAny(ex.path, " \t\n:") {
		return nil, nil, fmt.Errorf("a path with spaces or colons needs Linux 4.17: %w", ErrNotSupported)
	}
	probe, err := newTraceProbe(uprobeEvents, opts.TraceFSPrefix, symbol)
	if err != nil {
		return nil, nil, err
	}
	kind := "p"
	if ret {
		kind = "r"
	}
	where := fmt.Sprintf("%s:%#x", ex.path, offset)
	if opts.RefCtrOffset != 0 {
		where += fmt.Sprintf("(%#x)", opts.RefCtrOffset)
	}
	pid, cpu := opts.target()
	event, err := probe.open(kind, where, pid, cpu)
	if errors.Is(err, ErrNotSupported) {
		return nil, nil, fmt.Errorf("this kernel has no uprobes (CONFIG_UPROBE_EVENTS): %w", err)
	}
	if err != nil {
		return nil, nil, ex.explainUprobe(opts, err)
	}
	return event, probe, nil
}

// explainUprobe says what the kernel means.
func (ex *Executable) explainUprobe(opts *UprobeOptions, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ESRCH):
		return fmt.Errorf("no process %d: %w: %w", opts.PID, err, os.ErrNotExist)
	case errors.Is(err, unix.EINVAL) && opts.RefCtrOffset != 0:
		return needs(fmt.Errorf("the counter at %#x can't be one, or another probe here has another: %w", opts.RefCtrOffset, err), refCtrs)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%s is no regular file, no instruction begins there, or another probe there has a counter: %w", ex.path, err)
	}
	return missingForUprobe(err)
}

// missingForUprobe says what is missing for a uprobe that is a perf event: a
// capability, or the one that stands for all of them, which newer kernels want
// (6.18 does, 6.12 doesn't).
func missingForUprobe(err error) error {
	explained := kernel.ExplainPermission(err, kernel.CapPerfmon)
	if refused, ok := chain.As[*kernel.PermissionError](explained); ok && len(refused.Missing) > 0 {
		return explained
	}
	return kernel.ExplainPermission(err, kernel.CapSysAdmin)
}
