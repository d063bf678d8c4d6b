package elf_test

import (
	"bytes"
	"testing"

	"github.com/bpfgen/bpfgen/internal/elf"
)

func addSeeds(f *testing.F) {
	for _, data := range objects(f) {
		f.Add(data)
	}
}

// Whatever the input: an answer, and only with names and numbers that are good.
func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := elf.Parse(data)
		if err != nil {
			return
		}
		symbols, err := file.Symbols()
		if err != nil {
			return
		}
		for _, s := range symbols {
			if !s.Section.Reserved() && int(s.Section) >= len(file.Sections) {
				t.Fatalf("symbol %+v: no such section", s)
			}
		}
		total := 0
		for i := range file.Sections {
			s := &file.Sections[i]
			content, err := file.Data(s)
			if err != nil {
				continue
			}
			total += len(content)
			if s.Type != elf.SHT_REL && s.Type != elf.SHT_RELA {
				continue
			}
			_ = file.Sections[file.Relocated(s)]
			relocs, _ := file.Relocations(s)
			for _, r := range relocs {
				_ = symbols[r.Symbol]
			}
		}
		if total > len(data) {
			t.Fatalf("sections have %d bytes, the file %d", total, len(data))
		}
	})
}

// What is stripped can be parsed, keeps what is loaded, and has no more to strip.
func FuzzStripDWARF(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		input := bytes.Clone(data)
		out, err := elf.StripDWARF(data)
		if !bytes.Equal(data, input) {
			t.Fatal("the input was modified")
		}
		if err != nil {
			return
		}
		again, err := elf.StripDWARF(out)
		if err != nil {
			t.Fatalf("stripping what was stripped: %v", err)
		}
		if !bytes.Equal(again, out) {
			t.Fatal("stripping again changes something")
		}
		before, after := parse(t, data), parse(t, out)
		next := 0
		for i := range before.Sections {
			s := &before.Sections[i]
			if s.Flags&elf.SHF_ALLOC == 0 || s.Flags&elf.SHF_COMPRESSED != 0 || s.Type != elf.SHT_PROGBITS {
				continue
			}
			for next < len(after.Sections) && (after.Sections[next].Name != s.Name || after.Sections[next].Type != s.Type || after.Sections[next].Flags != s.Flags) {
				next++
			}
			if next == len(after.Sections) {
				t.Fatalf("section %d, %q, was lost", i, s.Name)
			}
			want, _ := before.Data(s)
			got, _ := after.Data(&after.Sections[next])
			if !bytes.Equal(got, want) {
				t.Fatalf("the contents of section %d, %q, changed", i, s.Name)
			}
			next++
		}
	})
}
