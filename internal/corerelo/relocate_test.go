package corerelo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

// relocateObject solves and applies all relocations of an object.
func relocateObject(t *testing.T, local, target *object) {
	t.Helper()
	fixups, err := corerelo.Relocate(local.relocs(), corerelo.Target{Kernel: target.types})
	check(t, err)
	for i := range fixups {
		check(t, fixups[i].Apply(&local.asks[i].ins))
	}
}

// TestGolden relocates every kind of relocation of every kind of type, and compares with testdata/ask-*.txt what the instructions
// become.
func TestGolden(t *testing.T) {
	for _, order := range []string{"el", "eb"} {
		t.Run(order, func(t *testing.T) {
			local, before := readObject(t, "local-"+order+".o"), readObject(t, "local-"+order+".o")
			relocateObject(t, local, readObject(t, "target-"+order+".o"))
			var b strings.Builder
			for i := range local.asks {
				after := &local.asks[i]
				fmt.Fprintf(&b, "%s: %s -> %s\n", after.name, show(&before.asks[i].ins), show(&after.ins))
				if p := corerelo.PoisonOf(&after.ins); p != nil {
					fmt.Fprintf(&b, "\t%v\n", p)
				}
			}
			testutil.Golden(t, "ask-"+order+".txt", []byte(b.String()))
		})
	}
}

// loadsVary are questions about loads of bitfields. The compiler loads more than it has to, and shifts accordingly.
var loadsVary = map[string]bool{
	"bits_b_size": true, "bits_b_lshift": true, "bits_from_plain_size": true, "bits_from_plain_lshift": true,
}

// TestCompilerAgrees compiles the same questions with the target's types, and so has the compiler's word for the right answers.
func TestCompilerAgrees(t *testing.T) {
	for _, order := range []string{"el", "eb"} {
		t.Run(order, func(t *testing.T) {
			local := readObject(t, "local-"+order+".o")
			relocateObject(t, local, readObject(t, "target-"+order+".o"))
			truth := make(map[string]*ask)
			for _, a := range readObject(t, "truth-"+order+".o").asks {
				truth[a.name] = &a
			}
			for i := range local.asks {
				a := &local.asks[i]
				want, ok := truth[a.name]
				if !ok || loadsVary[a.name] {
					continue
				}
				if got, want := show(&a.ins), show(&want.ins); got != want {
					t.Errorf("%s: %s, compiler says %s", a.name, got, want)
				}
			}
		})
	}
}
