package asm

import "fmt"

// Endianness is what a byte swap converts to.
type Endianness uint8

const endianMask = sourceMask

const (
	// InvalidEndian is what OpCode.Endianness returns for other operations.
	InvalidEndian Endianness = 0xff
	// LE converts to little endian.
	LE Endianness = 0x00
	// BE converts to big endian.
	BE Endianness = 0x08
)

// String returns the name of the constant.
func (e Endianness) String() string {
	switch e {
	case LE:
		return "LE"
	case BE:
		return "BE"
	case InvalidEndian:
		return "InvalidEndian"
	}
	return fmt.Sprintf("Endianness(%#x)", uint8(e))
}

// ALUOp is an arithmetic operation.
//
// The upper bits tell apart operations that share a code and differ in the
// instruction's offset field.
//
//	msb              lsb
//	+-------+----+-+---+
//	|  EXT  | OP |s|cls|
//	+-------+----+-+---+
type ALUOp uint16

const (
	aluMask    OpCode = 0x3ff0
	aluExtMask OpCode = 0x3f00
)

const (
	// InvalidALUOp is what OpCode.ALUOp returns for other operations.
	InvalidALUOp ALUOp = 0xffff
	// Add adds.
	Add ALUOp = 0x0000
	// Sub subtracts.
	Sub ALUOp = 0x0010
	// Mul multiplies.
	Mul ALUOp = 0x0020
	// Div divides, unsigned. Dividing by zero gives zero.
	Div ALUOp = 0x0030
	// SDiv divides, signed. Linux 6.6.
	SDiv ALUOp = Div + 0x0100
	// Or is bitwise or.
	Or ALUOp = 0x0040
	// And is bitwise and.
	And ALUOp = 0x0050
	// LSh shifts left.
	LSh ALUOp = 0x0060
	// RSh shifts right, filling with zeroes.
	RSh ALUOp = 0x0070
	// Neg negates.
	Neg ALUOp = 0x0080
	// Mod is the remainder, unsigned.
	Mod ALUOp = 0x0090
	// SMod is the remainder, signed. Linux 6.6.
	SMod ALUOp = Mod + 0x0100
	// Xor is bitwise exclusive or.
	Xor ALUOp = 0x00a0
	// Mov copies.
	Mov ALUOp = 0x00b0
	// MovSX8 copies the lower 8 bits, sign extended. Linux 6.6.
	MovSX8 ALUOp = Mov + 0x0100
	// MovSX16 copies the lower 16 bits, sign extended. Linux 6.6.
	MovSX16 ALUOp = Mov + 0x0200
	// MovSX32 copies the lower 32 bits, sign extended. Linux 6.6.
	MovSX32 ALUOp = Mov + 0x0300
	// AddrSpaceCast converts a pointer between address spaces, as arena maps
	// need it; see [CastAddrSpace]. Linux 6.9.
	AddrSpaceCast ALUOp = Mov + 0x0400
	// ArSh shifts right, keeping the sign.
	ArSh ALUOp = 0x00c0
	// Swap reverses bytes; see [HostTo] and [BSwap].
	Swap ALUOp = 0x00d0
)

// aluExtension is an operation that shares the code of base and is told apart by
// the instruction's offset.
type aluExtension struct {
	op     ALUOp
	offset int16
}

// aluExtensions returns the operations that share base's code. In instructions
// of other shapes the same offset means nothing and is kept as it is.
func aluExtensions(op OpCode) []aluExtension {
	switch ALUOp(op & 0xf0) {
	case Div:
		return divExtensions[:]
	case Mod:
		return modExtensions[:]
	case Mov:
		switch {
		case op&sourceMask != OpCode(RegSource):
			return nil
		case op.Class() == ALUClass:
			return movExtensions[:2]
		}
		return movExtensions[:]
	}
	return nil
}

var (
	divExtensions = [...]aluExtension{{SDiv, 1}}
	modExtensions = [...]aluExtension{{SMod, 1}}
	movExtensions = [...]aluExtension{{MovSX8, 8}, {MovSX16, 16}, {MovSX32, 32}, {AddrSpaceCast, 1}}
)

// String returns the name of the constant.
func (op ALUOp) String() string {
	switch op {
	case SDiv:
		return "SDiv"
	case SMod:
		return "SMod"
	case MovSX8:
		return "MovSX8"
	case MovSX16:
		return "MovSX16"
	case MovSX32:
		return "MovSX32"
	case AddrSpaceCast:
		return "AddrSpaceCast"
	case InvalidALUOp:
		return "InvalidALUOp"
	}
	if op&^0xf0 == 0 && int(op>>4) < len(aluNames) {
		return aluNames[op>>4]
	}
	return fmt.Sprintf("ALUOp(%#x)", uint16(op))
}

var aluNames = [...]string{"Add", "Sub", "Mul", "Div", "Or", "And", "LSh", "RSh", "Neg", "Mod", "Xor", "Mov", "ArSh", "Swap"}

// Op returns the OpCode for whole registers and the given source.
func (op ALUOp) Op(source Source) OpCode {
	return OpCode(ALU64Class).SetALUOp(op).SetSource(source)
}

// Op32 returns the OpCode for lower halves and the given source.
func (op ALUOp) Op32(source Source) OpCode {
	return OpCode(ALUClass).SetALUOp(op).SetSource(source)
}

// Reg emits `dst (op) src`.
func (op ALUOp) Reg(dst, src Register) Instruction {
	return Instruction{OpCode: op.Op(RegSource), Dst: dst, Src: src}
}

// Imm emits `dst (op) value`, with value sign extended to 64 bits.
func (op ALUOp) Imm(dst Register, value int32) Instruction {
	return Instruction{OpCode: op.Op(ImmSource), Dst: dst, Constant: int64(value)}
}

// Reg32 emits `dst (op) src`, zeroing the upper 32 bits of dst.
func (op ALUOp) Reg32(dst, src Register) Instruction {
	return Instruction{OpCode: op.Op32(RegSource), Dst: dst, Src: src}
}

// Imm32 emits `dst (op) value`, zeroing the upper 32 bits of dst.
func (op ALUOp) Imm32(dst Register, value int32) Instruction {
	return Instruction{OpCode: op.Op32(ImmSource), Dst: dst, Constant: int64(value)}
}

// HostTo converts the lower size bytes of dst from the host's order to another,
// zeroing the rest.
func HostTo(endian Endianness, dst Register, size Size) Instruction {
	return swap(OpCode(ALUClass).SetALUOp(Swap).with(OpCode(endian), endianMask), dst, size)
}

// BSwap reverses the lower size bytes of dst on any host, zeroing the rest.
// Linux 6.6.
func BSwap(dst Register, size Size) Instruction {
	return swap(OpCode(ALU64Class).SetALUOp(Swap), dst, size)
}

func swap(op OpCode, dst Register, size Size) Instruction {
	switch size {
	case Half, Word, DWord:
		return Instruction{OpCode: op, Dst: dst, Constant: int64(size.Sizeof() * 8)}
	}
	return Instruction{OpCode: InvalidOpCode}
}

// CastAddrSpace emits `dst = (pointer to space to)src`, where src points to
// space from. Space 1 is the arena's, space 0 the kernel's.
func CastAddrSpace(dst, src Register, to, from uint16) Instruction {
	ins := AddrSpaceCast.Reg(dst, src)
	ins.Constant = int64(int32(uint32(to)<<16 | uint32(from)))
	return ins
}
