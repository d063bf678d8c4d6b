package link

import (
	"fmt"
	"io"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"golang.org/x/sys/unix"
)

// Iter is an attached iterator: a program that the kernel runs for each of its
// objects of a kind.
type Iter struct{ RawLink }

// IterOptions say what AttachIter attaches.
type IterOptions struct {
	// Program must be of type Tracing with attach type AttachTraceIter. What
	// it iterates over was decided when it was loaded.
	Program *ebpf.Program
	// Map is what to iterate over, for programs over elements of a map.
	Map *ebpf.Map
}

// AttachIter attaches an iterator, SEC("iter/…"). Linux 5.8.
func AttachIter(opts IterOptions) (*Iter, error) {
	attr := kernel.LinkCreateAttr[kernel.LinkIter]{AttachType: uint32(ebpf.AttachTraceIter)}
	if opts.Map != nil {
		m, err := opts.Map.Clone()
		if err != nil {
			return nil, fmt.Errorf("attach iterator: %w", err)
		}
		defer m.Close()
		target := []uint32{uint32(m.FD())} // union bpf_iter_link_info
		attr.Extra = kernel.LinkIter{Info: kernel.Slice(target), InfoLen: 4}
	}
	l, err := attach(opts.Program, uapi.KernelVersion{Major: 5, Minor: 8}, attr, kernel.CapBPF, kernel.CapPerfmon)
	if err != nil {
		return nil, fmt.Errorf("attach iterator %v: %w", opts.Program, err)
	}
	return &Iter{RawLink{fd: l.fd}}, nil
}

// Open begins a pass over the objects. Reading runs the program, and returns
// what it prints by bpf_seq_write and the like. Close the pass when done.
func (it *Iter) Open() (io.ReadCloser, error) {
	fd, err := kernel.IterCreate(it.fd)
	if err != nil {
		return nil, fmt.Errorf("open iterator: %w", err)
	}
	return &pass{fd}, nil
}

// pass is one pass of an iterator.
type pass struct{ fd *kernel.FD }

// Read runs the program for as many objects as fit.
func (p *pass) Read(b []byte) (int, error) {
	n, err := p.fd.Read(b)
	for kernel.Errno(err) == unix.EAGAIN { // a million objects passed in silence
		n, err = p.fd.Read(b)
	}
	switch {
	case err != nil:
		return 0, fmt.Errorf("read iterator: %w", err)
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Close ends the pass.
func (p *pass) Close() error { return closeFD(p.fd) }

// IterInfo is what Info tells about links of IterType.
type IterInfo struct {
	TargetName string // "task", "bpf_map_elem"…
}

// Iter is about links of IterType, nil for others. Linux 5.8.
func (r Info) Iter() *IterInfo { return detail[IterInfo](r) }

func iterInfo(fd *kernel.FD, _ kernel.LinkInfo) (any, error) {
	name := make([]byte, maxName)
	info := kernel.IterLinkInfo{TargetName: kernel.Bytes(name), TargetNameLen: uint32(len(name))}
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return nil, err
	}
	return &IterInfo{TargetName: kernel.GoString(name)}, nil
}
