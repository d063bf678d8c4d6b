package link

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/object"
)

// Options are what Auto can be told, because SEC() leaves it open: the options
// of a function of this package or a target, such as UprobeTarget, by value or by
// pointer, or a TargetFD.
type Options interface{ forAuto() }

// TargetFD is the descriptor of what Auto attaches to: a perf event for
// SEC("perf_event"), a network namespace for SEC("sk_lookup") and
// SEC("flow_dissector"). It stays the caller's.
type TargetFD int

func (TargetFD) forAuto()             {}
func (CgroupOptions) forAuto()        {}
func (IterOptions) forAuto()          {}
func (KprobeOptions) forAuto()        {}
func (KprobeMultiOptions) forAuto()   {}
func (LSMOptions) forAuto()           {}
func (NetfilterOptions) forAuto()     {}
func (NetkitOptions) forAuto()        {}
func (PerfEventOptions) forAuto()     {}
func (RawTracepointOptions) forAuto() {}
func (SockmapOptions) forAuto()       {}
func (TCOptions) forAuto()            {}
func (TCXOptions) forAuto()           {}
func (TracepointOptions) forAuto()    {}
func (TracingOptions) forAuto()       {}
func (TracingMultiOptions) forAuto()  {}
func (UprobeOptions) forAuto()        {}
func (UprobeMultiOptions) forAuto()   {}
func (USDTOptions) forAuto()          {}
func (XDPOptions) forAuto()           {}

// Auto attaches a program as its section says: SEC("tp/sched/sched_switch"),
// SEC("uprobe/libc.so.6:malloc"), SEC("kprobe.multi/tcp_*"). What the section
// leaves open is to be found in options; an *IncompleteError says what is
// missing. Of options, Auto takes those for the program's kind, and fills in
// their fields Program and Attach and whatever the section says; the others are
// for other programs, so that one list can do for a whole collection:
//
//	for _, prog := range coll.Programs {
//		l, err := link.Auto(prog, link.XDPOptions{Interface: eth0.Index}, link.CgroupOptions{Path: "/sys/fs/cgroup"})
//
// The ProgramSpec counts where it was changed after parsing: its Type,
// AttachType and AttachTo take the place of what SEC() says. ErrNotSupported is
// in errors about programs that aren't attached by a Link, such as
// SEC("xdp/devmap"), with what to do instead.
func Auto(prog *ebpf.Program, options ...Options) (Link, error) {
	if prog == nil {
		return nil, fmt.Errorf("attach: no program: %w", os.ErrInvalid)
	}
	a := &auto{prog: prog, options: options}
	a.def, _, _, _ = object.MatchSection(prog.SectionName())
	f := a.family()
	switch {
	case f == nil:
		return nil, fmt.Errorf("attach %v: %w", prog, a.incomplete("how", "use a function for programs of type "+prog.Type().String()))
	case f.instead != "":
		return nil, fmt.Errorf("attach %v: %s: %w", prog, f.instead, ErrNotSupported)
	}
	return f.attach(a)
}

// IncompleteError says what neither the section of a program nor options say.
type IncompleteError struct {
	Section string // as in SEC(), empty if the program was not loaded from an object file
	Missing string // "which interface"
	Remedy  string // "pass link.XDPOptions with Interface"
}

func (e *IncompleteError) Error() string {
	section := "a program without section"
	if e.Section != "" {
		section = fmt.Sprintf("SEC(%q)", e.Section)
	}
	return section + " does not say " + e.Missing + ": " + e.Remedy
}

// Unwrap is os.ErrInvalid.
func (e *IncompleteError) Unwrap() error { return os.ErrInvalid }

// auto is a program that is being attached.
type auto struct {
	prog    *ebpf.Program
	def     *object.SectionDef // nil if the section means nothing
	options []Options
}

// autoFamily is programs that are attached in the same way.
type autoFamily struct {
	typ        ebpf.ProgramType
	attachType ebpf.AttachType // AttachNone: all that no row before has
	suffix     object.Suffix   // SuffixNone: any
	attach     func(*auto) (Link, error)
	instead    string // what to do with programs that have no Link
}

// autoFamilies has a row for all that SEC() can say. The first that fits counts.
var autoFamilies = [...]autoFamily{
	{typ: ebpf.Kprobe, suffix: object.SuffixKernelFunc, attach: (*auto).kprobe},
	{typ: ebpf.Kprobe, suffix: object.SuffixKernelPattern, attach: (*auto).kprobeMulti},
	{typ: ebpf.Kprobe, suffix: object.SuffixUserFunc, attach: (*auto).uprobe},
	{typ: ebpf.Kprobe, suffix: object.SuffixUserPattern, attach: (*auto).uprobeMulti},
	{typ: ebpf.Kprobe, suffix: object.SuffixSyscall, attach: (*auto).ksyscall},
	{typ: ebpf.Kprobe, suffix: object.SuffixUSDT, attach: (*auto).usdt},
	{typ: ebpf.TracePoint, attach: (*auto).tracepoint},
	{typ: ebpf.RawTracepoint, attach: (*auto).rawTracepoint},
	{typ: ebpf.RawTracepointWritable, attach: (*auto).rawTracepoint},
	{typ: ebpf.Tracing, attachType: ebpf.AttachTraceIter, attach: (*auto).iter},
	{typ: ebpf.Tracing, attachType: ebpf.AttachTraceFEntryMulti, attach: (*auto).tracingMulti},
	{typ: ebpf.Tracing, attachType: ebpf.AttachTraceFExitMulti, attach: (*auto).tracingMulti},
	{typ: ebpf.Tracing, attachType: ebpf.AttachTraceFSessionMulti, attach: (*auto).tracingMulti},
	{typ: ebpf.Tracing, attach: (*auto).tracing},
	{typ: ebpf.Extension, attach: (*auto).freplace},
	{typ: ebpf.LSM, attachType: ebpf.AttachLSMCgroup, attach: (*auto).cgroup},
	{typ: ebpf.LSM, attach: (*auto).lsm},
	{typ: ebpf.PerfEvent, attach: (*auto).perfEvent},

	{typ: ebpf.XDP, attachType: ebpf.AttachXDPDevMap, instead: "elements of a DevMap have it, set by Map.Put"},
	{typ: ebpf.XDP, attachType: ebpf.AttachXDPCPUMap, instead: "elements of a CPUMap have it, set by Map.Put"},
	{typ: ebpf.XDP, attach: (*auto).xdp},
	{typ: ebpf.SchedCLS, attachType: ebpf.AttachNetkitPrimary, attach: (*auto).netkit},
	{typ: ebpf.SchedCLS, attachType: ebpf.AttachNetkitPeer, attach: (*auto).netkit},
	{typ: ebpf.SchedCLS, attach: (*auto).tc},
	{typ: ebpf.SkSKB, attach: (*auto).sockmap},
	{typ: ebpf.SkMsg, attach: (*auto).sockmap},
	{typ: ebpf.FlowDissector, attach: (*auto).netns},
	{typ: ebpf.SkLookup, attach: (*auto).netns},
	{typ: ebpf.Netfilter, attach: (*auto).netfilter},

	{typ: ebpf.CGroupSKB, attach: (*auto).cgroup},
	{typ: ebpf.CGroupSock, attach: (*auto).cgroup},
	{typ: ebpf.CGroupSockAddr, attach: (*auto).cgroup},
	{typ: ebpf.CGroupSockopt, attach: (*auto).cgroup},
	{typ: ebpf.CGroupSysctl, attach: (*auto).cgroup},
	{typ: ebpf.CGroupDevice, attach: (*auto).cgroup},
	{typ: ebpf.SockOps, attach: (*auto).cgroup},

	{typ: ebpf.SocketFilter, attach: (*auto).socket},
	{typ: ebpf.SkReuseport, attach: (*auto).socket},
	{typ: ebpf.SchedACT, instead: "a filter of traffic control has it as its action (tc)"},
	{typ: ebpf.LWTIn, instead: "a route has it (ip route add … encap bpf in)"},
	{typ: ebpf.LWTOut, instead: "a route has it (ip route add … encap bpf out)"},
	{typ: ebpf.LWTXmit, instead: "a route has it (ip route add … encap bpf xmit)"},
	{typ: ebpf.LWTSeg6Local, instead: "a route has it (ip route add … encap seg6local action End.BPF)"},
	{typ: ebpf.LircMode2, instead: "a device of /dev/lirc* has it, by RawAttachProgram"},
	{typ: ebpf.StructOps, instead: "it is attached together with its map, by AttachStructOps"},
	{typ: ebpf.Syscall, instead: "nothing but Program.Run runs it"},
}

// family is the row for the program, nil if there is none.
func (a *auto) family() *autoFamily {
	for i := range autoFamilies {
		f := &autoFamilies[i]
		if f.typ == a.prog.Type() &&
			(f.attachType == ebpf.AttachNone || f.attachType == a.prog.AttachType()) &&
			(f.suffix == object.SuffixNone || a.def != nil && f.suffix == a.def.Suffix) {
			return f
		}
	}
	return nil
}

// given is the first of the options that is of type T, else a zero one.
func given[T Options](a *auto) (opts T, ok bool) {
	for _, o := range a.options {
		if value, ok := o.(T); ok {
			return value, true
		}
		if pointer, ok := any(o).(*T); ok && pointer != nil {
			return *pointer, true
		}
	}
	return opts, false
}

// has tells whether the section has a trait.
func (a *auto) has(t object.Trait) bool { return a.def != nil && a.def.Has(t) }

// incomplete says that something is missing.
func (a *auto) incomplete(missing, remedy string) error {
	return &IncompleteError{Section: a.prog.SectionName(), Missing: missing, Remedy: remedy}
}

// open is incomplete for an attachment.
func (a *auto) open(missing, remedy string) (Link, error) {
	return nil, fmt.Errorf("attach %v: %w", a.prog, a.incomplete(missing, remedy))
}

// malformed says that what stands behind the slash in a section has no meaning.
func (a *auto) malformed(want string) (Link, error) {
	return nil, fmt.Errorf("attach %v: SEC(%q): want %s, not %q: %w", a.prog, a.prog.SectionName(), want, a.prog.AttachTo(), os.ErrInvalid)
}
