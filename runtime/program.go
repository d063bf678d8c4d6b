package ebpf

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/kernel"
)

// Program is a program in the kernel.
//
// All methods may be called from any goroutine, at any time: after Close, or
// while somebody closes it, a program gives ErrClosed. There is no finalizer:
// who makes a program closes it.
type Program struct {
	// VerifierLog is what the verifier wrote, if ProgramOptions.LogLevel asked
	// for it.
	VerifierLog string

	name  string
	fd    *kernel.FD
	typ   ProgramType
	pin   kernel.Pinned
	types typeHandle

	declared declared
	usdt     *Map // what USDTSpecs returns: the program's own
}

// NewProgram loads a program. Its owner closes it. Maps that its instructions
// name must have been associated with them (asm.Instruction.AssociateMap).
//
// It wraps a *VerifierError if the verifier rejects the program.
func NewProgram(spec *ProgramSpec) (*Program, error) {
	return NewProgramWithOptions(spec, ProgramOptions{})
}

// NewProgramFromFD makes a Program of a raw descriptor, and takes ownership of
// that even if it fails. Needs 4.13.
func NewProgramFromFD(fd int) (*Program, error) {
	if fd < 0 {
		return nil, fmt.Errorf("program from descriptor %d: %w", fd, ErrClosed)
	}
	return programFromFD(kernel.NewFD(fd))
}

// NewProgramFromID opens the program with an ID. It wraps os.ErrNotExist if
// there is none. Needs 4.13 and CAP_SYS_ADMIN.
func NewProgramFromID(id ProgramID) (*Program, error) {
	fd, err := kernel.FDByID(kernel.CmdProgGetFDByID, uint32(id), 0)
	if err != nil {
		return nil, fmt.Errorf("program with ID %d: %w", id, kernel.ExplainPermission(err, kernel.CapSysAdmin))
	}
	return programFromFD(fd)
}

// programFromFD takes ownership of fd.
func programFromFD(fd *kernel.FD) (*Program, error) {
	var info kernel.ProgInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		fd.Close()
		return nil, fmt.Errorf("what program is this: %w", err)
	}
	return &Program{name: info.Name.String(), fd: fd, typ: ProgramType(info.Type)}, nil
}

// String names the program and its type.
func (p *Program) String() string { return fmt.Sprintf("%s(%s)#%d", p.typ, p.name, p.FD()) }

// Type is the program's type.
func (p *Program) Type() ProgramType { return p.typ }

// FD is the descriptor, -1 after Close. It is the program's: don't close it,
// and don't use it while others may close the program.
func (p *Program) FD() int { return p.fd.Int() }

func (p *Program) descriptor() *kernel.FD {
	if p == nil {
		return nil
	}
	return p.fd
}

// Close gives up the program. The kernel keeps it as long as it is attached,
// pinned or in a program array. Closing again, or closing nil, does nothing.
func (p *Program) Close() error {
	if p == nil {
		return nil
	}
	return errors.Join(p.types.close(), p.usdt.Close(), closeFD(p.fd))
}

// Clone is a second handle of the same program, to be closed by itself. It
// isn't pinned. The clone of nil is nil.
func (p *Program) Clone() (*Program, error) {
	if p == nil {
		return nil, nil
	}
	fd, err := p.fd.Dup()
	if err != nil {
		return nil, fmt.Errorf("clone program %q: %w", p.name, err)
	}
	clone := &Program{VerifierLog: p.VerifierLog, name: p.name, fd: fd, typ: p.typ, declared: p.declared}
	if clone.types.handle, err = p.types.clone(); err == nil {
		clone.usdt, err = p.usdt.Clone()
	}
	if err != nil {
		clone.Close()
		return nil, fmt.Errorf("clone program %q: %w", p.name, err)
	}
	return clone, nil
}

// BindMap makes the program keep m, though none of its instructions refers to
// it. Needs 5.10.
func (p *Program) BindMap(m *Map) error {
	if err := kernel.ProgBindMap(p.fd, m.fd); err != nil {
		return fmt.Errorf("bind map %q to program %q: %w", m.name, p.name, err)
	}
	return nil
}
