package link

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/nearest"
	"golang.org/x/sys/unix"
)

// KprobeOptions say more about what Kprobe and Kretprobe attach.
type KprobeOptions struct {
	// Cookie is what bpf_get_attach_cookie returns in the program. Linux 5.15.
	Cookie uint64
	// Offset of the probe from the symbol, in bytes: must be where an
	// instruction begins. Not for Kretprobe.
	Offset uint64
	// RetprobeMaxActive is how many calls a kretprobe can be in at a time. It
	// makes the probe in tracefs, where it shows up; SEC("fexit") has no
	// such limit.
	RetprobeMaxActive int
	// TraceFSPrefix begins the name of the group of probes made in tracefs;
	// default "ebpf".
	TraceFSPrefix string
}

// Kprobe attaches a program of type Kprobe to the beginning of a function of
// the kernel (see /proc/kallsyms). System calls can be named portably, as
// "sys_read". It wraps os.ErrNotExist if there is no such symbol. opts may be
// nil. Linux 4.1.
//
// The Link implements PerfEvent.
func Kprobe(symbol string, prog *ebpf.Program, opts *KprobeOptions) (Link, error) {
	return kprobe(symbol, prog, opts, false)
}

// Kretprobe is Kprobe for the end of a function.
func Kretprobe(symbol string, prog *ebpf.Program, opts *KprobeOptions) (Link, error) {
	return kprobe(symbol, prog, opts, true)
}

func kprobe(symbol string, prog *ebpf.Program, opts *KprobeOptions, ret bool) (Link, error) {
	if opts == nil {
		opts = &KprobeOptions{}
	}
	name := "kprobe"
	if ret {
		name = "kretprobe"
	}
	if err := checkKprobe(symbol, opts, ret); err != nil {
		return nil, fmt.Errorf("attach %s to %q: %w", name, symbol, err)
	}
	tried := symbol
	event, probe, err := openKprobe(tried, opts, ret)
	if mayBeMissing(err) && syscallSymbol(symbol) != symbol {
		tried = syscallSymbol(symbol)
		event, probe, err = openKprobe(tried, opts, ret)
	}
	if err != nil {
		return nil, fmt.Errorf("attach %s to %q: %w", name, symbol, explainKprobe(tried, opts.Offset, err))
	}
	l, err := attachPerfEvent(prog, event, probe, opts.Cookie)
	if err != nil {
		return nil, fmt.Errorf("attach %v by %s to %q: %w", prog, name, symbol, err)
	}
	return l, nil
}

func checkKprobe(symbol string, opts *KprobeOptions, ret bool) error {
	switch {
	case !isSymbol(symbol):
		return fmt.Errorf("no name of a function: %w", os.ErrInvalid)
	case ret && opts.Offset != 0:
		return fmt.Errorf("the end of a function has no offset: %w", os.ErrInvalid)
	case !ret && opts.RetprobeMaxActive != 0, opts.RetprobeMaxActive < 0:
		return fmt.Errorf("RetprobeMaxActive of %d: %w", opts.RetprobeMaxActive, os.ErrInvalid)
	}
	return nil
}

// isSymbol tells whether s can name a function, of C or of LLVM's making.
func isSymbol(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '$') {
			return false
		}
	}
	return s != "" && (s[0] < '0' || s[0] > '9')
}

// openKprobe makes a probe in the way that the kernel and opts allow.
func openKprobe(symbol string, opts *KprobeOptions, ret bool) (*kernel.FD, *traceProbe, error) {
	if opts.RetprobeMaxActive == 0 {
		event, err := openKprobePMU(symbol, opts.Offset, ret)
		if !errors.Is(err, errNoPMU) {
			return event, nil, err
		}
	}
	return openKprobeTracefs(symbol, opts, ret)
}

// openKprobePMU makes a probe that exists only as a perf event. Linux 4.17.
func openKprobePMU(symbol string, offset uint64, ret bool) (*kernel.FD, error) {
	pmu, err := kernel.ReadPMU("kprobe")
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoPMU
	}
	if err != nil {
		return nil, err
	}
	attr := unix.PerfEventAttr{Type: pmu.Type, Ext2: offset}
	if ret {
		attr.Config = 1 << pmu.RetprobeBit
	}
	return kernel.PerfEventOpenNamed(&attr, symbol, -1, 0)
}

// errNoPMU is a kernel that makes probes in tracefs only, if at all.
var errNoPMU = errors.New("no PMU for kprobes")

// mayBeMissing tells whether an error is what kernels say to a symbol that they
// don't have. Some have no better word than EINVAL: for kretprobes up to 5.10, in
// tracefs from 6.11 on.
func mayBeMissing(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EINVAL)
}

// explainKprobe says what the kernel means.
func explainKprobe(symbol string, offset uint64, err error) error {
	switch {
	case errors.Is(err, unix.EINVAL) && isFunction(symbol):
		where := symbol
		if offset != 0 {
			where = fmt.Sprintf("%s+%d", symbol, offset)
		}
		return fmt.Errorf("%s can't be probed: the instruction there can't be replaced, is ftrace's, or the function is in blacklist in /sys/kernel/debug/kprobes: %w", where, err)
	case mayBeMissing(err):
		return fmt.Errorf("no symbol %s in this kernel and its loaded modules (%s): %w: %w", symbol, nearFunctions(symbol), err, os.ErrNotExist)
	case errors.Is(err, unix.EILSEQ):
		return fmt.Errorf("no instruction begins at that offset: %w", err)
	case errors.Is(err, ErrNotSupported):
		return fmt.Errorf("this kernel has no kprobes (CONFIG_KPROBE_EVENTS): %w", err)
	}
	return kernel.ExplainPermission(err, kernel.CapPerfmon)
}

// isFunction tells whether the kernel has one of this name.
func isFunction(symbol string) bool {
	for name := range kernel.SymbolNames(functionTypes) {
		if name == symbol {
			return true
		}
	}
	return false
}

// functionTypes are what /proc/kallsyms calls functions.
const functionTypes = "tTwW"

// nearFunctions says what functions of the kernel may have been meant.
func nearFunctions(name string) string {
	near := nearest.Functions(name, 3, kernel.SymbolNames(functionTypes))
	if len(near) == 0 {
		return "see /proc/kallsyms"
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// syscallPrefix is what the wrappers of system calls begin with, "" where there
// are none.
func syscallPrefix(goarch string) string {
	switch goarch {
	case "386":
		return "__ia32_"
	case "amd64":
		return "__x64_"
	case "loong64":
		return "__loongarch_"
	case "ppc64", "ppc64le":
		return "__powerpc_"
	case "riscv64":
		return "__riscv_"
	case "arm", "arm64", "mips", "s390x":
		return "__" + goarch + "_"
	}
	return ""
}

// SyscallWrapper is the symbol of a system call's entry: for "sys_read" on
// amd64 "__x64_sys_read". A symbol that is one already stays as it is.
func SyscallWrapper(syscall string) string {
	prefix := syscallPrefix(runtime.GOARCH)
	if strings.HasPrefix(syscall, prefix) {
		return syscall
	}
	return prefix + syscall
}

// syscallSymbol is SyscallWrapper for what looks like a system call.
func syscallSymbol(symbol string) string {
	if strings.HasPrefix(symbol, "sys_") {
		return SyscallWrapper(symbol)
	}
	return symbol
}

// Ksyscall attaches a program of type Kprobe to the entry of a system call, by
// its plain name: "openat". For the program's arguments there is BPF_KSYSCALL in
// <bpf/bpf_tracing.h>. opts may be nil.
//
// The Link implements PerfEvent.
func Ksyscall(name string, prog *ebpf.Program, opts *KprobeOptions) (Link, error) {
	return ksyscall(name, prog, opts, false)
}

// Kretsyscall is Ksyscall for the return of a system call.
func Kretsyscall(name string, prog *ebpf.Program, opts *KprobeOptions) (Link, error) {
	return ksyscall(name, prog, opts, true)
}

// ksyscall tries what kernels have called system calls, newest first.
func ksyscall(name string, prog *ebpf.Program, opts *KprobeOptions, ret bool) (l Link, err error) {
	for _, symbol := range [...]string{SyscallWrapper("sys_" + name), "__se_sys_" + name, "sys_" + name} {
		l, err = kprobe(symbol, prog, opts, ret)
		if !mayBeMissing(err) {
			break
		}
	}
	return l, err
}
