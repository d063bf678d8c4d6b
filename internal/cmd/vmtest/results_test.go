//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// log is a log as programs write it: each ^ begins a line of the testing package.
func log(text string) string { return strings.ReplaceAll(text, "^", frame) }

const sample = `^=== RUN   TestTable
^=== RUN   TestTable/one
^=== ATTR  TestTable/one needs tcx (Linux 6.6)
^=== ATTR  TestTable/one needs tcx (Linux 6.6)
^--- PASS: TestTable/one (0.01s)
^=== NAME  TestTable
^=== RUN   TestTable/two
^=== ATTR  TestTable/two needs arenas (Linux 6.9)
^=== ATTR  TestTable/two lacks arenas (Linux 6.9)
    needs.go:12: needs arenas (Linux 6.9): built without CONFIG_BPF_JIT
        and this is why
^--- SKIP: TestTable/two (0.00s)
^=== NAME  TestTable
    table_test.go:30: two rows
^--- PASS: TestTable (0.02s)
^=== RUN   TestChild
    child_test.go:8: the child says:
        === RUN   TestInside
        === ATTR  TestInside needs tcx (Linux 6.6)
        --- FAIL: TestInside (0.00s)
        FAIL
an unfinished line^--- FAIL: TestChild (1.50s)
^=== RUN   TestLast
panic: no more
`

func TestParse(t *testing.T) {
	r := &report{}
	r.log.WriteString(log(sample))
	r.parse()
	want := []testResult{
		{name: "TestTable", outcome: passed, said: "two rows"},
		{name: "TestTable/one", outcome: passed, needs: []string{"tcx (Linux 6.6)"}},
		{name: "TestTable/two", outcome: skipped, needs: []string{"arenas (Linux 6.9)"}, lacks: "arenas (Linux 6.9)",
			said: "needs arenas (Linux 6.9): built without CONFIG_BPF_JIT"},
		{name: "TestChild", outcome: failed, said: "the child says:"},
		{name: "TestLast"},
	}
	var got []testResult
	for _, result := range r.tests {
		got = append(got, *result)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(testResult{})); diff != "" {
		t.Error(diff)
	}
}

func TestReread(t *testing.T) {
	if r := reread("runtime", log(sample)); !r.failed() || r.took != 1.52 {
		t.Errorf("failed: %v, %v s", r.failed(), r.took)
	}
	if r := reread("runtime", log("^--- PASS: TestA (2.25s)\n^--- PASS: TestB (0.50s)\n^PASS\n")); r.failed() || r.took != 2.75 {
		t.Errorf("failed: %v, %v s", r.failed(), r.took)
	}
}

func TestWriteTable(t *testing.T) {
	old := &report{suite: "runtime", took: 7}
	old.log.WriteString(log("^=== ATTR  TestTCX needs tcx (Linux 6.6)\n^=== ATTR  TestTCX lacks tcx (Linux 6.6)\n" +
		"    a_test.go:1: needs tcx (Linux 6.6): this is Linux 5.10\n^--- SKIP: TestTCX (0.00s)\n" +
		"^=== RUN   TestClang\n    a_test.go:2: needs clang\n^--- SKIP: TestClang (0.00s)\n"))
	young := &report{suite: "runtime/link", took: 8, code: 1}
	young.log.WriteString(log("^=== ATTR  TestTCX needs tcx (Linux 6.6)\n^--- FAIL: TestTCX (0.00s)\n" +
		"^=== ATTR  TestArena lacks arenas (Linux 6.9)\n    b_test.go:1: needs arenas (Linux 6.9): built without JIT\n^--- SKIP: TestArena (0.00s)\n" +
		"^=== ATTR  TestMap needs maps (Linux 4.9)\n^--- PASS: TestMap (0.00s)\n"))
	old.parse()
	young.parse()
	file := filepath.Join(t.TempDir(), "kernels.md")
	err := writeTable(file, []*column{
		{machine: machine{arch: "amd64", series: "5.10"}, release: "5.10.0", reports: []*report{old}},
		{machine: machine{arch: "s390x", series: "newest"}, release: "7.3.4", reports: []*report{young}},
	}, "One run.")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(text), "One run.\n\n")
	const want = `| feature | 5.10.0 amd64 | 7.3.4 s390x |
|---|---|---|
| maps (Linux 4.9) |  | passed |
| tcx (Linux 6.6) | — | FAILED |
| arenas (Linux 6.9) |  | — |

New enough, but without:

- 7.3.4 s390x, arenas (Linux 6.9): built without JIT

Skipped for another reason:

- runtime TestClang: needs clang (amd64/5.10)

Tests that passed, that were skipped, and seconds of one core. make test alone runs the packages that are left out on
amd64, whose tests ask no kernel anything, and the tests that change each byte of a file (TestDamagedFiles, TestTruncatedAndFlipped):

| package | 5.10.0 amd64 | 7.3.4 s390x |
|---|---|---|
| runtime | 0, 2, 7 s |  |
| runtime/link |  | **FAILED** (1), 1, 1, 8 s |
| the whole machine | 0 s | 0 s |
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
