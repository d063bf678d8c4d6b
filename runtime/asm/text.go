package asm

import (
	"fmt"
	"strconv"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// The text of instructions is that of llvm-objdump --mcpu=v4, with these
// differences: helpers have their names, and what an instruction refers to is
// named in angle brackets.

// appendText appends the text of ins to b. A pc of zero or more is the slot of
// ins, for saying where jumps go.
func (ins *Instruction) appendText(b []byte, pc int64) []byte {
	if ins.OpCode == InvalidOpCode {
		return append(b, "invalid"...)
	}
	n := len(b)
	switch class := ins.OpCode.Class(); {
	case ins.OpCode.IsDWordLoad():
		b = ins.appendImm64(b)
	case class.IsALU():
		b = ins.appendALU(b)
	case class.IsJump():
		b = ins.appendJump(b, pc)
	case ins.OpCode.isAtomic():
		b = ins.appendAtomic(b)
	default:
		b = ins.appendLoadStore(b)
	}
	if len(b) == n {
		b = ins.appendUnknown(b)
	}
	if relo := ins.CORERelocation(); relo != nil {
		b = append(append(b, "  // CO-RE "...), relo.String()...)
	}
	return b
}

// appendUnknown spells the fields of an instruction that means nothing.
func (ins *Instruction) appendUnknown(b []byte) []byte {
	return fmt.Appendf(b, "unknown op %#02x dst %d src %d off %d imm %d",
		uint8(ins.OpCode), ins.Dst, ins.Src, ins.Offset, ins.Constant)
}

// register appends the name of r, or of its lower half.
func appendRegister(b []byte, r Register, wide bool) []byte {
	if wide {
		b = append(b, 'r')
	} else {
		b = append(b, 'w')
	}
	return strconv.AppendUint(b, uint64(r), 10)
}

// appendOperand appends the second operand of arithmetic and branches.
func (ins *Instruction) appendOperand(b []byte, wide bool) []byte {
	if ins.OpCode.Source() == RegSource {
		return appendRegister(b, ins.Src, wide)
	}
	return strconv.AppendInt(b, ins.Constant, 10)
}

func appendName(b []byte, name string) []byte {
	return append(append(append(b, '<'), name...), '>')
}

func appendSigned(b []byte, n int64) []byte {
	if n >= 0 {
		b = append(b, '+')
	}
	return strconv.AppendInt(b, n, 10)
}

func (ins *Instruction) appendImm64(b []byte) []byte {
	b = append(appendRegister(b, ins.Dst, true), " = "...)
	low, high := uint32(ins.Constant), ins.mapOffset()
	switch ins.Src {
	case PseudoMapFD, PseudoMapValue:
		return ins.appendMap(b)
	case PseudoMapIdx:
		return fmt.Appendf(b, "map index %d", low)
	case PseudoMapIdxValue:
		return fmt.Appendf(b, "map_value index %d + %d", low, high)
	case PseudoBtfId:
		if ext := ins.Extern(); ext == nil {
			return fmt.Appendf(b, "btf_id %d module fd %d", low, high)
		}
		b = append(b, "btf_id"...)
	case PseudoFunc:
		if ref := ins.Reference(); ref != "" {
			return appendName(append(b, "func "...), ref)
		}
		return appendSigned(append(b, "func "...), ins.distance())
	case 0:
		b = append(strconv.AppendInt(b, ins.Constant, 10), " ll"...)
	default:
		return fmt.Appendf(b, "%d ll (unknown src %d)", ins.Constant, ins.Src)
	}
	return ins.appendReference(b)
}

func (ins *Instruction) appendMap(b []byte) []byte {
	b = append(b, "map"...)
	if ins.Src == PseudoMapValue {
		b = append(b, "_value"...)
	}
	if name := ins.Metadata.read().mapName(); name != "" {
		b = appendName(append(b, ' '), name)
	} else {
		b = fmt.Appendf(b, " fd %d", ins.mapFD())
	}
	if ins.Src == PseudoMapValue {
		b = fmt.Appendf(b, " + %d", ins.mapOffset())
	}
	if ext := ins.Extern(); ext != nil {
		b = appendName(append(b, ' '), ext.Name)
	}
	return b
}

// mapName returns the name of the map referred to, or "".
func (a *Annotations) mapName() string {
	switch m := a.Map.(type) {
	case nil:
		return a.Reference
	case fmt.Stringer:
		return m.String()
	default:
		return fmt.Sprintf("fd %d", m.FD())
	}
}

// appendReference appends what ins refers to, if that has a name.
func (ins *Instruction) appendReference(b []byte) []byte {
	if ref := ins.Reference(); ref != "" {
		return appendName(append(b, ' '), ref)
	}
	if ext := ins.Extern(); ext != nil {
		return appendName(append(b, ' '), ext.Name)
	}
	return b
}

// aluSymbols are the operators of `dst (op)= operand`.
var aluSymbols = [...]string{
	Add >> 4: "+", Sub >> 4: "-", Mul >> 4: "*", Div >> 4: "/", Or >> 4: "|", And >> 4: "&",
	LSh >> 4: "<<", RSh >> 4: ">>", Mod >> 4: "%", Xor >> 4: "^", ArSh >> 4: "s>>",
	SDiv >> 4: "s/", SMod >> 4: "s%",
}

func (ins *Instruction) appendALU(b []byte) []byte {
	op, wide := ins.OpCode.ALUOp(), ins.OpCode.Class() == ALU64Class
	if ins.Offset != 0 {
		return b
	}
	switch op {
	case Swap:
		return ins.appendSwap(b)
	case Mov:
		return ins.appendOperand(appendAssign(b, ins.Dst, wide), wide)
	case Neg:
		return appendRegister(append(appendAssign(b, ins.Dst, wide), '-'), ins.Dst, wide)
	case MovSX8, MovSX16, MovSX32:
		b = append(appendAssign(b, ins.Dst, wide), "(s"...)
		b = append(strconv.AppendInt(b, 8<<((op-MovSX8)>>8), 10), ')')
		return appendRegister(b, ins.Src, wide)
	case AddrSpaceCast:
		imm := uint32(ins.Constant)
		return fmt.Appendf(b, "r%d = addr_space_cast(r%d, %d, %d)", ins.Dst, ins.Src, imm>>16, imm&0xffff)
	}
	if int(op>>4) >= len(aluSymbols) || aluSymbols[op>>4] == "" {
		return b
	}
	b = append(append(append(appendRegister(b, ins.Dst, wide), ' '), aluSymbols[op>>4]...), "= "...)
	return ins.appendOperand(b, wide)
}

func appendAssign(b []byte, dst Register, wide bool) []byte {
	return append(appendRegister(b, dst, wide), " = "...)
}

func (ins *Instruction) appendSwap(b []byte) []byte {
	name := "bswap"
	switch {
	case ins.OpCode.Class() == ALU64Class:
	case ins.OpCode.Endianness() == BE:
		name = "be"
	default:
		name = "le"
	}
	return fmt.Appendf(b, "r%d = %s%d r%d", ins.Dst, name, ins.Constant, ins.Dst)
}

// jumpSymbols are the operators of `if dst (op) operand`.
var jumpSymbols = [...]string{
	JEq >> 4: "==", JNE >> 4: "!=", JGT >> 4: ">", JGE >> 4: ">=", JLT >> 4: "<", JLE >> 4: "<=",
	JSGT >> 4: "s>", JSGE >> 4: "s>=", JSLT >> 4: "s<", JSLE >> 4: "s<=", JSet >> 4: "&",
}

func (ins *Instruction) appendJump(b []byte, pc int64) []byte {
	op, wide := ins.OpCode.JumpOp(), ins.OpCode.Class() == JumpClass
	switch {
	case op == InvalidJumpOp:
		return b
	case op == Exit:
		return append(b, "exit"...)
	case op == Call:
		return ins.appendCall(b)
	case ins.OpCode == jumpReg:
		return appendRegister(append(b, "gotox "...), ins.Dst, true)
	case ins.OpCode == longJump:
		b = append(b, "gotol "...)
	case op == Ja && ins.OpCode == OpCode(JumpClass):
		b = append(b, "goto "...)
	case op == JCOND && ins.OpCode == JCOND.Op(ImmSource) && ins.Src == PseudoMayGoto:
		b = append(b, "may_goto "...)
	case int(op>>4) < len(jumpSymbols) && jumpSymbols[op>>4] != "":
		b = append(appendRegister(append(b, "if "...), ins.Dst, wide), ' ')
		b = append(append(b, jumpSymbols[op>>4]...), ' ')
		b = append(ins.appendOperand(b, wide), " goto "...)
	default:
		return b
	}
	return ins.appendTarget(b, pc)
}

// appendTarget appends where ins continues, relative and if possible absolute.
func (ins *Instruction) appendTarget(b []byte, pc int64) []byte {
	if ref := ins.Reference(); ref != "" {
		return appendName(b, ref)
	}
	b = appendSigned(b, ins.distance())
	if pc < 0 {
		return b
	}
	return append(strconv.AppendInt(append(b, " <"...), pc+1+ins.distance(), 10), '>')
}

func (ins *Instruction) appendCall(b []byte) []byte {
	ext := ins.Extern()
	switch {
	case ins.OpCode.Source() == RegSource:
		return appendRegister(append(b, "callx "...), ins.Dst, true)
	case ext != nil:
		return appendName(append(append(append(b, "call "...), ext.Kind.String()...), ' '), ext.Name)
	case ins.IsFunctionCall() && ins.Reference() != "":
		return appendName(append(b, "call "...), ins.Reference())
	case ins.IsFunctionCall():
		return appendSigned(append(b, "call "...), ins.distance())
	case ins.IsKfuncCall():
		return ins.appendReference(strconv.AppendInt(append(b, "call kfunc "...), ins.Constant, 10))
	case !ins.IsBuiltinCall():
		return b
	}
	b = append(b, "call "...)
	if ins.Constant == btf.COREBadRelocationSentinel {
		return append(b, "195896080 <unresolved CO-RE relocation>"...)
	}
	if fn := BuiltinFunc(ins.Constant); int64(fn) == ins.Constant && fn.Name() != "" {
		return append(b, fn.Name()...)
	}
	return strconv.AppendInt(b, ins.Constant, 10)
}

// memoryTypes spells access sizes as C types.
func (s Size) memoryType(signed bool) string {
	bits := strconv.Itoa(s.Sizeof() * 8)
	if signed {
		return "s" + bits
	}
	return "u" + bits
}

// appendAddress appends `register + offset`.
func appendAddress(b []byte, base Register, offset int16) []byte {
	b = appendRegister(b, base, true)
	if offset < 0 {
		return strconv.AppendInt(append(b, " - "...), -int64(offset), 10)
	}
	return strconv.AppendInt(append(b, " + "...), int64(offset), 10)
}

// appendMemory appends `(type *)(register + offset)`.
func (ins *Instruction) appendMemory(b []byte, base Register, signed bool) []byte {
	b = append(append(append(b, '('), ins.OpCode.Size().memoryType(signed)...), " *)("...)
	return append(appendAddress(b, base, ins.Offset), ')')
}

func (ins *Instruction) appendLoadStore(b []byte) []byte {
	op := ins.OpCode
	wide, signed := op.Size() == DWord, op.Mode() == MemSXMode
	switch class := op.Class(); {
	case class == LdXClass && (op.Mode() == MemMode || signed && !wide):
		b = append(appendAssign(b, ins.Dst, wide || signed), '*')
		return ins.appendMemory(b, ins.Src, signed)
	case class == StXClass && op.Mode() == MemMode:
		b = append(ins.appendMemory(append(b, '*'), ins.Dst, false), " = "...)
		return appendRegister(b, ins.Src, wide)
	case class == StClass && op.Mode() == MemMode:
		b = append(ins.appendMemory(append(b, '*'), ins.Dst, false), " = "...)
		return strconv.AppendInt(b, ins.Constant, 10)
	case class == LdClass && (op.Mode() == AbsMode || op.Mode() == IndMode) && !wide:
		return ins.appendPacket(b)
	}
	return b
}

func (ins *Instruction) appendPacket(b []byte) []byte {
	b = fmt.Appendf(b, "r0 = *(%s *)skb[", ins.OpCode.Size().memoryType(false))
	if ins.OpCode.Mode() == AbsMode {
		return append(strconv.AppendInt(b, ins.Constant, 10), ']')
	}
	b = appendRegister(b, ins.Src, true)
	if ins.Constant != 0 {
		b = fmt.Appendf(b, " + %d", ins.Constant)
	}
	return append(b, ']')
}

func (ins *Instruction) appendAtomic(b []byte) []byte {
	op, wide := ins.OpCode.AtomicOp(), ins.OpCode.Size() == DWord
	if op.modifies() && ins.OpCode != op.OpCode(ins.OpCode.Size()) {
		return b
	}
	dst, src := appendAssign(nil, ins.Src, wide), appendRegister(nil, ins.Src, wide)
	switch op {
	case AddAtomic, AndAtomic, OrAtomic, XorAtomic:
		b = ins.appendMemory(append(b, "lock *"...), ins.Dst, false)
		return append(fmt.Appendf(b, " %s= ", aluSymbols[op>>(atomicShift+4)]), src...)
	case FetchAdd, FetchAnd, FetchOr, FetchXor:
		b = fmt.Appendf(b, "%satomic_fetch_%s(", dst, fetchNames[op>>(atomicShift+4)])
		return fmt.Appendf(ins.appendMemory(b, ins.Dst, false), ", %s)", src)
	case Xchg:
		b = fmt.Appendf(b, "%sxchg%s(", dst, exchangeSuffix(wide))
		return fmt.Appendf(appendAddress(b, ins.Dst, ins.Offset), ", %s)", src)
	case CmpXchg:
		r0 := appendRegister(nil, R0, wide)
		b = fmt.Appendf(b, "%s = cmpxchg%s(", r0, exchangeSuffix(wide))
		return fmt.Appendf(appendAddress(b, ins.Dst, ins.Offset), ", %s, %s)", r0, src)
	case loadAcquire:
		b = append(appendAssign(b, ins.Dst, wide), "load_acquire("...)
		return append(ins.appendMemory(b, ins.Src, false), ')')
	case storeRelease:
		b = ins.appendMemory(append(b, "store_release("...), ins.Dst, false)
		return fmt.Appendf(b, ", %s)", src)
	}
	return b
}

var fetchNames = [...]string{Add >> 4: "add", And >> 4: "and", Or >> 4: "or", Xor >> 4: "xor"}

func exchangeSuffix(wide bool) string {
	if wide {
		return "_64"
	}
	return "32_32"
}
