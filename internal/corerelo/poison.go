package corerelo

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// A Poison is why an instruction was poisoned. It tells so in words if the verifier rejects the program because of it.
type Poison struct {
	fixup  Fixup
	source fmt.Stringer // of the instruction
}

// poisonKey is what the Poison is found by in the metadata of an instruction.
type poisonKey struct{}

// poison replaces ins by an instruction of the same width that the verifier accepts only where it is never reached.
func (f *Fixup) poison(ins *asm.Instruction) {
	meta := ins.Metadata
	meta.Set(poisonKey{}, &Poison{fixup: *f, source: ins.Source()})
	if ins.OpCode.IsDWordLoad() {
		*ins = asm.LoadImm(asm.R10, btf.COREBadRelocationSentinel, asm.DWord) // R10 is read-only
	} else {
		*ins = asm.BuiltinFunc(btf.COREBadRelocationSentinel).Call()
	}
	ins.Metadata = meta
}

// PoisonOf returns why an instruction was poisoned, or nil if it wasn't.
func PoisonOf(ins *asm.Instruction) *Poison {
	p, _ := ins.Metadata.Get(poisonKey{}).(*Poison)
	return p
}

// Relocation returns the relocation without solution.
func (p *Poison) Relocation() *btf.CORERelocation { return p.fixup.relo }

// Error names the relocation, its C line and why this kernel has no solution for it.
func (p *Poison) Error() string {
	e := Error{Relo: p.fixup.relo, Index: -1, Line: position(p.source), Err: errors.New(p.fixup.reason())}
	return e.Error()
}
