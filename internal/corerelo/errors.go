package corerelo

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// An Error is a relocation that can't be solved, or a solution that can't be applied.
type Error struct {
	Relo *btf.CORERelocation
	// Index is which of the relocations it is, or -1 if that isn't known.
	Index int
	// Line is the C line the instruction was compiled from, or "".
	Line string
	Err  error
}

// Error names the relocation, its C line and the reason.
func (e *Error) Error() string {
	msg := "CO-RE relocation"
	if e.Index >= 0 {
		msg = fmt.Sprintf("%s #%d", msg, e.Index)
	}
	if e.Relo != nil {
		msg = fmt.Sprintf("%s (%s of %s)", msg, e.Relo.Kind, Spell(e.Relo))
	}
	if e.Line != "" {
		msg += " at " + e.Line
	}
	return fmt.Sprintf("%s: %v", msg, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

func fail(relos []Reloc, i int, err error) error {
	e := &Error{Relo: relos[i].CORERelocation, Index: i, Err: err}
	if ins := relos[i].Ins; ins != nil {
		e.Line = position(ins.Source())
	}
	return e
}

// position returns where the source of an instruction is, if that is known.
func position(src fmt.Stringer) string {
	if line, ok := src.(*btf.Line); ok {
		return line.Position()
	}
	return ""
}

// Spell spells what a relocation is about in C: a field such as struct task_struct.se.avg, an enumerator such as
// enum bpf_func_id::BPF_FUNC_tail_call, or a type.
func Spell(relo *btf.CORERelocation) string {
	if relo.Type.IsZero() {
		return "no type"
	}
	local := &types{BTF: relo.Type.Spec().Records(), pointer: 8}
	p, err := parsePath(local, relo, nil)
	if err == nil {
		return p.spell(local)
	}
	if typ, err := local.Type(uint32(relo.Type.ID())); err == nil {
		return fmt.Sprintf("%s, access string %q", local.describe(typ), relo.Accessor)
	}
	return fmt.Sprintf("type ID %d, access string %q", relo.Type.ID(), relo.Accessor)
}

// ErrAmbiguous is wrapped by every [*AmbiguousError].
var ErrAmbiguous = errors.New("the kernel has several types of that name, which disagree")

// An AmbiguousError says that several types of the kernel have the right name, but that they give different solutions.
type AmbiguousError struct {
	first, second verdict
}

func (v verdict) String() string {
	if v.bits != 0 {
		return fmt.Sprintf("%d (at bit %d) for %s", int64(v.value), v.bits, v.candidate)
	}
	return fmt.Sprintf("%d for %s", int64(v.value), v.candidate)
}

// Error names both types and what they give.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%v: %s, %s; declare the type with a flavour (name___x) and only the members it takes to tell them apart", ErrAmbiguous, e.first, e.second)
}

// Unwrap returns [ErrAmbiguous].
func (e *AmbiguousError) Unwrap() error { return ErrAmbiguous }

// reason says in words why an outcome is poison, for a path.
func (o *outcome) reason(p *path) string {
	if o.mismatch.why == noCandidate {
		return fmt.Sprintf("this kernel has no %s", o.local.describe(p.root))
	}
	return o.explain(p, rejection{o.candidate, o.mismatch})
}

// explain says in words why a candidate isn't the answer.
func (o *outcome) explain(p *path, r rejection) string {
	m := &r.mismatch
	target := r.candidate.types
	step := p.steps[min(int(m.step), len(p.steps)-1)]
	own := target.spellID(m.own)
	switch m.why {
	case noMember:
		return fmt.Sprintf("%s of %s has no member %s", own, target.name, step.name)
	case noEnumerator:
		return fmt.Sprintf("%s of %s has no enumerator %s", own, target.name, step.name)
	case notComposite:
		return fmt.Sprintf("where %s should have member %s, %s has %s", o.local.describe(p.root), step.name, target.name, own)
	case notArray:
		return fmt.Sprintf("where %s should have an array with element %d, %s has %s", o.local.describe(p.root), step.index, target.name, own)
	case outOfBounds:
		return fmt.Sprintf("%s of %s has no element %d", own, target.name, step.index)
	case otherType:
		return fmt.Sprintf("%s is %s in the program, but %s in %s", step.name, o.local.spellID(m.local), own, target.name)
	}
	return fmt.Sprintf("the field has %d bytes in the program and %d in %s, and only pointers and unsigned integers can be loaded and stored all the same",
		o.expect.size, o.found.size, target.name)
}

// spellID spells the type with an ID.
func (t *types) spellID(id uint32) string {
	typ, err := t.resolve(id)
	if err != nil {
		return err.Error()
	}
	return t.describe(typ)
}
