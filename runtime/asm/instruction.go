package asm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// InstructionSize is the size of a slot of the instruction stream in bytes.
const InstructionSize = 8

// RawInstructionOffset is an offset in slots of the instruction stream.
type RawInstructionOffset uint64

// Bytes returns the offset in bytes.
func (rio RawInstructionOffset) Bytes() uint64 { return uint64(rio) * InstructionSize }

// Instruction is a single BPF instruction.
type Instruction struct {
	OpCode   OpCode
	Dst      Register
	Src      Register
	Offset   int16
	Constant int64

	// Metadata is what is known beyond the encoding.
	Metadata Metadata
}

// Width returns how many slots of the instruction stream ins takes: two for the
// load of a 64-bit constant, one for all else.
func (ins *Instruction) Width() RawInstructionOffset {
	return RawInstructionOffset(ins.OpCode.rawInstructions())
}

// Size returns how many bytes ins takes when encoded.
func (ins Instruction) Size() uint64 { return ins.Width().Bytes() }

// Marshal writes the encoding of ins, and returns its length. References have to
// be resolved; [Instructions.Encode] does that.
func (ins Instruction) Marshal(w io.Writer, bo binary.ByteOrder) (uint64, error) {
	little, err := isLittle(bo)
	if err != nil {
		return 0, err
	}
	var buf [2 * InstructionSize]byte
	code, err := ins.appendTo(buf[:0], little)
	if err != nil {
		return 0, err
	}
	n, err := w.Write(code)
	return uint64(n), err
}

// Unmarshal reads one instruction. At the end of r it returns io.EOF. The only
// platform is "linux".
func (ins *Instruction) Unmarshal(r io.Reader, bo binary.ByteOrder, platform string) error {
	little, err := isLittle(bo)
	if err != nil {
		return err
	}
	if err := checkPlatform(platform); err != nil {
		return err
	}
	var buf [2 * InstructionSize]byte
	code := buf[:InstructionSize]
	if _, err := io.ReadFull(r, code); err != nil {
		return err
	}
	if code[0] == byte(dwordLoad) {
		if _, err := io.ReadFull(r, buf[InstructionSize:]); err != nil {
			return errHalfImm64
		}
		code = buf[:]
	}
	var decoded Instruction
	if _, err := decoded.decode(code, little); err != nil {
		return err
	}
	*ins = decoded
	return nil
}

// AssociateMap makes a load from a map refer to m, instead of a name.
// It is an error if ins isn't one.
func (ins *Instruction) AssociateMap(m FDer) error {
	if !ins.IsLoadFromMap() {
		return fmt.Errorf("associate map: %v isn't a load from a map", ins)
	}
	notes := ins.Metadata.edit()
	notes.Reference, notes.Map = "", m
	return nil
}

// RewriteMapOffset changes the offset into the value that ins loads the address
// of. It is an error if ins isn't such a load.
func (ins *Instruction) RewriteMapOffset(offset uint32) error {
	if !ins.OpCode.IsDWordLoad() || ins.Src != PseudoMapValue && ins.Src != PseudoMapIdxValue {
		return fmt.Errorf("rewrite map offset: %v isn't a load of a map's value", ins)
	}
	ins.Constant = imm64(uint32(ins.Constant), offset)
	return nil
}

func (ins *Instruction) mapFD() int32      { return int32(ins.Constant) }
func (ins *Instruction) mapOffset() uint32 { return uint32(uint64(ins.Constant) >> 32) }

// AssociateBTFID makes ins, which must load a 64-bit constant, load the address
// of the kernel variable of that BTF ID. A moduleFD other than zero is the
// descriptor of the BTF of the module that has the variable; it must stay open
// until the program is loaded.
func (ins *Instruction) AssociateBTFID(id uint32, moduleFD int) error {
	if !ins.OpCode.IsDWordLoad() {
		return fmt.Errorf("associate BTF ID %d: %v isn't a 64-bit load", id, ins)
	}
	if moduleFD < 0 || moduleFD > math.MaxInt32 {
		return fmt.Errorf("associate BTF ID %d: invalid module descriptor %d", id, moduleFD)
	}
	ins.Src = PseudoBtfId
	ins.Constant = imm64(id, uint32(moduleFD))
	return nil
}

// IsLoadFromMap reports whether ins loads the address of a map or of its value.
func (ins *Instruction) IsLoadFromMap() bool {
	return ins.OpCode == dwordLoad && (ins.Src == PseudoMapFD || ins.Src == PseudoMapValue)
}

// IsFunctionCall reports whether ins calls a function of the program.
func (ins *Instruction) IsFunctionCall() bool { return ins.isCall() && ins.Src == PseudoCall }

// IsKfuncCall reports whether ins calls a function of the kernel by BTF ID.
func (ins *Instruction) IsKfuncCall() bool { return ins.isCall() && ins.Src == PseudoKfuncCall }

// IsBuiltinCall reports whether ins calls a helper.
func (ins *Instruction) IsBuiltinCall() bool {
	return ins.isCall() && ins.Src == R0 && ins.Dst == R0
}

func (ins *Instruction) isCall() bool { return ins.OpCode == OpCode(JumpClass)|OpCode(Call) }

// IsLoadOfFunctionPointer reports whether ins loads the address of a function of
// the program.
func (ins *Instruction) IsLoadOfFunctionPointer() bool {
	return ins.OpCode.IsDWordLoad() && ins.Src == PseudoFunc
}

// IsFunctionReference reports whether ins refers to a function of the program,
// by calling it or by loading its address.
func (ins *Instruction) IsFunctionReference() bool {
	return ins.IsFunctionCall() || ins.IsLoadOfFunctionPointer()
}

// IsLoadOfBTFID reports whether ins loads the address of a kernel variable by
// BTF ID.
func (ins *Instruction) IsLoadOfBTFID() bool {
	return ins.OpCode.IsDWordLoad() && ins.Src == PseudoBtfId
}

// IsConstantLoad reports whether ins loads a plain constant of size.
func (ins *Instruction) IsConstantLoad(size Size) bool {
	return ins.OpCode == LoadImmOp(size) && ins.Src == R0 && ins.Offset == 0
}

// isBranch reports whether ins may continue elsewhere in the same function.
func (ins *Instruction) isBranch() bool {
	switch ins.OpCode.JumpOp() {
	case InvalidJumpOp, Call, Exit:
		return false
	}
	return true
}

// refersToCode reports whether ins has, or will have, the distance to another
// instruction in its offset or constant.
func (ins *Instruction) refersToCode() bool { return ins.isBranch() || ins.IsFunctionReference() }

// distance returns the distance to the instruction that ins refers to, which
// counts from the slot after the first one of ins.
func (ins *Instruction) distance() int64 {
	if ins.isBranch() && ins.OpCode != longJump {
		return int64(ins.Offset)
	}
	return int64(int32(ins.Constant))
}

var errDistance = errors.New("distance doesn't fit")

// setDistance is the reverse of distance.
func (ins *Instruction) setDistance(d int64) error {
	switch {
	case ins.isBranch() && ins.OpCode != longJump:
		if int64(int16(d)) != d {
			return fmt.Errorf("%d slots away: %w the 16 bits of a jump, use LongJump", d, errDistance)
		}
		ins.Offset = int16(d)
	case int64(int32(d)) != d:
		return fmt.Errorf("%d slots away: %w 32 bits", d, errDistance)
	case ins.OpCode.IsDWordLoad():
		ins.Constant = int64(uint32(d))
	default:
		ins.Constant = d
	}
	return nil
}
