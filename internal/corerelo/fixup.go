package corerelo

import (
	"errors"
	"fmt"
	"math"

	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// A Fixup is the solution of a relocation.
type Fixup struct {
	relo    *btf.CORERelocation
	outcome *outcome
}

// Poisons says whether the relocation has no solution on this kernel, so that Apply poisons the instruction.
func (f *Fixup) Poisons() bool { return f.outcome.poison }

// Value returns what the kernel's types answer the relocation, zero if it has no solution.
func (f *Fixup) Value() uint64 { return f.outcome.found.value }

// String shows the value in the program and on this kernel, such as "byte_off struct task_struct.pid: 16 -> 2472".
func (f *Fixup) String() string {
	if f.Poisons() {
		return fmt.Sprintf("%s %s: %s", f.relo.Kind, Spell(f.relo), f.reason())
	}
	return fmt.Sprintf("%s %s: %d -> %d", f.relo.Kind, Spell(f.relo), int64(f.outcome.expect.value), int64(f.outcome.found.value))
}

func (f *Fixup) reason() string {
	p, err := parsePath(f.outcome.local, f.relo, nil)
	if err != nil {
		return err.Error()
	}
	return f.outcome.reason(&p)
}

var (
	errNotRelocatable = errors.New("not an instruction that can be relocated: it takes an ALU operation with a constant, a 64-bit load of a plain constant, or a load or store")
	errImm32          = errors.New("value doesn't fit the 32 bits of the instruction")
	errOffset         = errors.New("offset exceeds the 16 bits of the instruction; take the field's address instead of accessing it directly")
)

// Apply changes ins according to the solution.
//
// If there is none, ins is poisoned: replaced by one that the verifier rejects if it can be reached, and otherwise removes. Errors
// are an [*Error].
func (f *Fixup) Apply(ins *asm.Instruction) error {
	err := f.apply(ins)
	if err != nil {
		return &Error{Relo: f.relo, Index: -1, Line: position(ins.Source()), Err: err}
	}
	return nil
}

func (f *Fixup) apply(ins *asm.Instruction) error {
	if f.outcome.poison {
		f.poison(ins)
		return nil
	}
	switch class := ins.OpCode.Class(); class {
	case asm.ALUClass, asm.ALU64Class:
		return f.applyALU(ins)
	case asm.LdXClass, asm.StClass, asm.StXClass:
		return f.applyMemory(ins)
	case asm.LdClass:
		return f.applyImm64(ins)
	}
	return errNotRelocatable
}

func (f *Fixup) applyALU(ins *asm.Instruction) error {
	if ins.OpCode.Source() != asm.ImmSource || ins.OpCode.ALUOp() == asm.Swap {
		return errNotRelocatable
	}
	value, err := f.replace(ins.Constant)
	if err != nil {
		return err
	}
	// A 32-bit operation makes no difference between -1 and 0xffffffff.
	if ins.OpCode.Class() == asm.ALUClass && value > math.MaxInt32 && value <= math.MaxUint32 {
		value = int64(int32(value))
	}
	if value != int64(int32(value)) {
		return fmt.Errorf("%d: %w", value, errImm32)
	}
	ins.Constant = value
	return nil
}

func (f *Fixup) applyImm64(ins *asm.Instruction) error {
	if !ins.IsConstantLoad(asm.DWord) {
		return errNotRelocatable
	}
	value, err := f.replace(ins.Constant)
	if err != nil {
		return err
	}
	ins.Constant = value
	return nil
}

// replace returns what to put in place of a constant, which has to be what the compiler should have put there.
func (f *Fixup) replace(old int64) (int64, error) {
	o := f.outcome
	value := int64(o.found.value)
	if o.expect.vague || uint64(old) == o.expect.value {
		return value, nil
	}
	// Before clang 15, the types said that all enums are unsigned, but the instructions knew better.
	if o.narrow && old == int64(int32(o.expect.value)) {
		return int64(int32(value)), nil
	}
	return 0, mismatchedConstant(old, o)
}

func mismatchedConstant(old int64, o *outcome) error {
	return fmt.Errorf("instruction has the constant %d where the program's own types give %d; was the object changed after it was compiled?", old, int64(o.expect.value))
}

// applyMemory changes the offset of a load or store, and its size if the field has another one in the kernel.
func (f *Fixup) applyMemory(ins *asm.Instruction) error {
	o := f.outcome
	if !o.expect.vague && int64(ins.Offset) != int64(o.expect.value) {
		return mismatchedConstant(int64(ins.Offset), o)
	}
	if o.found.value > math.MaxInt16 {
		return fmt.Errorf("%d: %w", o.found.value, errOffset)
	}
	if o.keepSize {
		f.poison(ins)
		return nil
	}
	if o.expect.size != o.found.size {
		if size := uint32(ins.OpCode.Size().Sizeof()); size != o.expect.size {
			return fmt.Errorf("instruction accesses %d bytes of a field of %d, which has %d in the kernel; access it as a whole", size, o.expect.size, o.found.size)
		}
		size := sizeFor(ins.OpCode.Mode(), o.found.size)
		if size == asm.InvalidSize {
			return fmt.Errorf("no such instruction accesses %d bytes, which the field has in the kernel", o.found.size)
		}
		ins.OpCode = ins.OpCode.SetSize(size)
	}
	ins.Offset = int16(o.found.value)
	return nil
}

// sizeFor returns how a load or store of so many bytes is encoded, or asm.InvalidSize.
func sizeFor(mode asm.Mode, bytes uint32) asm.Size {
	switch {
	case bytes == 1 && mode != asm.AtomicMode:
		return asm.Byte
	case bytes == 2 && mode != asm.AtomicMode:
		return asm.Half
	case bytes == 4:
		return asm.Word
	case bytes == 8 && mode != asm.MemSXMode:
		return asm.DWord
	}
	return asm.InvalidSize
}
