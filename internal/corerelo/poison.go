package corerelo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bpfgen/bpfgen/internal/nearest"
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

// Reason says in one line what the program asks this kernel for in vain. Line is the C line it does that in, or nil.
func (p *Poison) Reason(line *btf.Line) string {
	what := Spell(p.fixup.relo)
	if access := accessAt(line); strings.HasSuffix(access, lastName(what)) || strings.Contains(access, lastName(what)+")") {
		what = fmt.Sprintf("%s (%s)", access, what)
	}
	return fmt.Sprintf("this kernel has no %s, for a CO-RE relocation of kind %s", what, p.fixup.relo.Kind)
}

// Candidates says, in a line each, what types of the kernel could have been meant, and why none of them fits.
func (p *Poison) Candidates() []string {
	o := p.fixup.outcome
	path, err := parsePath(o.local, p.fixup.relo, nil)
	if err != nil {
		return []string{err.Error()}
	}
	if len(o.rejected) == 0 {
		return []string{fmt.Sprintf("neither vmlinux nor a module has a type like %s", o.local.describe(path.root))}
	}
	lines := make([]string, len(o.rejected))
	for i, r := range o.rejected {
		lines[i] = o.explain(&path, r) + r.near(&path)
		if len(lines) > 1 {
			lines[i] = fmt.Sprintf("type ID %d: %s", r.candidate.id, lines[i])
		}
	}
	return lines
}

// near is ` (did you mean "name"?)` if there is a member or enumerator with a name like the one that is missing.
func (r *rejection) near(p *path) string {
	if r.mismatch.why != noMember && r.mismatch.why != noEnumerator {
		return ""
	}
	target := r.candidate.types
	typ, err := target.resolve(r.mismatch.own)
	if err != nil {
		return ""
	}
	step := p.steps[min(int(r.mismatch.step), len(p.steps)-1)]
	name := nearest.Name(step.name, func(yield func(string) bool) {
		for i := range typ.Vlen() {
			off := uint32(0)
			if r.mismatch.why == noMember {
				off = typ.Member(i).NameOff
			} else {
				off = typ.EnumValue(i).NameOff
			}
			if name, err := target.Name(off); err == nil && name != "" && !yield(name) {
				return
			}
		}
	})
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", name)
}

// Hint says how the program could do without.
func (p *Poison) Hint() string {
	kind, ask := p.fixup.relo.Kind, "bpf_core_field_exists"
	switch {
	case kind.IsType():
		ask = "bpf_core_type_exists"
	case kind.IsEnumval():
		ask = "bpf_core_enum_value_exists"
	}
	return fmt.Sprintf("Ask %s before, so that the verifier sees that this isn't reached; for what other kernels call otherwise, declare the type with a flavour (name___old).", ask)
}

// lastName is what stands behind the last point or space: the member, or the type. The compiler may give a relocation the line of
// another instruction; an expression without that name isn't the one.
func lastName(spelled string) string {
	return spelled[max(strings.LastIndexByte(spelled, '.'), strings.LastIndexByte(spelled, ' '))+1:]
}

// accessAt is the C expression that was compiled to an instruction, such as task->mm->start_brk, "" if it isn't known.
func accessAt(line *btf.Line) string {
	if line == nil {
		return ""
	}
	return expressionAt(line.Line(), int(line.LineColumn()))
}

// expressionAt is the C expression around a column (starting at one) of a line: names joined by -> and . and brackets, or a macro with
// its arguments.
func expressionAt(line string, column int) string {
	if column < 1 || column > len(line) {
		return ""
	}
	start, end := column-1, column-1
	for start > 0 && inExpression(line, start-1) {
		start--
	}
	for end < len(line) && inExpression(line, end) {
		end++
	}
	if end < len(line) && line[end] == '(' && start < end {
		end = closing(line, end)
	}
	return line[start:end]
}

func inExpression(line string, i int) bool {
	c := line[i]
	switch {
	case c == '_', c == '.', c == '[', c == ']', '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		return true
	case c == '-':
		return i+1 < len(line) && line[i+1] == '>'
	}
	return c == '>' && i > 0 && line[i-1] == '-'
}

// closing is the index behind the parenthesis that closes the one at open, or behind the line.
func closing(line string, open int) int {
	depth := 0
	for i := open; i < len(line); i++ {
		switch line[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(line)
}
