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
	d := NewDecoder(dst[start:], code, !little)
	if err := d.Until(len(code)); err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// Decoder is Decode in steps, for those who have something to say about some of
// the instructions and would rather not go over all of them twice.
type Decoder struct {
	Index  int // of the next instruction
	Offset int // of the next instruction, in bytes

	insns Instructions
	code  []byte
	big   bool
}

// NewDecoder returns a Decoder of code, whose length is a multiple of
// InstructionSize, into insns, which are zero and enough.
func NewDecoder(insns Instructions, code []byte, bigEndian bool) Decoder {
	return Decoder{insns: insns, code: code, big: bigEndian}
}

// Until decodes the instructions that begin before stop, an offset in bytes.
// Errors are those of Decode.
func (d *Decoder) Until(stop int) error {
	insns, code, i, off := d.insns, d.code, d.Index, d.Offset
	for ; off < stop; i, off = i+1, off+InstructionSize {
		v := binary.LittleEndian.Uint64(code[off : off+InstructionSize])
		op := byte(v)
		ins := &insns[i]
		if d.big || isExtended(op, v) {
			n, err := ins.decode(code[off:], !d.big)
			if err != nil {
				return fmt.Errorf("decode instruction at slot %d: %w", off/InstructionSize, err)
			}
			off += n - InstructionSize
			continue
		}
		ins.OpCode, ins.Dst, ins.Src = OpCode(op), Register(v>>8&0xf), Register(v>>12&0xf)
		ins.Offset, ins.Constant = int16(v>>16), int64(int32(v>>32))
	}
	d.Index, d.Offset = i, off
	return nil
}

// isExtended tells whether decoding a little-endian slot may take more than
// copying its fields: for 64-bit loads, atomics, and arithmetic with an offset.
func isExtended(op byte, slot uint64) bool {
	const offset = 0xffff0000
	return op == byte(dwordLoad) || OpCode(op).isAtomic() || slot&offset != 0 && OpCode(op).Class().IsALU()
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

// grow appends n zero instructions to insns.
func grow(insns Instructions, n int) Instructions {
	start := len(insns)
	if free := cap(insns) - start; free < n {
		longer := make(Instructions, start+n)
		copy(longer, insns)
		return longer
	}
	insns = insns[:start+n]
	clear(insns[start:])
	return insns
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
