package verifierlog

import "strings"

// A Rule is a known rejection.
type Rule struct {
	// Name is unique and stays the same from version to version.
	Name string
	// hint says in plain words what to do; $R is the register of the reason.
	hint string
	// about says what instruction the reason is about.
	about about
	// patterns match reasons from their beginning; * is any text, # a slot.
	patterns []string
}

type about uint8

const (
	aboutLast     about = iota // the last instruction in the log
	aboutNumbered              // the instruction whose number is in the reason
	aboutProgram               // the program as a whole
)

// Rules returns the table of known rejections.
func Rules() []Rule { return rules[:] }

// Hint is the advice for a reason that the rule matches.
func (r *Rule) Hint(reason string) string {
	register, _, _ := strings.Cut(reason, " ")
	if len(register) < 2 || register[0] != 'R' || !isDigit(register[1]) {
		register = "the register"
	}
	return strings.Join(strings.Split(r.hint, "$R"), register)
}

type match struct {
	rule   *Rule // nil if no row matches
	line   int
	number int // -1 if there is none
}

// lookUp finds the first row that matches some line.
func lookUp(lines []string) match {
	for i := range rules {
		for _, pattern := range rules[i].patterns {
			for at, line := range lines {
				if n, ok := matches(pattern, line); ok {
					return match{&rules[i], at, n}
				}
			}
		}
	}
	return match{number: -1}
}

// matches tells whether text begins as pattern says, and what the # stands for.
func matches(pattern, text string) (n int, ok bool) {
	n = -1
	for {
		special := strings.IndexAny(pattern, "*#")
		if special < 0 {
			return n, strings.HasPrefix(text, pattern)
		}
		literal, wildcard, rest := pattern[:special], pattern[special], pattern[special+1:]
		if text, ok = strings.CutPrefix(text, literal); !ok {
			return n, false
		}
		pattern = rest
		if wildcard == '#' {
			if n, text, ok = number(text); !ok {
				return n, false
			}
			continue
		}
		next := pattern
		if end := strings.IndexAny(next, "*#"); end >= 0 {
			next = next[:end]
		}
		at := strings.Index(text, next)
		if at < 0 {
			return n, false
		}
		text = text[at:]
	}
}
