package link

import (
	"fmt"
	"io"
	"os"

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
	// Task limits programs over tasks, their files and their memory.
	Task *IterTask
	// Cgroup limits programs over control groups.
	Cgroup *IterCgroup
}

// IterTask is the one thread or process that an iterator is about: one of these.
// Linux 6.1.
type IterTask struct {
	TID   uint32 // a thread
	PID   uint32 // a process, all threads of it
	PIDFD int    // a process, by a descriptor of pidfd_open(2)
}

// IterCgroup is where an iterator begins, and which way it goes. Linux 6.1.
type IterCgroup struct {
	// Path of a control group's folder, of version 2; empty is the root of
	// all.
	Path  string
	Order IterCgroupOrder
}

// IterCgroupOrder is the way of an iterator through control groups, enum
// bpf_cgroup_iter_order.
type IterCgroupOrder uint32

// The ways through control groups.
const (
	IterCgroupDefault   IterCgroupOrder = iota // IterCgroupPreOrder
	IterCgroupSelf                             // this one only
	IterCgroupPreOrder                         // this one and all below it, each before those below
	IterCgroupPostOrder                        // this one and all below it, each after those below
	IterCgroupUp                               // this one and all above it
)

// AttachIter attaches an iterator, SEC("iter/…"). Linux 5.8.
func AttachIter(opts IterOptions) (*Iter, error) {
	attr := kernel.LinkCreateAttr[kernel.LinkIter]{AttachType: uint32(ebpf.AttachTraceIter)}
	since := uapi.KernelVersion{Major: 5, Minor: 8}
	if opts.Task != nil || opts.Cgroup != nil {
		since = uapi.KernelVersion{Major: 6, Minor: 1}
	}
	target, done, err := opts.target()
	if err != nil {
		return nil, fmt.Errorf("attach iterator: %w", err)
	}
	defer done()
	if target != nil {
		attr.Extra = kernel.LinkIter{Info: kernel.Slice(target), InfoLen: uint32(4 * len(target))}
	}
	l, err := attach(opts.Program, since, attr, kernel.CapBPF, kernel.CapPerfmon)
	if err != nil {
		return nil, fmt.Errorf("attach iterator %v: %w", opts.Program, err)
	}
	return &Iter{RawLink{fd: l.fd}}, nil
}

// target is what to iterate over as a union bpf_iter_link_info, nil if that is
// everything. Done is to be called when the kernel knows it.
func (opts *IterOptions) target() (target []uint32, done func(), err error) {
	given := 0
	for _, is := range [...]bool{opts.Map != nil, opts.Task != nil, opts.Cgroup != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return nil, nil, fmt.Errorf("more than one of Map, Task and Cgroup: %w", os.ErrInvalid)
	}
	switch {
	case opts.Map != nil:
		m, err := borrowMap(opts.Map)
		if err != nil {
			return nil, nil, err
		}
		return []uint32{uint32(m.Int())}, func() { m.Close() }, nil
	case opts.Task != nil:
		return []uint32{opts.Task.TID, opts.Task.PID, uint32(opts.Task.PIDFD)}, func() {}, nil
	case opts.Cgroup != nil:
		return opts.Cgroup.target()
	}
	return nil, func() {}, nil
}

func (c *IterCgroup) target() (target []uint32, done func(), err error) {
	order := c.Order
	if order == IterCgroupDefault {
		order = IterCgroupPreOrder
	}
	if c.Path == "" {
		return []uint32{uint32(order), 0, 0, 0}, func() {}, nil
	}
	dir, err := kernel.OpenFile(c.Path, os.O_RDONLY)
	if err != nil {
		return nil, nil, fmt.Errorf("control group: %w", err)
	}
	return []uint32{uint32(order), uint32(dir.Fd()), 0, 0}, func() { dir.Close() }, nil
}

// Close is Link.Close. Closing nil does nothing.
func (it *Iter) Close() error {
	if it == nil {
		return nil
	}
	return it.RawLink.Close()
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
