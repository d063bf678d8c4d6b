package link

import (
	"errors"
	"fmt"
	"os"
	"sync"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// USDT attaches programs to statically defined probes, which programs and
// libraries have by DTRACE_PROBE of <sys/sdt.h> and the like. It belongs to the
// collection of the programs, whose <bpf/usdt.bpf.h> has maps for what the
// programs have to know about the probes' arguments.
type USDT struct {
	specs  *ebpf.Map
	layout usdtLayout
}

// The map of <bpf/usdt.bpf.h>.
const usdtSpecs = "__bpf_usdt_specs"

// NewUSDT is for the programs of coll, whose map has to stay open as long as
// they are being attached. There is nothing to close.
func NewUSDT(coll *ebpf.Collection) (*USDT, error) { return newUSDT(coll.Maps[usdtSpecs]) }

func newUSDT(specs *ebpf.Map) (*USDT, error) {
	if specs == nil {
		return nil, fmt.Errorf("USDT: the collection has no map %s, which comes with <bpf/usdt.bpf.h>: %w", usdtSpecs, os.ErrNotExist)
	}
	for _, layout := range usdtLayouts {
		if specs.ValueSize() == layout.size {
			return &USDT{specs: specs, layout: layout}, nil
		}
	}
	return nil, fmt.Errorf("USDT: values of %s have %d bytes, as in no known <bpf/usdt.bpf.h>: %w", usdtSpecs, specs.ValueSize(), ErrNotSupported)
}

// USDTOptions say more about what USDT.Attach attaches.
type USDTOptions struct {
	// PID of the one process to probe; zero is all of them.
	PID int
	// Cookie is what bpf_usdt_cookie returns in the program.
	Cookie uint64
}

// Attach attaches a program, SEC("usdt"), to a probe, wherever the file has it.
// It wraps ErrNoSymbol if it hasn't. opts may be nil. For
// amd64 and arm64. Linux 5.15.
func (u *USDT) Attach(ex *Executable, provider, name string, prog *ebpf.Program, opts *USDTOptions) (Link, error) {
	if opts == nil {
		opts = &USDTOptions{}
	}
	l, err := u.attach(ex, provider, name, prog, opts)
	if err != nil {
		return nil, fmt.Errorf("attach %v to probe %s:%s in %s: %w", prog, provider, name, ex.path, err)
	}
	return l, nil
}

func (u *USDT) attach(ex *Executable, provider, name string, prog *ebpf.Program, opts *USDTOptions) (Link, error) {
	if !kernel.AtLeast(perfLink) {
		return nil, fmt.Errorf("needs cookies (Linux %v): %w", perfLink, ErrNotSupported)
	}
	probes, err := findProbes(ex.path, provider, name)
	if err != nil {
		return nil, err
	}
	l := &usdtLink{usdt: u}
	cookies, err := l.addAll(probes, opts.Cookie)
	if err == nil {
		if prog.AttachType() == ebpf.AttachTraceUprobeMulti {
			err = l.attachAtOnce(ex, prog, probes, cookies, opts.PID)
		} else {
			err = l.attachEach(ex, prog, probes, cookies, opts.PID)
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// addAll writes what a program has to know about probes, and returns the number
// of that for each. Many places have the same arguments, and share it.
func (l *usdtLink) addAll(probes []usdtProbe, cookie uint64) ([]uint64, error) {
	numbers := make([]uint64, len(probes))
	ids := make(map[string]uint32) // by arguments
	for i, p := range probes {
		id, known := ids[p.args]
		if !known {
			var err error
			if id, err = l.usdt.add(p, cookie); err != nil {
				return nil, err
			}
			ids[p.args] = id
			l.ids = append(l.ids, id)
		}
		numbers[i] = uint64(id)
	}
	return numbers, nil
}

// attachAtOnce makes one link for all places, as programs want that are loaded
// where the kernel can do it.
func (l *usdtLink) attachAtOnce(ex *Executable, prog *ebpf.Program, probes []usdtProbe, cookies []uint64, pid int) error {
	if pid < 0 {
		return checkUprobe(&UprobeOptions{PID: pid})
	}
	opts := UprobeMultiOptions{Cookies: cookies, PID: uint32(pid)}
	for _, p := range probes {
		opts.Addresses = append(opts.Addresses, p.offset)
		opts.RefCtrOffsets = append(opts.RefCtrOffsets, p.counter)
	}
	link, err := ex.UprobeMulti(nil, prog, &opts)
	if err == nil {
		l.probes = []Link{link}
	}
	return err
}

// attachEach makes a uprobe for each place.
func (l *usdtLink) attachEach(ex *Executable, prog *ebpf.Program, probes []usdtProbe, cookies []uint64, pid int) error {
	for i, p := range probes {
		link, err := ex.Uprobe("", prog, &UprobeOptions{
			Address: p.offset, RefCtrOffset: p.counter, PID: pid, Cookie: cookies[i],
		})
		if err != nil {
			return err
		}
		l.probes = append(l.probes, link)
	}
	return nil
}

// add writes what a program has to know about a probe, and returns its number.
func (u *USDT) add(p usdtProbe, cookie uint64) (uint32, error) {
	spec, err := p.spec(u.layout, cookie)
	if err != nil {
		return 0, err
	}
	id, err := u.specs.Slots().Take()
	if err != nil {
		return 0, fmt.Errorf("%s has no room for more probes (define BPF_USDT_MAX_SPEC_CNT before <bpf/usdt.bpf.h>): %w", usdtSpecs, err)
	}
	if err := u.specs.Put(id, spec); err != nil {
		u.specs.Slots().Free(id)
		return 0, err
	}
	return id, nil
}

// usdtLink is a program attached wherever a file has a probe.
type usdtLink struct {
	usdt   *USDT
	ids    []uint32
	probes []Link
	once   sync.Once
}

var _ Link = (*usdtLink)(nil)

func (l *usdtLink) isLink() {}

// Close is Link.Close.
func (l *usdtLink) Close() error {
	var all []error
	l.once.Do(func() {
		for _, p := range l.probes {
			all = append(all, p.Close())
		}
		l.usdt.specs.Slots().Free(l.ids...)
	})
	return errors.Join(all...)
}

// Update is Link.Update.
func (l *usdtLink) Update(*ebpf.Program) error { return l.unsupported("update") }

// Detach is Link.Detach.
func (l *usdtLink) Detach() error { return l.unsupported("detach") }

// Pin is Link.Pin.
func (l *usdtLink) Pin(string) error { return l.unsupported("pin") }

// Unpin is Link.Unpin.
func (l *usdtLink) Unpin() error { return l.unsupported("unpin") }

// Info is Link.Info.
func (l *usdtLink) Info() (*Info, error) { return nil, l.unsupported("info about") }

func (l *usdtLink) unsupported(what string) error {
	return fmt.Errorf("%s USDT: it is made of uprobes and their arguments in a map: %w", what, ErrNotSupported)
}
