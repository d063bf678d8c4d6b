package ebpf

import (
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"time"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// RunOptions are the input of a program that is run for a test.
type RunOptions struct {
	// Data is the packet. Programs that see packets need at least 14 bytes.
	Data []byte
	// DataOut is room for the packet afterwards; Run sets its length to that
	// of the packet.
	DataOut []byte
	// Context is what the program gets as its argument: []byte, or a
	// fixed-size value.
	Context any
	// ContextOut is where the argument goes afterwards: []byte, or a pointer
	// to a fixed-size value.
	ContextOut any
	// Repeat says how often to run. Default is 1.
	Repeat uint32
	// Flags are those of BPF_PROG_RUN.
	Flags uint32
	// CPU to run on, with BPF_F_TEST_RUN_ON_CPU.
	CPU uint32
	// BatchSize is how many packets are made at once, with
	// BPF_F_TEST_XDP_LIVE_FRAMES. Default is 64.
	BatchSize uint32
	// Reset is called when a signal interrupts the run, before it starts over.
	//
	// Deprecated: signals of the Go runtime are held back.
	Reset func()
}

// outputRoom is what a program can add to a packet: XDP's headroom, and some
// more as kernels before 5.x write beyond what they are told.
const outputRoom = 256 + 2

// Test runs the program on a packet, and returns what it returned and the
// packet afterwards. Needs 4.12.
func (p *Program) Test(in []byte) (uint32, []byte, error) {
	opts := RunOptions{Data: in, Repeat: 1}
	if len(in) > 0 {
		opts.DataOut = make([]byte, len(in)+outputRoom)
	}
	ret, _, err := p.run(&opts)
	if err != nil {
		return ret, nil, err
	}
	return ret, opts.DataOut, nil
}

// Run runs the program, and returns what it returned. Which program types can
// be run, and with what, depends on the kernel; it wraps ErrNotSupported
// for others. Needs 4.12.
func (p *Program) Run(opts *RunOptions) (uint32, error) {
	if opts == nil {
		opts = &RunOptions{}
	}
	ret, _, err := p.run(opts)
	return ret, err
}

// Benchmark runs the program on a packet many times, and returns what it
// returned last, and the time of one run on average. reset may be nil. Needs
// 4.12.
func (p *Program) Benchmark(in []byte, repeat int, reset func()) (uint32, time.Duration, error) {
	if uint(repeat) > 1<<32-1 {
		return 0, 0, fmt.Errorf("run program %q: repeat %d is out of range", p.name, repeat)
	}
	return p.run(&RunOptions{Data: in, Repeat: uint32(repeat), Reset: reset})
}

// run is all of a run that has a packet and no context: each function more between it
// and the system call would cost nanoseconds, see kernel.bpf.
func (p *Program) run(opts *RunOptions) (uint32, time.Duration, error) {
	if opts.Context != nil || opts.ContextOut != nil || opts.Repeat > 1 {
		return p.runWithContext(opts)
	}
	if !p.fd.Hold() {
		return 0, 0, p.runError(ErrClosed)
	}
	attr := kernel.ProgTestRunAttr{
		ProgFD:     p.fd.Held(),
		DataSizeIn: uint32(len(opts.Data)), DataIn: kernel.Bytes(opts.Data),
		DataSizeOut: uint32(len(opts.DataOut)), DataOut: kernel.Bytes(opts.DataOut),
		Repeat: opts.Repeat, Flags: opts.Flags, CPU: opts.CPU, BatchSize: opts.BatchSize,
	}
	errno := attr.Run()
	p.fd.Release()
	if errno != 0 {
		err := p.runFailed(kernel.Failed(kernel.CmdProgTestRun, errno), len(opts.DataOut), attr.DataSizeOut, opts.Reset)
		if err != nil {
			return 0, 0, p.runError(err)
		}
		return p.runWithContext(opts) // starts over
	}
	if len(opts.DataOut) > 0 {
		if int(attr.DataSizeOut) > cap(opts.DataOut) {
			return 0, 0, p.runError(errTooMuchData)
		}
		opts.DataOut = opts.DataOut[:attr.DataSizeOut]
	}
	return attr.Retval, time.Duration(attr.Duration) * time.Nanosecond, nil
}

func (p *Program) runError(err error) error { return fmt.Errorf("run program %q: %w", p.name, err) }

var errTooMuchData = errors.New("the kernel wrote beyond the end of DataOut")

// runWithContext is run for whatever can be run.
func (p *Program) runWithContext(opts *RunOptions) (uint32, time.Duration, error) {
	ret, duration, err := p.tryRun(opts)
	if err != nil {
		return ret, duration, p.runError(err)
	}
	return ret, duration, nil
}

func (p *Program) tryRun(opts *RunOptions) (uint32, time.Duration, error) {
	ctxIn, err := contextBytes(opts.Context)
	if err != nil {
		return 0, 0, fmt.Errorf("context: %w", err)
	}
	ctxOut, err := contextRoom(opts.ContextOut)
	if err != nil {
		return 0, 0, fmt.Errorf("context out: %w", err)
	}
	attr := kernel.ProgTestRunAttr{
		DataSizeIn: uint32(len(opts.Data)), DataIn: kernel.Bytes(opts.Data),
		DataSizeOut: uint32(len(opts.DataOut)), DataOut: kernel.Bytes(opts.DataOut),
		CtxSizeIn: uint32(len(ctxIn)), CtxIn: kernel.Bytes(ctxIn),
		Repeat: opts.Repeat, Flags: opts.Flags, CPU: opts.CPU, BatchSize: opts.BatchSize,
	}
	if p.typ == Syscall { // the kernel writes to where it read from
		ctxOut = ctxIn[:min(len(ctxIn), len(ctxOut))]
	} else {
		attr.CtxSizeOut, attr.CtxOut = uint32(len(ctxOut)), kernel.Bytes(ctxOut)
	}
	for {
		err := kernel.ProgTestRun(p.fd, &attr)
		if err == nil {
			break
		}
		if err := p.runFailed(err, len(opts.DataOut), attr.DataSizeOut, opts.Reset); err != nil {
			return 0, 0, err
		}
	}
	if len(opts.DataOut) > 0 {
		if int(attr.DataSizeOut) > cap(opts.DataOut) {
			return 0, 0, errTooMuchData
		}
		opts.DataOut = opts.DataOut[:attr.DataSizeOut]
	}
	if len(ctxOut) > 0 {
		if err := (&codec{size: len(ctxOut)}).unmarshal(opts.ContextOut, ctxOut); err != nil {
			return 0, 0, fmt.Errorf("context out: %w", err)
		}
	}
	return attr.Retval, time.Duration(attr.Duration) * time.Nanosecond, nil
}

// runFailed makes sense of an error, or of none: then a signal got in between,
// and the run is to start over.
func (p *Program) runFailed(err error, room int, needed uint32, reset func()) error {
	switch kernel.Errno(err) {
	case syscall.EINTR:
		if reset != nil {
			reset()
		}
		return nil
	case syscall.ENOTSUP, kernel.ENOTSUPP:
		return fmt.Errorf("kernel doesn't run %s programs for tests: %w (%w)", p.typ, ErrNotSupported, err)
	case syscall.ENOSPC:
		return fmt.Errorf("%w: DataOut has %d bytes, needed are %d", err, room, needed)
	}
	return err
}

// contextBytes encodes the argument of a program.
func contextBytes(ctx any) ([]byte, error) {
	if ctx == nil {
		return nil, nil
	}
	size, err := fixedSize(ctx)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, size)
	return buf, (&codec{size: size}).marshal(buf, ctx)
}

// contextRoom is room for the argument of a program.
func contextRoom(ctx any) ([]byte, error) {
	if ctx == nil {
		return nil, nil
	}
	size, err := fixedSize(ctx)
	return make([]byte, size), err
}

// fixedSize is the size of v, of what it points to, or of a slice's elements.
func fixedSize(v any) (int, error) {
	value := reflect.Indirect(reflect.ValueOf(v))
	if !value.IsValid() {
		return 0, errNilValue
	}
	if value.Kind() == reflect.Slice {
		l, err := layoutOf(value.Type().Elem())
		if err != nil {
			return 0, err
		}
		return l.size * value.Len(), nil
	}
	l, err := layoutOf(value.Type())
	if err != nil {
		return 0, err
	}
	return l.size, nil
}
