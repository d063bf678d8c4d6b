package asm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var errHalfImm64 = errors.New("64-bit load misses its second half")

// Decode appends the instructions of code to dst, allocating at most once. The
// load of a 64-bit constant becomes one instruction.
//
// Unknown operations and unused fields are no errors, and encode to the same
// bytes again. A 64-bit load that is cut short, or whose second half isn't one,
// is: it leaves open where the next instruction begins.
func Decode(dst Instructions, code []byte, bo binary.ByteOrder) (Instructions, error) {
	little, err := isLittle(bo)
	if err != nil {
		return dst, err
	}
	if len(code)%InstructionSize != 0 {
		return dst, fmt.Errorf("decode instructions: %d bytes aren't a multiple of %d", len(code), InstructionSize)
	}
	start := len(dst)
	dst = grow(dst, countInstructions(code))
	for i, off := start, 0; i < len(dst); i++ {
		n, err := dst[i].decode(code[off:], little)
		if err != nil {
			return dst[:start], fmt.Errorf("decode instruction at slot %d: %w", off/InstructionSize, err)
		}
		off += n
	}
	return dst, nil
}

// countInstructions returns how many instructions code has, if it is well formed.
func countInstructions(code []byte) (n int) {
	for off := 0; off < len(code); off += InstructionSize {
		if code[off] == byte(dwordLoad) {
			off += InstructionSize
		}
		n++
	}
	return n
}

// grow appends n instructions to insns, for decode to overwrite.
func grow(insns Instructions, n int) Instructions {
	if free := cap(insns) - len(insns); free < n {
		longer := make(Instructions, len(insns), len(insns)+n)
		copy(longer, insns)
		insns = longer
	}
	return insns[:len(insns)+n]
}

// AppendInstructions decodes all of r and appends it to insns. The only platform
// is "linux".
func AppendInstructions(insns Instructions, r io.Reader, bo binary.ByteOrder, platform string) (Instructions, error) {
	if err := checkPlatform(platform); err != nil {
		return insns, err
	}
	code, err := io.ReadAll(r)
	if err != nil {
		return insns, fmt.Errorf("read instructions: %w", err)
	}
	return Decode(insns, code, bo)
}

// slot is eight bytes of the instruction stream. Its fields have names only
// until OpCode takes over what some of them mean.
type slot struct {
	op       byte
	dst, src Register
	offset   int16
	imm      int32
}

// readSlot decodes the first slot of code, which must be long enough. Big endian
// swaps the two registers in their byte too.
func readSlot(code []byte, little bool) slot {
	if little {
		v := binary.LittleEndian.Uint64(code)
		return slot{byte(v), Register(v >> 8 & 0xf), Register(v >> 12 & 0xf), int16(v >> 16), int32(v >> 32)}
	}
	v := binary.BigEndian.Uint64(code)
	return slot{byte(v >> 56), Register(v >> 52 & 0xf), Register(v >> 48 & 0xf), int16(v >> 32), int32(v)}
}

// decode sets ins to the first instruction of code, which has at least one slot,
// and returns its length in bytes.
func (ins *Instruction) decode(code []byte, little bool) (int, error) {
	s := readSlot(code, little)
	ins.OpCode, ins.Dst, ins.Src, ins.Offset, ins.Constant = OpCode(s.op), s.dst, s.src, s.offset, int64(s.imm)
	ins.Metadata = Metadata{}
	switch {
	case ins.OpCode.IsDWordLoad():
		return ins.decodeImm64(code, little)
	case ins.OpCode.isAtomic():
		ins.decodeAtomic()
	case ins.Offset != 0 && ins.OpCode.Class().IsALU():
		ins.decodeExtension()
	}
	return InstructionSize, nil
}

func (ins *Instruction) decodeImm64(code []byte, little bool) (int, error) {
	if len(code) < 2*InstructionSize {
		return 0, errHalfImm64
	}
	second := readSlot(code[InstructionSize:], little)
	if second != (slot{imm: second.imm}) {
		return 0, errors.New("second half of 64-bit load has fields other than its constant")
	}
	ins.Constant = imm64(uint32(ins.Constant), uint32(second.imm))
	return 2 * InstructionSize, nil
}

func (ins *Instruction) decodeAtomic() {
	op := AtomicOp(ins.Constant << atomicShift)
	if int64(op>>atomicShift) != ins.Constant || !op.known() {
		ins.OpCode |= unknownAtomic
		return
	}
	ins.OpCode |= OpCode(op)
	ins.Constant = 0
}

func (ins *Instruction) decodeExtension() {
	for _, ext := range aluExtensions(ins.OpCode) {
		if ins.Offset == ext.offset {
			ins.OpCode = ins.OpCode&^aluMask | OpCode(ext.op)
			ins.Offset = 0
			return
		}
	}
}

// isLittle reports whether bo is little endian.
func isLittle(bo binary.ByteOrder) (bool, error) {
	switch bo {
	case binary.LittleEndian:
		return true, nil
	case binary.BigEndian:
		return false, nil
	case binary.NativeEndian:
		return binary.NativeEndian.Uint16([]byte{1, 0}) == 1, nil
	}
	return false, fmt.Errorf("unknown byte order %v", bo)
}
