package ebpf

import (
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// Jump tables lead to where they did in C, whatever else is in the section and
// in the program.
func TestJumpTables(t *testing.T) {
	testutil.Needs(t, testutil.JumpTables)
	testutil.CheckFDs(t)
	coll := collection(t, "tables")
	cases := []uint32{10, 21, 7, 33, 44, 52, 69} // of both switches
	const link = 14                              // length of the header, the least that test runs take
	for program, want := range map[string]func(n uint32) uint32{
		"direct":   func(n uint32) uint32 { return at(cases, n, 0) },
		"called":   func(n uint32) uint32 { return at(cases, n, 1000) + at(cases, n+1, 1000) },
		"both":     func(n uint32) uint32 { return at(cases, n, 0) + at(cases, n, 1000) },
		"computed": func(n uint32) uint32 { return at([]uint32{100, 201, 307, 411}, n, 0) },
	} {
		for n := range uint32(9) {
			got, _, err := coll.Programs[program].Test(make([]byte, link+n))
			if err != nil {
				t.Fatalf("%s: %v", program, err)
			}
			if got != want(n) {
				t.Errorf("%s(%d) = %d, want %d", program, n, int32(got), int32(want(n)))
			}
		}
	}
}

// at is what a switch returns: -1 if there is no such case.
func at(cases []uint32, n, base uint32) uint32 {
	if n >= uint32(len(cases)) {
		return ^uint32(0)
	}
	return base + cases[n]
}

// A kernel without jump tables says so, and what to do.
func TestNoJumpTables(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	if testutil.Lacks(testutil.JumpTables) == "" {
		t.Skip("needs a kernel without jump tables (before 6.19)")
	}
	_, err := NewCollection(parse(t, objectFile("tables")))
	wantError(t, err, `program "both"`, "jump table BPF.JT.", "need Linux 6.19", "-fno-jump-tables")
}
