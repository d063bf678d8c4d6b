package linker_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/linker"
)

// FuzzLink: no input panics, and what is linked can be linked again.
func FuzzLink(f *testing.F) {
	for _, pair := range [][2]string{
		{"maps", "data"}, {"calls", "core"}, {"externs", "ksyms"}, {"kconfig", "structops"}, {"arena", "arena"}, {"tags", "types"}, {"tables", "legacy"},
	} {
		for _, order := range []string{"el", "eb"} {
			var data [2][]byte
			for i, name := range pair {
				var err error
				if data[i], err = os.ReadFile(filepath.Join("..", "..", "testdata", name+"-"+order+".o")); err != nil {
					f.Fatal(err)
				}
			}
			f.Add(data[0], data[1])
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		out, err := linker.Link([]linker.Input{{Name: "a.o", Data: a}, {Name: "b.o", Data: b}})
		if err != nil {
			return
		}
		file, err := elf.Parse(out)
		if err != nil {
			t.Fatalf("the output is no ELF file: %v", err)
		}
		if _, err := file.Symbols(); err != nil {
			t.Fatalf("the output's symbols: %v", err)
		}
		for i := range file.Sections {
			if s := &file.Sections[i]; s.Type == elf.SHT_REL {
				if _, err := file.Relocations(s); err != nil {
					t.Fatalf("the output's relocations: %v", err)
				}
			}
		}
		if _, err := linker.Link([]linker.Input{{Name: "out.o", Data: out}}); err != nil {
			t.Fatalf("the output can't be linked: %v", err)
		}
	})
}
