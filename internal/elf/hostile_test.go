package elf_test

import (
	delf "debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
)

func wantError(t *testing.T, err error, kind elf.ErrorKind, text string) {
	t.Helper()
	var e *elf.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *elf.Error: %s", err, text)
	}
	if e.Kind != kind || err.Error() != text {
		t.Errorf("got kind %d: %s\nwant kind %d: %s", e.Kind, err, kind, text)
	}
}

// readAll asks a file for everything it has.
func readAll(data []byte) error {
	f, err := elf.Parse(data)
	if err != nil {
		return err
	}
	if _, err := f.Symbols(); err != nil {
		return err
	}
	for i := range f.Sections {
		s := &f.Sections[i]
		if _, err := f.Data(s); err != nil {
			return err
		}
		if s.Type == elf.SHT_REL || s.Type == elf.SHT_RELA {
			if _, err := f.Relocations(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// What is no ELF64 file is told what it is.
func TestForeign(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"empty", "", "the file is empty"},
		{"C", "#include <linux/bpf.h>\n\nint main;\n", "the file is text, not an object: compile it first"},
		{"Go with an umlaut", "// grün\npackage main\n", "the file is text, not an object: compile it first"},
		{"archive", "!<arch>\nprog.o/         0           0     0     644     1952      `\n", "the file is an ar archive, not an object: extract the member first"},
		{"Go archive", "!<arch>\n__.PKGDEF       0  ", "the file is a Go package archive, not a BPF object"},
		{"Go object", "go object linux amd64 go1.25\n", "the file is a Go object, not a BPF object"},
		{"bitcode", "BC\xc0\xde\x35\x14", "the file is LLVM bitcode, not an object: compile with -c, without -emit-llvm or -flto"},
		{"BTF", "\x9f\xeb\x01\x00", "the file is bare BTF, not an object"},
		{"Mach-O", "\xcf\xfa\xed\xfe\x07\x00\x00\x01", "the file is a Mach-O file, not ELF: compile with clang -target bpf"},
		{"WebAssembly", "\x00asm\x01\x00\x00\x00", "the file is WebAssembly, not ELF: compile with clang -target bpf"},
		{"zeros", "\x00\x00\x00\x00\x00\x00", "the file is not ELF: it starts with 00 00 00 00"},
		{"one byte", "\x7f", "the file is not ELF: it starts with 7f"},
		{"32 bits", "\x7fELF\x01\x01\x01", "the file is 32-bit ELF, BPF objects are 64-bit: compile with clang -target bpf"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := elf.Parse([]byte(test.data))
			wantError(t, err, elf.Foreign, "elf: "+test.want)
		})
	}
}

func TestCheckBPF(t *testing.T) {
	for _, test := range []struct {
		machine delf.Machine
		typ     delf.Type
		want    string
	}{
		{delf.EM_BPF, delf.ET_REL, ""},
		{delf.EM_NONE, delf.ET_REL, ""},
		{delf.EM_X86_64, delf.ET_REL, "the file is for x86-64, not for BPF: compile with clang -target bpf"},
		{4711, delf.ET_REL, "the file is for machine 4711, not for BPF: compile with clang -target bpf"},
		{delf.EM_BPF, delf.ET_DYN, "the file is a shared object, not a relocatable object: compile with -c"},
		{delf.EM_BPF, 4711, "the file is of type 4711, not a relocatable object: compile with -c"},
	} {
		b := elfbuild.New(binary.LittleEndian)
		b.Machine, b.Type = test.machine, test.typ
		err := parse(t, b.Bytes()).CheckBPF()
		if test.want == "" {
			if err != nil {
				t.Errorf("%v %v: %v", test.machine, test.typ, err)
			}
			continue
		}
		wantError(t, err, elf.Foreign, "elf: "+test.want)
	}
}

// sample is a small valid object for tests to break.
func sample(order binary.ByteOrder) (b *elfbuild.Builder, code, data *elfbuild.Section, symbol *elfbuild.Symbol, reloc *elfbuild.Reloc) {
	b = elfbuild.New(order)
	code = b.Add(&elfbuild.Section{Name: "xdp", Flags: delf.SHF_ALLOC | delf.SHF_EXECINSTR, Data: make([]byte, 16)})
	data = b.Add(&elfbuild.Section{Name: ".data", Flags: delf.SHF_ALLOC | delf.SHF_WRITE, Data: make([]byte, 8)})
	b.AddSymbol(&elfbuild.Symbol{Name: "prog", Section: code, Type: delf.STT_FUNC, Bind: delf.STB_GLOBAL, Size: 16})
	symbol = b.AddSymbol(&elfbuild.Symbol{Name: "counter", Section: data, Type: delf.STT_OBJECT, Bind: delf.STB_GLOBAL, Size: 8})
	reloc = &elfbuild.Reloc{Symbol: symbol, Type: 1, Addend: -3}
	code.Relocate(reloc)
	return b, code, data, symbol, reloc
}

// Every contradiction is an error that says where it is.
func TestMalformed(t *testing.T) {
	type parts struct {
		b          *elfbuild.Builder
		code, data *elfbuild.Section
		symbol     *elfbuild.Symbol
		reloc      *elfbuild.Reloc
	}
	header := func(edit func(*delf.Header64)) func(parts) {
		return func(p parts) { p.b.EditHeader = edit }
	}
	code := func(edit func(*delf.Section64)) func(parts) {
		return func(p parts) { p.code.Edit = edit }
	}
	symtab := func(edit func(*delf.Section64)) func(parts) {
		return func(p parts) { p.b.EditSymtab = edit }
	}
	relocs := func(edit func(*delf.Section64)) func(parts) {
		return func(p parts) { p.code.EditRelocs = edit }
	}
	for _, test := range []struct {
		name  string
		spoil func(parts)
		want  string
	}{
		// header
		{"class", header(func(h *delf.Header64) { h.Ident[delf.EI_CLASS] = 3 }), "file offset 0x4: class 3, want 2 (64-bit)"},
		{"byte order", header(func(h *delf.Header64) { h.Ident[delf.EI_DATA] = 9 }), "file offset 0x5: byte order 9, want 1 (little endian) or 2 (big endian)"},
		{"version", header(func(h *delf.Header64) { h.Ident[delf.EI_VERSION] = 0 }), "file offset 0x6: version 0 of ELF, want 1"},
		{"section header size", header(func(h *delf.Header64) { h.Shentsize = 0 }), "file offset 0x3a: section headers of 0 bytes, want 64"},
		{"section table missing", header(func(h *delf.Header64) { h.Shoff = 0 }), "file offset 0x3c: 6 sections, but no section table"},
		{"section table beyond the end", header(func(h *delf.Header64) { h.Shoff = 1 << 63 }), "file offset 0x28: the section table at 0x8000000000000000 is beyond the end of the file at 0x260"},
		{"section table wraps around", header(func(h *delf.Header64) { h.Shoff = 1<<64 - 32 }), "file offset 0x28: the section table at 0xffffffffffffffe0 is beyond the end of the file at 0x260"},
		{"section count", header(func(h *delf.Header64) { h.Shnum = 0xfeff }), "file offset 0xe0: a table of 65279 sections is longer than the rest of the file, 384 bytes"},
		{"first section", func(p parts) { p.b.EditNull = func(h *delf.Section64) { h.Type = 1 } }, "file offset 0xe0: the first section has type 1, want 0"},
		{"extended section count", func(p parts) {
			p.b.EditHeader = func(h *delf.Header64) { h.Shnum = 0 }
			p.b.EditNull = func(h *delf.Section64) { h.Size = 1 << 62 }
		}, "file offset 0xe0: a table of 4611686018427387904 sections is longer than the rest of the file, 384 bytes"},
		{"name table index", header(func(h *delf.Header64) { h.Shstrndx = 77 }), "file offset 0x3e: section names are in section 77 of 6"},
		{"extended name table index", func(p parts) {
			p.b.EditHeader = func(h *delf.Header64) { h.Shstrndx = 0xffff }
			p.b.EditNull = func(h *delf.Section64) { h.Link = 1 << 31 }
		}, "file offset 0x3e: section names are in section 2147483648 of 6"},
		{"name table is none", header(func(h *delf.Header64) { h.Shstrndx = 1 }), "section #1, offset 0x0: type 1, want a string table"},

		// sections
		{"offset beyond the end", code(func(h *delf.Section64) { h.Off = 1 << 40 }), "section xdp, offset 0x0: 16 bytes at file offset 0x10000000000 are beyond the end of the file at 0x260"},
		{"size beyond the end", code(func(h *delf.Section64) { h.Size = 1 << 40 }), "section xdp, offset 0x0: 1099511627776 bytes at file offset 0x40 are beyond the end of the file at 0x260"},
		{"end wraps around", code(func(h *delf.Section64) { h.Size = 1<<64 - 8 }), "section xdp, offset 0x0: 18446744073709551608 bytes at file offset 0x40 are beyond the end of the file at 0x260"},
		{"overlap", code(func(h *delf.Section64) { h.Size = 17 }), "section .data, offset 0x0: overlaps section xdp at file offset 0x50"},
		{"name beyond the table", code(func(h *delf.Section64) { h.Name = 1 << 31 }), "section #1, offset 0x0: name at 0x80000000 of the string table: beyond the end of the string table"},
		{"compressed", code(func(h *delf.Section64) { h.Flags |= uint64(delf.SHF_COMPRESSED) }), "compressed"},

		{"name of control characters", func(p parts) { p.code.Name = "x\x1b[2J"; p.code.Edit = func(h *delf.Section64) { h.Size = 17 } }, `section .data, offset 0x0: overlaps section "x\x1b[2J" at file offset 0x50`},

		// strings
		{"unterminated strings", func(p parts) {
			p.b.EditStrings = func(s []byte) []byte { s[len(s)-1] = 'x'; return s }
		}, "section #5, offset 0x2f: the string table doesn't end in NUL"},
		{"endless name", func(p parts) { p.code.Name = strings.Repeat("x", 8193) }, "section #1, offset 0x0: name at 0xe of the string table: longer than 8192 bytes"},

		// symbols
		{"symbol size 0", symtab(func(h *delf.Section64) { h.Entsize = 0 }), "section .symtab, offset 0x0: entries of 0 bytes, want 24"},
		{"symbol cut off", symtab(func(h *delf.Section64) { h.Size-- }), "section .symtab, offset 0x30: the last of its 24-byte entries is cut off"},
		{"symbol names", symtab(func(h *delf.Section64) { h.Link = 1 << 31 }), "section .symtab, offset 0x0: names in section 2147483648 of 6"},
		{"symbol names are none", symtab(func(h *delf.Section64) { h.Link = 2 }), "section .data, offset 0x0: type 1, want a string table"},
		{"symbol name", func(p parts) { p.symbol.Edit = func(s *delf.Sym64) { s.Name = 0xffff } }, "section .symtab, offset 0x30: name of symbol 2 at 0xffff of the string table: beyond the end of the string table"},
		{"symbol section", func(p parts) { p.symbol.Edit = func(s *delf.Sym64) { s.Shndx = 6 } }, "section .symtab, offset 0x30: symbol 2 is in section 6 of 6"},
		{"symbol in wide section, no table", func(p parts) { p.symbol.Edit = func(s *delf.Sym64) { s.Shndx = 0xffff } }, "section .symtab, offset 0x30: the section of symbol 2 needs a table of extended section indices, but there is none"},

		// relocations
		{"relocation size 0", relocs(func(h *delf.Section64) { h.Entsize = 0 }), "section .relxdp, offset 0x0: entries of 0 bytes, want 16"},
		{"relocation cut off", relocs(func(h *delf.Section64) { h.Size = 9 }), "section .relxdp, offset 0x0: the last of its 16-byte entries is cut off"},
		{"relocation of no section", relocs(func(h *delf.Section64) { h.Info = 6 }), "section .relxdp, offset 0x0: relocates section 6 of 6"},
		{"relocation by no symbols", relocs(func(h *delf.Section64) { h.Link = 1 << 31 }), "section .relxdp, offset 0x0: refers to symbols of section 2147483648, which is not the symbol table"},
		{"relocation by no symbol", func(p parts) { p.reloc.Edit = func(r *delf.Rela64) { r.Info = 3<<32 | 1 } }, "section .relxdp, offset 0x0: refers to symbol 3 of 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
				var p parts
				p.b, p.code, p.data, p.symbol, p.reloc = sample(order)
				if err := readAll(p.b.Bytes()); err != nil {
					t.Fatal("before:", err)
				}
				test.spoil(p)
				err := readAll(p.b.Bytes())
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v:\n got %v\nwant %s", order, err, test.want)
				}
				var e *elf.Error
				if !errors.As(err, &e) {
					t.Errorf("%v: %T, want *elf.Error", order, err)
				}
			}
		})
	}
}

// Every prefix of an object is an error, and no bit of it makes anything panic.
func TestTruncatedAndFlipped(t *testing.T) {
	data := read(t, "testdata/debug-el.o")
	for n := range data {
		if err := readAll(data[:n:n]); err == nil {
			t.Errorf("the first %d of %d bytes are accepted", n, len(data))
		}
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			_ = readAll(data)
			_, _ = elf.StripDWARF(data)
			data[i] ^= 1 << bit
		}
	}
}

// Counts and indices that need more than 16 bits stand elsewhere, and mean the same.
func TestExtendedNumbering(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		b, _, _, _, _ := sample(order)
		f := parse(t, b.Bytes())
		b.Extended = true
		extended := parse(t, b.Bytes())
		if len(extended.Sections) != len(f.Sections)+1 || extended.Section("xdp") == nil {
			t.Fatalf("%v: sections %+v", order, extended.Sections)
		}
		symbols, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		wide, err := extended.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		for i := range symbols {
			if wide[i] != symbols[i] {
				t.Errorf("%v: symbol %d: %+v, want %+v", order, i, wide[i], symbols[i])
			}
		}
	}
}

func TestExtendedNumberingCutOff(t *testing.T) {
	b, _, _, _, _ := sample(binary.LittleEndian)
	b.Extended = true
	data := b.Bytes()
	f := parse(t, data)
	at := func(s *elf.Section) []byte { // its header
		return data[len(data)-64*(len(f.Sections)-int(s.Index)):]
	}
	table := f.Section(".symtab_shndx")
	binary.LittleEndian.PutUint64(at(table)[32:], 8)
	wantError(t, readAll(data), elf.Malformed, "elf: section .symtab_shndx, offset 0x8: ends before the section of symbol 2")
}

// Section indices of the reserved range are kept apart from real ones.
func TestReservedSections(t *testing.T) {
	b := elfbuild.New(binary.BigEndian)
	b.AddSymbol(&elfbuild.Symbol{Name: "undefined", Reserved: delf.SHN_UNDEF})
	b.AddSymbol(&elfbuild.Symbol{Name: "absolute", Reserved: delf.SHN_ABS})
	b.AddSymbol(&elfbuild.Symbol{Name: "common", Reserved: delf.SHN_COMMON})
	b.AddSymbol(&elfbuild.Symbol{Name: "processor", Reserved: delf.SHN_LOPROC})
	symbols, err := parse(t, b.Bytes()).Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []elf.SectionIndex{0, elf.SHN_UNDEF, elf.SHN_ABS, elf.SHN_COMMON, 0xffffff00} {
		if got := symbols[i].Section; got != want || got.Reserved() != (i > 1) {
			t.Errorf("%s is in section %#x (reserved: %v), want %#x", symbols[i].Name, got, got.Reserved(), want)
		}
	}
}

func TestRela(t *testing.T) {
	b, _, _, _, _ := sample(binary.BigEndian)
	b.Rela, b.SeparateNames = true, true
	f := parse(t, b.Bytes())
	relocs, err := f.Relocations(f.Section(".relaxdp"))
	if want := (elf.Reloc{Offset: 0, Symbol: 2, Type: 1, Addend: -3}); err != nil || len(relocs) != 1 || relocs[0] != want {
		t.Errorf("relocations %+v, %v, want %+v", relocs, err, want)
	}
	_, err = f.Relocations(f.Section("xdp"))
	wantError(t, err, elf.Malformed, "elf: section xdp, offset 0x0: type 1, want relocations")
}

// A file without sections has nothing to say, but says so without an error.
func TestNoSections(t *testing.T) {
	b := elfbuild.New(binary.LittleEndian)
	b.EditHeader = func(h *delf.Header64) { h.Shoff, h.Shnum, h.Shstrndx = 0, 0, 0 }
	f := parse(t, b.Bytes())
	symbols, err := f.Symbols()
	if len(f.Sections) != 0 || symbols != nil || err != nil {
		t.Errorf("%d sections, symbols %v, %v", len(f.Sections), symbols, err)
	}
}

// Files made to cost the square of their size, by sharing one long thing among
// many short ones, are refused before they do.
func TestBoundedWork(t *testing.T) {
	t.Run("many sections of one long name", func(t *testing.T) {
		b := elfbuild.New(binary.LittleEndian)
		b.EditStrings = func(s []byte) []byte { return append([]byte(strings.Repeat("x", 1<<20)), 0) }
		for range 10000 {
			b.Add(&elfbuild.Section{})
		}
		b.Add(&elfbuild.Section{Edit: func(h *delf.Section64) { h.Name = 1 }})
		if err := readAll(b.Bytes()); err == nil || !strings.Contains(err.Error(), "longer than 8192 bytes") {
			t.Error(err)
		}
	})
	t.Run("many relocation sections in one place", func(t *testing.T) {
		b, code, _, _, _ := sample(binary.LittleEndian)
		for range 10000 {
			code.Relocate(&elfbuild.Reloc{})
		}
		var place uint64
		code.EditRelocs = func(h *delf.Section64) { place = h.Off }
		b.Bytes()
		for range 10000 {
			b.Add(&elfbuild.Section{Type: delf.SHT_REL, EntSize: 16, Info: 1, Data: make([]byte, 16),
				Edit: func(h *delf.Section64) { h.Off, h.Size = place, 16*10000 }})
		}
		if err := readAll(b.Bytes()); err == nil || !strings.Contains(err.Error(), "overlaps") {
			t.Error(err)
		}
	})
}
