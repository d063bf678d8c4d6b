package corerelo_test

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/corerelo"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// An object is what the tests need of an object file: its types, and one instruction with a relocation a function.
type object struct {
	order binary.ByteOrder
	types *btf.Spec
	asks  []ask
}

// An ask is a function with one relocation, of that instruction.
type ask struct {
	name string
	ins  asm.Instruction
	relo *btf.CORERelocation
}

func (o *object) relocs() []corerelo.Reloc {
	relos := make([]corerelo.Reloc, len(o.asks))
	for i := range o.asks {
		relos[i] = corerelo.Reloc{CORERelocation: o.asks[i].relo, Ins: &o.asks[i].ins}
	}
	return relos
}

// readObject reads a file of testdata, such as "local-el.o".
func readObject(tb testing.TB, name string) *object {
	tb.Helper()
	f, err := elf.Open(filepath.Join("testdata", name))
	check(tb, err)
	defer f.Close()
	types, err := btf.LoadSpecFromBytes(section(tb, f, ".BTF"))
	check(tb, err)
	o := &object{order: f.ByteOrder, types: types}
	if f.Section("ask") != nil {
		o.readAsks(tb, f)
	}
	return o
}

func (o *object) readAsks(tb testing.TB, f *elf.File) {
	tb.Helper()
	code := section(tb, f, "ask")
	ext, err := rawbtf.ParseExt(section(tb, f, ".BTF.ext"))
	check(tb, err)
	symbols, err := f.Symbols()
	check(tb, err)
	symbols = slices.DeleteFunc(symbols, func(s elf.Symbol) bool { return elf.ST_TYPE(s.Info) != elf.STT_FUNC })
	slices.SortFunc(symbols, func(a, b elf.Symbol) int { return int(a.Value) - int(b.Value) })

	relos := ext.CORERelos()[0]
	if relos.Len() != len(symbols) {
		tb.Fatalf("%d relocations in %d functions", relos.Len(), len(symbols))
	}
	for i, s := range symbols {
		r := relos.CORERelo(i)
		if uint64(r.InsnOff) < s.Value || uint64(r.InsnOff) >= s.Value+s.Size {
			tb.Fatalf("function %s doesn't have relocation #%d", s.Name, i)
		}
		insns, err := asm.Decode(nil, code[r.InsnOff:s.Value+s.Size], f.ByteOrder)
		check(tb, err)
		access, err := o.types.Records().Name(r.AccessOff)
		check(tb, err)
		o.asks = append(o.asks, ask{s.Name, insns[0], &btf.CORERelocation{
			Type:     o.types.Ref(btf.TypeID(r.TypeID)),
			Accessor: access,
			Kind:     btf.COREKind(r.Kind),
		}})
	}
}

func section(tb testing.TB, f *elf.File, name string) []byte {
	tb.Helper()
	data, err := f.Section(name).Data()
	check(tb, err)
	return data
}

// show shows what a relocation may change in an instruction.
func show(ins *asm.Instruction) string {
	switch class := ins.OpCode.Class(); {
	case corerelo.PoisonOf(ins) != nil:
		return "poison"
	case class == asm.LdXClass || class.IsStore():
		return fmt.Sprintf("%d bytes at %d", ins.OpCode.Size().Sizeof(), ins.Offset)
	default:
		return fmt.Sprint(ins.Constant)
	}
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
