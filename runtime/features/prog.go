package features

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// logSize has room for what the verifier says about a handful of instructions.
const logSize = 16 << 10

// loadAttr completes attr by what all programs have.
func loadAttr(attr kernel.ProgLoadAttr, insns asm.Instructions) (*kernel.ProgLoadAttr, error) {
	code, err := insns.Encode(nil, binary.NativeEndian)
	if err != nil {
		return nil, err
	}
	attr.Insns, attr.InsnCnt = kernel.Bytes(code), uint32(len(code)/asm.InstructionSize)
	attr.License = kernel.CString("GPL")
	if attr.ProgType == uint32(ebpf.Kprobe) { // kernels before 5.0 want to see it
		attr.KernVersion, err = kernel.VersionCode()
	}
	return &attr, err
}

// load tries to load a program, and returns what the verifier says.
func load(attr kernel.ProgLoadAttr, insns asm.Instructions) (log string, err error) {
	whole, err := loadAttr(attr, insns)
	if err != nil {
		return "", err
	}
	buf := make([]byte, logSize)
	whole.LogBuf, whole.LogSize, whole.LogLevel = kernel.Bytes(buf), logSize, 1
	fd, err := kernel.ProgLoad(whole)
	if err == nil {
		err = fd.Close()
	}
	return kernel.GoString(buf), err
}

// exit is the shortest program.
func exit() asm.Instructions { return asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()} }

// programOfType is what a program has to say before the verifier looks at it.
func programOfType(pt ebpf.ProgramType) kernel.ProgLoadAttr {
	attr := kernel.ProgLoadAttr{ProgType: uint32(pt)}
	var attach uapi.AttachType
	switch pt {
	case ebpf.CGroupSockAddr:
		attach = uapi.AttachCGroupInet4Connect
	case ebpf.CGroupSockopt:
		attach = uapi.AttachCGroupGetsockopt
	case ebpf.SkLookup:
		attach = uapi.AttachSkLookup
	case ebpf.Netfilter:
		attach = uapi.AttachNetfilter
	case ebpf.Tracing:
		attach = uapi.AttachTraceFEntry
	case ebpf.LSM:
		attach = uapi.AttachLSMMac
	case ebpf.Syscall:
		attr.ProgFlags = uapi.ProgFlagSleepable
	}
	attr.ExpectedAttachType = uint32(attach)
	return attr
}

// HaveProgramType tells whether the kernel knows a type of programs. For Tracing,
// LSM, StructOps and Extension there is more that it takes to attach one.
func HaveProgramType(pt ebpf.ProgramType) error { return OfProgramType(pt).Have() }

func haveProgramType(feature string, pt ebpf.ProgramType) error {
	if pt == ebpf.UnspecifiedProgram || !uapi.ProgType(pt).Known() {
		return fmt.Errorf("probe program type %v: no such type is known: %w", pt, os.ErrInvalid)
	}
	log, err := load(programOfType(pt), exit())
	if log != "" {
		return nil // only programs of known types get as far as the verifier
	}
	return conclude(feature, err)
}

// HaveProgramHelper tells whether programs of a type can call a helper. It can't
// tell for types whose helpers depend on what they attach to: Tracing, LSM,
// StructOps and Extension.
func HaveProgramHelper(pt ebpf.ProgramType, helper asm.BuiltinFunc) error {
	return OfHelper(pt, helper).Have()
}

func haveHelper(feature string, pt ebpf.ProgramType, helper asm.BuiltinFunc) error {
	switch pt {
	case ebpf.Tracing, ebpf.LSM, ebpf.StructOps, ebpf.Extension:
		return fmt.Errorf("probe %s: it depends on what they attach to: %w", feature, os.ErrInvalid)
	}
	if err := haveProgramType("program type "+pt.String(), pt); err != nil {
		return fmt.Errorf("%s: %w", feature, err)
	}
	log, err := load(programOfType(pt), asm.Instructions{helper.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return()})
	switch {
	case err == nil:
		return nil
	case refusesHelper(log):
		return notSupported(feature, err)
	case log != "":
		return nil // it is the arguments that the verifier doesn't like
	case errors.Is(err, ebpf.ErrNotSupported):
		return fmt.Errorf("%s: %w", feature, err)
	}
	return fmt.Errorf("probe %s: %w", feature, kernel.ExplainPermission(err, kernel.CapBPF))
}

// refusesHelper reads in the verifier's log that it doesn't know a helper, or
// not for this type of programs. Kernels before 4.10 don't give its name.
func refusesHelper(log string) bool {
	for _, phrase := range []string{"invalid func ", "unknown func ", "program of this type cannot use helper"} {
		if strings.Contains(log, phrase) {
			return true
		}
	}
	return false
}
