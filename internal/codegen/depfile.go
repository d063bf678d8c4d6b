package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// depRule is one rule of a makefile: what to rebuild when which files change.
type depRule struct {
	target string
	inputs []string
}

// makeDepFile rewrites what clang -MD -MP printed into rules for output,
// with every path relative to base.
func makeDepFile(deps []byte, dir, base, output string) ([]byte, error) {
	rules, err := parseDepRules(deps)
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
func depInputs(deps []byte, dir string) ([]string, error) {
	const space, hash = "\x00", "\x01"
	escaped := strings.NewReplacer(`\ `, space, `\#`, hash, "$$", "$").Replace(string(deps))
	rules, err := parseDepRules([]byte(escaped))
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(rules[0].inputs))
	for i, path := range rules[0].inputs {
		path = strings.NewReplacer(space, " ", hash, "#").Replace(path)
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		paths[i] = filepath.Clean(path)
	}
	return paths, nil
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
