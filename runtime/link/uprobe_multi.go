package link

import (
	"errors"
	"fmt"
	"math"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// UprobeMultiOptions say more about what UprobeMulti and UretprobeMulti attach.
// Slices have one element for each probe, or none.
type UprobeMultiOptions struct {
	// Pattern is for the names of all functions that the file has itself:
	// "lua_*", "gc_?tep". It takes the place of symbols and of the slices
	// below.
	Pattern string
	// Addresses of probes: offsets in the file. Where one isn't zero, the
	// symbol, if any, is not looked up.
	Addresses []uint64
	// Offsets of probes from symbols or addresses, in bytes: must be where
	// instructions begin.
	Offsets []uint64
	// RefCtrOffsets are where the file has counters of probes, as in
	// UprobeOptions.
	RefCtrOffsets []uint64
	// Cookies are what bpf_get_attach_cookie returns in the program.
	Cookies []uint64
	// PID of the one process to probe; zero is all of them.
	PID uint32
	// Session runs the program at the beginning of a function and, unless it
	// returns 1 there, at the end, with bpf_session_is_return and
	// bpf_session_cookie. For programs with attach type
	// AttachTraceUprobeSession. Linux 6.13.
	Session bool
}

// UprobeMulti attaches a program of type Kprobe, with attach type
// AttachTraceUprobeMulti, to the beginnings of many functions in this file at
// once. Symbols are as for Uprobe; nil if opts has Addresses. Linux 6.6.
func (ex *Executable) UprobeMulti(symbols []string, prog *ebpf.Program, opts *UprobeMultiOptions) (Link, error) {
	return ex.uprobeMulti("uprobe.multi", symbols, prog, opts, 0)
}

// UretprobeMulti is UprobeMulti for the ends of functions.
func (ex *Executable) UretprobeMulti(symbols []string, prog *ebpf.Program, opts *UprobeMultiOptions) (Link, error) {
	if opts != nil && opts.Session {
		return nil, fmt.Errorf("attach uretprobe.multi: a session has both ends: %w", os.ErrInvalid)
	}
	return ex.uprobeMulti("uretprobe.multi", symbols, prog, opts, multiReturn)
}

func (ex *Executable) uprobeMulti(what string, symbols []string, prog *ebpf.Program, opts *UprobeMultiOptions, flags uint32) (Link, error) {
	if opts == nil {
		opts = &UprobeMultiOptions{}
	}
	offsets, err := ex.places(symbols, opts)
	if err != nil {
		return nil, fmt.Errorf("attach %s to %s: %w", what, ex.path, err)
	}
	attr := kernel.LinkCreateAttr[kernel.LinkUprobeMulti]{
		AttachType: uint32(ebpf.AttachTraceUprobeMulti),
		Extra: kernel.LinkUprobeMulti{
			Path: kernel.CString(ex.path), Offsets: kernel.Slice(offsets), Count: uint32(len(offsets)),
			RefCtrOffsets: sliceOrNil(opts.RefCtrOffsets), Cookies: sliceOrNil(opts.Cookies),
			Flags: flags, PID: opts.PID,
		},
	}
	since := uapi.KernelVersion{Major: 6, Minor: 6}
	if opts.Session {
		attr.AttachType, since = uint32(ebpf.AttachTraceUprobeSession), uapi.KernelVersion{Major: 6, Minor: 13}
	}
	l, err := attach(prog, since, attr, kernel.CapBPF, kernel.CapPerfmon)
	if err != nil {
		return nil, fmt.Errorf("attach %v by %s to %s: %w", prog, what, ex.path, opts.explain(err))
	}
	return l, nil
}

// places are where to put probes in the file.
func (ex *Executable) places(symbols []string, opts *UprobeMultiOptions) ([]uint64, error) {
	if opts.Pattern == "" {
		return ex.addresses(symbols, opts)
	}
	if len(symbols)+len(opts.Addresses)+len(opts.Offsets)+len(opts.RefCtrOffsets)+len(opts.Cookies) > 0 {
		return nil, fmt.Errorf("the functions of Pattern have no order that slices could go by: %w", os.ErrInvalid)
	}
	if !isPattern(opts.Pattern) {
		return ex.addresses([]string{opts.Pattern}, opts)
	}
	return ex.matching(opts.Pattern)
}

// addresses are where to put probes by their names or addresses.
func (ex *Executable) addresses(symbols []string, opts *UprobeMultiOptions) ([]uint64, error) {
	n := max(len(symbols), len(opts.Addresses))
	if n == 0 {
		return nil, fmt.Errorf("neither symbols nor Addresses: %w", os.ErrInvalid)
	}
	if opts.PID > math.MaxInt32 {
		return nil, fmt.Errorf("PID of %d: %w", opts.PID, os.ErrInvalid)
	}
	for _, slice := range [...]struct {
		name string
		len  int
	}{
		{"symbols", len(symbols)}, {"Addresses", len(opts.Addresses)}, {"Offsets", len(opts.Offsets)},
		{"RefCtrOffsets", len(opts.RefCtrOffsets)}, {"Cookies", len(opts.Cookies)},
	} {
		if slice.len != 0 && slice.len != n {
			return nil, fmt.Errorf("%d %s for %d probes: %w", slice.len, slice.name, n, os.ErrInvalid)
		}
	}
	result := make([]uint64, n)
	for i := range result {
		var symbol string
		var address, offset uint64
		if symbols != nil {
			symbol = symbols[i]
		}
		if opts.Addresses != nil {
			address = opts.Addresses[i]
		}
		if opts.Offsets != nil {
			offset = opts.Offsets[i]
		}
		var err error
		if result[i], err = ex.address(symbol, address, offset); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// explain says what the kernel means.
func (opts *UprobeMultiOptions) explain(err error) error {
	want := ebpf.AttachTraceUprobeMulti
	if opts.Session {
		want = ebpf.AttachTraceUprobeSession
	}
	switch {
	case errors.Is(err, ErrNotSupported):
		return err
	case errors.Is(err, unix.ESRCH):
		return fmt.Errorf("no process %d: %w: %w", opts.PID, err, os.ErrNotExist)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("no instruction begins at one of the offsets, another probe there has an other counter, or the program wasn't loaded with attach type %v: %w", want, err)
	}
	return err
}

// UprobeMultiInfo is what Info tells about links of UprobeMultiType.
type UprobeMultiInfo struct {
	Count  uint32 // how many probes
	Flags  uint32 // 1: at the end
	Missed uint64 // always zero: the kernel doesn't count them
	// File is where the file was when the probes were made. There may be
	// another one now.
	File string

	pid     uint32
	offsets []UprobeMultiOffset
}

// UprobeMultiOffset is one of the probes of an UprobeMulti.
type UprobeMultiOffset struct {
	Offset         uint64 // in the file
	Cookie         uint64
	ReferenceCount uint64 // where the file has the counter, zero for none
}

// Offsets are the probes; false if the kernel doesn't tell.
func (umi *UprobeMultiInfo) Offsets() ([]UprobeMultiOffset, bool) {
	return umi.offsets, len(umi.offsets) > 0
}

// Pid is the one process that is probed; false if all are.
func (umi *UprobeMultiInfo) Pid() (uint32, bool) { return umi.pid, umi.pid != 0 }

// UprobeMulti is about links of UprobeMultiType, nil for others, or if the
// kernel doesn't tell. Linux 6.8.
func (r Info) UprobeMulti() *UprobeMultiInfo { return detail[UprobeMultiInfo](r) }

func uprobeMultiInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	var info kernel.UprobeMultiLinkInfo
	if err := kernel.ObjInfo(fd, &info); err != nil || info.Count == 0 {
		return nil, err
	}
	n := info.Count
	path := make([]byte, unix.PathMax)
	offsets, counters, cookies := make([]uint64, n), make([]uint64, n), make([]uint64, n)
	info = kernel.UprobeMultiLinkInfo{
		Path: kernel.Bytes(path), PathSize: uint32(len(path)), Count: n,
		Offsets: kernel.Slice(offsets), RefCtrOffsets: kernel.Slice(counters), Cookies: kernel.Slice(cookies),
	}
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	result := &UprobeMultiInfo{Count: n, Flags: info.Flags, File: kernel.GoString(path), pid: info.PID}
	for i, offset := range offsets {
		result.offsets = append(result.offsets, UprobeMultiOffset{Offset: offset, Cookie: cookies[i], ReferenceCount: counters[i]})
	}
	return result, nil
}
