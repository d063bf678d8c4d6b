package objdiff_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/objdiff"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

const objects = "../../testdata"

func parse(t testing.TB, name string) *object.Object {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(objects, name))
	if err != nil {
		t.Fatal(err)
	}
	obj, err := object.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// What changes from testdata/before.bpf.c without to with AFTER, for both byte
// orders.
func TestCompare(t *testing.T) {
	for _, order := range []string{"el", "eb"} {
		var got strings.Builder
		for _, c := range objdiff.Compare(parse(t, "before-"+order+".o"), parse(t, "after-"+order+".o")) {
			fmt.Fprintf(&got, "%s: %s %s: %q -> %q\n", c.Class, c.Thing, c.What, c.Old, c.New)
		}
		testutil.Golden(t, "changes-"+order+".txt", []byte(got.String()))
	}
}

// An object is the same as itself.
func TestCompareWithItself(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(objects, "*.o"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		obj := parse(t, filepath.Base(file))
		if changes := objdiff.Compare(obj, obj); len(changes) > 0 {
			t.Errorf("%s: %v", file, changes)
		}
	}
}

// Compiled for another byte order it is the same, too, but for bitfields and
// masks, which stand at the other end of their bytes.
func TestCompareByteOrders(t *testing.T) {
	for _, c := range objdiff.Compare(parse(t, "maps-el.o"), parse(t, "maps-eb.o")) {
		t.Errorf("%+v", c)
	}
}
