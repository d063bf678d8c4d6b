package verifierlog

import "strings"

// maxDepth is more than the calls that the kernel allows to be nested.
const maxDepth = 16

// state takes registers as the verifier prints them, all or those that changed:
//
//	frame1: R1=ctx() R6_w=scalar(umax=7,var_off=(0x0; 0x7)) R10=fp0 fp-8=mmmm????
func (p *parser) state(text string) {
	text = p.enter(text)
	if p.whole {
		p.frames[p.depth], p.whole = nil, false
	}
	for text != "" {
		var token string
		token, text = nextToken(text)
		name, value, ok := strings.Cut(token, "=")
		if !ok || !isPlace(name) {
			continue // "refs=2", "cb"
		}
		p.set(baseName(name), value)
	}
}

// enter makes the frame that a state is of the current one. It returns the rest
// of the text.
func (p *parser) enter(text string) string {
	depth := 0
	if rest, ok := strings.CutPrefix(text, "frame"); ok {
		if n, rest, ok := number(rest); ok && n < maxDepth {
			depth = n
			text = strings.TrimPrefix(rest, ":")
		}
	}
	for len(p.frames) <= depth {
		p.frames = append(p.frames, nil)
	}
	p.depth = depth
	return strings.TrimLeft(text, " ")
}

func (p *parser) set(name, value string) {
	frame := p.frames[p.depth]
	for i := range frame {
		if frame[i].Name == name {
			frame[i].State = value
			return
		}
	}
	p.frames[p.depth] = append(frame, Register{name, value})
}

// forgetArguments is what a call does to the registers of its arguments.
func (p *parser) forgetArguments() {
	if p.depth >= len(p.frames) {
		return
	}
	kept := p.frames[p.depth][:0]
	for _, r := range p.frames[p.depth] {
		if len(r.Name) != 2 || r.Name[0] != 'R' || r.Name[1] < '1' || r.Name[1] > '5' {
			kept = append(kept, r)
		}
	}
	p.frames[p.depth] = kept
}

// registers are those of the current function.
func (p *parser) registers() []Register {
	if p.depth >= len(p.frames) {
		return nil
	}
	return p.frames[p.depth]
}

// isState tells whether text begins as a state does.
func isState(text string) bool {
	if rest, ok := strings.CutPrefix(text, "frame"); ok {
		_, rest, ok := number(rest)
		return ok && strings.HasPrefix(rest, ": ")
	}
	name, _, ok := strings.Cut(text, "=")
	return ok && isPlace(name)
}

// isPlace tells whether name is that of a register or a slot of the stack, with
// or without what the verifier thinks of its liveness: "R1", "R10_rw", "fp-8_w".
func isPlace(name string) bool {
	name = baseName(name)
	digits, ok := strings.CutPrefix(name, "R")
	if !ok {
		if digits, ok = strings.CutPrefix(name, "fp-"); !ok {
			return false
		}
	}
	_, rest, ok := number(digits)
	return ok && rest == ""
}

func baseName(name string) string {
	base, liveness, ok := strings.Cut(name, "_")
	if !ok || strings.Trim(liveness, "rwDP") != "" {
		return name
	}
	return base
}

// nextToken is the text up to the next blank that isn't within parentheses.
func nextToken(text string) (token, rest string) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth <= 0 {
				return text[:i], strings.TrimLeft(text[i:], " ")
			}
		}
	}
	return text, ""
}
