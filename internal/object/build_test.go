package object

import (
	stdelf "debug/elf"
	"encoding/binary"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// objectBuilder writes objects that no compiler would.
type objectBuilder struct {
	*elfbuild.Builder
	t testing.TB
}

func newObject(t testing.TB) objectBuilder {
	return objectBuilder{elfbuild.New(binary.LittleEndian), t}
}

func (b objectBuilder) code(section string, insns ...asm.Instruction) *elfbuild.Section {
	b.t.Helper()
	code, err := asm.Instructions(insns).Encode(nil, b.Order)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Add(&elfbuild.Section{Name: section, Flags: stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR, Data: code})
}

// function names size instructions of a section, from start on.
func (b objectBuilder) function(name string, s *elfbuild.Section, start, size uint64) *elfbuild.Symbol {
	return b.AddSymbol(&elfbuild.Symbol{
		Name: name, Section: s, Type: stdelf.STT_FUNC, Bind: stdelf.STB_GLOBAL,
		Value: start * asm.InstructionSize, Size: size * asm.InstructionSize,
	})
}

func (b objectBuilder) object(name string, s *elfbuild.Section, start, size uint64) *elfbuild.Symbol {
	return b.AddSymbol(&elfbuild.Symbol{Name: name, Section: s, Type: stdelf.STT_OBJECT, Bind: stdelf.STB_GLOBAL, Value: start, Size: size})
}

func (b objectBuilder) section(name string, data []byte) *elfbuild.Section {
	return b.Add(&elfbuild.Section{Name: name, Flags: stdelf.SHF_ALLOC | stdelf.SHF_WRITE, Data: data})
}

func (b objectBuilder) sectionSymbol(s *elfbuild.Section) *elfbuild.Symbol {
	return b.AddSymbol(&elfbuild.Symbol{Section: s, Type: stdelf.STT_SECTION})
}

// types adds a .BTF section.
func (b objectBuilder) types(types ...btf.Type) {
	b.t.Helper()
	builder, err := btf.NewBuilder(types, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	blob, err := builder.Marshal(nil, &btf.MarshalOptions{Order: b.Order})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Add(&elfbuild.Section{Name: ".BTF", Data: blob})
}

// btfMap adds a map that is defined by the members, as a compiler does.
func (b objectBuilder) btfMap(name string, members ...btf.Member) *elfbuild.Section {
	def := &btf.Struct{Size: uint32(8 * len(members)), Members: members}
	for i := range members {
		members[i].Offset = btf.Bits(64 * i)
	}
	return b.btfMapOf(name, def, def.Size)
}

func (b objectBuilder) btfMapOf(name string, def btf.Type, size uint32) *elfbuild.Section {
	s := b.section(".maps", make([]byte, size))
	b.object(name, s, 0, uint64(size))
	b.types(&btf.Datasec{Name: ".maps", Vars: []btf.VarSecinfo{
		{Type: &btf.Var{Name: name, Type: def, Linkage: btf.GlobalVar}, Size: size},
	}})
	return s
}

var u32 = &btf.Int{Name: "unsigned int", Size: 4}

// uintAttr is what __uint(name, v) makes.
func uintAttr(name string, v uint32) btf.Member {
	return btf.Member{Name: name, Type: &btf.Pointer{Target: &btf.Array{Index: u32, Type: u32, Nelems: v}}}
}

// ulongAttr is what __ulong(name, v) makes.
func ulongAttr(name string, v uint64) btf.Member {
	return btf.Member{Name: name, Type: &btf.Enum{Size: 8, Values: []btf.EnumValue{{Name: "__unique_value0", Value: v}}}}
}

// typeAttr is what __type(name, t) makes.
func typeAttr(name string, t btf.Type) btf.Member {
	return btf.Member{Name: name, Type: &btf.Pointer{Target: t}}
}

// arrayAttr is what __array(name, t) makes.
func arrayAttr(name string, t btf.Type) btf.Member {
	return btf.Member{Name: name, Type: &btf.Array{Index: u32, Type: &btf.Pointer{Target: t}}}
}
