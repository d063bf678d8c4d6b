package btf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// kinds has one record or more of each kind. Names are a, b, c … at offsets 1,
// 3, 5 …
var kinds = []struct {
	kind  Kind
	flag  uint32
	vlen  int
	name  string
	size  uint32
	words []uint32
	want  string
}{
	{KindInt, 0, 0, "a", 4, []uint32{1<<24 | 32}, `int "a" size=4 encoding=1 offset=0 bits=32`},
	{KindPointer, 0, 0, "", 1, nil, `pointer "" type=1`},
	{KindArray, 0, 0, "", 0, []uint32{1, 2, 3}, `array "" elem=1 index=2 n=3`},
	{KindStruct, 0, 2, "b", 8, []uint32{1, 1, 0, 3, 1, 32}, `struct "b" size=8 {NameOff:1 Type:1 Offset:0 Bitfield:0} {NameOff:3 Type:1 Offset:32 Bitfield:0}`},
	{KindStruct, 1, 1, "b", 4, []uint32{1, 1, 7<<24 | 5}, `struct "b" flag size=4 {NameOff:1 Type:1 Offset:5 Bitfield:7}`},
	{KindUnion, 0, 1, "c", 4, []uint32{1, 1, 0}, `union "c" size=4 {NameOff:1 Type:1 Offset:0 Bitfield:0}`},
	{KindEnum, 0, 1, "d", 4, []uint32{1, 0xffffffff}, `enum "d" size=4 {NameOff:1 Value:4294967295}`},
	{KindEnum, 1, 1, "d", 4, []uint32{1, 0xffffffff}, `enum "d" flag size=4 {NameOff:1 Value:18446744073709551615}`},
	{KindFwd, 1, 0, "e", 0, nil, `fwd "e" flag`},
	{KindTypedef, 0, 0, "f", 1, nil, `typedef "f" type=1`},
	{KindVolatile, 0, 0, "", 1, nil, `volatile "" type=1`},
	{KindConst, 0, 0, "", 1, nil, `const "" type=1`},
	{KindRestrict, 0, 0, "", 2, nil, `restrict "" type=2`},
	{KindFunc, 0, 2, "g", 15, nil, `func "g" type=15 linkage=2`},
	{KindFuncProto, 0, 2, "", 1, []uint32{1, 1, 0, 0}, `func proto "" type=1 {NameOff:1 Type:1} {NameOff:0 Type:0}`},
	{KindVar, 0, 0, "h", 1, []uint32{1}, `var "h" type=1 linkage=1`},
	{KindDatasec, 0, 1, "i", 4, []uint32{16, 8, 4}, `datasec "i" size=4 {Type:16 Offset:8 Size:4}`},
	{KindFloat, 0, 0, "j", 8, nil, `float "j" size=8`},
	{KindDeclTag, 0, 0, "k", 4, []uint32{0xffffffff}, `decl tag "k" type=4 component=-1`},
	{KindDeclTag, 1, 0, "k", 4, []uint32{1}, `decl tag "k" flag type=4 component=1`},
	{KindTypeTag, 1, 0, "l", 1, nil, `type tag "l" flag type=1`},
	{KindEnum64, 0, 1, "m", 8, []uint32{1, 2, 3}, `enum64 "m" size=8 {NameOff:1 Value:12884901890}`},
}

func kindsBlob(bo order) *blob {
	b := newBlob(bo)
	for _, name := range strings.Split("abcdefghijklm", "") {
		b.strs.Add(name)
	}
	for _, k := range kinds {
		b.typ(k.kind, k.flag, k.vlen, k.name, k.size, k.words...)
	}
	return b
}

func TestEveryKind(t *testing.T) {
	eachOrder(t, func(t *testing.T, bo order) {
		b := mustParse(t, kindsBlob(bo).bytes(), nil)
		if b.ByteOrder() != binary.ByteOrder(bo) {
			t.Errorf("byte order is %v", b.ByteOrder())
		}
		if b.NumTypes() != len(kinds) || b.FirstID() != 1 || int(b.EndID()) != len(kinds)+1 {
			t.Errorf("%d types, IDs %d to %d", b.NumTypes(), b.FirstID(), b.EndID())
		}
		next := uint32(1)
		for seq := range b.All() {
			typ, err := b.Type(next)
			if err != nil {
				t.Fatal(err)
			}
			if seq != typ {
				t.Errorf("type %d: in order %s, by ID %s", next, dump(seq), dump(typ))
			}
			if _, got, _ := strings.Cut(dump(typ), "] "); got != kinds[next-1].want {
				t.Errorf("type %d:\n got %s\nwant %s", next, got, kinds[next-1].want)
			}
			next++
		}
		void, err := b.Type(0)
		if err != nil || void.Kind() != KindVoid {
			t.Errorf("type 0: %s, %v", dump(void), err)
		}
		if _, err := b.Type(next); !errors.Is(err, ErrNotFound) {
			t.Errorf("type %d: %v", next, err)
		}
	})
}

func TestWriterCopiesEveryKind(t *testing.T) {
	eachOrder(t, func(t *testing.T, from order) {
		eachOrder(t, func(t *testing.T, to order) {
			b := mustParse(t, kindsBlob(from).bytes(), nil)
			var strs Strings
			w := NewWriter(nil, to, &strs)
			for typ := range b.All() {
				err := w.Copy(typ, func(id uint32) uint32 { return id }, func(off uint32) (uint32, error) {
					s, err := b.Name(off)
					return strs.Add(s), err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			out, err := w.Finish()
			if err != nil {
				t.Fatal(err)
			}
			copied := mustParse(t, out, nil)
			for id := uint32(1); id < b.EndID(); id++ {
				was, _ := b.Type(id)
				is, err := copied.Type(id)
				if err != nil {
					t.Fatal(err)
				}
				// Offsets of names depend on the order of their use.
				if noOffsets(b, dump(was)) != noOffsets(copied, dump(is)) {
					t.Errorf("got  %s\nfrom %s", dump(is), dump(was))
				}
			}
		})
	})
}

func noOffsets(b *BTF, s string) string {
	for off := b.EndString(); off > 0; off-- {
		if name, err := b.Name(off); err == nil {
			s = strings.ReplaceAll(s, fmt.Sprint("NameOff:", off, " "), "Name:"+name+" ")
		}
	}
	return s
}

func TestParseRejects(t *testing.T) {
	good := kindsBlob(binary.LittleEndian).bytes()
	patch := func(off int, with ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[off:], with)
		return data
	}
	el := func() *blob { return newBlob(binary.LittleEndian) }
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                  {nil, "too few"},
		"short header":           {good[:23], "too few"},
		"magic":                  {patch(0, 0), "magic"},
		"version":                {patch(2, 2), "version 2"},
		"header too short":       {patch(4, 23), "header length 23"},
		"header too long":        {patch(4, 0xff, 0xff, 0xff, 0xff), "header length"},
		"types misaligned":       {patch(8, 1), "not aligned"},
		"types past the end":     {patch(12, 0, 0, 0, 0xff), "type section"},
		"strings past the end":   {patch(20, 0, 0, 0, 0xff), "string section"},
		"string offset wraps":    {patch(16, 0xff, 0xff, 0xff, 0xff), "string section"},
		"overlap":                {patch(16, 0, 0, 0, 0), "overlaps"},
		"no strings":             {el().raw(el().typ(KindFwd, 0, 0, "", 0).types, nil), "no strings"},
		"first string not empty": {el().raw(nil, []byte("a\x00")), "not empty"},
		"last string unfinished": {el().raw(nil, []byte("\x00a")), "not terminated"},
		"cut head":               {el().words(0, uint32(KindFwd)<<24).bytes(), "cut off"},
		"cut body":               {el().typ(KindInt, 0, 0, "a", 4).bytes(), "extends past"},
		"vlen beyond the end":    {el().typ(KindStruct, 0, 0xffff, "a", 4).bytes(), "extends past"},
		"largest vlen":           {el().typ(KindStruct, 0, 0xffffff, "a", 4).bytes(), "extends past"},
		"kind zero":              {el().typ(KindVoid, 0, 0, "a", 4).bytes(), "unknown void"},
		"unknown kind":           {el().typ(20, 0, 0, "a", 4).bytes(), "unknown kind 20"},
		"largest kind":           {el().typ(127, 0, 0, "a", 4).bytes(), "unknown kind 127"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(tc.data, nil)
			var malformed *Error
			if !errors.As(err, &malformed) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// A newer compiler says how large its records are.
func TestLayoutSection(t *testing.T) {
	var bo order = binary.LittleEndian
	b := newBlob(bo)
	b.typ(20, 0, 3, "new", 1, 1, 2, 3, 4).typ(KindFwd, 0, 0, "old", 0)
	layout := make([]byte, 4*21)
	copy(layout[4*20:], []byte{4, 4})
	data := bo.AppendUint16(nil, magic)
	data = append(data, 1, 0)
	strs := b.strs.Bytes()
	for _, w := range []int{fullHeaderLen, 0, len(b.types), len(b.types), len(strs), len(b.types) + len(strs), len(layout)} {
		data = bo.AppendUint32(data, uint32(w))
	}
	data = append(append(append(data, b.types...), strs...), layout...)

	parsed := mustParse(t, data, nil)
	if parsed.NumTypes() != 2 {
		t.Fatalf("%d types", parsed.NumTypes())
	}
	if typ, err := parsed.Type(2); err != nil || !typ.NameIs("old") {
		t.Errorf("type 2: %s, %v", dump(typ), err)
	}
}

func TestSplit(t *testing.T) {
	eachOrder(t, func(t *testing.T, bo order) {
		base := mustParse(t, newBlob(bo).typ(KindInt, 0, 0, "int", 4, 32).bytes(), nil)
		split := newBlob(bo)
		off := base.EndString() + split.strs.Add("own")
		split.words(off, uint32(KindTypedef)<<24, 1).words(1, uint32(KindTypedef)<<24, 2)
		b := mustParse(t, split.bytes(), base)

		if b.FirstID() != 2 || b.NumTypes() != 2 || b.Base() != base {
			t.Errorf("first ID %d, %d types", b.FirstID(), b.NumTypes())
		}
		for id, name := range map[uint32]string{1: "int", 2: "own", 3: "int"} {
			typ, err := b.Type(id)
			if err != nil || !typ.NameIs(name) {
				t.Errorf("type %d: %s, %v", id, dump(typ), err)
			}
		}
		if ids := b.Find(Query{Name: "int"}); len(ids) != 1 || ids[0] != 3 {
			t.Errorf("int in split BTF: %v", ids)
		}
		other := newBlob(map[bool]order{true: binary.LittleEndian, false: binary.BigEndian}[bo == order(binary.BigEndian)])
		if _, err := Parse(other.bytes(), base); err == nil {
			t.Error("base of another byte order is accepted")
		}
	})
}

func TestParseMapped(t *testing.T) {
	released := 0
	release := func([]byte) { released++ }
	if _, err := ParseMapped([]byte("no BTF"), nil, release); err == nil || released != 1 {
		t.Errorf("malformed: %v, released %d times", err, released)
	}
	data := kindsBlob(binary.LittleEndian).bytes()
	b, err := ParseMapped(data, nil, release)
	if err != nil {
		t.Fatal(err)
	}
	name, err := b.Name(1)
	if err != nil {
		t.Fatal(err)
	}
	names := b.Names()
	same, err := names.Name(1)
	if err != nil {
		t.Fatal(err)
	}
	clear(data) // as if it was unmapped
	if name != "a" || same != "a" {
		t.Errorf("names %q and %q depend on the mapping", name, same)
	}
}

// The kernel's types stay mapped while somebody has them, and not for longer.
func TestMappedIsReleased(t *testing.T) {
	released := make(chan []byte, 1)
	data := kindsBlob(binary.LittleEndian).bytes()
	b, err := ParseMapped(data, nil, func(blob []byte) { released <- blob })
	if err != nil {
		t.Fatal(err)
	}
	b.Find(Query{Name: "a"}) // builds the index, to which b then refers inside itself
	typ, err := b.Type(1)
	if err != nil {
		t.Fatal(err)
	}
	b = nil
	for range 3 {
		runtime.GC()
	}
	select {
	case <-released:
		t.Error("released while a type is in use")
	default:
	}
	runtime.KeepAlive(typ)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		runtime.GC()
		select {
		case blob := <-released:
			if &blob[0] != &data[0] {
				t.Error("something else was released")
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
	t.Error("never released")
}

func TestParseAllocates(t *testing.T) {
	data := kindsBlob(binary.LittleEndian).bytes()
	testutil.Allocs(t, 10, func() { mustParse(t, data, nil) })
}

func TestRefs(t *testing.T) {
	b := mustParse(t, kindsBlob(binary.LittleEndian).bytes(), nil)
	want := map[Kind][]uint32{
		KindPointer: {1}, KindArray: {1, 2}, KindUnion: {1}, KindTypedef: {1}, KindVolatile: {1}, KindConst: {1},
		KindRestrict: {2}, KindFunc: {15}, KindFuncProto: {1, 1, 0}, KindVar: {1}, KindDatasec: {16}, KindTypeTag: {1},
	}
	for typ := range b.All() {
		var got []uint32
		typ.Refs(func(id uint32) { got = append(got, id) })
		if typ.Kind() == KindStruct || typ.Kind() == KindDeclTag {
			continue // several in the table
		}
		if !slices.Equal(got, want[typ.Kind()]) {
			t.Errorf("%s refers to %v", dump(typ), got)
		}
	}
}

func TestDeclTags(t *testing.T) {
	b := mustParse(t, kindsBlob(binary.LittleEndian).bytes(), nil)
	if got := b.DeclTags(4); !slices.Equal(got, []uint32{19, 20}) {
		t.Errorf("tags of type 4: %v", got)
	}
	if got := b.DeclTags(5); got != nil {
		t.Errorf("tags of type 5: %v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, bo := range orders {
		f.Add(kindsBlob(bo).bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data, nil)
		if err != nil {
			return
		}
		if b.sizes == &knownSizes {
			agrees(t, data, []Query{{Name: "a"}, {Name: "a", Essential: true}, {Name: "b", Kinds: KindStruct.Set()}})
		}
		for typ := range b.All() {
			_ = dump(typ)
			typ.Refs(func(id uint32) { _, _ = b.Type(id) })
			b.DeclTags(typ.ID())
			if name, err := typ.Name(); err == nil && name != "" {
				ids := b.FindAll([]Query{{Name: name}, {Name: name, Essential: true}})
				if len(ids[0]) == 0 {
					t.Errorf("type %d: its name %q isn't found", typ.ID(), name)
				}
			}
			if typ.ID() > 50 {
				break
			}
		}
	})
}
