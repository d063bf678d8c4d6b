package link

import (
	"fmt"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Anchor is a place among the programs of a hook that has several.
type Anchor interface {
	// place returns the flags of BPF_LINK_CREATE and the descriptor or ID
	// that they speak of. The descriptor is to be closed by the caller.
	place() (flags uint32, id uint32, fd *kernel.FD, err error)
}

// Head is the place before all others.
func Head() Anchor { return atID{kernel.FlagBefore, 0} }

// Tail is the place after all others.
func Tail() Anchor { return atID{kernel.FlagAfter, 0} }

// BeforeLink is the place just before a link.
func BeforeLink(target Link) Anchor { return atLink{kernel.FlagBefore, target} }

// AfterLink is the place just after a link.
func AfterLink(target Link) Anchor { return atLink{kernel.FlagAfter, target} }

// BeforeLinkByID is the place just before a link.
func BeforeLinkByID(target ID) Anchor {
	return atID{kernel.FlagBefore | kernel.FlagLink | kernel.FlagID, uint32(target)}
}

// AfterLinkByID is the place just after a link.
func AfterLinkByID(target ID) Anchor {
	return atID{kernel.FlagAfter | kernel.FlagLink | kernel.FlagID, uint32(target)}
}

// BeforeProgram is the place just before a program.
func BeforeProgram(target *ebpf.Program) Anchor { return atProgram{kernel.FlagBefore, target} }

// AfterProgram is the place just after a program.
func AfterProgram(target *ebpf.Program) Anchor { return atProgram{kernel.FlagAfter, target} }

// ReplaceProgram is the place of a program, which makes room.
func ReplaceProgram(target *ebpf.Program) Anchor { return atProgram{kernel.FlagReplace, target} }

// BeforeProgramByID is the place just before a program.
func BeforeProgramByID(target ebpf.ProgramID) Anchor {
	return atID{kernel.FlagBefore | kernel.FlagID, uint32(target)}
}

// AfterProgramByID is the place just after a program.
func AfterProgramByID(target ebpf.ProgramID) Anchor {
	return atID{kernel.FlagAfter | kernel.FlagID, uint32(target)}
}

// ReplaceProgramByID is the place of a program, which makes room.
func ReplaceProgramByID(target ebpf.ProgramID) Anchor {
	return atID{kernel.FlagReplace | kernel.FlagID, uint32(target)}
}

// atID is an anchor that needs no descriptor.
type atID struct{ flags, id uint32 }

func (a atID) place() (uint32, uint32, *kernel.FD, error) { return a.flags, a.id, nil, nil }

type atProgram struct {
	flags uint32
	prog  *ebpf.Program
}

func (a atProgram) place() (uint32, uint32, *kernel.FD, error) {
	fd, err := borrow(a.prog)
	if err != nil {
		return 0, 0, nil, fmt.Errorf("anchor: %w", err)
	}
	return a.flags, 0, fd, nil
}

type atLink struct {
	flags uint32
	link  Link
}

func (a atLink) place() (uint32, uint32, *kernel.FD, error) {
	raw, ok := a.link.(interface{ descriptor() *kernel.FD })
	if !ok {
		return 0, 0, nil, fmt.Errorf("anchor: %T is no bpf_link: %w", a.link, ErrNotSupported)
	}
	fd, err := raw.descriptor().Dup()
	if err != nil {
		return 0, 0, nil, fmt.Errorf("anchor: %w", err)
	}
	return a.flags | kernel.FlagLink, 0, fd, nil
}

// descriptor is the link's own.
func (l *RawLink) descriptor() *kernel.FD { return l.fd }
