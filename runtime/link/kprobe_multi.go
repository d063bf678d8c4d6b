package link

import (
	"errors"
	"fmt"
	"os"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// KprobeMultiOptions say what KprobeMulti and KretprobeMulti attach to: one of
// Symbols, Addresses and Pattern.
type KprobeMultiOptions struct {
	// Symbols are names of functions in the kernel.
	Symbols []string
	// Addresses are where functions begin.
	Addresses []uintptr
	// Pattern is for the names of all functions in the kernel and its modules
	// that can be traced: "tcp_*", "vfs_????". Without "*" and "?" it is one
	// of Symbols. Finding them needs access to tracefs.
	Pattern string
	// Cookies are what bpf_get_attach_cookie returns in the program, one for
	// each symbol or address, or none. Not with Pattern.
	Cookies []uint64
	// Session runs the program at the beginning of a function and, unless it
	// returns 1 there, at the end, with bpf_session_is_return and
	// bpf_session_cookie. For programs with attach type
	// AttachTraceKprobeSession. Linux 6.10.
	Session bool
}

// KprobeMulti attaches a program of type Kprobe, with attach type
// AttachTraceKprobeMulti, to the beginnings of many functions of the kernel at
// once. It wraps os.ErrNotExist if one of them doesn't exist. Linux 5.18.
func KprobeMulti(prog *ebpf.Program, opts KprobeMultiOptions) (Link, error) {
	return kprobeMulti("kprobe.multi", prog, opts, 0)
}

// KretprobeMulti is KprobeMulti for the ends of functions.
func KretprobeMulti(prog *ebpf.Program, opts KprobeMultiOptions) (Link, error) {
	if opts.Session {
		return nil, fmt.Errorf("attach kretprobe.multi: a session has both ends: %w", os.ErrInvalid)
	}
	return kprobeMulti("kretprobe.multi", prog, opts, multiReturn)
}

// multiReturn makes a multi link of returns.
const multiReturn = 1

func kprobeMulti(what string, prog *ebpf.Program, opts KprobeMultiOptions, flags uint32) (Link, error) {
	err := opts.check()
	if err == nil && opts.Pattern != "" {
		err = opts.resolve()
	}
	if err != nil {
		return nil, fmt.Errorf("attach %s: %w", what, err)
	}
	attr := kernel.LinkCreateAttr[kernel.LinkMulti]{
		AttachType: uint32(ebpf.AttachTraceKprobeMulti),
		Extra: kernel.LinkMulti{
			Flags: flags, Count: uint32(len(opts.Symbols) + len(opts.Addresses)),
			Cookies: sliceOrNil(opts.Cookies),
		},
	}
	since := uapi.KernelVersion{Major: 5, Minor: 18}
	if opts.Session {
		attr.AttachType, since = uint32(ebpf.AttachTraceKprobeSession), uapi.KernelVersion{Major: 6, Minor: 10}
	}
	if len(opts.Symbols) > 0 {
		names := make([]kernel.Pointer, len(opts.Symbols))
		for i, symbol := range opts.Symbols {
			names[i] = kernel.CString(symbol)
		}
		attr.Extra.Syms = kernel.Slice(names)
	} else {
		attr.Extra.Addrs = kernel.Slice(opts.Addresses)
	}
	l, err := attach(prog, since, attr, kernel.CapBPF, kernel.CapPerfmon)
	if err != nil {
		return nil, fmt.Errorf("attach %v by %s: %w", prog, what, opts.explain(err))
	}
	return l, nil
}

// sliceOrNil is kernel.Slice, or a null pointer if there is nothing.
func sliceOrNil[T any](s []T) kernel.Pointer {
	if len(s) == 0 {
		return kernel.Pointer{}
	}
	return kernel.Slice(s)
}

func (opts *KprobeMultiOptions) check() error {
	n := len(opts.Symbols) + len(opts.Addresses)
	switch {
	case n == 0 && opts.Pattern == "":
		return fmt.Errorf("neither Symbols nor Addresses nor Pattern: %w", os.ErrInvalid)
	case len(opts.Symbols) > 0 && len(opts.Addresses) > 0, n > 0 && opts.Pattern != "":
		return fmt.Errorf("more than one of Symbols, Addresses and Pattern: %w", os.ErrInvalid)
	case n == 0 && len(opts.Cookies) > 0:
		return fmt.Errorf("the functions of Pattern have no order for Cookies: %w", os.ErrInvalid)
	case n == 0 && !checkPattern(opts.Pattern):
		return fmt.Errorf("pattern %q: want what names of functions are made of, \"*\" and \"?\": %w", opts.Pattern, os.ErrInvalid)
	case len(opts.Cookies) > 0 && len(opts.Cookies) != n:
		return fmt.Errorf("%d Cookies for %d functions: %w", len(opts.Cookies), n, os.ErrInvalid)
	}
	for _, symbol := range opts.Symbols {
		if !isSymbol(symbol) {
			return fmt.Errorf("%q is no name of a function: %w", symbol, os.ErrInvalid)
		}
	}
	return nil
}

// resolve finds what Pattern stands for.
func (opts *KprobeMultiOptions) resolve() error {
	if !isPattern(opts.Pattern) {
		opts.Symbols = []string{opts.Pattern}
		return nil
	}
	found, err := kernel.TraceableFunctions(func(name []byte) bool { return matches(opts.Pattern, name) })
	if err != nil {
		return fmt.Errorf("functions like %q: %w", opts.Pattern, err)
	}
	if len(found) == 0 {
		return fmt.Errorf("no function like %q in this kernel and its loaded modules, or none that can be traced (see available_filter_functions in tracefs): %w",
			opts.Pattern, os.ErrNotExist)
	}
	opts.Addresses = found
	return nil
}

// explain says what the kernel means.
func (opts *KprobeMultiOptions) explain(err error) error {
	want := ebpf.AttachTraceKprobeMulti
	if opts.Session {
		want = ebpf.AttachTraceKprobeSession
	}
	switch {
	case kernel.Errno(err) == unix.EOPNOTSUPP:
		return fmt.Errorf("this kernel can't attach to many functions at once (CONFIG_FPROBE): %w: %w", err, ErrNotSupported)
	case errors.Is(err, ErrNotSupported):
		return err
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		return fmt.Errorf("no function %s in this kernel and its loaded modules, or one that can't be traced (see available_filter_functions in tracefs): %w: %w",
			strings.Join(opts.missing(), ", "), err, os.ErrNotExist)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("a function that can't be traced (see available_filter_functions in tracefs), or a program that wasn't loaded with attach type %v: %w", want, err)
	}
	return err
}

// missing are the symbols that don't exist, or all of them if each does.
func (opts *KprobeMultiOptions) missing() []string {
	found, err := kernel.FindSymbols(opts.Symbols)
	if err != nil && !errors.Is(err, kernel.ErrSymbolsHidden) {
		return opts.Symbols
	}
	var missing []string
	for i := range found {
		if !found[i].Found {
			missing = append(missing, opts.Symbols[i])
		}
	}
	if missing == nil {
		return opts.Symbols
	}
	return missing
}

// KprobeMultiInfo is what Info tells about links of KprobeMultiType.
type KprobeMultiInfo struct {
	Count  uint32 // how many functions
	Flags  uint32 // 1: at the end
	Missed uint64 // times that the program couldn't run. Linux 6.7

	addresses []KprobeMultiAddress
}

// KprobeMultiAddress is one of the functions of a KprobeMulti.
type KprobeMultiAddress struct {
	Address uint64
	Cookie  uint64 // Linux 6.9
}

// Addresses are the functions, by address; false if the kernel hides them (see
// kernel.kptr_restrict).
func (kpm *KprobeMultiInfo) Addresses() ([]KprobeMultiAddress, bool) {
	return kpm.addresses, len(kpm.addresses) > 0
}

// KprobeMulti is about links of KprobeMultiType, nil for others, or if the
// kernel doesn't tell. Linux 6.6.
func (r Info) KprobeMulti() *KprobeMultiInfo { return detail[KprobeMultiInfo](r) }

func kprobeMultiInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.KprobeMultiLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil || info.Count == 0 {
		return nil, err
	}
	addresses, cookies := make([]uint64, info.Count), make([]uint64, info.Count)
	info = kernel.KprobeMultiLinkInfo{Addrs: kernel.Slice(addresses), Count: info.Count}
	if kernel.AtLeast(uapi.KernelVersion{Major: 6, Minor: 9}) {
		info.Cookies = kernel.Slice(cookies)
	}
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	result := &KprobeMultiInfo{Count: info.Count, Flags: info.Flags, Missed: info.Missed}
	for i, address := range addresses {
		if address != 0 {
			result.addresses = append(result.addresses, KprobeMultiAddress{Address: address, Cookie: cookies[i]})
		}
	}
	return result, nil
}
