package link

import (
	"fmt"
	"strconv"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/object"
)

// target is what stands behind the slash, or an error that says how to name it.
func (a *auto) target(missing, example string) (string, error) {
	if to := a.prog.AttachTo(); to != "" {
		return to, nil
	}
	return "", fmt.Errorf("attach %v: %w", a.prog, a.incomplete(missing,
		fmt.Sprintf("write SEC(%q), or set ProgramSpec.AttachTo before loading", example)))
}

// cutOffset splits "function+0x10". What doesn't end in a number is all name.
func cutOffset(s string) (name string, offset uint64) {
	at := strings.LastIndexByte(s, '+')
	if at < 0 {
		return s, 0
	}
	offset, err := strconv.ParseUint(s[at+1:], 0, 64)
	if err != nil {
		return s, 0
	}
	return s[:at], offset
}

func (a *auto) kprobe() (Link, error) {
	to, err := a.target("which function", a.def.Name+"/FUNCTION")
	if err != nil {
		return nil, err
	}
	opts, _ := given[KprobeOptions](a)
	symbol, offset := cutOffset(to)
	opts.Offset += offset
	return kprobe(symbol, a.prog, &opts, a.has(object.Return))
}

func (a *auto) ksyscall() (Link, error) {
	name, err := a.target("which system call", a.def.Name+"/NAME")
	if err != nil {
		return nil, err
	}
	opts, _ := given[KprobeOptions](a)
	return ksyscall(name, a.prog, &opts, a.has(object.Return))
}

func (a *auto) kprobeMulti() (Link, error) {
	opts, _ := given[KprobeMultiOptions](a)
	if to := a.prog.AttachTo(); to != "" {
		opts.Pattern, opts.Symbols, opts.Addresses = to, nil, nil
	} else if len(opts.Symbols)+len(opts.Addresses) == 0 && opts.Pattern == "" {
		return a.open("which functions", "write SEC(\""+a.def.Name+"/PATTERN\"), or pass link.KprobeMultiOptions with Symbols, Addresses or Pattern")
	}
	opts.Session = a.has(object.Session)
	if a.has(object.Return) {
		return KretprobeMulti(a.prog, opts)
	}
	return KprobeMulti(a.prog, opts)
}

// executable splits "path:rest", and opens what has the path.
func (a *auto) executable(missing, rest string) (ex *Executable, what string, err error) {
	to, err := a.target(missing, a.def.Name+"/PATH:"+rest)
	if err != nil {
		return nil, "", err
	}
	path, what, _ := strings.Cut(to, ":")
	if path == "" || what == "" {
		_, err := a.malformed("PATH:" + rest)
		return nil, "", err
	}
	if ex, err = OpenExecutable(path); err != nil {
		return nil, "", fmt.Errorf("attach %v: %w", a.prog, err)
	}
	return ex, what, nil
}

func (a *auto) uprobe() (Link, error) {
	ex, what, err := a.executable("which file and function", "FUNCTION")
	if err != nil {
		return nil, err
	}
	opts, _ := given[UprobeOptions](a)
	symbol, offset := cutOffset(what)
	if ret := a.has(object.Return); ret && offset != 0 {
		return a.malformed("PATH:FUNCTION, because the end of a function has no offset")
	}
	opts.Address, opts.Offset = 0, opts.Offset+offset
	return ex.uprobe(symbol, a.prog, &opts, a.has(object.Return))
}

func (a *auto) uprobeMulti() (Link, error) {
	ex, pattern, err := a.executable("which file and functions", "PATTERN")
	if err != nil {
		return nil, err
	}
	opts, _ := given[UprobeMultiOptions](a)
	opts.Pattern, opts.Session = pattern, a.has(object.Session)
	if a.has(object.Return) {
		return ex.UretprobeMulti(nil, a.prog, &opts)
	}
	return ex.UprobeMulti(nil, a.prog, &opts)
}

func (a *auto) usdt() (Link, error) {
	ex, what, err := a.executable("which file and probe", "PROVIDER:NAME")
	if err != nil {
		return nil, err
	}
	provider, name, _ := strings.Cut(what, ":")
	if provider == "" || name == "" {
		return a.malformed("PATH:PROVIDER:NAME")
	}
	usdt, err := newUSDT(a.prog.USDTSpecs())
	if err != nil {
		return nil, fmt.Errorf("attach %v: %w", a.prog, err)
	}
	opts, _ := given[USDTOptions](a)
	return usdt.Attach(ex, provider, name, a.prog, &opts)
}

func (a *auto) tracepoint() (Link, error) {
	to, err := a.target("which tracepoint", "tp/CATEGORY/NAME")
	if err != nil {
		return nil, err
	}
	group, name, _ := strings.Cut(to, "/")
	if group == "" || name == "" {
		return a.malformed("CATEGORY/NAME")
	}
	opts, _ := given[TracepointOptions](a)
	return Tracepoint(group, name, a.prog, &opts)
}

func (a *auto) rawTracepoint() (Link, error) {
	opts, _ := given[RawTracepointOptions](a)
	opts.Program = a.prog
	if to := a.prog.AttachTo(); to != "" {
		opts.Name = to
	}
	if opts.Name == "" {
		return a.open("which tracepoint", `write SEC("raw_tp/NAME"), or pass link.RawTracepointOptions with Name`)
	}
	return AttachRawTracepoint(opts)
}

func (a *auto) tracing() (Link, error) {
	opts, _ := given[TracingOptions](a)
	opts.Program, opts.AttachType = a.prog, a.prog.AttachType()
	return AttachTracing(opts)
}

func (a *auto) freplace() (Link, error) { return AttachFreplace(nil, "", a.prog) }

func (a *auto) lsm() (Link, error) {
	opts, _ := given[LSMOptions](a)
	opts.Program = a.prog
	return AttachLSM(opts)
}

// mapIterators are those over elements of one map, which has to be named.
var mapIterators = [...]string{"bpf_map_elem", "bpf_sk_storage_map", "sockmap"}

func (a *auto) iter() (Link, error) {
	opts, _ := given[IterOptions](a)
	opts.Program = a.prog
	for _, over := range mapIterators {
		if a.prog.AttachTo() == over && opts.Map == nil {
			return a.open("over which map", "pass link.IterOptions with Map")
		}
	}
	l, err := AttachIter(opts)
	if err != nil {
		return nil, err // not a Link that is a nil *Iter
	}
	return l, nil
}

func (a *auto) perfEvent() (Link, error) {
	event, ok := given[TargetFD](a)
	if !ok {
		return a.open("which event", "pass the link.TargetFD of one that perf_event_open(2) made")
	}
	opts, _ := given[PerfEventOptions](a)
	return AttachPerfEvent(int(event), a.prog, &opts)
}

// attachType is the program's, or else what options have.
func (a *auto) attachType(fromOptions ebpf.AttachType) ebpf.AttachType {
	if t := a.prog.AttachType(); t != ebpf.AttachNone {
		return t
	}
	return fromOptions
}
