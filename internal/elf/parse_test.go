package elf_test

import (
	"bytes"
	delf "debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

// objects returns real objects by name: those of this package and the shared ones.
func objects(t testing.TB) map[string][]byte {
	t.Helper()
	found := make(map[string][]byte)
	for _, pattern := range []string{"testdata/*.o", "../../testdata/*.o"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no objects match %s: %v", pattern, err)
		}
		for _, name := range names {
			found[filepath.Base(name)] = read(t, name)
		}
	}
	return found
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, data []byte) *elf.File {
	t.Helper()
	f, err := elf.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Real objects are read as the standard library reads them.
func TestParseAgreesWithStandardLibrary(t *testing.T) {
	for name, data := range objects(t) {
		t.Run(name, func(t *testing.T) {
			f := parse(t, data)
			want, err := delf.NewFile(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if f.ByteOrder() != want.ByteOrder || f.Type != uint16(want.Type) || f.Machine != uint16(want.Machine) {
				t.Errorf("header: %v type %d machine %d, want %v", f.ByteOrder(), f.Type, f.Machine, want.FileHeader)
			}
			if err := f.CheckBPF(); err != nil {
				t.Error(err)
			}
			compareSections(t, f, want)
			compareSymbols(t, f, want)
			compareRelocations(t, f, want)
		})
	}
}

func compareSections(t *testing.T, f *elf.File, want *delf.File) {
	if len(f.Sections) != len(want.Sections) {
		t.Fatalf("%d sections, want %d", len(f.Sections), len(want.Sections))
	}
	for i, w := range want.Sections {
		section := &f.Sections[i]
		got := f.Header(section)
		expect := elf.Header{
			Section: elf.Section{
				Index: int32(i), Name: w.Name, Type: elf.SectionType(w.Type), Flags: elf.SectionFlag(w.Flags),
				Offset: uint32(w.Offset), Size: w.FileSize,
			},
			Link: w.Link, Info: w.Info, Addr: w.Addr, Align: w.Addralign, EntSize: w.Entsize,
		}
		if w.Flags&delf.SHF_COMPRESSED != 0 {
			expect.Align = got.Align // debug/elf has that of the contents
		}
		if diff := cmp.Diff(expect, got); diff != "" {
			t.Errorf("section %d (-want +got):\n%s", i, diff)
		}
		if w.Flags&delf.SHF_COMPRESSED != 0 {
			continue
		}
		content, err := f.Data(section)
		if err != nil {
			t.Fatal(err)
		}
		if w.Type == delf.SHT_NOBITS || w.Type == delf.SHT_NULL {
			if content != nil {
				t.Errorf("section %s has %d bytes, want none", w.Name, len(content))
			}
		} else if expect, err := w.Data(); err != nil || !bytes.Equal(content, expect) {
			t.Errorf("contents of %s differ (%v)", w.Name, err)
		}
	}
}

func compareSymbols(t *testing.T, f *elf.File, want *delf.File) {
	got, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	expect := []elf.Symbol{{}} // debug/elf leaves out the null symbol
	symbols, err := want.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		section := elf.SectionIndex(s.Section)
		if s.Section == delf.SHN_ABS {
			section = elf.SHN_ABS
		}
		expect = append(expect, elf.Symbol{
			Name: s.Name, Value: s.Value, Size: s.Size, Section: section,
			Type: elf.SymType(delf.ST_TYPE(s.Info)), Bind: elf.SymBind(delf.ST_BIND(s.Info)), Visibility: elf.SymVis(delf.ST_VISIBILITY(s.Other)),
		})
	}
	if diff := cmp.Diff(expect, got); diff != "" {
		t.Errorf("symbols (-want +got):\n%s", diff)
	}
}

func compareRelocations(t *testing.T, f *elf.File, want *delf.File) {
	for i, w := range want.Sections {
		if w.Type != delf.SHT_REL {
			continue
		}
		data, err := w.Data()
		if err != nil {
			t.Fatal(err)
		}
		records := make([]delf.Rel64, len(data)/16)
		if err := binary.Read(bytes.NewReader(data), want.ByteOrder, records); err != nil {
			t.Fatal(err)
		}
		var expect []elf.Reloc
		for _, r := range records {
			expect = append(expect, elf.Reloc{Offset: r.Off, Symbol: delf.R_SYM64(r.Info), Type: delf.R_TYPE64(r.Info)})
		}
		got, err := f.Relocations(&f.Sections[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expect, got); diff != "" {
			t.Errorf("relocations %s (-want +got):\n%s", w.Name, diff)
		}
	}
}

func TestSectionByName(t *testing.T) {
	f := parse(t, read(t, "testdata/debug-el.o"))
	if s := f.Section("?xdp"); s == nil || s.Name != "?xdp" || s != &f.Sections[s.Index] {
		t.Errorf("Section(?xdp) = %+v", s)
	}
	for _, name := range []string{"xdp", ""} { // the null section has no name to be found by
		if s := f.Section(name); s != nil {
			t.Errorf("Section(%q) = %+v, want none", name, s)
		}
	}
}

// Nothing is copied: what Data returns is the input, and can't be appended into.
func TestDataAliasesInput(t *testing.T) {
	data := read(t, "testdata/debug-el.o")
	f := parse(t, data)
	s := f.Section("license")
	content, err := f.Data(s)
	if err != nil {
		t.Fatal(err)
	}
	if &content[0] != &data[s.Offset] || cap(content) != len(content) {
		t.Error("Data doesn't alias the input, or reaches beyond its section")
	}
}

func TestCompressedSection(t *testing.T) {
	f := parse(t, read(t, "testdata/compressed-el.o"))
	_, err := f.Data(f.Section(".debug_info"))
	wantError(t, err, elf.Unsupported, "elf: section .debug_info, offset 0x0: the section is compressed: compile without -gz, or decompress with llvm-objcopy --decompress-debug-sections")
}

func TestAllocations(t *testing.T) {
	data := read(t, "testdata/stripped-el.o")
	f := parse(t, data)
	relocs := make([]elf.Reloc, 0, 32)
	for _, test := range []struct {
		name string
		max  float64
		call func() error
	}{
		{"Parse: file, sections, names", 3, func() error { _, err := elf.Parse(data); return err }},
		{"Symbols again", 0, func() error { _, err := f.Symbols(); return err }},
		{"Data", 0, func() error { _, err := f.Data(f.Section(".BTF")); return err }},
		{"Relocations", 1, func() error { _, err := f.Relocations(f.Section(".relsocket")); return err }},
		{"AppendRelocations", 0, func() error { _, err := f.AppendRelocations(relocs, f.Section(".relsocket")); return err }},
		{"Parse and Symbols, with names in one table", 4, func() error {
			f, err := elf.Parse(data)
			if err == nil {
				_, err = f.Symbols()
			}
			return err
		}},
	} {
		if err := test.call(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		t.Run(test.name, func(t *testing.T) { testutil.Allocs(t, test.max, func() { _ = test.call() }) })
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"minimal-el.o", "programs-el.o", "programs-eb.o"} {
		data := read(b, "../../testdata/"+name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := elf.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseAll reads everything there is.
func BenchmarkParseAll(b *testing.B) {
	data := read(b, "../../testdata/programs-el.o")
	b.ReportAllocs()
	var relocs []elf.Reloc
	for b.Loop() {
		f, err := elf.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Symbols(); err != nil {
			b.Fatal(err)
		}
		for i := range f.Sections {
			if s := &f.Sections[i]; s.Type == elf.SHT_REL {
				if relocs, err = f.AppendRelocations(relocs[:0], s); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}
