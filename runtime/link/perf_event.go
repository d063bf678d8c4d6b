package link

import (
	"errors"
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// PerfEvent is what links on tracepoints and probes are besides: a perf event
// with a program.
type PerfEvent interface {
	// PerfEvent is a file of the perf event, to be closed by the caller.
	// Changing the event changes the link.
	PerfEvent() (*os.File, error)
}

// perfEventLink is a program on a perf event.
type perfEventLink struct {
	event *kernel.FD
	link  *RawLink    // nil without bpf_link: the event's end is the link's
	probe *traceProbe // nil unless the event is of a probe made in tracefs
}

var (
	_ Link      = (*perfEventLink)(nil)
	_ PerfEvent = (*perfEventLink)(nil)
)

func (p *perfEventLink) isLink() {}

// perfLink is the first kernel with bpf_link for perf events, and so cookies.
var perfLink = uapi.KernelVersion{Major: 5, Minor: 15}

// attachPerfEvent runs prog on event. It takes ownership of event and probe,
// even if it fails.
func attachPerfEvent(prog *ebpf.Program, event *kernel.FD, probe *traceProbe, cookie uint64) (*perfEventLink, error) {
	p := &perfEventLink{event: event, probe: probe}
	if err := p.attach(prog, cookie); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *perfEventLink) attach(prog *ebpf.Program, cookie uint64) error {
	link, err := attach(prog, perfLink, kernel.LinkCreateAttr[kernel.LinkPerfEvent]{
		TargetFD: uint32(p.event.Int()), AttachType: uint32(ebpf.AttachPerfEvent), // nobody else has the event yet
		Extra: kernel.LinkPerfEvent{Cookie: cookie},
	}, kernel.CapBPF, kernel.CapPerfmon)
	switch {
	case err == nil:
		p.link = link
	case !errors.Is(err, ErrNotSupported) || kernel.AtLeast(perfLink):
		return err
	case cookie != 0:
		return fmt.Errorf("cookie: %w", err)
	default:
		if err := p.attachByIoctl(prog); err != nil {
			return err
		}
	}
	return kernel.PerfEventEnable(p.event)
}

func (p *perfEventLink) attachByIoctl(prog *ebpf.Program) error {
	program, err := borrow(prog)
	if err != nil {
		return err
	}
	defer program.Close()
	err = kernel.PerfEventSetBPF(p.event, program)
	return kernel.ExplainPermission(err, kernel.CapBPF, kernel.CapPerfmon)
}

// PerfEvent is PerfEvent.PerfEvent.
func (p *perfEventLink) PerfEvent() (*os.File, error) {
	fd, err := p.event.Dup()
	if err != nil {
		return nil, err
	}
	return fd.File("perf event"), nil
}

// Close is Link.Close.
func (p *perfEventLink) Close() error {
	var errLink, errProbe error
	if p.link != nil {
		errLink = p.link.Close()
	}
	errEvent := closeFD(p.event)
	if p.probe != nil && !(p.link != nil && p.link.IsPinned()) { // a pin keeps the event, and so the probe

		errProbe = p.probe.remove()
	}
	return errors.Join(errLink, errEvent, errProbe)
}

// Update is Link.Update, which no kernel can do.
func (p *perfEventLink) Update(prog *ebpf.Program) error {
	if p.link == nil {
		return fmt.Errorf("update: a perf event keeps its program: %w", ErrNotSupported)
	}
	return p.link.Update(prog)
}

// errNoPerfLink is for what can't be done before bpf_link for perf events.
func errNoPerfLink(what string) error {
	return fmt.Errorf("%s: needs a bpf_link on a perf event (Linux %v): %w", what, perfLink, ErrNotSupported)
}

// Pin is Link.Pin.
func (p *perfEventLink) Pin(fileName string) error {
	if p.link == nil {
		return errNoPerfLink("pin")
	}
	return p.link.Pin(fileName)
}

// Unpin is Link.Unpin.
func (p *perfEventLink) Unpin() error {
	if p.link == nil {
		return errNoPerfLink("unpin")
	}
	return p.link.Unpin()
}

// Detach is Link.Detach, which no kernel can do.
func (p *perfEventLink) Detach() error {
	if p.link == nil {
		return errNoPerfLink("detach")
	}
	return p.link.Detach()
}

// Info is Link.Info.
func (p *perfEventLink) Info() (*Info, error) {
	if p.link == nil {
		return nil, errNoPerfLink("info")
	}
	return p.link.Info()
}

// PerfEventKind is what a perf event stands for, enum bpf_perf_event_type.
type PerfEventKind uint32

// What a perf event stands for.
const (
	PerfEventUnspecified PerfEventKind = iota
	PerfEventUprobe
	PerfEventUretprobe
	PerfEventKprobe
	PerfEventKretprobe
	PerfEventTracepoint
	PerfEventEvent
)

// PerfEventInfo is what Info tells about links of PerfEventType.
type PerfEventInfo struct {
	Type PerfEventKind

	details any // *KprobeInfo for a kprobe, and so on
}

// KprobeInfo is about a kprobe or kretprobe.
type KprobeInfo struct {
	Address  uint64 // zero if kernel.kptr_restrict hides it
	Missed   uint64 // times that it couldn't run. Linux 6.7
	Function string
	Offset   uint32
	Cookie   uint64 // Linux 6.9
}

// UprobeInfo is about a uprobe or uretprobe.
type UprobeInfo struct {
	// File is where the file was when the probe was made. There may be
	// another one now.
	File                 string
	Offset               uint32
	Cookie               uint64 // Linux 6.9
	OffsetReferenceCount uint64 // Linux 6.15
}

// TracepointInfo is about a tracepoint.
type TracepointInfo struct {
	Tracepoint string
	Cookie     uint64 // Linux 6.9
}

// EventInfo is about any other perf event.
type EventInfo struct {
	Config uint64
	Type   uint32
	Cookie uint64 // Linux 6.9
}

// PerfEvent is about links of PerfEventType, nil for others, or if the kernel
// doesn't tell. Linux 6.6.
func (r Info) PerfEvent() *PerfEventInfo { return detail[PerfEventInfo](r) }

// Kprobe is about a kprobe or kretprobe, nil for others.
func (r *PerfEventInfo) Kprobe() *KprobeInfo { d, _ := r.details.(*KprobeInfo); return d }

// Uprobe is about a uprobe or uretprobe, nil for others.
func (r *PerfEventInfo) Uprobe() *UprobeInfo { d, _ := r.details.(*UprobeInfo); return d }

// Tracepoint is about a tracepoint, nil for others.
func (r *PerfEventInfo) Tracepoint() *TracepointInfo { d, _ := r.details.(*TracepointInfo); return d }

// Event is about any other perf event, nil for those above.
func (r *PerfEventInfo) Event() *EventInfo { d, _ := r.details.(*EventInfo); return d }

func perfEventInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var head kernel.PerfEventLinkInfo
	if err := kernel.ObjInfo(fd, &head); err != nil {
		return nil, err
	}
	p := &PerfEventInfo{Type: PerfEventKind(head.Kind)}
	name := make([]byte, unix.PathMax)
	buffer, size := kernel.Bytes(name), uint32(len(name))
	var err error
	switch p.Type {
	case PerfEventKprobe, PerfEventKretprobe:
		info := kernel.PerfKprobeLinkInfo{FuncName: buffer, NameLen: size}
		err = kernel.ObjInfo(fd, &info)
		p.details = &KprobeInfo{Address: info.Addr, Missed: info.Missed, Function: kernel.GoString(name), Offset: info.Offset, Cookie: info.Cookie}
	case PerfEventUprobe, PerfEventUretprobe:
		info := kernel.PerfUprobeLinkInfo{FileName: buffer, NameLen: size}
		err = kernel.ObjInfo(fd, &info)
		p.details = &UprobeInfo{File: kernel.GoString(name), Offset: info.Offset, Cookie: info.Cookie, OffsetReferenceCount: info.RefCtrOffset}
	case PerfEventTracepoint:
		info := kernel.PerfTracepointLinkInfo{Name: buffer, NameLen: size}
		err = kernel.ObjInfo(fd, &info)
		p.details = &TracepointInfo{Tracepoint: kernel.GoString(name), Cookie: info.Cookie}
	case PerfEventEvent:
		var info kernel.PerfPlainLinkInfo
		err = kernel.ObjInfo(fd, &info)
		p.details = &EventInfo{Config: info.Config, Type: info.Type, Cookie: info.Cookie}
	default:
		return nil, nil // a kernel that doesn't tell
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}
