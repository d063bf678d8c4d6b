package asm

import "fmt"

// Mode is how a load or store addresses memory.
//
//	msb      lsb
//	+---+--+---+
//	|MDE|sz|cls|
//	+---+--+---+
type Mode uint8

const modeMask OpCode = 0xe0

const (
	// InvalidMode is what OpCode.Mode returns for other operations.
	InvalidMode Mode = 0xff
	// ImmMode is a constant in the instruction.
	ImmMode Mode = 0x00
	// AbsMode is packet bytes at a constant offset.
	AbsMode Mode = 0x20
	// IndMode is packet bytes at an offset in a register, plus a constant.
	IndMode Mode = 0x40
	// MemMode is memory at a register plus offset.
	MemMode Mode = 0x60
	// MemSXMode is MemMode, sign extending what was loaded. Linux 6.6.
	MemSXMode Mode = 0x80
	// AtomicMode is memory at a register plus offset, accessed atomically.
	AtomicMode Mode = 0xc0
)

// String returns the name of the constant.
func (m Mode) String() string {
	switch m {
	case ImmMode:
		return "ImmMode"
	case AbsMode:
		return "AbsMode"
	case IndMode:
		return "IndMode"
	case MemMode:
		return "MemMode"
	case MemSXMode:
		return "MemSXMode"
	case AtomicMode:
		return "AtomicMode"
	case InvalidMode:
		return "InvalidMode"
	}
	return fmt.Sprintf("Mode(%#x)", uint8(m))
}

// Size is how much a load or store accesses.
//
//	msb      lsb
//	+---+--+---+
//	|mde|SZ|cls|
//	+---+--+---+
type Size uint8

const sizeMask OpCode = 0x18

const (
	// InvalidSize is what OpCode.Size returns for other operations.
	InvalidSize Size = 0xff
	// DWord is 64 bits.
	DWord Size = 0x18
	// Word is 32 bits.
	Word Size = 0x00
	// Half is 16 bits.
	Half Size = 0x08
	// Byte is 8 bits.
	Byte Size = 0x10
)

// Sizeof returns the size in bytes, or -1 for an invalid size.
func (s Size) Sizeof() int {
	switch s {
	case DWord:
		return 8
	case Word:
		return 4
	case Half:
		return 2
	case Byte:
		return 1
	}
	return -1
}

// String returns the name of the constant.
func (s Size) String() string {
	switch s {
	case DWord:
		return "DWord"
	case Word:
		return "Word"
	case Half:
		return "Half"
	case Byte:
		return "Byte"
	case InvalidSize:
		return "InvalidSize"
	}
	return fmt.Sprintf("Size(%#x)", uint8(s))
}

// suffix is how OpCode.String spells a size.
func (s Size) suffix() string {
	if s == DWord {
		return "DW"
	}
	return s.String()[:1]
}

// LoadMemOp returns the OpCode that loads a value of size from memory.
func LoadMemOp(size Size) OpCode { return loadStoreOp(LdXClass, MemMode, size) }

// LoadMemSXOp returns the OpCode that loads a value of size from memory and sign
// extends it. Linux 6.6.
func LoadMemSXOp(size Size) OpCode { return loadStoreOp(LdXClass, MemSXMode, size) }

// LoadImmOp returns the OpCode that loads a constant of size.
// The kernel takes DWord only.
func LoadImmOp(size Size) OpCode { return loadStoreOp(LdClass, ImmMode, size) }

// LoadAbsOp returns the OpCode that loads a value of size from a packet.
func LoadAbsOp(size Size) OpCode { return loadStoreOp(LdClass, AbsMode, size) }

// LoadIndOp returns the OpCode that loads a value of size from a packet, at an
// offset in a register.
func LoadIndOp(size Size) OpCode { return loadStoreOp(LdClass, IndMode, size) }

// StoreMemOp returns the OpCode that stores a register's lower size bytes.
func StoreMemOp(size Size) OpCode { return loadStoreOp(StXClass, MemMode, size) }

// StoreImmOp returns the OpCode that stores a constant of size.
func StoreImmOp(size Size) OpCode { return loadStoreOp(StClass, MemMode, size) }

func loadStoreOp(class Class, mode Mode, size Size) OpCode {
	return OpCode(class).SetMode(mode).SetSize(size)
}

// LoadMem emits `dst = *(size *)(src + offset)`.
func LoadMem(dst, src Register, offset int16, size Size) Instruction {
	return Instruction{OpCode: LoadMemOp(size), Dst: dst, Src: src, Offset: offset}
}

// LoadMemSX emits `dst = *(size *)(src + offset)`, sign extended. There is
// nothing to extend in a DWord: that gives an invalid instruction. Linux 6.6.
func LoadMemSX(dst, src Register, offset int16, size Size) Instruction {
	if size == DWord {
		return Instruction{OpCode: InvalidOpCode}
	}
	return Instruction{OpCode: LoadMemSXOp(size), Dst: dst, Src: src, Offset: offset}
}

// LoadImm emits `dst = value`. The kernel takes DWord only.
func LoadImm(dst Register, value int64, size Size) Instruction {
	return Instruction{OpCode: LoadImmOp(size), Dst: dst, Constant: value}
}

// LoadMapPtr emits `dst = map`, for the map of descriptor fd. A negative fd
// gives an invalid instruction.
func LoadMapPtr(dst Register, fd int) Instruction {
	return loadMap(dst, PseudoMapFD, fd, 0)
}

// LoadMapValue emits `dst = &map.value[0] + offset`, for the map of descriptor
// fd. A negative fd gives an invalid instruction. Linux 5.2.
func LoadMapValue(dst Register, fd int, offset uint32) Instruction {
	return loadMap(dst, PseudoMapValue, fd, offset)
}

func loadMap(dst, kind Register, fd int, offset uint32) Instruction {
	if fd < 0 {
		return Instruction{OpCode: InvalidOpCode}
	}
	return Instruction{OpCode: dwordLoad, Dst: dst, Src: kind, Constant: imm64(uint32(fd), offset)}
}

// imm64 is the constant of a 64-bit load from the immediates of its two slots.
func imm64(low, high uint32) int64 { return int64(uint64(high)<<32 | uint64(low)) }

// LoadFunc emits `dst = &function`, a callback for helpers such as
// FnForEachMapElem. Linux 5.13.
func LoadFunc(dst Register, function string) Instruction {
	return Instruction{OpCode: dwordLoad, Dst: dst, Src: PseudoFunc, Constant: -1}.WithReference(function)
}

// LoadAbs emits `r0 = ntoh(*(size *)(((sk_buff *)r6)->data + offset))`.
func LoadAbs(offset int32, size Size) Instruction {
	return Instruction{OpCode: LoadAbsOp(size), Constant: int64(offset)}
}

// LoadInd emits `r0 = ntoh(*(size *)(((sk_buff *)r6)->data + src + offset))`.
func LoadInd(dst, src Register, offset int32, size Size) Instruction {
	return Instruction{OpCode: LoadIndOp(size), Dst: dst, Src: src, Constant: int64(offset)}
}

// StoreMem emits `*(size *)(dst + offset) = src`.
func StoreMem(dst Register, offset int16, src Register, size Size) Instruction {
	return Instruction{OpCode: StoreMemOp(size), Dst: dst, Src: src, Offset: offset}
}

// StoreImm emits `*(size *)(dst + offset) = value`. A value that isn't a sign
// extended 32-bit one gives an invalid instruction.
func StoreImm(dst Register, offset int16, value int64, size Size) Instruction {
	if int64(int32(value)) != value {
		return Instruction{OpCode: InvalidOpCode}
	}
	return Instruction{OpCode: StoreImmOp(size), Dst: dst, Offset: offset, Constant: value}
}
