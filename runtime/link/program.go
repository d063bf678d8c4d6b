package link

import (
	"fmt"
	"os"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// RawAttachProgramOptions say what RawAttachProgram attaches.
type RawAttachProgramOptions struct {
	// Target is what to attach to: a descriptor of a control group, network
	// namespace, sockmap or LIRC device; an interface index for tcx and
	// netkit.
	Target int
	// Program to attach.
	Program *ebpf.Program
	// Attach is the attach type, the same as the program's.
	Attach ebpf.AttachType
	// Anchor is the place among other programs; nil is at the end.
	Anchor Anchor
	// Flags of BPF_PROG_ATTACH beyond those that Anchor stands for.
	Flags uint32
	// ExpectedRevision, if not zero, lets this fail if the programs have
	// changed since QueryPrograms returned it.
	ExpectedRevision uint64
}

// RawDetachProgramOptions say what RawDetachProgram detaches.
type RawDetachProgramOptions RawAttachProgramOptions

// RawAttachProgram is BPF_PROG_ATTACH: the program stays attached, whatever
// becomes of this process, until RawDetachProgram or the end of the target.
// Links are safer. Linux 4.10.
func RawAttachProgram(opts RawAttachProgramOptions) error {
	if err := opts.call(kernel.ProgAttach); err != nil {
		return fmt.Errorf("attach %v to %d: %w", opts.Program, opts.Target, err)
	}
	return nil
}

// RawDetachProgram is BPF_PROG_DETACH, which ends what RawAttachProgram began.
// It wraps os.ErrNotExist if the program isn't attached. Linux 4.10.
func RawDetachProgram(opts RawDetachProgramOptions) error {
	if err := (*RawAttachProgramOptions)(&opts).call(kernel.ProgDetach); err != nil {
		return fmt.Errorf("detach %v from %d: %w", opts.Program, opts.Target, err)
	}
	return nil
}

// anchorFlags are those that an Anchor stands for.
const anchorFlags = kernel.FlagReplace | kernel.FlagBefore | kernel.FlagAfter | kernel.FlagID | kernel.FlagLink

func (opts *RawAttachProgramOptions) call(f func(*kernel.ProgAttachAttr) error) error {
	if opts.Flags&anchorFlags != 0 {
		return fmt.Errorf("flags %#x: use Anchor: %w", opts.Flags&anchorFlags, os.ErrInvalid)
	}
	program, err := borrow(opts.Program)
	if err != nil {
		return err
	}
	defer program.Close()
	attr := kernel.ProgAttachAttr{
		TargetFD: uint32(opts.Target), AttachFD: uint32(program.Int()), // nobody else closes it
		AttachType: uint32(opts.Attach), AttachFlags: opts.Flags, ExpectedRevision: opts.ExpectedRevision,
	}
	if opts.Anchor != nil {
		flags, id, fd, err := opts.Anchor.place()
		if err != nil {
			return err
		}
		if fd != nil {
			defer fd.Close()
			id = uint32(fd.Int())
		}
		attr.AttachFlags |= flags
		if flags&kernel.FlagReplace != 0 && flags&kernel.FlagID == 0 {
			attr.ReplaceFD = id
		} else {
			attr.RelativeFDOrID = id
		}
	}
	return needs(kernel.ExplainPermission(f(&attr), kernel.CapBPF, kernel.CapNetAdmin), uapi.KernelVersion{Major: 4, Minor: 10})
}
