package ebpf

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/internal/verifierlog"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// sourceLine is a line of C that the object has the text of.
type sourceLine struct {
	file           string
	number, column int
	text           string
}

// explain fills in what the log, the program and its line information tell.
func (ve *VerifierError) explain(spec *ProgramSpec, insns asm.Instructions) {
	report := verifierlog.Parse(ve.Log)
	prog := newListing(insns)
	ve.Program, ve.label = spec.Name, spec.label()
	ve.Reason, ve.Hint, ve.details, ve.explanation = report.Reason, report.Suggestion, report.Details, report.Explanation
	if report.Rule != nil {
		ve.Hint = report.Rule.Hint(report.Reason)
	}
	at := prog.at(report.Insn)
	if at != nil {
		ve.Insn, ve.Instruction = report.Insn, fmt.Sprint(*at.ins)
		ve.explainPoison(at)
	} else {
		at = prog.at(0)
	}
	if ve.locate(at); ve.Line > 0 {
		ve.source = prog.around(ve.File, ve.Line)
	}
	if ve.Insn >= 0 {
		ve.Registers = relevant(&report, at.ins)
		ve.Branches = prog.branches(report.Path)
	}
	if related := prog.at(report.Related); related != nil && related.line != nil {
		line := lineOf(related.line)
		ve.related = &line
	}
}

func (ve *VerifierError) locate(at *listed) {
	if at == nil || at.line == nil {
		return
	}
	ve.File, ve.Line, ve.Column = fileName(at.line), int(at.line.LineNumber()), int(at.line.LineColumn())
}

// explainPoison is for an instruction that takes the place of one which this
// kernel has no solution for: that is the reason, and not what stands there now.
func (ve *VerifierError) explainPoison(at *listed) {
	if poison := corerelo.PoisonOf(at.ins); poison != nil {
		ve.Reason, ve.details, ve.explanation = poison.Reason(at.line), poison.Candidates(), ""
		ve.Hint, ve.also = poison.Hint(), ErrNotSupported
		ve.Instruction = ""
		return
	}
	if missing := missingKfunc(at.ins); missing != "" {
		ve.Reason = fmt.Sprintf("it calls %s, which this kernel doesn't have as it is declared", rawbtf.EssentialName(missing))
		ve.Hint = fmt.Sprintf("Ask bpf_ksym_exists(%s) before, in the same function, or do without.", missing)
		ve.details, ve.explanation, ve.also, ve.Instruction = nil, "", ErrNotSupported, ""
	}
}

// listing is a program by slots.
type listing []listed

type listed struct {
	slot int
	ins  *asm.Instruction
	line *btf.Line // of the instruction or of one before it; may be nil
}

func newListing(insns asm.Instructions) listing {
	list := make(listing, 0, len(insns))
	var line *btf.Line
	for iter := insns.Iterate(); iter.Next(); {
		if l := iter.Ins.Metadata.Line(); l != nil {
			line = l
		} else if iter.Ins.Symbol() != "" && !iter.Ins.Func().IsZero() {
			line = nil
		}
		list = append(list, listed{int(iter.Offset), iter.Ins, line})
	}
	return list
}

// at is the instruction in a slot, nil if none begins there.
func (l listing) at(slot int) *listed {
	i, ok := sort.Find(len(l), func(i int) int { return slot - l[i].slot })
	if !ok {
		return nil
	}
	return &l[i]
}

// How many lines of C are shown before and behind the one that an error is about.
const (
	linesBefore = 3
	linesBehind = 1
)

// around is what is known of the source near a line, in order. Lines that no
// instruction is of are missing.
func (l listing) around(file string, number int) []sourceLine {
	var lines []sourceLine
	for i := range l {
		if l[i].line == nil || fileName(l[i].line) != file {
			continue
		}
		line := lineOf(l[i].line)
		known := slices.ContainsFunc(lines, func(s sourceLine) bool { return s.number == line.number })
		if !known && line.number >= number-linesBefore && line.number <= number+linesBehind {
			lines = append(lines, line)
		}
	}
	sorting.Stable(lines, func(a, b *sourceLine) int { return a.number - b.number })
	return lines
}

// fileName is the path that the compiler was given, without "./", which some
// build systems put in front.
func fileName(l *btf.Line) string { return strings.TrimPrefix(l.FileName(), "./") }

func lineOf(l *btf.Line) sourceLine {
	return sourceLine{fileName(l), int(l.LineNumber()), int(l.LineColumn()), l.Line()}
}

// framePointer is always the same, and so tells nothing.
const framePointer = "R10"

// relevant are the registers that the reason names, and those that the
// instruction reads.
func relevant(report *verifierlog.Report, ins *asm.Instruction) []VerifierRegister {
	var registers []VerifierRegister
	add := func(name string) {
		state := report.Register(name)
		if state != "" && name != framePointer && !slices.ContainsFunc(registers, func(r VerifierRegister) bool { return r.Name == name }) {
			registers = append(registers, VerifierRegister{name, state})
		}
	}
	for _, text := range append([]string{report.Reason}, report.Details...) {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r != 'R' && (r < '0' || r > '9') }) {
			add(word)
		}
	}
	for _, r := range reads(ins) {
		add(fmt.Sprintf("R%d", r))
	}
	return registers
}

// reads are the registers that an instruction reads.
func reads(ins *asm.Instruction) []asm.Register {
	class, op := ins.OpCode.Class(), ins.OpCode
	switch {
	case class == asm.JumpClass && op.JumpOp() == asm.Call:
		return []asm.Register{asm.R1, asm.R2, asm.R3, asm.R4, asm.R5}
	case class == asm.JumpClass && op.JumpOp() == asm.Exit:
		return []asm.Register{asm.R0}
	case class == asm.LdXClass:
		return []asm.Register{ins.Src}
	case class == asm.StClass:
		return []asm.Register{ins.Dst}
	case class == asm.LdClass:
		return nil
	case op.Source() == asm.RegSource || class == asm.StXClass:
		return []asm.Register{ins.Dst, ins.Src}
	}
	return []asm.Register{ins.Dst}
}

// branches are the jumps of a path. A loop goes through the same ones time and
// again; only what they did last is kept.
func (l listing) branches(path []verifierlog.Jump) []VerifierBranch {
	branches := make([]VerifierBranch, 0, min(len(path), 32))
	for i := len(path) - 1; i >= 0; i-- {
		jump := l.at(path[i].From)
		if jump == nil || slices.ContainsFunc(branches, func(b VerifierBranch) bool { return b.Insn == path[i].From }) {
			continue
		}
		branches = append(branches, jump.branch(path[i].To))
	}
	slices.Reverse(branches)
	return branches
}

func (e *listed) branch(to int) VerifierBranch {
	condition, _, _ := strings.Cut(fmt.Sprint(*e.ins), " goto ")
	b := VerifierBranch{
		Insn: e.slot, Taken: to != e.slot+1,
		Condition: strings.TrimPrefix(condition, "if "),
	}
	if e.line != nil {
		b.File, b.Line, b.Source = fileName(e.line), int(e.line.LineNumber()), strings.TrimSpace(e.line.Line())
	}
	return b
}
