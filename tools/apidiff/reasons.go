package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
)

// reasons are the lines of reasons.txt: an identifier, or a pattern of
// path.Match, and why it is as it is. "same:" in front of a reason says that the
// difference can't be seen by a caller; "windows" stands for out of scope.
type reasons struct {
	file  string
	lines []reason
}

type reason struct {
	number      int
	pattern     string
	text        string
	compatible  bool
	needed, hit bool
}

func readReasons(file string) (*reasons, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	why := &reasons{file: file}
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, text, ok := strings.Cut(line, " ")
		if _, err := path.Match(pattern, ""); err != nil || !ok {
			return nil, fmt.Errorf("%s:%d: want an identifier or pattern, a space and a reason", file, i+1)
		}
		text = strings.TrimSpace(text)
		after, compatible := strings.CutPrefix(text, "same:")
		why.lines = append(why.lines, reason{number: i + 1, pattern: pattern, text: strings.TrimSpace(after), compatible: compatible})
	}
	return why, nil
}

// apply gives rows their reasons; the first line that matches wins.
func (why *reasons) apply(rows []row) error {
	for i := range rows {
		r := &rows[i]
		for j := range why.lines {
			l := &why.lines[j]
			if ok, _ := path.Match(l.pattern, r.pkg+"."+r.name); !ok {
				continue
			}
			l.hit = true
			if r.state == same {
				continue
			}
			l.needed = true
			r.reason = l.text
			switch {
			case l.text == "windows":
				r.state = outOfScope
			case l.compatible && r.state == different:
				r.state = same
			}
			break
		}
	}
	var err error
	for _, l := range why.lines {
		switch {
		case !l.hit:
			err = errors.Join(err, fmt.Errorf("%s:%d: %s is no identifier of ebpf-go", why.file, l.number, l.pattern))
		case !l.needed:
			err = errors.Join(err, fmt.Errorf("%s:%d: %s is the same now: the reason can go", why.file, l.number, l.pattern))
		}
	}
	return err
}
