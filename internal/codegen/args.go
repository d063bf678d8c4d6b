package codegen

import (
	"errors"
	"fmt"
	"strings"
)

// SplitFlags splits a string of flags as a shell would: at spaces, with
// single and double quotes and backslashes protecting them.
func SplitFlags(s string) ([]string, error) {
	var (
		words   []string
		word    strings.Builder
		inWord  bool
		quote   rune
		escaped bool
	)
	for _, r := range s {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			inWord, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			inWord, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	switch {
	case quote != 0:
		return nil, fmt.Errorf("missing closing %c in %q", quote, s)
	case escaped:
		return nil, errors.New("nothing follows the last backslash in " + s)
	case inWord:
		words = append(words, word.String())
	}
	return words, nil
}
