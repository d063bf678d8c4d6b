package features

import (
	"fmt"
	"os"

	"github.com/bpfgen/bpfgen/internal/kernel"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// What programs may be made of.
const (
	LargeInstructions Feature = Feature(kindInstructions)<<kindShift + iota // more than 4096 of them. Linux 5.2
	BoundedLoops                                                            // loops that end. Linux 5.3
	Functions                                                               // calls of functions of BPF. Linux 4.16
	V2ISA                                                                   // clang's -mcpu=v2: jumps if lower. Linux 4.14
	V3ISA                                                                   // clang's -mcpu=v3: jumps by 32-bit comparisons. Linux 5.1
	V4ISA                                                                   // clang's -mcpu=v4: long jumps, signed division, sign extension, swapping of bytes. Linux 6.6
	Atomics                                                                 // exchanging, and and, or and xor. Linux 5.12
	MayGoto                                                                 // loops that the kernel ends. Linux 6.9
	AcquireRelease                                                          // loads and stores with an order. Linux 6.15
	IndirectJumps                                                           // jumps by a table. Linux 6.19
)

// instructionSet is a program that only some kernels know.
type instructionSet struct {
	name  string
	insns func() asm.Instructions
	// mapType, if not zero, is of a map that is there only with the
	// instructions, which take more than a short program to try.
	mapType ebpf.MapType
}

var instructionSets = [...]instructionSet{
	{name: "more than 4096 instructions", insns: largeProgram},
	{name: "bounded loops", insns: func() asm.Instructions {
		return asm.Instructions{
			asm.Mov.Imm(asm.R0, 10),
			asm.Sub.Imm(asm.R0, 1).WithSymbol("again"),
			asm.JNE.Imm(asm.R0, 0, "again"),
			asm.Return(),
		}
	}},
	{name: "functions", insns: func() asm.Instructions {
		return asm.Instructions{
			asm.Call.Label("function"),
			asm.Return(),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("function"),
			asm.Return(),
		}
	}},
	{name: "v2 instructions", insns: func() asm.Instructions {
		return asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			asm.JLT.Imm(asm.R0, 0, "end"),
			asm.Mov.Imm(asm.R0, 1),
			asm.Return().WithSymbol("end"),
		}
	}},
	{name: "v3 instructions", insns: func() asm.Instructions {
		return asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			asm.JLT.Imm32(asm.R0, 0, "end"),
			asm.Mov.Imm(asm.R0, 1),
			asm.Return().WithSymbol("end"),
		}
	}},
	// All of v4, because some updates of older kernels have a part of it.
	{name: "v4 instructions", insns: func() asm.Instructions {
		return asm.Instructions{
			asm.Mov.Imm(asm.R0, 7),
			asm.SDiv.Imm(asm.R0, 3),
			asm.MovSX8.Reg(asm.R0, asm.R0),
			asm.BSwap(asm.R0, asm.DWord),
			asm.JEq.Imm(asm.R0, 1, "end"),
			asm.LongJump("end"),
			asm.Mov.Imm(asm.R0, 0).WithSymbol("end"),
			asm.Return(),
		}
	}},
	{name: "atomic instructions", insns: func() asm.Instructions {
		return onStack(
			asm.Xchg.Mem(asm.RFP, asm.R1, asm.DWord, -8),
			asm.OrAtomic.Mem(asm.RFP, asm.R1, asm.Word, -8),
			asm.FetchAdd.Mem(asm.RFP, asm.R1, asm.DWord, -8),
		)
	}},
	{name: "may_goto instructions", insns: func() asm.Instructions {
		return asm.Instructions{
			asm.Mov.Imm(asm.R0, 0),
			{OpCode: asm.JCOND.Op(asm.ImmSource), Src: asm.PseudoMayGoto},
			asm.Return(),
		}
	}},
	{name: "acquire and release instructions", insns: func() asm.Instructions {
		return onStack(
			asm.StoreRelease(asm.RFP, asm.R1, asm.DWord, -8),
			asm.LoadAcquire(asm.R1, asm.RFP, asm.DWord, -8),
		)
	}},
	{name: "indirect jumps", mapType: ebpf.InsnArray},
}

func largeProgram() asm.Instructions {
	const limit = 4096
	insns := make(asm.Instructions, limit, limit+1)
	for i := range insns {
		insns[i] = asm.Mov.Imm(asm.R0, 1)
	}
	return append(insns, asm.Return())
}

// onStack is a program for instructions on R1 and eight bytes on the stack.
func onStack(insns ...asm.Instruction) asm.Instructions {
	program := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, -8, asm.R1, asm.DWord)}
	return append(append(program, insns...), asm.Return())
}

func haveInstructions(feature string, set instructionSet) error {
	if set.mapType != ebpf.UnspecifiedMap {
		return haveMapType(feature, set.mapType)
	}
	if set.insns == nil {
		return fmt.Errorf("probe %s: there is no probe for it: %w", feature, os.ErrInvalid)
	}
	attr, err := loadAttr(kernel.ProgLoadAttr{ProgType: uint32(ebpf.SocketFilter)}, set.insns())
	if err != nil {
		return err
	}
	fd, err := kernel.ProgLoad(attr) // without a log, for which the program may be too long
	if err == nil {
		err = fd.Close()
	}
	return conclude(feature, err)
}

// HaveLargeInstructions is LargeInstructions.Have.
func HaveLargeInstructions() error { return LargeInstructions.Have() }

// HaveBoundedLoops is BoundedLoops.Have.
func HaveBoundedLoops() error { return BoundedLoops.Have() }

// HaveV2ISA is V2ISA.Have.
func HaveV2ISA() error { return V2ISA.Have() }

// HaveV3ISA is V3ISA.Have.
func HaveV3ISA() error { return V3ISA.Have() }

// HaveV4ISA is V4ISA.Have.
func HaveV4ISA() error { return V4ISA.Have() }
