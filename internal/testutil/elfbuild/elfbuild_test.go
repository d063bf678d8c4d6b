package elfbuild_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
)

// What is built is what debug/elf reads. (It reads no Extended file that doesn't
// need to be one; internal/elf does.)
func TestBuilder(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, variant := range []struct{ separate, rela bool }{
			{}, {separate: true}, {rela: true}, {true, true},
		} {
			t.Run(fmt.Sprintf("%v/%v", order, variant), func(t *testing.T) {
				b := elfbuild.New(order)
				b.SeparateNames, b.Rela = variant.separate, variant.rela
				xdp := b.Add(&elfbuild.Section{Name: "xdp", Flags: elf.SHF_ALLOC, Data: make([]byte, 16)})
				bss := b.Add(&elfbuild.Section{Name: ".bss", Type: elf.SHT_NOBITS, Size: 12})
				b.AddSymbol(&elfbuild.Symbol{Name: "prog", Section: xdp, Bind: elf.STB_GLOBAL, Type: elf.STT_FUNC, Size: 16})
				counter := b.AddSymbol(&elfbuild.Symbol{Name: "counter", Section: bss, Type: elf.STT_OBJECT, Value: 4})
				b.AddSymbol(&elfbuild.Symbol{Name: "absolute", Reserved: elf.SHN_ABS, Bind: elf.STB_WEAK})
				xdp.Relocate(&elfbuild.Reloc{Offset: 8, Symbol: counter, Type: 1})

				f, err := elf.NewFile(bytes.NewReader(b.Bytes()))
				if err != nil {
					t.Fatal(err)
				}
				if f.Machine != elf.EM_BPF || f.Type != elf.ET_REL || f.ByteOrder != order {
					t.Errorf("header: %+v", f.FileHeader)
				}
				if s := f.Section("xdp"); s == nil || s.Size != 16 {
					t.Errorf("section xdp: %+v", s)
				}
				if s := f.Section(".bss"); s == nil || s.Type != elf.SHT_NOBITS || s.Size != 12 {
					t.Errorf("section .bss: %+v", s)
				}
				symbols, err := f.Symbols()
				if err != nil || len(symbols) != 3 || symbols[0].Name != "counter" || symbols[1].Name != "prog" || symbols[2].Name != "absolute" {
					t.Errorf("symbols: %+v, %v", symbols, err)
				}
				if symbols[0].Section != 2 {
					t.Errorf("counter is in section %v, want 2", symbols[0].Section)
				}
				name := ".relxdp"
				if variant.rela {
					name = ".relaxdp"
				}
				relocs, err := f.Section(name).Data()
				if err != nil || order.Uint64(relocs) != 8 || order.Uint64(relocs[8:]) != 1<<32|1 {
					t.Errorf("relocations: %x, %v", relocs, err)
				}
			})
		}
	}
}

func TestEdit(t *testing.T) {
	b := elfbuild.New(binary.LittleEndian)
	b.EditHeader = func(h *elf.Header64) { h.Shnum = 9999 }
	b.Add(&elfbuild.Section{Name: "x", Edit: func(h *elf.Section64) { h.Size = 1 << 60 }})
	if _, err := elf.NewFile(bytes.NewReader(b.Bytes())); err == nil {
		t.Error("debug/elf accepts an object whose header was made invalid")
	}
	if !bytes.Equal(b.Bytes(), b.Bytes()) {
		t.Error("Bytes isn't repeatable")
	}
}
