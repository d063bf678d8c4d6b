package verifierlog

import (
	"slices"
	"strings"
)

// maxLines bounds how much of a log is read, from its end. Logs of every
// instruction (log level 2) can have millions of lines; a path doesn't.
const maxLines = 20000

// Parse reads a log, given as lines without their ends.
func Parse(lines []string) Report {
	lines = lines[max(0, len(lines)-maxLines):]
	p := parser{last: -1, pendingJump: -1}
	for _, line := range lines {
		p.line(line)
	}
	report := Report{
		Insn: p.last, Related: -1, Registers: p.registers(), Path: p.path,
		Explanation: strings.Join(p.explanation, " "), Suggestion: strings.Join(p.suggestion, " "),
	}
	report.judge(p.tail)
	return report
}

// parser is what is known after some lines of the log.
type parser struct {
	last        int  // slot of the last instruction
	call        bool // it is a call, whose arguments are gone afterwards
	pendingJump int  // slot of the last instruction, if it is a conditional jump

	path   []Jump
	frames [][]Register // by depth of calls
	depth  int
	whole  bool // the next state is all of a function's, and not what changed

	tail  []string // lines since the last instruction, that may be the complaint
	quote bool     // the next state is a comparison, not where the program is

	section                 string // of a report by the kernel, "" outside of one
	explanation, suggestion []string
}

func (p *parser) line(line string) {
	line = strings.TrimRight(line, " \t\r")
	if line == "" || isStatistics(line) || p.kernelReport(line) {
		return
	}
	if from, rest, ok := resumption(line); ok {
		p.resume(from, rest)
		return
	}
	if slot, text, ok := numbered(line); ok {
		if isInstruction(text) {
			p.instruction(slot, text)
			return
		}
		if isState(text) {
			p.arrive(slot)
			p.state(text)
			return
		}
	}
	switch trimmed := strings.TrimLeft(line, " "); {
	case strings.HasPrefix(line, "; "):
	case line == "caller:", line == "callee:", line == "returning from callee:", strings.HasPrefix(line, "to caller at "):
		p.whole = true
	case isBookkeeping(line):
	case strings.HasPrefix(line, "cur state:"), strings.HasPrefix(line, "old state:"):
		p.quote = strings.HasSuffix(line, "state:")
	case isState(trimmed):
		if !p.quote {
			p.state(trimmed)
		}
		p.quote = false
	default:
		p.complain(line)
	}
}

// kernelReport takes a line of what Linux 7.3 and newer write behind the
// complaint: paragraphs, indented below their headings.
func (p *parser) kernelReport(line string) bool {
	switch {
	case strings.HasPrefix(line, "Verification failed: "):
		p.section = line
	case p.section == "":
		return false
	case line == "Reason:", line == "At:", line == "Causal path:", line == "Suggestion:":
		p.section = line
	case !strings.HasPrefix(line, "  "):
		p.section = ""
		return false
	case p.section == "Reason:":
		p.explanation = append(p.explanation, strings.TrimSpace(line))
	case p.section == "Suggestion:":
		p.suggestion = append(p.suggestion, strings.TrimSpace(line))
	}
	return true
}

// complain takes a line that may be the reason.
func (p *parser) complain(line string) {
	if text, _, glued := strings.Cut(line, "processed "); glued && strings.Contains(line, " insns (limit ") {
		line = text // some complaints lack their newline
	}
	p.tail = append(p.tail, line)
}

// instruction takes a line such as
//
//	12: (07) r2 += -4                     ; R2_w=fp-4
//	14: (a6) if w7 < 0x65 goto pc+3 18: R0=1 R10=fp0
func (p *parser) instruction(slot int, text string) {
	p.arrive(slot)
	p.tail, p.explanation, p.suggestion = p.tail[:0], nil, nil
	p.last = slot
	operation := strings.TrimLeft(text[len("(00)"):], " ")
	p.call = strings.HasPrefix(operation, "call ")
	if strings.HasPrefix(operation, "if ") || strings.HasPrefix(operation, "may_goto") {
		p.pendingJump = slot
	}
	if _, comment, ok := strings.Cut(text, " ; "); ok && isState(comment) {
		p.state(comment)
		return
	}
	if next, state, ok := inlineState(text); ok {
		p.arrive(next)
		p.state(state)
	}
}

// arrive notes that the path goes on at an instruction.
func (p *parser) arrive(slot int) {
	if p.pendingJump >= 0 && slot != p.pendingJump {
		p.path = append(p.path, Jump{p.pendingJump, slot})
		p.pendingJump = -1
	}
	if p.call && slot != p.last {
		p.forgetArguments()
		p.call = false
	}
}

// resume takes a line such as
//
//	from 12 to 15: R0=0 R10=fp0
//
// where the verifier follows the other branch of a jump that it met before.
func (p *parser) resume(jump Jump, state string) {
	p.pendingJump, p.call, p.tail = -1, false, p.tail[:0]
	for i := len(p.path) - 1; i >= 0; i-- {
		if p.path[i].From == jump.From {
			p.path = p.path[:i]
			break
		}
	}
	p.path = append(p.path, jump)
	p.enter(state)
	p.frames[p.depth] = nil
	p.state(state)
}

// resumption takes a line "from 12 to 15: state" apart.
func resumption(line string) (Jump, string, bool) {
	rest, ok := strings.CutPrefix(line, "from ")
	if !ok {
		return Jump{}, "", false
	}
	from, rest, ok := number(rest)
	rest, ok2 := strings.CutPrefix(rest, " to ")
	to, rest, ok3 := number(rest)
	_, state, ok4 := strings.Cut(rest, ":")
	if !ok || !ok2 || !ok3 || !ok4 {
		return Jump{}, "", false
	}
	if state = strings.TrimLeft(state, " "); state == "safe" {
		return Jump{}, "", false
	}
	return Jump{from, to}, state, true
}

// inlineState finds the state of the next instruction behind an instruction.
func inlineState(text string) (slot int, state string, ok bool) {
	for at := 0; ; {
		colon := strings.Index(text[at:], ": ")
		if colon < 0 {
			return 0, "", false
		}
		at += colon
		digits := at
		for digits > 0 && isDigit(text[digits-1]) {
			digits--
		}
		state = text[at+len(": "):]
		if digits < at && digits > 0 && text[digits-1] == ' ' && isState(state) {
			slot, _, ok = number(text[digits:])
			return slot, state, ok
		}
		at += len(": ")
	}
}

// judge finds the reason among the lines behind the last instruction: the one
// that comes first in the table, which has what is specific before what is
// general. Without any, it is the first line.
func (r *Report) judge(tail []string) {
	if len(tail) == 0 {
		return
	}
	for _, line := range tail {
		if n, ok := matches(acquisition, line); ok {
			r.Related = n
		}
	}
	found := lookUp(tail)
	r.Rule, r.Reason = found.rule, strings.TrimSpace(tail[found.line])
	r.Details = slices.Delete(slices.Clone(tail), found.line, found.line+1)
	if r.Rule == nil {
		return
	}
	switch r.Rule.about {
	case aboutProgram:
		r.Insn, r.Registers, r.Path = -1, nil, nil
	case aboutNumbered:
		if found.number >= 0 && found.number != r.Insn {
			r.Insn, r.Registers, r.Path = found.number, nil, nil
		}
	}
}

// acquisition says where a reference comes from that isn't released.
const acquisition = "Unreleased reference id=* alloc_insn=#"

// isStatistics tells whether a line is about the verifier and not the program.
func isStatistics(line string) bool {
	return hasPrefix(line, "processed ", "verification time ", "stack depth ", "max_states_per_insn ", "insns processed ")
}

// isBookkeeping tells whether a line says how the verifier goes about its work.
func isBookkeeping(line string) bool {
	return hasPrefix(line, "func#", "mark_precise:", "last_idx ", "regs=", "parent ", "propagating ", "frame 0: propagating", "Live regs before insn",
		"Validating ", "Func#", "     ") || strings.HasSuffix(line, ": safe") || strings.Contains(line, "reference type('UNKNOWN ') size cannot be determined")
}

func hasPrefix(line string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) })
}

// numbered takes "12: text" apart.
func numbered(line string) (slot int, text string, ok bool) {
	slot, rest, ok := number(line)
	if !ok {
		return 0, "", false
	}
	text, ok = strings.CutPrefix(rest, ": ")
	return slot, text, ok
}

// isInstruction tells whether text is like "(95) exit".
func isInstruction(text string) bool {
	return len(text) > len("(95) ") && text[0] == '(' && isHex(text[1]) && isHex(text[2]) && text[3] == ')' && text[4] == ' '
}

// number reads the decimal number that s begins with.
func number(s string) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && i < len("99999999") && isDigit(s[i]) {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c && c <= 'f' }
