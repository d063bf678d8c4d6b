package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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
	attrLine    = regexp.MustCompile(`^\s*=== ATTR\s+(\S+) (needs|lacks) (.*)$`)
	verdictLine = regexp.MustCompile(`(?m)^PASS\n\z`)
	tookPart    = regexp.MustCompile(`(?m)^--- [A-Z]+: \S+ \(([0-9.]+)s\)$`)
	resultLine  = regexp.MustCompile(`^\s*--- (PASS|FAIL|SKIP): (\S+) \(`)
	skipLine    = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)
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

// logName is the file that keeps the log of a suite in a machine.
func logName(m machine, suite string) string {
	return m.arch + "-" + m.series + "-" + strings.NewReplacer("/", "-", ":", "-").Replace(suite) + ".log"
}

// kept are the columns that the logs in a folder give, which runs of some machines
// and suites have left there.
func kept(dir string, ready []*vm, suites []testSuite) ([]*column, error) {
	var columns []*column
	for _, v := range ready {
		c := &column{machine: v.machine, release: v.kernel.release}
		for _, s := range suites {
			log, err := os.ReadFile(filepath.Join(dir, logName(v.machine, s.name)))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			c.reports = append(c.reports, reread(s.name, string(log)))
		}
		if c.reports != nil {
			columns = append(columns, c)
		}
	}
	if columns == nil {
		return nil, fmt.Errorf("%s: no logs of these machines and packages", dir)
	}
	return columns, nil
}

// reread is the report that a log gives. The time is that of the tests, without
// the start of the program.
func reread(suite, log string) *report {
	r := &report{suite: suite, code: 1}
	if verdictLine.MatchString(log) {
		r.code = 0
	}
	for _, m := range tookPart.FindAllStringSubmatch(log, -1) {
		took, _ := strconv.ParseFloat(m[1], 64) // a number, by the expression
		r.took += took
	}
	r.log.WriteString(log)
	r.parse()
	return r
}
