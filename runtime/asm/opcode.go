package asm

import (
	"fmt"
	"strings"
)

// Class is the kind of operation an OpCode belongs to.
//
//	msb      lsb
//	+---+--+---+
//	|  ??  |CLS|
//	+---+--+---+
type Class uint8

const classMask OpCode = 0x07

const (
	// LdClass loads 64-bit immediates, and packet bytes as classic BPF did.
	LdClass Class = 0x00
	// LdXClass loads memory into registers.
	LdXClass Class = 0x01
	// StClass stores immediates to memory.
	StClass Class = 0x02
	// StXClass stores registers to memory, and holds the atomic operations.
	StXClass Class = 0x03
	// ALUClass is arithmetic on the lower halves of registers.
	ALUClass Class = 0x04
	// JumpClass is control flow, comparing whole registers.
	JumpClass Class = 0x05
	// Jump32Class is control flow, comparing lower halves. Linux 5.1.
	Jump32Class Class = 0x06
	// ALU64Class is arithmetic on whole registers.
	ALU64Class Class = 0x07
)

var classNames = [...]string{
	LdClass: "LdClass", LdXClass: "LdXClass", StClass: "StClass", StXClass: "StXClass",
	ALUClass: "ALUClass", JumpClass: "JumpClass", Jump32Class: "Jump32Class", ALU64Class: "ALU64Class",
}

// IsLoad reports whether cls is LdClass or LdXClass.
func (cls Class) IsLoad() bool { return cls == LdClass || cls == LdXClass }

// IsStore reports whether cls is StClass or StXClass.
func (cls Class) IsStore() bool { return cls == StClass || cls == StXClass }

// IsALU reports whether cls is ALUClass or ALU64Class.
func (cls Class) IsALU() bool { return cls == ALUClass || cls == ALU64Class }

// IsJump reports whether cls is JumpClass or Jump32Class.
func (cls Class) IsJump() bool { return cls == JumpClass || cls == Jump32Class }

func (cls Class) isLoadOrStore() bool { return cls <= StXClass }

// String returns the name of the constant.
func (cls Class) String() string {
	if int(cls) < len(classNames) {
		return classNames[cls]
	}
	return fmt.Sprintf("Class(%#x)", uint8(cls))
}

// Source is the second operand of arithmetic and branches.
//
//	msb              lsb
//	+------------+-+---+
//	|     op     |S|cls|
//	+------------+-+---+
type Source uint16

const sourceMask OpCode = 0x08

const (
	// InvalidSource is what OpCode.Source returns for an operation without one.
	InvalidSource Source = 0xffff
	// ImmSource takes the operand from the instruction's constant.
	ImmSource Source = 0x0000
	// RegSource takes the operand from the source register.
	RegSource Source = 0x0008
)

// String returns the name of the constant.
func (s Source) String() string {
	switch s {
	case ImmSource:
		return "ImmSource"
	case RegSource:
		return "RegSource"
	case InvalidSource:
		return "InvalidSource"
	}
	return fmt.Sprintf("Source(%#x)", uint16(s))
}

// OpCode is one operation.
//
// The low byte is the byte that the kernel sees. Operations which the kernel
// tells apart by another field of the instruction (signed division, sign
// extending moves, atomics) carry that part in the upper bits, so that an OpCode
// alone says what an instruction does:
//
//	            31 … 17 | 16 … 8      | 7 … 0
//	arithmetic          |      OP ext | OP  |S| CLS
//	load, store         |             | MODE|SZ| CLS
//	atomic              | ATOMIC OP   | MODE|SZ| CLS
//	jump                |             | OP  |S| CLS
type OpCode uint32

// InvalidOpCode is what the setters of OpCode return when they don't apply.
// Encoding it is an error.
const InvalidOpCode OpCode = 0xffff

// IsDWordLoad reports whether op is the load of a 64-bit immediate, the one
// operation that takes two slots of the instruction stream.
func (op OpCode) IsDWordLoad() bool { return op == dwordLoad }

const dwordLoad = OpCode(LdClass) | OpCode(ImmMode) | OpCode(DWord)

// rawInstructions is the number of slots that op takes.
func (op OpCode) rawInstructions() int {
	if op == dwordLoad {
		return 2
	}
	return 1
}

// Class returns the class of op.
func (op OpCode) Class() Class { return Class(op & classMask) }

// Mode returns the addressing mode, or InvalidMode if op is no load or store.
func (op OpCode) Mode() Mode {
	if !op.Class().isLoadOrStore() {
		return InvalidMode
	}
	return Mode(op & modeMask)
}

// Size returns the access size, or InvalidSize if op is no load or store.
func (op OpCode) Size() Size {
	if !op.Class().isLoadOrStore() {
		return InvalidSize
	}
	return Size(op & sizeMask)
}

// AtomicOp returns the atomic operation, or InvalidAtomic if op is none or one
// that isn't known.
func (op OpCode) AtomicOp() AtomicOp {
	if !op.isAtomic() || op&atomicMask == unknownAtomic {
		return InvalidAtomic
	}
	return AtomicOp(op & atomicMask)
}

func (op OpCode) isAtomic() bool {
	return op&(classMask|modeMask) == OpCode(StXClass)|OpCode(AtomicMode)
}

// Source returns where the second operand is, or InvalidSource if op is neither
// arithmetic nor a jump, or swaps bytes.
func (op OpCode) Source() Source {
	if op.Class().isLoadOrStore() || op.ALUOp() == Swap {
		return InvalidSource
	}
	return Source(op & sourceMask)
}

// ALUOp returns the arithmetic operation, or InvalidALUOp.
func (op OpCode) ALUOp() ALUOp {
	if !op.Class().IsALU() {
		return InvalidALUOp
	}
	return ALUOp(op & aluMask)
}

// Endianness returns what a byte swap converts to, or InvalidEndian.
// It means nothing for the unconditional swap of [BSwap].
func (op OpCode) Endianness() Endianness {
	if op.ALUOp() != Swap {
		return InvalidEndian
	}
	return Endianness(op & endianMask)
}

// JumpOp returns the jump operation, or InvalidJumpOp if op is no jump, or one
// that its class doesn't have.
func (op OpCode) JumpOp() JumpOp {
	jump := JumpOp(op & jumpMask)
	switch op.Class() {
	case JumpClass:
		return jump
	case Jump32Class:
		if jump != Call && jump != Exit {
			return jump
		}
	}
	return InvalidJumpOp
}

// SetMode returns op with another addressing mode, or InvalidOpCode if op is no
// load or store.
func (op OpCode) SetMode(mode Mode) OpCode {
	if !op.Class().isLoadOrStore() {
		return InvalidOpCode
	}
	return op.with(OpCode(mode), modeMask)
}

// SetSize returns op with another size, or InvalidOpCode if op is no load or store.
func (op OpCode) SetSize(size Size) OpCode {
	if !op.Class().isLoadOrStore() {
		return InvalidOpCode
	}
	return op.with(OpCode(size), sizeMask)
}

// SetAtomicOp returns op with another atomic operation, or InvalidOpCode if op
// is none.
func (op OpCode) SetAtomicOp(atomic AtomicOp) OpCode {
	if !op.isAtomic() {
		return InvalidOpCode
	}
	return op.with(OpCode(atomic), atomicMask)
}

// SetSource returns op with another source, or InvalidOpCode if op is neither
// arithmetic nor a jump.
func (op OpCode) SetSource(source Source) OpCode {
	if op.Class().isLoadOrStore() {
		return InvalidOpCode
	}
	return op.with(OpCode(source), sourceMask)
}

// SetALUOp returns op with another arithmetic operation, or InvalidOpCode if op
// is none.
func (op OpCode) SetALUOp(alu ALUOp) OpCode {
	if !op.Class().IsALU() {
		return InvalidOpCode
	}
	return op.with(OpCode(alu), aluMask)
}

// SetJumpOp returns op with another jump operation, or InvalidOpCode if op is
// no jump, or its class doesn't have that operation.
func (op OpCode) SetJumpOp(jump JumpOp) OpCode {
	if !op.Class().IsJump() {
		return InvalidOpCode
	}
	set := op.with(OpCode(jump), jumpMask)
	if set.JumpOp() == InvalidJumpOp {
		return InvalidOpCode
	}
	return set
}

// with replaces the bits of mask by value, which must fit.
func (op OpCode) with(value, mask OpCode) OpCode {
	if value&^mask != 0 {
		return InvalidOpCode
	}
	return op&^mask | value
}

// String spells op by the names of its parts, such as "AddImm32" or "LdXMemDW".
func (op OpCode) String() string {
	if op == InvalidOpCode {
		return "InvalidOpCode"
	}
	switch class := op.Class(); {
	case class.isLoadOrStore():
		return op.loadStoreString()
	case class.IsALU():
		return op.aluString()
	default:
		return op.jumpString()
	}
}

func (op OpCode) loadStoreString() string {
	name := strings.TrimSuffix(op.Class().String(), "Class") + strings.TrimSuffix(op.Mode().String(), "Mode")
	if op.isAtomic() {
		name += strings.TrimSuffix(op.AtomicOp().String(), "Atomic")
	}
	return name + op.Size().suffix()
}

func (op OpCode) aluString() string {
	alu := op.ALUOp()
	switch {
	case alu == Swap && op.Class() == ALU64Class:
		return "BSwap"
	case alu == Swap:
		return "Swap" + op.Endianness().String()
	}
	name := alu.String() + strings.TrimSuffix(op.Source().String(), "Source")
	if op.Class() == ALUClass {
		name += "32"
	}
	return name
}

func (op OpCode) jumpString() string {
	jump := op.JumpOp()
	if jump == InvalidJumpOp {
		return fmt.Sprintf("OpCode(%#x)", uint32(op))
	}
	name := jump.String()
	if op.Class() == Jump32Class {
		name += "32"
	}
	switch {
	case op == jumpReg:
		return "JaX"
	case jump == Exit, jump == Ja:
		return name
	case jump == Call && op.Source() == ImmSource:
		return name
	case jump == Call:
		return "CallX"
	}
	return name + strings.TrimSuffix(op.Source().String(), "Source")
}
