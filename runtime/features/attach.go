package features

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/link"
)

// HaveAttachType tells whether there is a hook for programs of an attach type.
func HaveAttachType(at ebpf.AttachType) error { return OfAttachType(at).Have() }

// attachProbes are for attach types that BPF_PROG_ATTACH has nothing to do with.
func attachProbes() []func(feature string) error {
	return []func(feature string) error{
		uapi.AttachXDPDevMap:                  haveDevMapPrograms,
		uapi.AttachXDPCPUMap:                  haveCPUMapPrograms,
		uapi.AttachSkReuseportSelect:          haveMigration,
		uapi.AttachSkReuseportSelectOrMigrate: haveMigration,
		uapi.AttachTraceRawTp:                 asProgramType(ebpf.Tracing),
		uapi.AttachTraceFEntry:                asProgramType(ebpf.Tracing),
		uapi.AttachTraceFExit:                 asProgramType(ebpf.Tracing),
		uapi.AttachModifyReturn:               asLink(link.CgroupType), // which came in the same release
		uapi.AttachLSMMac:                     asProgramType(ebpf.LSM),
		uapi.AttachNetfilter:                  asProgramType(ebpf.Netfilter),
		uapi.AttachPerfEvent:                  asLink(link.PerfEventType),
		uapi.AttachTraceKprobeMulti:           asLink(link.KprobeMultiType),
		uapi.AttachTraceUprobeMulti:           asLink(link.UprobeMultiType),
		uapi.AttachStructOps:                  asLink(link.StructOpsType),
		uapi.AttachTraceKprobeSession:         func(feature string) error { return haveKprobeMulti(feature, uapi.AttachTraceKprobeSession) },
		uapi.AttachTraceUprobeSession:         func(feature string) error { return haveUprobeMulti(feature, uapi.AttachTraceUprobeSession) },
	}
}

func asLink(lt link.Type) func(string) error {
	return func(feature string) error { return haveLinkType(feature, lt) }
}

func asProgramType(pt ebpf.ProgramType) func(string) error {
	return func(feature string) error { return haveProgramType(feature, pt) }
}

func haveAttachType(feature string, at uapi.AttachType) error {
	if !at.Known() {
		return fmt.Errorf("probe attach type %d: no such type is known: %w", at, os.ErrInvalid)
	}
	if probe := find(attachProbes(), uint32(at)); probe != nil {
		return probe(feature)
	}
	return haveByProgAttach(feature, at)
}

// haveByProgAttach attaches no program to nothing. A kernel that knows the attach
// type looks for the program, and says EBADF.
func haveByProgAttach(feature string, at uapi.AttachType) error {
	err := kernel.ProgAttach(&kernel.ProgAttachAttr{TargetFD: noFD, AttachFD: noFD, AttachType: uint32(at)})
	return conclude(feature, err, unix.EBADF)
}

// haveDevMapPrograms loads a program that looks at what only those in elements
// of a DevMap can see.
func haveDevMapPrograms(feature string) error {
	const egressInterface = 20 // in struct xdp_md
	_, err := load(kernel.ProgLoadAttr{ProgType: uint32(ebpf.XDP), ExpectedAttachType: uint32(uapi.AttachXDPDevMap)}, asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, egressInterface, asm.Word), asm.Mov.Imm(asm.R0, 0), asm.Return(),
	})
	if kernel.Errno(err) == unix.EACCES {
		return notSupported(feature, err) // the verifier's word for it
	}
	return conclude(feature, err)
}

// haveCPUMapPrograms makes a CPUMap with room for programs.
func haveCPUMapPrograms(feature string) error {
	return createMap(feature, kernel.MapCreateAttr{MapType: uint32(ebpf.CPUMap), KeySize: 4, ValueSize: 8, MaxEntries: 1})
}

// haveMigration loads a program with an attach type that it can't have. Kernels
// which have no attach types for such programs don't look at it.
func haveMigration(feature string) error {
	_, err := load(kernel.ProgLoadAttr{ProgType: uint32(ebpf.SkReuseport), ExpectedAttachType: uint32(uapi.AttachXDP)}, exit())
	if err == nil {
		return notSupported(feature, unix.EINVAL)
	}
	return conclude(feature, err, unix.EINVAL)
}
