package asm

import "fmt"

// JumpOp is an operation of control flow.
//
//	msb      lsb
//	+----+-+---+
//	|OP  |s|cls|
//	+----+-+---+
type JumpOp uint8

const jumpMask OpCode = 0xf0

const (
	// InvalidJumpOp is what OpCode.JumpOp returns for other operations.
	InvalidJumpOp JumpOp = 0xff
	// Ja jumps always.
	Ja JumpOp = 0x00
	// JEq jumps if dst == operand.
	JEq JumpOp = 0x10
	// JGT jumps if dst > operand, unsigned.
	JGT JumpOp = 0x20
	// JGE jumps if dst >= operand, unsigned.
	JGE JumpOp = 0x30
	// JSet jumps if dst & operand isn't zero.
	JSet JumpOp = 0x40
	// JNE jumps if dst != operand.
	JNE JumpOp = 0x50
	// JSGT jumps if dst > operand, signed.
	JSGT JumpOp = 0x60
	// JSGE jumps if dst >= operand, signed.
	JSGE JumpOp = 0x70
	// Call calls a helper, a function of the program or of the kernel, or,
	// with RegSource, where a register points to.
	Call JumpOp = 0x80
	// Exit returns, with the result in R0.
	Exit JumpOp = 0x90
	// JLT jumps if dst < operand, unsigned. Linux 4.14.
	JLT JumpOp = 0xa0
	// JLE jumps if dst <= operand, unsigned. Linux 4.14.
	JLE JumpOp = 0xb0
	// JSLT jumps if dst < operand, signed. Linux 4.14.
	JSLT JumpOp = 0xc0
	// JSLE jumps if dst <= operand, signed. Linux 4.14.
	JSLE JumpOp = 0xd0
	// JCOND jumps when the kernel says so: may_goto, which ends loops that run
	// for too long. Linux 6.9.
	JCOND JumpOp = 0xe0
)

var jumpNames = [...]string{
	"Ja", "JEq", "JGT", "JGE", "JSet", "JNE", "JSGT", "JSGE", "Call", "Exit", "JLT", "JLE", "JSLT", "JSLE", "JCOND",
}

// String returns the name of the constant.
func (op JumpOp) String() string {
	if op == InvalidJumpOp {
		return "InvalidJumpOp"
	}
	if op&0xf == 0 && int(op>>4) < len(jumpNames) {
		return jumpNames[op>>4]
	}
	return fmt.Sprintf("JumpOp(%#x)", uint8(op))
}

// Op returns the OpCode for whole registers and the given source.
func (op JumpOp) Op(source Source) OpCode {
	return OpCode(JumpClass).SetJumpOp(op).SetSource(source)
}

// branchOp is Op for operations that have a target in the program.
func (op JumpOp) branchOp(class Class, source Source) OpCode {
	if op == Call || op == Exit {
		return InvalidOpCode
	}
	return OpCode(class).SetJumpOp(op).SetSource(source)
}

// Imm jumps to label if comparing dst to value (sign extended to 64 bits) holds.
func (op JumpOp) Imm(dst Register, value int32, label string) Instruction {
	return branch(op.branchOp(JumpClass, ImmSource), dst, 0, value, label)
}

// Imm32 jumps to label if comparing the lower half of dst to value holds. Linux 5.1.
func (op JumpOp) Imm32(dst Register, value int32, label string) Instruction {
	return branch(op.branchOp(Jump32Class, ImmSource), dst, 0, value, label)
}

// Reg jumps to label if comparing dst to src holds.
func (op JumpOp) Reg(dst, src Register, label string) Instruction {
	return branch(op.branchOp(JumpClass, RegSource), dst, src, 0, label)
}

// Reg32 jumps to label if comparing the lower halves of dst and src holds. Linux 5.1.
func (op JumpOp) Reg32(dst, src Register, label string) Instruction {
	return branch(op.branchOp(Jump32Class, RegSource), dst, src, 0, label)
}

func branch(op OpCode, dst, src Register, value int32, label string) Instruction {
	return Instruction{OpCode: op, Dst: dst, Src: src, Offset: -1, Constant: int64(value)}.WithReference(label)
}

// Label emits the operation with the instruction of that symbol as its target:
// a jump, a may_goto, or for Call a call of a function of this program.
func (op JumpOp) Label(label string) Instruction {
	if op == Call {
		return Instruction{OpCode: Call.Op(ImmSource), Src: PseudoCall, Constant: -1}.WithReference(label)
	}
	return branch(OpCode(JumpClass).SetJumpOp(op), 0, 0, 0, label)
}

// LongJump jumps to label, from up to 2^31 slots away; other jumps reach 2^15.
// Linux 6.6.
func LongJump(label string) Instruction {
	return Instruction{OpCode: longJump, Constant: -1}.WithReference(label)
}

const longJump = OpCode(Jump32Class) | OpCode(Ja)

// JumpReg jumps to where dst points, which has to come from a [JumpTable].
// Linux 6.19.
func JumpReg(dst Register) Instruction {
	return Instruction{OpCode: jumpReg, Dst: dst}
}

const jumpReg = OpCode(JumpClass) | OpCode(Ja) | OpCode(RegSource)

// Return emits an exit instruction. The result is in R0.
func Return() Instruction {
	return Instruction{OpCode: Exit.Op(ImmSource)}
}

// CallReg calls the function that dst points to. LLVM emits it; the verifier
// takes it from no program yet.
func CallReg(dst Register) Instruction {
	return Instruction{OpCode: Call.Op(RegSource), Dst: dst}
}
