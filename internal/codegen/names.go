package codegen

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// goName turns a C name into the exported Go identifier that bpf2go users
// expect: an underscore after a lower case letter or a digit starts a new
// word, one after an upper case letter stays, so that my_map becomes MyMap and
// MY_MAP stays MY_MAP. The result may be empty or start with a digit; see
// exported.
func goName(c string) string {
	var b strings.Builder
	b.Grow(len(c))
	prev := rune(0) // 0 at the start of a word
	for _, r := range c {
		switch {
		case unicode.IsLetter(r):
			if prev == 0 {
				r = unicode.ToUpper(r)
			}
		case unicode.IsDigit(r):
		case r == '_':
			if prev == 0 || unicode.IsDigit(prev) || unicode.IsLower(prev) {
				prev = 0
				continue
			}
		default:
			continue
		}
		b.WriteRune(r)
		prev = r
	}
	return b.String()
}

// verbatim is the spelling used when goName's is taken: the C name, changed
// only as much as Go demands. Different C names give different results, but
// for the case of the first letter.
func verbatim(c string) string { return exported(upperFirst(identifierRunes(c))) }

func identifierRunes(c string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, c)
}

// exported makes name an exported Go identifier by a leading X if it isn't one.
func exported(name string) string {
	first, _ := utf8.DecodeRuneInString(name)
	if unicode.IsUpper(first) {
		return name
	}
	return "X" + name
}

func upperFirst(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// scope hands out the identifiers of one Go block, each once.
type scope struct {
	prefix string // of every name: the stem in package scope, empty in a struct
	ours   map[string]bool
	taken  map[string]bool

	foreign neighbours // what the rest of the package declares
	clashes []string   // how names were changed because of that
}

// newScope returns a scope in which names of our own can't be taken. They are
// whole identifiers, prefix included.
func newScope(prefix string, ours ...string) *scope {
	s := &scope{prefix: prefix, ours: map[string]bool{}, taken: map[string]bool{}}
	for _, name := range ours {
		s.ours[name] = true
	}
	return s
}

func (s *scope) free(name string) bool {
	return !s.ours[name] && !s.taken[name] && s.foreign.where(name) == ""
}

// natural is the name C name c gets if nothing else wants it.
func (s *scope) natural(c string) string {
	if s.prefix == "" {
		return exported(goName(c))
	}
	return s.prefix + goName(c)
}

func (s *scope) verbatim(c string) string {
	if s.prefix == "" {
		return verbatim(c)
	}
	return s.prefix + "_" + identifierRunes(c)
}

// nameRequest asks for a Go identifier for a C name.
type nameRequest struct {
	c    string
	word string // what it is, appended when the name is one of ours: Program
}

// assign gives each request an identifier, in their order.
//
// A name that several want goes to the one that is spelled like it already
// (fooBar before foo_bar), else to the first; the others keep their
// underscores (Foo_bar). A name that is ours, or the rest of the package's, gets
// its word appended instead (CloseProgram). Whatever still collides is numbered.
func (s *scope) assign(requests []nameRequest) []string {
	names := make([]string, len(requests))
	owner := map[string]int{}
	asSpelled := func(i int) bool { return upperFirst(requests[i].c) == goName(requests[i].c) }
	for i, r := range requests {
		n := s.natural(r.c)
		if !s.free(n) {
			continue
		}
		if first, ok := owner[n]; !ok || asSpelled(i) && !asSpelled(first) {
			owner[n] = i
		}
	}
	for n, i := range owner {
		names[i] = n
		s.taken[n] = true
	}
	for i, r := range requests {
		if names[i] == "" {
			names[i] = s.take(s.substitute(r))
		}
		if n := s.natural(r.c); s.foreign.where(n) != "" {
			s.clashes = append(s.clashes, fmt.Sprintf("%s is declared at %s: what is generated for %s is %s", n, s.foreign.where(n), r.c, names[i]))
		}
	}
	return names
}

// substitute returns what to call r when its natural name is taken.
func (s *scope) substitute(r nameRequest) string {
	n := s.natural(r.c)
	if (s.ours[n] || s.foreign.where(n) != "") && s.free(n+r.word) {
		return n + r.word
	}
	if v := s.verbatim(r.c); s.free(v) {
		return v
	}
	return n
}

// take returns name, numbered if it isn't free, and takes it.
func (s *scope) take(name string) string {
	unique := name
	for n := 2; !s.free(unique); n++ {
		unique = name + strconv.Itoa(n)
	}
	s.taken[unique] = true
	return unique
}
