package ebpf

import (
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// What BTF tags and visibility say reaches the kernel, also for a program that
// is loaded alone: it refers to nothing that a tag does.
func TestTags(t *testing.T) {
	for _, c := range []struct {
		program string
		needs   testutil.Feature
	}{
		{"locks", testutil.Lists},
		{"throws", testutil.Exceptions},
		{"stores", testutil.GlobalFunctions},
	} {
		t.Run(c.program, func(t *testing.T) {
			testutil.Needs(t, c.needs)
			spec := parse(t, objectFile("tags"))
			coll, err := load(spec, selection{programs: []string{c.program}}, &CollectionOptions{})
			if err != nil {
				t.Fatal(err)
			}
			coll.Close()
		})
	}
}

// An object may ask for a way of pinning that doesn't exist: that matters as
// soon as the map is to be pinned.
func TestUnknownPinning(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	spec := &MapSpec{Name: "m", Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1, Pinning: 2}
	if m, err := NewMap(spec); err == nil || !strings.Contains(err.Error(), "pin type") {
		t.Errorf("got %v, %v", m, err)
	}
	spec.Pinning = PinNone
	newTestMap(t, spec)
}
