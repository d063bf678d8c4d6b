package ebpf

import (
	"flag"
	"fmt"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// Examples can't skip themselves: without the right to use BPF, none runs.
func TestMain(m *testing.M) {
	flag.Parse()
	if reason := testutil.Lacks(testutil.BPF); reason != "" {
		fmt.Printf("--- SKIP: Example\n    %s\n", reason)
		_ = flag.Set("test.skip", "^Example")
	}
	testutil.Main(m)
}
