package codegen

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Wherever an export comment is, and however long the file, it is found.
func TestInputs(t *testing.T) {
	export := exportComment + "\n#define LIMIT 10\n"
	for _, before := range []int{0, 1, 32<<10 - 40, 32<<10 - len(exportComment), 32<<10 - 8, 32<<10 - 1, 32 << 10, 64<<10 - 10, 3 << 20} {
		for _, after := range []int{0, 40 << 10} {
			text := strings.Repeat("\n", before) + export + strings.Repeat(" ", after)
			file := filepath.Join(t.TempDir(), "in.h")
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			in, err := new(inputs).read(file)
			if err != nil {
				t.Fatal(err)
			}
			if in.sum != sumOf([]byte(text)) || !slices.Equal(in.exported, []string{"LIMIT"}) {
				t.Errorf("%d bytes before, %d after: %+v", before, after, in)
			}
		}
	}
	if _, err := new(inputs).read(t.TempDir()); err == nil {
		t.Error("reading a folder is no error")
	}
}
