package needs

import (
	"strings"

	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// The facts about mainline kernels that no other table has. Those about map,
// program and attach types and map flags are in internal/uapi, those about
// helpers in runtime/asm.

func v(major, minor uint8) uapi.KernelVersion {
	return uapi.KernelVersion{Major: major, Minor: minor}
}

var (
	globalVariables = v(5, 2)  // BPF_PSEUDO_MAP_VALUE, and frozen maps for constants
	largePrograms   = v(5, 2)  // a million verified instructions for the privileged
	coreRelocations = v(5, 4)  // /sys/kernel/btf/vmlinux
	typedKsyms      = v(5, 10) // BPF_PSEUDO_BTF_ID
	sleepable       = v(5, 10) // BPF_F_SLEEPABLE
	xdpFrags        = v(5, 18) // BPF_F_XDP_HAS_FRAGS
)

// smallProgram is how many instructions any kernel takes.
const smallProgram = 4096

// sleepableSince is where it isn't when there were sleepable programs at all.
var sleepableSince = map[uapi.ProgType]uapi.KernelVersion{
	uapi.ProgTypeKprobe:    v(6, 0), // uprobes
	uapi.ProgTypeStructOps: v(6, 2),
}

// isaFacts are what single instructions need, newest first: the first that
// matches counts.
var isaFacts = []struct {
	name  string
	since uapi.KernelVersion
	has   func(*asm.Instruction) bool
}{
	{"load-acquire and store-release", v(6, 15), func(ins *asm.Instruction) bool {
		return ins.OpCode == asm.LoadAcquire(0, 0, ins.OpCode.Size(), 0).OpCode ||
			ins.OpCode == asm.StoreRelease(0, 0, ins.OpCode.Size(), 0).OpCode
	}},
	{"addr_space_cast", v(6, 9), func(ins *asm.Instruction) bool {
		return isMovReg(ins) && ins.OpCode.Class() == asm.ALU64Class && ins.Offset == 1
	}},
	{"may_goto", v(6, 9), func(ins *asm.Instruction) bool { return ins.OpCode.JumpOp() == asm.JCOND }},
	{"instructions of -mcpu=v4", v(6, 6), isV4},
	{"callbacks", v(5, 13), func(ins *asm.Instruction) bool { return ins.IsLoadOfFunctionPointer() }},
	{"atomic operations of -mcpu=v3", v(5, 12), func(ins *asm.Instruction) bool {
		return isAtomic(ins) && ins.OpCode.AtomicOp() != asm.AddAtomic
	}},
	{"loops", v(5, 3), func(ins *asm.Instruction) bool {
		return isBranch(ins) && ins.Offset < 0
	}},
	{"32-bit jumps of -mcpu=v3", v(5, 1), func(ins *asm.Instruction) bool {
		return ins.OpCode.Class() == asm.Jump32Class
	}},
	{"calls of functions in the program", v(4, 16), func(ins *asm.Instruction) bool { return ins.IsFunctionCall() }},
	{"jumps of -mcpu=v2", v(4, 14), func(ins *asm.Instruction) bool {
		switch ins.OpCode.JumpOp() {
		case asm.JLT, asm.JLE, asm.JSLT, asm.JSLE:
			return true
		}
		return false
	}},
}

func isAtomic(ins *asm.Instruction) bool {
	return ins.OpCode.Class() == asm.StXClass && ins.OpCode.Mode() == asm.AtomicMode
}

func isBranch(ins *asm.Instruction) bool {
	switch ins.OpCode.JumpOp() {
	case asm.InvalidJumpOp, asm.Call, asm.Exit, asm.JCOND:
		return false
	}
	return true
}

func isMovReg(ins *asm.Instruction) bool {
	return ins.OpCode.Class().IsALU() && ins.OpCode.ALUOp() == asm.Mov && ins.OpCode.Source() == asm.RegSource
}

// isV4 tells whether ins is one of those that clang's -mcpu=v4 brought: sign
// extending loads and moves, signed division, unconditional swaps of bytes, and
// jumps over 32 bits.
func isV4(ins *asm.Instruction) bool {
	switch class := ins.OpCode.Class(); {
	case class == asm.LdXClass:
		return ins.OpCode.Mode() == asm.MemSXMode
	case class == asm.Jump32Class:
		return ins.OpCode.JumpOp() == asm.Ja
	case class.IsALU():
		switch op := ins.OpCode.ALUOp(); op {
		case asm.Mov:
			return isMovReg(ins) && ins.Offset != 0
		case asm.Div, asm.Mod:
			return ins.Offset == 1
		case asm.Swap:
			return class == asm.ALU64Class
		}
	}
	return false
}

// fieldSince are the structs that mean something to the kernel in a map's value.
var fieldSince = map[string]uapi.KernelVersion{
	"bpf_spin_lock":     v(5, 1),
	"bpf_timer":         v(5, 15),
	"bpf_list_head":     v(6, 2),
	"bpf_list_node":     v(6, 2),
	"bpf_rb_root":       v(6, 3),
	"bpf_rb_node":       v(6, 3),
	"bpf_refcount":      v(6, 4),
	"bpf_wq":            v(6, 10),
	"bpf_res_spin_lock": v(6, 15),
	"bpf_task_work":     v(6, 18),
}

// pointerTagSince are the type tags of pointers that the kernel keeps for a map.
var pointerTagSince = map[string]uapi.KernelVersion{
	"kptr":           v(5, 19),
	"kptr_untrusted": v(5, 19),
	"kptr_ref":       v(5, 19), // what kptr was called before 6.2
	"percpu_kptr":    v(6, 7),
	"uptr":           v(6, 13),
}

// structOpsSince are the structs of function pointers that kernels take.
var structOpsSince = map[string]uapi.KernelVersion{
	"tcp_congestion_ops": v(5, 6),
	"bpf_dummy_ops":      v(5, 16),
	"hid_bpf_ops":        v(6, 11),
	"sched_ext_ops":      v(6, 12),
	"Qdisc_ops":          v(6, 16),
	"mptcp_sched_ops":    {}, // not in mainline
}

var structOpsConfig = map[string]string{
	"tcp_congestion_ops": "CONFIG_INET",
	"hid_bpf_ops":        "CONFIG_HID_BPF",
	"sched_ext_ops":      "CONFIG_SCHED_CLASS_EXT",
	"Qdisc_ops":          "CONFIG_NET_SCH_BPF",
}

// iteratorSince are what SEC("iter/…") can go over.
var iteratorSince = map[string]uapi.KernelVersion{
	"bpf_map":            v(5, 8),
	"task":               v(5, 8),
	"task_file":          v(5, 8),
	"ipv6_route":         v(5, 8),
	"netlink":            v(5, 8),
	"tcp":                v(5, 9),
	"udp":                v(5, 9),
	"bpf_map_elem":       v(5, 9),
	"bpf_sk_storage_map": v(5, 9),
	"bpf_prog":           v(5, 9),
	"sockmap":            v(5, 10),
	"task_vma":           v(5, 12),
	"unix":               v(5, 15),
	"bpf_link":           v(5, 19),
	"ksym":               v(6, 0),
	"cgroup":             v(6, 1),
	"kmem_cache":         v(6, 13),
	"dmabuf":             v(6, 16),
}

// virtualKconfig tells whether loaders make up the value of a kconfig extern.
func virtualKconfig(name string) bool { return strings.HasPrefix(name, "LINUX_") }

// gplCompatible is the kernel's license_is_gpl_compatible.
func gplCompatible(licence string) bool {
	switch licence {
	case "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL":
		return true
	}
	return false
}
