package main

import (
	"regexp"
	"slices"
	"strings"
)

// outcome is how a test ended.
type outcome int

const (
	passed outcome = iota + 1
	skipped
	failed
)

// testResult is one test in one machine.
type testResult struct {
	name    string
	outcome outcome
	needs   []string // features, as testutil.Needs names them
	lacks   string   // the feature for lack of which it was skipped
	why     string   // what the skip said, or the failure's output
}

// report is one suite in one machine.
type report struct {
	suite string
	code  int
	took  float64
	tests []*testResult
	log   strings.Builder
}

func (r *report) failed() bool { return r.code != 0 }

var (
	attrLine   = regexp.MustCompile(`^\s*=== ATTR\s+(\S+) (needs|lacks) (.*)$`)
	resultLine = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+) \(`)
	skipLine   = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)
)

// parse reads the log, which go test -v writes, into results.
func (r *report) parse() {
	byName := make(map[string]*testResult)
	test := func(name string) *testResult {
		t := byName[name]
		if t == nil {
			t = &testResult{name: name}
			byName[name] = t
			r.tests = append(r.tests, t)
		}
		return t
	}
	said := ""
	for line := range strings.Lines(r.log.String()) {
		line = strings.TrimRight(line, "\n")
		if m := attrLine.FindStringSubmatch(line); m != nil {
			t := test(m[1])
			if m[2] == "lacks" {
				t.lacks = m[3]
			} else if !slices.Contains(t.needs, m[3]) {
				t.needs = append(t.needs, m[3])
			}
		} else if m := resultLine.FindStringSubmatch(line); m != nil {
			t := test(m[2])
			t.outcome = map[string]outcome{"PASS": passed, "FAIL": failed, "SKIP": skipped}[m[1]]
			if t.outcome == skipped {
				t.why = said
			}
		} else if m := skipLine.FindStringSubmatch(line); m != nil {
			said = m[1]
		}
	}
}
