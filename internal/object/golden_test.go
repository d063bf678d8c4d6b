package object

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// corpus are the sources in testdata and in this package's, each compiled for
// both byte orders.
var corpus = []string{
	"../internal/object/testdata/constants", "arena", "beyond", "callbacks", "calls", "calls-nobtf", "core", "data", "extension", "externs",
	"iproute2", "isa", "legacy", "maps", "minimal", "modules", "nested", "oldkernels", "programs", "quirks", "samples", "structops", "tables", "tags", "types",
}

func readObject(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", name+".o"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parseObject(t testing.TB, name string) *Object {
	t.Helper()
	o, err := Parse(readObject(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// orderMatters are those whose code has to do with byte order: bitfields.
var orderMatters = []string{"core", "types"}

// What the corpus declares, in full. An object says the same in both byte
// orders.
func TestGolden(t *testing.T) {
	for _, name := range corpus {
		t.Run(path.Base(name), func(t *testing.T) {
			little := dump(parseObject(t, name+"-el"))
			testutil.Golden(t, path.Base(name)+".txt", []byte(little))
			big := dump(parseObject(t, name+"-eb"))
			if slices.Contains(orderMatters, name) {
				testutil.Golden(t, name+"-eb.txt", []byte(big))
				return
			}
			if diff := cmp.Diff(little, big); diff != "" {
				t.Errorf("byte orders differ, - little, + big:\n%s", diff)
			}
		})
	}
}

func TestParsingIsDeterministicAndLeavesTheFileAlone(t *testing.T) {
	for _, name := range corpus {
		data := readObject(t, name+"-el")
		before := slices.Clone(data)
		first, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if dump(first) != dump(second) {
			t.Errorf("%s: parsed differently the second time", name)
		}
		if !slices.Equal(data, before) {
			t.Errorf("%s: parsing changed the file", name)
		}
	}
}

// Programs may be changed each on its own, although they share functions.
func TestProgramsDontShareInstructions(t *testing.T) {
	o := parseObject(t, "calls-el")
	before := dump(o)
	for _, p := range o.Programs {
		insns := slices.Clone(p.Instructions)
		for i := range p.Instructions {
			p.Instructions[i].Constant = 4711
		}
		_ = append(p.Instructions, p.Instructions...)
		copy(p.Instructions, insns)
		if after := dump(o); after != before {
			t.Fatalf("changing %s and back changed another program", p.Name)
		}
	}
}

func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		want float64
	}{
		{"minimal-el", 15}, {"calls-el", 37}, {"data-el", 32}, {"programs-el", 41},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := readObject(t, c.name)
			testutil.Allocs(t, c.want, func() {
				if _, err := Parse(data); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"minimal-el", "calls-el", "maps-el", "programs-el"} {
		b.Run(name, func(b *testing.B) {
			data := readObject(b, name)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
