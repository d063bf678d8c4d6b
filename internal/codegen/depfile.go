package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// depRule is one rule of a makefile: what to rebuild when which files change.
type depRule struct {
	target string
	inputs []string
}

// makeDepFile rewrites what clang -MD -MP printed for each source into rules for
// output, with every path relative to base.
func makeDepFile(deps [][]byte, dir, base, output string) ([]byte, error) {
	rules, err := joinDepRules(deps)
	if err != nil {
		return nil, err
	}
	rules[0].target = output
	relative := func(path string) (string, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return filepath.Rel(base, path)
	}

	var b bytes.Buffer
	for _, rule := range rules {
		target, err := relative(rule.target)
		if err != nil {
			return nil, err
		}
		b.WriteString(target + ":")
		for _, input := range rule.inputs {
			if input, err = relative(input); err != nil {
				return nil, err
			}
			b.WriteString(" \\\n " + input)
		}
		b.WriteString("\n\n")
	}
	return b.Bytes(), nil
}

// depInputs returns the absolute paths of the files that clang has read.
func depInputs(deps [][]byte, dir string) ([]string, error) {
	const space, hash = "\x00", "\x01"
	escape := strings.NewReplacer(`\ `, space, `\#`, hash, "$$", "$")
	unescape := strings.NewReplacer(space, " ", hash, "#")
	escaped := make([][]byte, len(deps))
	for i, d := range deps {
		escaped[i] = []byte(escape.Replace(string(d)))
	}
	rules, err := joinDepRules(escaped)
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(rules[0].inputs))
	for i, path := range rules[0].inputs {
		path = unescape.Replace(path)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		paths[i] = filepath.Clean(path)
	}
	return paths, nil
}

// joinDepRules reads the rules for several sources. The first is for what is made
// of all of them; the others are for headers. Each file is there once, however
// its path is spelled.
func joinDepRules(deps [][]byte) ([]depRule, error) {
	all := make([]depRule, 1)
	for _, d := range deps {
		rules, err := parseDepRules(d)
		if err != nil {
			return nil, err
		}
		for _, input := range rules[0].inputs {
			input = filepath.Clean(input)
			if !slices.Contains(all[0].inputs, input) {
				all[0].inputs = append(all[0].inputs, input)
			}
		}
		for _, rule := range rules[1:] {
			rule.target = filepath.Clean(rule.target)
			if !slices.ContainsFunc(all[1:], func(r depRule) bool { return r.target == rule.target }) {
				all = append(all, rule)
			}
		}
	}
	return all, nil
}

// parseDepRules reads the rules that clang writes. Like make itself it can't
// tell spaces inside of file names from those between them.
func parseDepRules(deps []byte) ([]depRule, error) {
	var rules []depRule
	joined := strings.ReplaceAll(string(deps), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		target, inputs, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("dependencies written by the compiler: no colon in %q", line)
		}
		rules = append(rules, depRule{target, strings.Fields(inputs)})
	}
	if len(rules) == 0 {
		return nil, errors.New("the compiler wrote no dependencies")
	}
	return rules, nil
}
