package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"golang.org/x/sys/unix"
)

// TCOptions say what AttachTC attaches, and where.
type TCOptions struct {
	// Interface is the index of the network interface.
	Interface int
	// Program must be of type SchedCLS.
	Program *ebpf.Program
	// Attach is AttachTCXIngress or AttachTCXEgress, whatever the program was
	// loaded with.
	Attach ebpf.AttachType
	// Priority among other filters, lowest first; zero is a free one before
	// all others.
	Priority uint16
	// Handle of the filter among those of its priority; zero is a free one.
	Handle uint32
}

// AttachTC attaches a program to what an interface receives or sends, as a
// filter of traffic control (clsact), where "tc filter show" lists it. It runs
// after those of AttachTCX, which is better where it exists, since Linux 6.6.
// The program decides itself what becomes of a packet (direct action).
//
// There is no bpf_link: if the process ends without Close, the program stays, as
// does the queueing discipline clsact, which is shared. Linux 4.5.
func AttachTC(opts TCOptions) (Link, error) {
	l, err := opts.attach()
	if err != nil {
		return nil, fmt.Errorf("attach %v to traffic control of interface %d: %w", opts.Program, opts.Interface, err)
	}
	return l, nil
}

// Numbers of linux/pkt_sched.h, pkt_cls.h and rtnetlink.h.
const (
	tcClsact        = 0xfffffff1 // parent of the queueing discipline
	tcClsactHandle  = 0xffff0000
	tcIngress       = 0xfffffff2 // parents of filters
	tcEgress        = 0xfffffff3
	tcaKind         = 1
	tcaOptions      = 2
	tcaBPFFD        = 6
	tcaBPFName      = 7
	tcaBPFFlags     = 8
	tcaBPFActDirect = 1
	sizeofTcmsg     = 20
)

func (opts *TCOptions) attach() (*filter, error) {
	f := &filter{iface: opts.Interface, handle: opts.Handle, priority: opts.Priority}
	switch {
	case opts.Interface <= 0:
		return nil, fmt.Errorf("interface index %d: %w", opts.Interface, unix.EINVAL)
	case opts.Attach == ebpf.AttachTCXIngress:
		f.parent = tcIngress
	case opts.Attach == ebpf.AttachTCXEgress:
		f.parent = tcEgress
	default:
		return nil, fmt.Errorf("attach type %v: want TCXIngress or TCXEgress: %w", opts.Attach, os.ErrInvalid)
	}
	if opts.Program != nil && opts.Program.Type() != ebpf.SchedCLS {
		return nil, fmt.Errorf("want a program of type SchedCLS: %w", os.ErrInvalid)
	}
	var err error
	if f.netlink, err = kernel.OpenNetlink(); err != nil {
		return nil, err
	}
	if err := f.create(opts.Program); err != nil {
		f.netlink.Close()
		return nil, kernel.ExplainPermission(err, kernel.CapBPF, kernel.CapNetAdmin)
	}
	return f, nil
}

// filter is a program in traffic control.
type filter struct {
	netlink  *kernel.Netlink
	iface    int
	parent   uint32
	handle   uint32
	priority uint16

	mu       sync.Mutex
	closed   bool
	detached bool
}

var _ Link = (*filter)(nil)

func (f *filter) isLink() {}

// message begins a message with struct tcmsg.
func (f *filter) message(handle, parent, info uint32, kind string) []byte {
	m := make([]byte, sizeofTcmsg)
	binary.NativeEndian.PutUint32(m[4:], uint32(f.iface))
	binary.NativeEndian.PutUint32(m[8:], handle)
	binary.NativeEndian.PutUint32(m[12:], parent)
	binary.NativeEndian.PutUint32(m[16:], info)
	return kernel.AppendNetlinkAttr(m, tcaKind, append([]byte(kind), 0))
}

// own begins a message about this filter.
func (f *filter) own() []byte {
	protocol := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL})
	return f.message(f.handle, f.parent, uint32(f.priority)<<16|uint32(protocol), "bpf")
}

// create makes the queueing discipline, unless it is there, and the filter.
func (f *filter) create(prog *ebpf.Program) error {
	_, err := f.netlink.Request(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL, f.message(tcClsactHandle, tcClsact, 0, "clsact"))
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make clsact: %w", err)
	}
	echo, err := f.set(prog, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ECHO)
	if err != nil {
		return err
	}
	if len(echo) < sizeofTcmsg {
		return errors.New("the kernel doesn't tell which filter it made")
	}
	f.handle = binary.NativeEndian.Uint32(echo[8:])
	f.priority = uint16(binary.NativeEndian.Uint32(echo[16:]) >> 16)
	return nil
}

// set gives the filter its program.
func (f *filter) set(prog *ebpf.Program, flags uint16) ([]byte, error) {
	program, err := borrow(prog)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	number := func(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
	options := kernel.AppendNetlinkAttr(nil, tcaBPFFD, number(uint32(program.Int()))) // nobody else closes it
	options = kernel.AppendNetlinkAttr(options, tcaBPFName, append([]byte(prog.String()), 0))
	options = kernel.AppendNetlinkAttr(options, tcaBPFFlags, number(tcaBPFActDirect))
	return f.netlink.Request(unix.RTM_NEWTFILTER, flags, kernel.AppendNetlinkAttr(f.own(), tcaOptions, options))
}

// Update is Link.Update. Linux 4.5.
func (f *filter) Update(prog *ebpf.Program) error {
	if prog == nil {
		return fmt.Errorf("update filter: no program: %w", os.ErrInvalid)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fmt.Errorf("update filter: %w", kernel.ErrClosed)
	}
	if _, err := f.set(prog, unix.NLM_F_CREATE|unix.NLM_F_REPLACE); err != nil {
		return fmt.Errorf("update filter to %v: %w", prog, err)
	}
	return nil
}

// Close is Link.Close. A filter that can't be removed stays open, so that Close
// can be tried again: nothing else would end it.
func (f *filter) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	if err := f.detach(); err != nil {
		return err
	}
	f.closed = true
	return f.netlink.Close()
}

// Detach is Link.Detach.
func (f *filter) Detach() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fmt.Errorf("detach filter: %w", kernel.ErrClosed)
	}
	return f.detach()
}

// detach removes the filter, once, unless it went with its interface.
func (f *filter) detach() error {
	if f.detached {
		return nil
	}
	_, err := f.netlink.Request(unix.RTM_DELTFILTER, 0, f.own())
	switch {
	case err == nil, errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EINVAL):
		// Without clsact, there is no such parent.
		f.detached = true
		return nil
	}
	return fmt.Errorf("detach filter: %w", err)
}

// Pin is Link.Pin.
func (f *filter) Pin(string) error { return f.unsupported("pin") }

// Unpin is Link.Unpin.
func (f *filter) Unpin() error { return f.unsupported("unpin") }

// Info is Link.Info.
func (f *filter) Info() (*Info, error) { return nil, f.unsupported("info about") }

func (f *filter) unsupported(what string) error {
	return fmt.Errorf("%s filter: traffic control has no bpf_link, unlike AttachTCX: %w", what, ErrNotSupported)
}
