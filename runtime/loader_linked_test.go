package ebpf

import (
	"encoding/binary"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// What bpftool gen object makes of two objects: each program calls and counts
// in what is its own file's, and shares what is declared to be shared.
func TestLinkedObject(t *testing.T) {
	if !sameOrder(binary.NativeEndian, binary.LittleEndian) {
		t.Skip("needs a little-endian machine: bpftool links objects for the machine it runs on")
	}
	testutil.Needs(t, testutil.GlobalFunctions, testutil.TestRun)
	testutil.CheckFDs(t)
	coll := collection(t, "linked")
	for _, c := range []struct {
		program string
		want    uint32
	}{
		{"first", 2 + 30 + 107}, // its own helper, the other's function, and the strong one of two
		{"second", 21},
	} {
		if got, _, err := coll.Programs[c.program].Test(make([]byte, 14)); err != nil || got != c.want {
			t.Errorf("%s returned %d, %v; want %d", c.program, got, err, c.want)
		}
	}
	// first has been through both helpers, each of which has calls of its own.
	for name, want := range map[string]uint64{"first_calls": 100, "second_calls": 201, "second_base": 5} {
		var got uint64
		if err := coll.Variables[name].Get(&got); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", name, got, err, want)
		}
	}
	var sum uint64
	if err := coll.Maps["shared"].Lookup(uint32(0), &sum); err != nil || sum != 5 {
		t.Errorf("the shared map has %d, %v; want second_base", sum, err)
	}
}
