//go:build faults

package ebpf

import (
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/fault"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

// A kernel that takes what it is sent is asked for nothing else: one BTF a
// collection, one call a map and a program, and no probes.
func TestFaultlessLoadingMakesNoProbes(t *testing.T) {
	testutil.NeedsLinux(t, "all that the objects want", 6, 12)
	testutil.Needs(t, testutil.BPF, testutil.KernelBTF)
	for name, want := range map[string]map[string]int{
		"minimal": {"BPF_BTF_LOAD": 1, "BPF_MAP_CREATE": 1, "BPF_PROG_LOAD": 1},
		"calls":   {"BPF_BTF_LOAD": 1, "BPF_PROG_LOAD": 5},
		"core":    {"BPF_BTF_LOAD": 1, "BPF_MAP_CREATE": 1, "BPF_PROG_LOAD": 5},
	} {
		t.Run(name, func(t *testing.T) {
			spec := parse(t, objectFile(name))
			var mu sync.Mutex
			made := map[string]int{}
			defer fault.Set(func(call string) syscall.Errno {
				if strings.HasPrefix(call, "BPF_") {
					mu.Lock()
					made[call]++
					mu.Unlock()
				}
				return 0
			})()
			coll, err := NewCollection(spec)
			if err != nil {
				t.Fatal(err)
			}
			defer coll.Close()
			if diff := cmp.Diff(want, made); diff != "" {
				t.Errorf("calls for %d maps and %d programs:\n%s", len(coll.Maps), len(coll.Programs), diff)
			}
		})
	}
}
