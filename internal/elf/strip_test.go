package elf_test

import (
	"bytes"
	delf "debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
)

func strip(t testing.TB, data []byte) []byte {
	t.Helper()
	out, err := elf.StripDWARF(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// outline says what an object means, in words that don't depend on how sections
// and symbols are numbered or laid out.
func outline(t testing.TB, data []byte) []string {
	t.Helper()
	f := parse(t, data)
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	name := func(i elf.SectionIndex) string {
		if i.Reserved() {
			return fmt.Sprintf("%#x", i)
		}
		return f.Sections[i].Name
	}
	symbol := func(i uint32) string {
		s := symbols[i]
		return fmt.Sprintf("%s:%s type %d bind %d vis %d at %d size %d", name(s.Section), s.Name, s.Type, s.Bind, s.Visibility, s.Value, s.Size)
	}
	var out []string
	for i := range f.Sections[1:] {
		s := &f.Sections[i+1]
		h := f.Header(s)
		line := fmt.Sprintf("section %s type %d flags %#x align %d entsize %d", s.Name, s.Type, s.Flags, h.Align, h.EntSize)
		switch s.Type {
		case elf.SHT_STRTAB, elf.SHT_SYMTAB, elf.SHT_SYMTAB_SHNDX:
		case elf.SHT_LLVM_ADDRSIG:
			continue
		case elf.SHT_NOBITS:
			line += fmt.Sprintf(" size %d", s.Size)
		case elf.SHT_REL, elf.SHT_RELA:
			relocs, err := f.Relocations(s)
			if err != nil {
				t.Fatal(err)
			}
			line += " of " + f.Sections[f.Relocated(s)].Name
			for _, r := range relocs {
				line += fmt.Sprintf("\n\t%d type %d %+d: %s", r.Offset, r.Type, r.Addend, symbol(r.Symbol))
			}
		case elf.SHT_GROUP:
			content, err := f.Data(s)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %x called %s:", content[:4], symbol(h.Info))
			for at := 4; at < len(content); at += 4 {
				line += " " + f.Sections[f.ByteOrder().Uint32(content[at:])].Name
			}
		default:
			content, err := f.Data(s)
			if err != nil {
				t.Fatal(err)
			}
			line += fmt.Sprintf(" %x", content)
		}
		out = append(out, line)
	}
	for i := range symbols {
		line := "symbol " + symbol(uint32(i))
		if table := f.Sections[slices.IndexFunc(f.Sections, func(s elf.Section) bool { return s.Type == elf.SHT_SYMTAB })]; uint32(i) == f.Header(&table).Info {
			line += " (first that isn't local)"
		}
		out = append(out, line)
	}
	return out
}

// The reference is what llvm-strip -g made of the same objects.
func TestStripLikeLLVM(t *testing.T) {
	for _, order := range []string{"el", "eb"} {
		got := strip(t, read(t, "testdata/debug-"+order+".o"))
		want := read(t, "testdata/stripped-"+order+".o")
		if diff := cmp.Diff(outline(t, want), outline(t, got)); diff != "" {
			t.Errorf("%s (-llvm-strip +ours):\n%s", order, diff)
		}
		if len(got) > len(want) {
			t.Errorf("%s: %d bytes, llvm-strip needs %d", order, len(got), len(want))
		}
	}
}

// What the compiler compressed is gone too: no difference remains.
func TestStripCompressed(t *testing.T) {
	want := strip(t, read(t, "testdata/debug-el.o"))
	if got := strip(t, read(t, "testdata/compressed-el.o")); !bytes.Equal(got, want) {
		t.Error("stripped, the compressed object differs from the one that wasn't")
	}
}

// Groups keep their members, under their new numbers; a group of nothing but
// DWARF goes with it.
func TestStripGroups(t *testing.T) {
	out := outline(t, strip(t, read(t, "testdata/groups-el.o")))
	groups := slices.DeleteFunc(slices.Clone(out), func(s string) bool { return !strings.HasPrefix(s, "section .group") })
	want := []string{"section .group type 17 flags 0x0 align 4 entsize 4 01000000 called .text._Z5twicei:_Z5twicei type 2 bind 2 vis 0 at 0 size 48: .text._Z5twicei .rel.text._Z5twicei"}
	if diff := cmp.Diff(want, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	for _, line := range out {
		if strings.Contains(line, ".debug") || strings.Contains(line, "17894805413708394140") {
			t.Errorf("left over: %s", line)
		}
	}
}

// Where nothing is to be removed, nothing changes, not even where bytes are.
func TestStripNothing(t *testing.T) {
	for name, data := range objects(t) {
		once := strip(t, data)
		twice := strip(t, once)
		if &once[0] != &twice[0] {
			t.Errorf("%s: stripping twice changes what stripping once gave", name)
		}
		if strings.HasPrefix(name, "stripped-") && &once[0] != &data[0] {
			t.Errorf("%s: changed though there is nothing to strip", name)
		}
		if !bytes.Equal(once, strip(t, bytes.Clone(data))) {
			t.Errorf("%s: not the same every time", name)
		}
	}
}

func TestStripVariants(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, variant := range []struct{ separate, rela, extended bool }{
			{}, {separate: true}, {rela: true}, {extended: true}, {true, true, true},
		} {
			t.Run(fmt.Sprintf("%v/%+v", order, variant), func(t *testing.T) {
				build := func(debug bool) []byte {
					b, code, data, _, _ := sample(order)
					b.SeparateNames, b.Rela, b.Extended = variant.separate, variant.rela, variant.extended
					b.AddSymbol(&elfbuild.Symbol{Name: "local", Section: data, Bind: delf.STB_LOCAL})
					if debug {
						info := b.Add(&elfbuild.Section{Name: ".debug_info", Data: make([]byte, 100)})
						b.AddSymbol(&elfbuild.Symbol{Section: info, Type: delf.STT_SECTION})
						b.AddSymbol(&elfbuild.Symbol{Name: "a.c", Reserved: delf.SHN_ABS, Type: delf.STT_FILE})
						late := b.AddSymbol(&elfbuild.Symbol{Name: "late", Section: code, Bind: delf.STB_WEAK})
						info.Relocate(&elfbuild.Reloc{Symbol: late, Type: 2})
					} else {
						b.AddSymbol(&elfbuild.Symbol{Name: "late", Section: code, Bind: delf.STB_WEAK})
					}
					// A section after the removed one, so that numbers change.
					after := b.Add(&elfbuild.Section{Name: ".rodata", Flags: delf.SHF_ALLOC, Data: []byte("constant")})
					constant := b.AddSymbol(&elfbuild.Symbol{Name: "constant", Section: after, Bind: delf.STB_GLOBAL})
					code.Relocate(&elfbuild.Reloc{Offset: 8, Symbol: constant, Type: 1})
					return b.Bytes()
				}
				got := strip(t, build(true))
				if diff := cmp.Diff(outline(t, build(false)), outline(t, got)); diff != "" {
					t.Errorf("(-built without debugging information, +stripped):\n%s", diff)
				}
				if _, err := delf.NewFile(bytes.NewReader(got)); err != nil {
					t.Errorf("debug/elf: %v", err)
				}
			})
		}
	}
}

// What is loaded into the kernel isn't DWARF, whatever its name.
func TestStripKeepsLoadedSections(t *testing.T) {
	b, _, _, _, _ := sample(binary.LittleEndian)
	b.Add(&elfbuild.Section{Name: ".debug_counters", Flags: delf.SHF_ALLOC | delf.SHF_WRITE, Data: make([]byte, 8)})
	b.Add(&elfbuild.Section{Name: ".data.debug", Flags: delf.SHF_ALLOC, Data: make([]byte, 8)})
	b.Add(&elfbuild.Section{Name: ".zdebug_info", Data: []byte("ZLIB")})
	f := parse(t, strip(t, b.Bytes()))
	if f.Section(".debug_counters") == nil || f.Section(".data.debug") == nil || f.Section(".zdebug_info") != nil {
		t.Errorf("sections left: %+v", f.Sections)
	}
}

// Names are bytes, and need not be text.
func TestStripKeepsNames(t *testing.T) {
	names := []string{"größe", "größe.old", "\xff\xfe", "old", "xdp/größe.old"}
	b, _, data, _, _ := sample(binary.LittleEndian)
	b.Add(&elfbuild.Section{Name: ".debug_info", Data: make([]byte, 8)})
	for _, name := range names {
		b.Add(&elfbuild.Section{Name: name})
		b.AddSymbol(&elfbuild.Symbol{Name: name, Section: data, Bind: delf.STB_WEAK})
	}
	f := parse(t, strip(t, b.Bytes()))
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if got := symbols[len(symbols)-len(names)+i].Name; got != name || f.Section(name) == nil {
			t.Errorf("symbol %q, section %v, want both called %q", got, f.Section(name), name)
		}
	}
}

// An alignment costs at most a few bytes of padding.
func TestStripAbsurdAlignment(t *testing.T) {
	b, code, _, _, _ := sample(binary.LittleEndian)
	code.Edit = func(h *delf.Section64) { h.Addralign = 1 << 62 }
	b.Add(&elfbuild.Section{Name: ".debug_info", Data: make([]byte, 8)})
	in := b.Bytes()
	out := strip(t, in)
	if len(out) > len(in) {
		t.Errorf("stripping %d bytes gave %d", len(in), len(out))
	}
	stripped := parse(t, out)
	if h := stripped.Header(stripped.Section("xdp")); h.Align != 1<<62 {
		t.Errorf("alignment %#x", h.Align)
	}
}

func TestStripErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(b *elfbuild.Builder, debug *elfbuild.Section)
		kind elf.ErrorKind
		want string
	}{
		{"malformed", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.EditHeader = func(h *delf.Header64) { h.Shentsize = 1 }
		}, elf.Malformed, "file offset 0x3a: section headers of 1 bytes, want 64"},
		{"executable", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.EditHeader = func(h *delf.Header64) { h.Phnum = 1 }
		}, elf.Unsupported, "file offset 0x38: has program headers: only relocatable objects can be stripped"},
		{"two symbol tables", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.Add(&elfbuild.Section{Name: ".symtab.2", Type: delf.SHT_SYMTAB, EntSize: 24, Link: 7})
		}, elf.Malformed, "section .symtab, offset 0x0: a second symbol table, after .symtab.2"},
		{"other user of names", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.Add(&elfbuild.Section{Name: ".dynsym", Type: delf.SHT_DYNSYM, EntSize: 24, Link: 7})
		}, elf.Unsupported, "section .dynsym, offset 0x0: refers to names in .strtab, which only the symbol table may"},
		{"code that needs DWARF", func(b *elfbuild.Builder, debug *elfbuild.Section) {
			symbol := b.AddSymbol(&elfbuild.Symbol{Section: debug, Type: delf.STT_SECTION})
			b.Add(&elfbuild.Section{Name: "tc", Data: make([]byte, 8)}).Relocate(&elfbuild.Reloc{Symbol: symbol})
		}, elf.Unsupported, "section .reltc, offset 0x0: a relocation needs symbol 1, which goes with the debugging information"},
		{"section indices of no symbols", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.Add(&elfbuild.Section{Name: ".symtab_shndx", Type: delf.SHT_SYMTAB_SHNDX, EntSize: 4, Link: 1, Data: make([]byte, 12)})
		}, elf.Malformed, "section .symtab_shndx, offset 0x0: refers to section 1, which is not the symbol table"},
		{"group of nothing known", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.Add(&elfbuild.Section{Name: ".group", Type: delf.SHT_GROUP, EntSize: 4, Data: []byte{1, 0, 0, 0, 99, 0, 0, 0}})
		}, elf.Malformed, "section .group, offset 0x4: has section 99 of 8 as a member"},
		{"group without a name", func(b *elfbuild.Builder, _ *elfbuild.Section) {
			b.Add(&elfbuild.Section{Name: ".group", Type: delf.SHT_GROUP, EntSize: 4, Info: 77, Data: []byte{1, 0, 0, 0, 1, 0, 0, 0}})
		}, elf.Malformed, "section .group, offset 0x0: no symbol 77 names the group"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, _, _, _, _ := sample(binary.LittleEndian)
			debug := b.Add(&elfbuild.Section{Name: ".debug_info", Data: make([]byte, 8)})
			test.edit(b, debug)
			_, err := elf.StripDWARF(b.Bytes())
			wantError(t, err, test.kind, "elf: "+test.want)
		})
	}
}

func BenchmarkStripDWARF(b *testing.B) {
	data := read(b, "testdata/debug-el.o")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := elf.StripDWARF(data); err != nil {
			b.Fatal(err)
		}
	}
}

// More sections than 16 bits can number stay that way, or become fewer.
func TestStripManySections(t *testing.T) {
	for _, test := range []struct {
		name        string
		kept, dwarf int
	}{
		{"many before and after", 0xff00 + 10, 1},
		{"many before, few after", 0xff00 - 100, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := elfbuild.New(binary.BigEndian)
			b.Extended, b.SeparateNames = true, true
			for range test.dwarf {
				b.Add(&elfbuild.Section{Name: ".debug_types", Data: []byte{1}})
			}
			for range test.kept - 1 {
				b.Add(&elfbuild.Section{})
			}
			last := b.Add(&elfbuild.Section{Name: "last", Data: []byte("contents")})
			b.AddSymbol(&elfbuild.Symbol{Name: "symbol", Section: last, Bind: delf.STB_GLOBAL})
			b.AddSymbol(&elfbuild.Symbol{Name: "absolute", Reserved: delf.SHN_ABS, Bind: delf.STB_GLOBAL})

			out := strip(t, b.Bytes())
			f := parse(t, out)
			symbols, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			if s := f.Section("last"); s == nil || int(s.Index) != test.kept || symbols[1].Section != elf.SectionIndex(s.Index) || symbols[2].Section != elf.SHN_ABS {
				t.Errorf("section %+v, symbols %+v", s, symbols)
			}
			if got, err := delf.NewFile(bytes.NewReader(out)); err != nil || len(got.Sections) != len(f.Sections) {
				t.Errorf("debug/elf: %v", err)
			}
		})
	}
}
