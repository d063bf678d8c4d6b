package link

import (
	"fmt"
	"strconv"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/object"
)

// target is what stands behind the slash, or an error that says how to name it.
func (a *auto) target(missing, example, option string) (string, error) {
	if to := a.prog.AttachTo(); to != "" {
		return to, nil
	}
	return "", fmt.Errorf("attach %v: %w", a.prog, a.incomplete(missing,
		fmt.Sprintf("write SEC(%q), set ProgramSpec.AttachTo before loading, or pass link.%s", example, option)))
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
	if target, ok := given[KprobeTarget](a); ok {
		return kprobe(target.Symbol, a.prog, &target.KprobeOptions, a.has(object.Return))
	}
	to, err := a.target("which function", a.def.Name+"/FUNCTION", "KprobeTarget")
	if err != nil {
		return nil, err
	}
	opts, _ := given[KprobeOptions](a)
	symbol, offset := cutOffset(to)
	opts.Offset += offset
	return kprobe(symbol, a.prog, &opts, a.has(object.Return))
}

func (a *auto) ksyscall() (Link, error) {
	if target, ok := given[KprobeTarget](a); ok {
		return ksyscall(target.Symbol, a.prog, &target.KprobeOptions, a.has(object.Return))
	}
	name, err := a.target("which system call", a.def.Name+"/NAME", "KprobeTarget")
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

// executableAt opens an executable.
func (a *auto) executableAt(path string) (*Executable, error) {
	ex, err := OpenExecutable(path)
	if err != nil {
		return nil, fmt.Errorf("attach %v: %w", a.prog, err)
	}
	return ex, nil
}

// executable splits "path:rest", and opens what has the path.
func (a *auto) executable(missing, rest, option string) (ex *Executable, what string, err error) {
	to, err := a.target(missing, a.def.Name+"/PATH:"+rest, option)
	if err != nil {
		return nil, "", err
	}
	path, what, _ := strings.Cut(to, ":")
	if path == "" || what == "" {
		_, err := a.malformed("PATH:" + rest)
		return nil, "", err
	}
	ex, err = a.executableAt(path)
	return ex, what, err
}

func (a *auto) uprobe() (Link, error) {
	if target, ok := given[UprobeTarget](a); ok {
		ex, err := a.executableAt(target.Path)
		if err != nil {
			return nil, err
		}
		return ex.uprobe(target.Symbol, a.prog, &target.UprobeOptions, a.has(object.Return))
	}
	ex, what, err := a.executable("which file and function", "FUNCTION", "UprobeTarget")
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
	if target, ok := given[UprobeMultiTarget](a); ok {
		ex, err := a.executableAt(target.Path)
		if err != nil {
			return nil, err
		}
		return a.uprobesIn(ex, target.Symbols, target.UprobeMultiOptions)
	}
	ex, pattern, err := a.executable("which file and functions", "PATTERN", "UprobeMultiTarget")
	if err != nil {
		return nil, err
	}
	opts, _ := given[UprobeMultiOptions](a)
	opts.Pattern = pattern
	return a.uprobesIn(ex, nil, opts)
}

func (a *auto) uprobesIn(ex *Executable, symbols []string, opts UprobeMultiOptions) (Link, error) {
	opts.Session = a.has(object.Session)
	if a.has(object.Return) {
		return ex.UretprobeMulti(symbols, a.prog, &opts)
	}
	return ex.UprobeMulti(symbols, a.prog, &opts)
}

func (a *auto) usdt() (Link, error) {
	if target, ok := given[USDTTarget](a); ok {
		ex, err := a.executableAt(target.Path)
		if err != nil {
			return nil, err
		}
		return a.usdtIn(ex, target.Provider, target.Name, target.USDTOptions)
	}
	ex, what, err := a.executable("which file and probe", "PROVIDER:NAME", "USDTTarget")
	if err != nil {
		return nil, err
	}
	provider, name, _ := strings.Cut(what, ":")
	if provider == "" || name == "" {
		return a.malformed("PATH:PROVIDER:NAME")
	}
	opts, _ := given[USDTOptions](a)
	return a.usdtIn(ex, provider, name, opts)
}

func (a *auto) usdtIn(ex *Executable, provider, name string, opts USDTOptions) (Link, error) {
	usdt, err := newUSDT(a.prog.USDTSpecs())
	if err != nil {
		return nil, fmt.Errorf("attach %v: %w", a.prog, err)
	}
	return usdt.Attach(ex, provider, name, a.prog, &opts)
}

func (a *auto) tracepoint() (Link, error) {
	if target, ok := given[TracepointTarget](a); ok {
		return Tracepoint(target.Group, target.Name, a.prog, &target.TracepointOptions)
	}
	to, err := a.target("which tracepoint", "tp/CATEGORY/NAME", "TracepointTarget")
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

func (a *auto) tracingMulti() (Link, error) {
	opts, _ := given[TracingMultiOptions](a)
	opts.Program, opts.AttachType = a.prog, a.prog.AttachType()
	if to := a.prog.AttachTo(); to != "" {
		opts.Pattern, opts.Functions = to, nil
	} else if len(opts.Functions) == 0 && opts.Pattern == "" {
		return a.open("which functions", "write SEC(\"fentry.multi/PATTERN\"), or pass link.TracingMultiOptions with Functions or Pattern")
	}
	return AttachTracingMulti(opts)
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
