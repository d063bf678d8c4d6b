package ebpf

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// ProgramSpec describes a program that isn't loaded yet.
type ProgramSpec struct {
	// Name is what the kernel shows people. It takes 15 letters, digits, '_'
	// and '.'; other characters become '_'.
	Name string

	// Type says which hook the program is for. It is UnspecifiedProgram if the
	// name of its section means nothing; then it has to be set before loading.
	Type ProgramType

	// Ifindex is the network interface whose driver the program is for, if any.
	Ifindex uint32

	// AttachType tells apart hooks of the same Type. Needs 4.17.
	AttachType AttachType

	// AttachTo is the kernel function, tracepoint or whatever else Type and
	// AttachType attach to. "module:name" means that of one kernel module, or
	// of "vmlinux". For StructOps it is "struct:member", which only counts
	// if no struct_ops map that is loaded has the program.
	AttachTo string

	// AttachTarget is the program to extend or to trace, instead of the kernel.
	AttachTarget *Program

	// SectionName is the section of the object file that the program is from.
	SectionName string

	// Instructions are those of the program, followed by those of the functions
	// it uses. In a spec from LoadEncodedSpec they are nil until Decode.
	Instructions asm.Instructions

	// Flags are those of BPF_PROG_LOAD.
	Flags uint32

	// License of the program. Some helpers are only for programs whose license
	// is compatible with the GPL.
	License string

	// KernelVersion is what kernels before 5.0 want to see in kprobe programs.
	// Zero means the running kernel's.
	KernelVersion uint32

	// ByteOrder of the machine the program was compiled for. May be nil.
	ByteOrder binary.ByteOrder

	// Optional programs are left out by NewCollection and LoadAndReport, unless
	// another part of the collection refers to them. LoadAndAssign loads them if
	// they are named. SEC("?...") makes a program optional: set this to false to
	// ask for it, or to true to do without another program.
	Optional bool

	// Alternative is the name of a group of programs that do the same for
	// different kernels. NewCollection and LoadAndReport leave out those that
	// can't be loaded, and fail if none can. In C, it is the declaration tag
	// "bpfgen:alt=" and the name:
	//
	//	__attribute__((btf_decl_tag("bpfgen:alt=exec")))
	Alternative string

	// member says that a struct_ops in the object file has the program, which
	// decides whether NewCollection loads it.
	member bool

	// usdt says that the section is for a probe that has many places in a file.
	usdt bool

	encoded *object.Program // what has the instructions, nil once they are decoded
}

// declared fills in ps with what an object file says.
func (ps *ProgramSpec) declared(obj *object.Object, order binary.ByteOrder, p *object.Program) {
	*ps = ProgramSpec{
		Name:          p.Name,
		Type:          ProgramType(p.Type),
		AttachType:    AttachType(p.AttachType),
		AttachTo:      p.AttachTo,
		SectionName:   p.Section,
		Instructions:  p.Instructions,
		Flags:         p.Flags,
		License:       obj.License,
		KernelVersion: obj.Version,
		ByteOrder:     order,
		Optional:      p.Optional,
		usdt:          p.Def != nil && p.Def.Has(object.USDT),
		Alternative:   p.Alternative(),
	}
	if p.Instructions == nil {
		ps.encoded = p
	}
}

// Copy is a deep copy, except for AttachTarget.
func (ps *ProgramSpec) Copy() *ProgramSpec {
	if ps == nil {
		return nil
	}
	dup := *ps
	dup.Instructions = slices.Clone(ps.Instructions)
	return &dup
}

// Tag is the hash by which kernels before 6.18 identify the instructions.
//
// Deprecated: newer kernels hash differently. Use Compatible.
func (ps *ProgramSpec) Tag() (string, error) {
	ps, err := ps.decoded()
	if err != nil {
		return "", err
	}
	return ps.Instructions.Tag(binary.NativeEndian)
}

// String names the program and what it is for.
func (ps *ProgramSpec) String() string {
	return fmt.Sprintf("%s(type=%s, section=%s)", ps.Name, ps.Type, ps.SectionName)
}
