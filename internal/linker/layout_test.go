package linker_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/linker"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
)

// build makes an object of one section, with a global symbol at its start.
func build(order binary.ByteOrder, symbol string, s *elfbuild.Section) []byte {
	b := elfbuild.New(order)
	b.Add(s)
	b.AddSymbol(&elfbuild.Symbol{Name: symbol, Section: s, Type: elf.STT_OBJECT, Bind: elf.STB_GLOBAL})
	return b.Bytes()
}

// Sections of the same name follow one another as their alignment wants it.
func TestLayout(t *testing.T) {
	const data = elf.SHF_ALLOC | elf.SHF_WRITE
	for _, test := range []struct {
		about    string
		a, b     elfbuild.Section
		typ      elf.SectionType
		align    uint64
		at       uint64 // where the second one is
		contents []byte // nil without any in the file
	}{
		{"back to back", elfbuild.Section{Data: []byte("aa"), Align: 1}, elfbuild.Section{Data: []byte("bb"), Align: 1},
			elf.SHT_PROGBITS, 1, 2, []byte("aabb")},
		{"aligned", elfbuild.Section{Data: []byte("aa"), Align: 1}, elfbuild.Section{Data: []byte("bb"), Align: 4},
			elf.SHT_PROGBITS, 4, 4, []byte("aa\x00\x00bb")},
		{"the first is aligned more", elfbuild.Section{Data: []byte("aa"), Align: 8}, elfbuild.Section{Data: []byte("bb"), Align: 1},
			elf.SHT_PROGBITS, 8, 8, []byte("aa\x00\x00\x00\x00\x00\x00bb")},
		{"zeros", elfbuild.Section{Type: elf.SHT_NOBITS, Size: 3, Align: 1}, elfbuild.Section{Type: elf.SHT_NOBITS, Size: 5, Align: 4},
			elf.SHT_NOBITS, 4, 4, nil},
		{"zeros and others", elfbuild.Section{Type: elf.SHT_NOBITS, Size: 3, Align: 1}, elfbuild.Section{Data: []byte("bb"), Align: 4},
			elf.SHT_PROGBITS, 4, 4, []byte("\x00\x00\x00\x00bb")},
		{"others and zeros", elfbuild.Section{Data: []byte("aa"), Align: 1}, elfbuild.Section{Type: elf.SHT_NOBITS, Size: 3, Align: 4},
			elf.SHT_PROGBITS, 4, 4, []byte("aa\x00\x00\x00\x00\x00")},
		{"empty", elfbuild.Section{Data: []byte{}, Align: 1}, elfbuild.Section{Data: []byte("bb"), Align: 2},
			elf.SHT_PROGBITS, 2, 0, []byte("bb")},
	} {
		t.Run(test.about, func(t *testing.T) {
			for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
				test.a.Name, test.b.Name, test.a.Flags, test.b.Flags = ".data", ".data", data, data
				object := link(t, []linker.Input{{Name: "a.o", Data: build(order, "a", &test.a)}, {Name: "b.o", Data: build(order, "b", &test.b)}})
				file, err := elf.NewFile(bytes.NewReader(object))
				if err != nil {
					t.Fatal(err)
				}
				s := file.Section(".data")
				if s.Type != test.typ || s.Addralign != test.align || s.Flags != data {
					t.Errorf("%+v", s.SectionHeader)
				}
				var contents []byte
				if s.Type != elf.SHT_NOBITS {
					if contents, err = s.Data(); err != nil {
						t.Fatal(err)
					}
				} else if s.Size != test.at+test.b.Size {
					t.Errorf("size %d", s.Size)
				}
				if !bytes.Equal(contents, test.contents) {
					t.Errorf("contents %q, want %q", contents, test.contents)
				}
				symbols, err := file.Symbols()
				if err != nil {
					t.Fatal(err)
				}
				if i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == "b" }); symbols[i].Value != test.at {
					t.Errorf("b is at %d, want %d", symbols[i].Value, test.at)
				}
			}
		})
	}
}

// References to a section mean an offset in it, which is kept where it is used.
// Each use counts in its own way.
func TestAddends(t *testing.T) {
	const (
		load, abs64, abs32, call = 1, 2, 3, 10
		before                   = 24 // bytes of the same section in the first file
	)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		first := build(order, "a", &elfbuild.Section{Name: ".text", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: make([]byte, before)})

		code := make([]byte, 4*8)
		code[0] = 0x18 // ld_imm64 of two slots
		order.PutUint32(code[4:], 8)
		code[16] = 0x85 // call
		order.PutUint32(code[16+4:], 5)
		code[24] = 0x85 // call
		order.PutUint32(code[24+4:], 0xffffffff)
		table := make([]byte, 16)
		order.PutUint64(table, 16)
		order.PutUint32(table[8:], 16)

		b := elfbuild.New(order)
		text := b.Add(&elfbuild.Section{Name: ".text", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: code})
		data := b.Add(&elfbuild.Section{Name: ".data", Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Data: table})
		section := b.AddSymbol(&elfbuild.Symbol{Section: text, Type: elf.STT_SECTION})
		function := b.AddSymbol(&elfbuild.Symbol{Name: "f", Section: text, Type: elf.STT_FUNC, Value: 8})
		text.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: section, Type: load})
		text.Relocate(&elfbuild.Reloc{Offset: 16, Symbol: section, Type: call})
		text.Relocate(&elfbuild.Reloc{Offset: 24, Symbol: function, Type: call})
		data.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: section, Type: abs64})
		data.Relocate(&elfbuild.Reloc{Offset: 8, Symbol: section, Type: abs32})

		file, err := elf.NewFile(bytes.NewReader(link(t, []linker.Input{{Name: "a.o", Data: first}, {Name: "b.o", Data: b.Bytes()}})))
		if err != nil {
			t.Fatal(err)
		}
		code, table = sectionData(t, file, ".text")[before:], sectionData(t, file, ".data")
		got := []uint64{
			uint64(order.Uint32(code[4:])), uint64(order.Uint32(code[20:])), uint64(order.Uint32(code[28:])),
			order.Uint64(table), uint64(order.Uint32(table[8:])),
		}
		want := []uint64{8 + before, 5 + before/8, 0xffffffff, 16 + before, 16 + before}
		if !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", order, got, want)
		}
		var offsets []uint64
		for rels := sectionData(t, file, ".rel.text"); len(rels) > 0; rels = rels[16:] {
			offsets = append(offsets, order.Uint64(rels))
		}
		if want := []uint64{before, before + 16, before + 24}; !slices.Equal(offsets, want) {
			t.Errorf("relocations at %v, want %v", offsets, want)
		}
	}
}

func sectionData(t *testing.T, file *elf.File, name string) []byte {
	t.Helper()
	data, err := file.Section(name).Data()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Jump tables hold offsets in the section of their function, and no relocation
// says so.
func TestJumpTables(t *testing.T) {
	order := binary.LittleEndian
	object := func(name string, targets ...uint64) []byte {
		code := make([]byte, 6*8)
		code[0] = 0x18
		code[2*8] = 0x18
		var table []byte
		for _, target := range targets {
			table = order.AppendUint64(table, target)
		}
		b := elfbuild.New(order)
		text := b.Add(&elfbuild.Section{Name: ".text", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: code})
		tables := b.Add(&elfbuild.Section{Name: ".jumptables", Data: table})
		b.AddSymbol(&elfbuild.Symbol{Name: name, Section: text, Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL, Size: uint64(len(code))})
		jump := b.AddSymbol(&elfbuild.Symbol{Name: "BPF.JT.0.0", Section: tables, Type: elf.STT_OBJECT, Bind: elf.STB_GLOBAL, Size: uint64(len(table))})
		text.Relocate(&elfbuild.Reloc{Offset: 0, Symbol: jump, Type: 1})
		text.Relocate(&elfbuild.Reloc{Offset: 16, Symbol: jump, Type: 1})
		return b.Bytes()
	}
	file, err := elf.NewFile(bytes.NewReader(link(t, []linker.Input{
		{Name: "a.o", Data: object("a", 8, 16)}, {Name: "b.o", Data: object("b", 8, 24, 32)},
	})))
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for data := sectionData(t, file, ".jumptables"); len(data) > 0; data = data[8:] {
		got = append(got, order.Uint64(data))
	}
	if want := []uint64{8, 16, 6*8 + 8, 6*8 + 24, 6*8 + 32}; !slices.Equal(got, want) {
		t.Errorf("targets %v, want %v", got, want)
	}
}

// Numbers that don't fit are refused, whatever they would make the linker do.
func TestHostileSections(t *testing.T) {
	zeros := func(name string, size, align uint64) linker.Input {
		return linker.Input{Name: name, Data: build(binary.LittleEndian, name[:1], &elfbuild.Section{
			Name: ".bss", Type: elf.SHT_NOBITS, Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Size: size,
			Edit: func(h *elf.Section64) { h.Addralign = align },
		})}
	}
	byteOf := linker.Input{Name: "z.o", Data: build(binary.LittleEndian, "z", &elfbuild.Section{
		Name: ".bss", Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Data: []byte("z"),
	})}
	for _, test := range []struct {
		about  string
		inputs []linker.Input
		want   string
	}{
		{"enormous", []linker.Input{zeros("a.o", 1<<63, 8)}, "link a.o: .bss: the section gets larger than 2 GiB"},
		{"enormous together", []linker.Input{zeros("a.o", 1<<31-1, 8), zeros("b.o", 1<<31-1, 8)}, "link b.o: .bss: the section gets larger than 2 GiB"},
		{"zeros that have to be written", []linker.Input{zeros("a.o", 1<<30, 8), byteOf}, "link z.o: .bss: it takes more than 67108864 bytes of zeros"},
		{"alignment", []linker.Input{zeros("a.o", 1, 1<<40)}, "link a.o: .bss: the section's alignment of 1099511627776 isn't a power of two of up to 65536"},
		{"odd alignment", []linker.Input{zeros("a.o", 1, 3)}, "alignment of 3"},
	} {
		t.Run(test.about, func(t *testing.T) {
			if _, err := linker.Link(test.inputs); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v\nwant: %s", err, test.want)
			}
		})
	}
}

// So do those that compilers write: a program jumps to the same instructions of
// its own after linking.
func TestCompiledJumpTables(t *testing.T) {
	for _, order := range []string{"el", "eb"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "tables-"+order+".o"))
		if err != nil {
			t.Fatal(err)
		}
		alone, err := object.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		b := elfbuild.New(byteOrder(order))
		for _, name := range []string{".text", alone.Programs[0].Section} {
			code := append(make([]byte, 16), 0x95, 0, 0, 0, 0, 0, 0, 0)
			code[0], code[8] = 0xb7, 0xb7
			s := b.Add(&elfbuild.Section{Name: name, Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Data: code})
			b.AddSymbol(&elfbuild.Symbol{Name: "in" + name, Section: s, Type: elf.STT_FUNC, Bind: elf.STB_GLOBAL, Size: uint64(len(code))})
		}
		linked, err := object.Parse(link(t, []linker.Input{{Name: "first.o", Data: b.Bytes()}, {Name: "tables.o", Data: data}}))
		if err != nil {
			t.Fatal(err)
		}
		want, got := targets(alone), targets(linked)
		if len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: targets %v, want %v", order, got, want)
		}
	}
}

func byteOrder(name string) binary.ByteOrder {
	if name == "eb" {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// targets returns where jump tables lead, by program and instruction.
func targets(o *object.Object) map[string][]int32 {
	all := map[string][]int32{}
	for _, p := range o.Programs {
		for i := range p.Instructions {
			if table := p.Instructions[i].JumpTable(); table != nil {
				all[fmt.Sprint(p.Name, " ", i)] = table.Targets
			}
		}
	}
	return all
}
