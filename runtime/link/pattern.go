package link

import "strings"

// isPattern tells whether s has characters that stand for others.
func isPattern(s string) bool { return strings.ContainsAny(s, "*?") }

// checkPattern tells whether s can be meant as names of functions.
func checkPattern(s string) bool {
	return s != "" && (isSymbol("_" + strings.NewReplacer("*", "", "?", "").Replace(s)))
}

// matches tells whether a name fits a pattern, in which "*" stands for any
// characters, even none, and "?" for one.
func matches[S string | []byte](pattern string, name S) bool {
	star, retry := -1, 0 // the last star, and where what it stands for would end next
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			retry++
			p, n = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
