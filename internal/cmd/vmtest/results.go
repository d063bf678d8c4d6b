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

// outcome is how a test ended; none if its program ended first.
type outcome int

const (
	none outcome = iota
	passed
	skipped
	failed
)

var outcomes = map[string]outcome{"PASS": passed, "SKIP": skipped, "FAIL": failed}

// testResult is one test in one machine.
type testResult struct {
	name    string
	outcome outcome
	needs   []string // features, as testutil.Needs names them
	lacks   string   // the feature for lack of which it was skipped
	said    string   // the last that it logged: of a skipped test, why
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

// count is how many tests ended in a way.
func (r *report) count(o outcome) int {
	n := 0
	for _, t := range r.tests {
		if t.outcome == o {
			n++
		}
	}
	return n
}

// frame begins what the testing package writes about tests, with
// -test.v=test2json. What tests write themselves hasn't got it, though it may
// look the same: some run themselves, and log what came of it.
const frame = "\x16"

var (
	stateLine  = regexp.MustCompile(`^=== ([A-Z]+) +(\S*) ?(.*)$`)
	resultLine = regexp.MustCompile(`^--- ([A-Z]+): (\S+) \(([0-9.]+)s\)$`)
	loggedLine = regexp.MustCompile(`^    \S+\.go:\d+: (.*)$`)
)

// parse reads the log into results.
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
	current := &testResult{} // nobody's
	for line := range strings.Lines(r.log.String()) {
		_, framed, ok := strings.Cut(strings.TrimRight(line, "\n"), frame)
		switch {
		case !ok:
			if m := loggedLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
				current.said = m[1]
			}
		case strings.HasPrefix(framed, "=== "):
			m := stateLine.FindStringSubmatch(framed)
			if m == nil || m[2] == "" {
				current = &testResult{}
				continue
			}
			current = test(m[2])
			if m[1] == "ATTR" {
				current.attribute(m[3])
			}
		default:
			if m := resultLine.FindStringSubmatch(framed); m != nil {
				test(m[2]).outcome = outcomes[m[1]]
			}
		}
	}
}

// attribute is what testutil.Needs notes: "needs", or "lacks", and a feature.
func (t *testResult) attribute(text string) {
	switch key, feature, _ := strings.Cut(text, " "); {
	case key == "lacks":
		t.lacks = feature
	case key == "needs" && !slices.Contains(t.needs, feature):
		t.needs = append(t.needs, feature)
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

var (
	verdictLine = regexp.MustCompile(`(?m)^` + frame + `PASS\n\z`)
	tookPart    = regexp.MustCompile(`(?m)` + frame + `--- [A-Z]+: [^/ ]+ \(([0-9.]+)s\)$`)
)

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
