package needs

import (
	"fmt"
	"path"
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Guards. C code that wants to run on many kernels asks first:
//
//	if (bpf_core_type_exists(struct x)) …      a CO-RE relocation gives 0 or 1
//	if (bpf_ksym_exists(bpf_task_acquire)) …   the address of a weak symbol
//	if (LINUX_KERNEL_VERSION >= …) …           a kconfig extern
//	if (use_ringbuf) …                         a constant of .rodata
//
// and the verifier leaves out what such a constant makes unreachable. So an
// instruction is guarded if it can only be reached over one side of a branch
// that tests a register with such an answer in it.

// guards has what guards each instruction of a program.
type guards struct {
	sides   []side
	answers []string    // answer n at n-1
	lines   []*btf.Line // of each instruction
}

// side is one side of a branch that tests an answer. The zero value is none.
type side struct {
	answer uint16
	taken  bool
	branch int // the instruction
}

// of is what guards instruction i: the C line of the check, or what it asks for.
func (g *guards) of(i int) (text string, at side) {
	at = g.sides[i]
	if at.answer == 0 {
		return "", at
	}
	if line := g.lines[at.branch]; line != nil && strings.TrimSpace(line.Line()) != "" {
		return fmt.Sprintf("%s:%d: %s", path.Clean(line.FileName()), line.LineNumber(), strings.TrimSpace(line.Line())), at
	}
	return g.answers[at.answer-1], at
}

// maxGuards bounds the time for one function, which grows with the number of
// its guards. Code behind further ones counts as needed.
const maxGuards = 256

// findGuards looks at all functions of a program.
func findGuards(obj *object.Object, insns asm.Instructions) *guards {
	g := &guards{sides: make([]side, len(insns)), lines: lines(insns)}
	if len(insns) == 0 {
		return g
	}
	funcs := splitFunctions(insns)
	for _, f := range funcs {
		f.findGuards(obj, g)
	}
	g.guardCallees(insns, funcs)
	return g
}

// lines are the C lines of all instructions. Those without line info belong to
// that of the one before them.
func lines(insns asm.Instructions) []*btf.Line {
	all := make([]*btf.Line, len(insns))
	var line *btf.Line
	for i := range insns {
		if l := insns[i].Metadata.Line(); l != nil {
			line = l
		} else if insns[i].Symbol() != "" {
			line = nil // a function without line info
		}
		all[i] = line
	}
	return all
}

// function is the instructions of one function, and how they follow each other.
type function struct {
	name  string
	start int // of the first one in the program
	insns asm.Instructions
	slots []int       // where each stands in the instruction stream
	index map[int]int // the reverse
}

func splitFunctions(insns asm.Instructions) []*function {
	var funcs []*function
	for i := range insns {
		if name := insns[i].Symbol(); i == 0 || name != "" {
			funcs = append(funcs, &function{name: name, start: i, index: make(map[int]int)})
		}
		f := funcs[len(funcs)-1]
		slot := 0
		if n := len(f.slots); n > 0 {
			slot = f.slots[n-1] + int(insns[i-1].Width())
		}
		f.index[slot] = len(f.slots)
		f.slots = append(f.slots, slot)
		f.insns = insns[f.start : i+1]
	}
	return funcs
}

// next are the instructions that can come after the i-th one: the following one,
// then the target of a jump; -1 is none.
func (f *function) next(i int) (following, target int) {
	ins := &f.insns[i]
	following, target = i+1, -1
	switch ins.OpCode.JumpOp() {
	case asm.InvalidJumpOp, asm.Call:
	case asm.Exit:
		return -1, -1
	default:
		distance := int(ins.Offset)
		if ins.OpCode.JumpOp() == asm.Ja && ins.OpCode.Class() == asm.Jump32Class {
			distance = int(ins.Constant)
		}
		if to, ok := f.index[f.slots[i]+1+distance]; ok {
			target = to
		}
		if ins.OpCode.JumpOp() == asm.Ja {
			following = -1
		}
	}
	if following >= len(f.insns) {
		following = -1
	}
	return following, target
}

// findGuards marks the instructions of f that a guard protects.
func (f *function) findGuards(obj *object.Object, g *guards) {
	sources := f.sources(obj, g)
	if sources == nil {
		return
	}
	tested := f.testedGuards(sources)
	all := f.reach(-1, -1)
	for i, n := range tested {
		if n == 0 || !all[i] {
			continue
		}
		following, target := f.next(i)
		for _, edge := range []int{following, target} {
			if edge < 0 || following == target {
				continue
			}
			without := f.reach(i, edge)
			for j := range all {
				if all[j] && !without[j] {
					g.sides[f.start+j] = side{n, edge == target, f.start + i}
				}
			}
		}
	}
}

// reach tells which instructions can be reached from the first one without going
// from instruction from to instruction to.
func (f *function) reach(from, to int) []bool {
	reached := make([]bool, len(f.insns))
	reached[0] = true
	for todo := []int{0}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		following, target := f.next(i)
		for _, j := range [...]int{following, target} {
			if j >= 0 && !reached[j] && !(i == from && j == to) {
				reached[j] = true
				todo = append(todo, j)
			}
		}
	}
	return reached
}

// sources are the instructions that get an answer: the number of the guard that
// each begins, or nil if there is none.
func (f *function) sources(obj *object.Object, g *guards) []uint16 {
	var sources []uint16
	count := 0
	for i := range f.insns {
		what := answer(obj, &f.insns[i])
		if what == "" || count == maxGuards || len(g.answers) == 1<<16-1 {
			continue
		}
		if sources == nil {
			sources = make([]uint16, len(f.insns))
		}
		g.answers = append(g.answers, what)
		sources[i] = uint16(len(g.answers))
		count++
	}
	return sources
}

// answer says what an instruction asks about the kernel or the configuration, or
// "" if it doesn't.
func answer(obj *object.Object, ins *asm.Instruction) string {
	if relo := ins.CORERelocation(); relo != nil {
		switch relo.Kind {
		case btf.COREFieldExists, btf.CORETypeExists, btf.COREEnumvalExists, btf.CORETypeMatches:
			return relo.String()
		}
	}
	if !ins.OpCode.IsDWordLoad() {
		return ""
	}
	if extern := ins.Extern(); extern != nil {
		if extern.Weak || extern.Kind == asm.ExternKconfig {
			return extern.Name
		}
		return ""
	}
	if ins.Src == asm.PseudoMapValue && strings.HasPrefix(ins.Reference(), ".rodata") {
		return constantAt(obj, ins.Reference(), uint32(uint64(ins.Constant)>>32))
	}
	return ""
}

// constantAt is the name of the scalar constant of a data section at an offset.
// Tables and strings aren't what code asks.
func constantAt(obj *object.Object, section string, offset uint32) string {
	for _, v := range obj.Variables {
		if v.Section == section && v.Offset == offset && v.Size <= 8 {
			return v.Name
		}
	}
	return ""
}

// registers is the guard that each register's contents stem from.
type registers [11]uint16

// testedGuards follows the answers through registers to the branches that test
// them: for each instruction, the guard that it branches on. Where paths meet,
// an answer that one of them has counts.
func (f *function) testedGuards(sources []uint16) []uint16 {
	states := make([]registers, len(f.insns))
	seen := make([]bool, len(f.insns))
	seen[0] = true
	for todo := []int{0}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		after := states[i].after(&f.insns[i], sources[i])
		following, target := f.next(i)
		for _, j := range [...]int{following, target} {
			if j >= 0 && (states[j].merge(&after) || !seen[j]) {
				seen[j] = true
				todo = append(todo, j)
			}
		}
	}
	tested := make([]uint16, len(f.insns))
	for i := range f.insns {
		if ins := &f.insns[i]; isTest(ins) {
			tested[i] = states[i][ins.Dst]
		}
	}
	return tested
}

// isTest tells whether ins compares a register with a constant: the other side
// of a comparison of two registers is more than an answer.
func isTest(ins *asm.Instruction) bool {
	switch ins.OpCode.JumpOp() {
	case asm.InvalidJumpOp, asm.Call, asm.Exit, asm.Ja, asm.JCOND:
		return false
	}
	return ins.Dst <= asm.R10 && ins.OpCode.Source() == asm.ImmSource
}

// merge adds what another path brings, and tells whether that is more.
func (r *registers) merge(other *registers) (changed bool) {
	for i := range r {
		if r[i] == 0 && other[i] != 0 {
			r[i] = other[i]
			changed = true
		}
	}
	return changed
}

// after is what registers have after ins, which begins the guard source.
func (r registers) after(ins *asm.Instruction, source uint16) registers {
	switch class := ins.OpCode.Class(); {
	case ins.Dst > asm.R10 || ins.Src > asm.R10:
	case source != 0:
		r[ins.Dst] = source
	case class == asm.LdXClass:
		r[ins.Dst] = r[ins.Src] // what an answer's address points to is the answer
	case class == asm.LdClass:
		r[ins.Dst] = 0
	case class.IsALU():
		r.compute(ins)
	case ins.OpCode.JumpOp() == asm.Call:
		for i := asm.R0; i <= asm.R5; i++ {
			r[i] = 0
		}
	}
	return r
}

func (r *registers) compute(ins *asm.Instruction) {
	fromRegister := ins.OpCode.Source() == asm.RegSource
	switch {
	case ins.OpCode.ALUOp() == asm.Mov && fromRegister:
		r[ins.Dst] = r[ins.Src]
	case ins.OpCode.ALUOp() == asm.Mov:
		r[ins.Dst] = 0
	case fromRegister && ins.OpCode.ALUOp() != asm.Swap:
		r[ins.Dst] = 0
	}
}

// guardCallees marks functions that are only called from guarded places. The
// first function is the program itself.
func (g *guards) guardCallees(insns asm.Instructions, funcs []*function) {
	byName := make(map[string]*function, len(funcs))
	for _, f := range funcs {
		byName[f.name] = f
	}
	needed := map[*function]bool{funcs[0]: true}
	why := make(map[*function]side)
	for todo := []*function{funcs[0]}; len(todo) > 0; {
		f := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for i := range f.insns {
			callee := byName[f.insns[i].Reference()]
			if callee == nil || !f.insns[i].IsFunctionReference() || needed[callee] {
				continue
			}
			guard := g.sides[f.start+i]
			if guard.answer == 0 {
				guard = why[f]
			}
			switch _, seen := why[callee]; {
			case guard.answer == 0:
				needed[callee] = true
				delete(why, callee)
			case seen:
				continue
			default:
				why[callee] = guard
			}
			todo = append(todo, callee)
		}
	}
	for f, guard := range why {
		for i := range f.insns {
			if at := f.start + i; g.sides[at].answer == 0 {
				g.sides[at] = guard
			}
		}
	}
}
