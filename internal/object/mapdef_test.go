package object

import (
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil/elfbuild"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

func struct16() *btf.Struct {
	return &btf.Struct{Name: "pair", Size: 16, Members: []btf.Member{
		{Name: "a", Type: &btf.Int{Name: "long", Size: 8}}, {Name: "b", Type: &btf.Int{Name: "long", Size: 8}, Offset: 64},
	}}
}

func innerMap(members ...btf.Member) *btf.Struct {
	for i := range members {
		members[i].Offset = btf.Bits(64 * i)
	}
	return &btf.Struct{Size: uint32(8 * len(members)), Members: members}
}

var (
	hash  = uintAttr("type", uint32(uapi.MapTypeHash))
	outer = uintAttr("type", uint32(uapi.MapTypeArrayOfMaps))
	progs = uintAttr("type", uint32(uapi.MapTypeProgramArray))
)

func TestMapAttributes(t *testing.T) {
	b := newObject(t)
	b.btfMap("m", hash,
		uintAttr("max_entries", 7), uintAttr("map_flags", uapi.MapFlagNoPrealloc|uapi.MapFlagNUMANode), uintAttr("numa_node", 3),
		ulongAttr("map_extra", 1<<40), uintAttr("pinning", 1),
		uintAttr("key_size", 4), typeAttr("key", &btf.Typedef{Name: "u32", Type: &btf.Const{Type: u32}}),
		typeAttr("value", &btf.Array{Index: u32, Type: struct16(), Nelems: 3}), uintAttr("value_size", 48),
	)
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	m := o.Maps[0]
	if m.Name != "m" || m.Section != ".maps" || m.Kind != BTFMap || m.Type != uapi.MapTypeHash || m.MaxEntries != 7 ||
		m.Flags != 5 || m.NUMANode != 3 || m.MapExtra != 1<<40 || m.Pinning != uapi.PinByName || m.KeySize != 4 || m.ValueSize != 48 {
		t.Errorf("got %+v", m)
	}
	if m.Key.Name() != "u32" || m.Value.IsZero() {
		t.Errorf("key %v, value %v", m.Key, m.Value)
	}
}

func TestMapDefinitionErrors(t *testing.T) {
	func1 := &btf.FuncProto{Return: u32}
	for _, c := range []struct {
		name    string
		members []btf.Member
		want    string
	}{
		{"no type", []btf.Member{uintAttr("max_entries", 1)}, `no type: it wants __uint(type, BPF_MAP_TYPE_...)`},
		{"unknown member", []btf.Member{hash, uintAttr("max_entrys", 1)}, `member "max_entrys": no such attribute of maps`},
		{"key sizes", []btf.Member{hash, typeAttr("key", u32), uintAttr("key_size", 8)}, `member "key_size": key size 8 contradicts 4`},
		{"value sizes", []btf.Member{hash, uintAttr("value_size", 8), typeAttr("value", struct16())}, `member "value": value size 16 contradicts 8`},
		{"zero size twice", []btf.Member{hash, uintAttr("key_size", 0), typeAttr("key", u32)}, `member "key": key size 4 contradicts 0`},
		{"number too large", []btf.Member{hash, ulongAttr("max_entries", 1<<32)}, `member "max_entries": 4294967296 doesn't fit 32 bits`},
		{"number as type", []btf.Member{hash, typeAttr("max_entries", u32)}, `member "max_entries": wants a pointer to an array, as by __uint, this is to a int`},
		{"type as number", []btf.Member{hash, ulongAttr("key", 4)}, `member "key": wants a pointer to the type, as by __type, this is a enum64`},
		{"plain int", []btf.Member{hash, {Name: "max_entries", Type: u32}}, `member "max_entries": wants a number, as by __uint or __ulong, this is a int`},
		{"key without size", []btf.Member{hash, typeAttr("key", func1)}, `member "key": size of type: a func proto has no size`},
		{"key only declared", []btf.Member{hash, typeAttr("key", &btf.Fwd{Name: "pair"})}, `member "key": size of type: "pair" is only declared: clang leaves out`},
		{"values not last", []btf.Member{outer, arrayAttr("values", innerMap(hash)), uintAttr("max_entries", 1)}, `member "values": has to be the last member`},
		{"values of a hash", []btf.Member{hash, arrayAttr("values", innerMap(hash))}, `member "values": only maps of maps and program arrays have initial values, this is BPF_MAP_TYPE_HASH`},
		{"values and value size", []btf.Member{outer, uintAttr("value_size", 8), arrayAttr("values", innerMap(hash))}, `member "values": value size 4 contradicts 8`},
		{"values of a type", []btf.Member{outer, typeAttr("values", u32)}, `member "values": wants an array without length, as by __array`},
		{"inner map is a number", []btf.Member{outer, arrayAttr("values", u32)}, `member "values": an inner map is defined by a struct, this is a int`},
		{"programs are maps", []btf.Member{progs, arrayAttr("values", innerMap(hash))}, `member "values": a program array wants pointers to functions, these are to a struct`},
		{"two levels", []btf.Member{outer, arrayAttr("values", innerMap(outer, arrayAttr("values", innerMap(hash))))}, `member "values": inner map: member "values": the inner map of a map of maps can't have values of its own`},
		{"pinned inner map", []btf.Member{outer, arrayAttr("values", innerMap(hash, uintAttr("pinning", 1)))}, `member "values": inner map: member "pinning": an inner map can't be pinned`},
		{"inner map without type", []btf.Member{outer, arrayAttr("values", innerMap(uintAttr("max_entries", 1)))}, `member "values": inner map: no type: it wants`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newObject(t)
			b.btfMap("m", c.members...)
			wantError(t, b.Bytes(), "section .maps, m: "+c.want)
		})
	}
}

// A definition may be hidden behind typedefs and qualifiers.
func TestTypedefOfMapDefinition(t *testing.T) {
	b := newObject(t)
	b.btfMapOf("m", &btf.Typedef{Name: "my_map_t", Type: &btf.Volatile{Type: innerMap(hash)}}, 8)
	o, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if o.Maps[0].Type != uapi.MapTypeHash {
		t.Errorf("got %+v", o.Maps[0])
	}
}

func TestMapVariableErrors(t *testing.T) {
	t.Run("not a struct", func(t *testing.T) {
		b := newObject(t)
		b.btfMapOf("m", u32, 4)
		wantError(t, b.Bytes(), "section .maps, m: a map is defined by a struct, this is a int")
	})
	t.Run("larger than the variable", func(t *testing.T) {
		b := newObject(t)
		b.btfMapOf("m", innerMap(hash, uintAttr("max_entries", 1)), 8)
		wantError(t, b.Bytes(), "section .maps, m: a definition of 16 bytes in a variable of 8")
	})
	t.Run("no BTF", func(t *testing.T) {
		b := newObject(t)
		b.object("m", b.section(".maps", make([]byte, 8)), 0, 8)
		wantError(t, b.Bytes(), "section .maps: BTF-defined maps, but the file has no BTF: compile with -g")
	})
	t.Run("no symbol", func(t *testing.T) {
		b := newObject(t)
		b.section(".maps", make([]byte, 8))
		b.AddSymbol(&elfbuild.Symbol{Name: "other", Bind: 1})
		b.types(&btf.Datasec{Name: ".maps", Vars: []btf.VarSecinfo{
			{Type: &btf.Var{Name: "m", Type: innerMap(hash), Linkage: btf.GlobalVar}, Size: 8},
		}})
		wantError(t, b.Bytes(), "section .maps, m: BTF has the variable, but there is no symbol for it in the section")
	})
	t.Run("two arenas", func(t *testing.T) {
		b := newObject(t)
		s := b.section(".maps", make([]byte, 16))
		b.object("a", s, 0, 8)
		b.object("b", s, 8, 8)
		arena := uintAttr("type", uint32(uapi.MapTypeArena))
		b.types(&btf.Datasec{Name: ".maps", Vars: []btf.VarSecinfo{
			{Type: &btf.Var{Name: "a", Type: innerMap(arena), Linkage: btf.GlobalVar}, Size: 8},
			{Type: &btf.Var{Name: "b", Type: innerMap(arena), Linkage: btf.GlobalVar}, Size: 8},
		}})
		wantError(t, b.Bytes(), "section .maps, b, offset 0x8: a second arena, besides a")
	})
}

func wantError(t *testing.T, data []byte, want string) {
	t.Helper()
	_, err := Parse(data)
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("got error %q,\nwant          %q", err, want)
	}
}
