package asm

import "fmt"

// AtomicOp is what an atomic instruction does. The kernel finds it in the
// instruction's constant; here it is a part of the OpCode.
type AtomicOp uint32

const (
	atomicMask OpCode = 0x0001_ff00

	// unknownAtomic marks an atomic whose operation isn't known, and stays in
	// the instruction's constant.
	unknownAtomic = atomicMask

	// fetch is the modifier that also gives the old value, in src.
	fetch AtomicOp = 0x0000_0100
)

// atomicShift is where the operation is in an OpCode.
const atomicShift = 8

const (
	// InvalidAtomic is what OpCode.AtomicOp returns for other operations.
	InvalidAtomic AtomicOp = 0xffff_ffff

	// AddAtomic adds src to memory.
	AddAtomic AtomicOp = AtomicOp(Add) << atomicShift
	// FetchAdd adds src to memory, leaving the old value in src. Linux 5.12.
	FetchAdd AtomicOp = AddAtomic | fetch
	// AndAtomic does memory &= src. Linux 5.12.
	AndAtomic AtomicOp = AtomicOp(And) << atomicShift
	// FetchAnd does memory &= src, leaving the old value in src. Linux 5.12.
	FetchAnd AtomicOp = AndAtomic | fetch
	// OrAtomic does memory |= src. Linux 5.12.
	OrAtomic AtomicOp = AtomicOp(Or) << atomicShift
	// FetchOr does memory |= src, leaving the old value in src. Linux 5.12.
	FetchOr AtomicOp = OrAtomic | fetch
	// XorAtomic does memory ^= src. Linux 5.12.
	XorAtomic AtomicOp = AtomicOp(Xor) << atomicShift
	// FetchXor does memory ^= src, leaving the old value in src. Linux 5.12.
	FetchXor AtomicOp = XorAtomic | fetch

	// Xchg exchanges memory and src. Linux 5.12.
	Xchg AtomicOp = 0x0000_e000 | fetch
	// CmpXchg stores src to memory if that held R0. R0 gets what it held, in
	// both cases. Linux 5.12.
	CmpXchg AtomicOp = 0x0000_f000 | fetch

	// loadAcquire and storeRelease have functions instead of Mem, because their
	// operands aren't those of read-modify-write.
	loadAcquire  AtomicOp = 0x0001_0000
	storeRelease AtomicOp = 0x0001_1000
)

// known reports whether op is an operation of the instruction set.
func (op AtomicOp) known() bool {
	switch op {
	case loadAcquire, storeRelease:
		return true
	}
	return op.modifies()
}

// modifies reports whether op reads, modifies and writes memory.
func (op AtomicOp) modifies() bool {
	switch op {
	case AddAtomic, AndAtomic, OrAtomic, XorAtomic, FetchAdd, FetchAnd, FetchOr, FetchXor, Xchg, CmpXchg:
		return true
	}
	return false
}

// String returns the name of the constant.
func (op AtomicOp) String() string {
	switch op {
	case AddAtomic:
		return "AddAtomic"
	case FetchAdd:
		return "FetchAdd"
	case AndAtomic:
		return "AndAtomic"
	case FetchAnd:
		return "FetchAnd"
	case OrAtomic:
		return "OrAtomic"
	case FetchOr:
		return "FetchOr"
	case XorAtomic:
		return "XorAtomic"
	case FetchXor:
		return "FetchXor"
	case Xchg:
		return "Xchg"
	case CmpXchg:
		return "CmpXchg"
	case loadAcquire:
		return "LoadAcquire"
	case storeRelease:
		return "StoreRelease"
	case InvalidAtomic:
		return "InvalidAtomic"
	}
	return fmt.Sprintf("AtomicOp(%#x)", uint32(op))
}

// OpCode returns the operation on memory of size. Operations that read, modify
// and write know Word and DWord; for other sizes the result is InvalidOpCode.
func (op AtomicOp) OpCode(size Size) OpCode {
	if op.modifies() && size != Word && size != DWord {
		return InvalidOpCode
	}
	return loadStoreOp(StXClass, AtomicMode, size).SetAtomicOp(op)
}

// Mem emits `*(size *)(dst + offset) (op) src`.
func (op AtomicOp) Mem(dst, src Register, size Size, offset int16) Instruction {
	return Instruction{OpCode: op.OpCode(size), Dst: dst, Src: src, Offset: offset}
}

// LoadAcquire emits `dst = *(size *)(src + offset)`; what follows in the program
// happens after it. Linux 6.15.
func LoadAcquire(dst, src Register, size Size, offset int16) Instruction {
	return loadAcquire.Mem(dst, src, size, offset)
}

// StoreRelease emits `*(size *)(dst + offset) = src`; what precedes in the
// program happens before it. Linux 6.15.
func StoreRelease(dst, src Register, size Size, offset int16) Instruction {
	return storeRelease.Mem(dst, src, size, offset)
}

// StoreXAddOp returns the OpCode that adds a register to memory atomically.
func StoreXAddOp(size Size) OpCode { return AddAtomic.OpCode(size) }

// StoreXAdd emits `*(size *)dst += src`, atomically.
func StoreXAdd(dst, src Register, size Size) Instruction {
	return AddAtomic.Mem(dst, src, size, 0)
}
