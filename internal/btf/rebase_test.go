package btf

import (
	"encoding/binary"
	"strings"
	"testing"
)

// writer makes types one by one, and says their IDs.
type writer struct {
	*Writer
	first uint32
}

func newWriter(base *BTF) writer {
	w := writer{Writer: NewWriter(nil, binary.LittleEndian, &Strings{}), first: 1}
	if base != nil {
		w.first = base.EndID()
	}
	return w
}

func (w writer) add(kind Kind, name string, word uint32, more ...uint32) uint32 {
	vlen := 0
	if kind == KindStruct || kind == KindUnion {
		vlen = len(more) / 3
	}
	w.Type(kind, false, vlen, name, word)
	w.U32(more...)
	return w.first + w.count - 1
}

func (w writer) integer(name string, size uint32) uint32 {
	return w.add(KindInt, name, size, size*8)
}

func (w writer) parse(t testing.TB, base *BTF) *BTF {
	t.Helper()
	blob, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(blob, base)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// distilledModule is what a module built elsewhere has, and the base it is to
// continue here: the same types under other IDs, and more.
func distilledModule(t testing.TB, enumKind Kind, structSize uint32) (split, base *BTF) {
	d := newWriter(nil)
	u64 := d.integer("long", 8)
	embedded := d.add(KindStruct, "list_head", 16)
	pointed := d.add(KindStruct, "task_struct", 9000)
	forward := d.add(KindFwd, "sk_buff", 0)
	enum := d.add(KindEnum, "state", 8)
	distilled := d.parse(t, nil)

	// One table for both: BTF that continues another refers to its strings, too.
	s := writer{Writer: NewWriter(nil, binary.LittleEndian, &Strings{}), first: distilled.EndID()}
	name := func(text string) uint32 { return distilled.EndString() + s.String(text) }
	pointer := s.add(KindPointer, "", pointed)
	toForward := s.add(KindPointer, "", forward)
	s.count++
	s.U32(name("mine"), uint32(KindStruct)<<24|5, 56,
		name("count"), u64, 0, name("list"), embedded, 64, name("task"), pointer, 192, name("skb"), toForward, 256, name("state"), enum, 320)
	split = s.parse(t, distilled)

	b := newWriter(nil)
	b.integer("int", 4)
	b.add(KindStruct, "task_struct", 9100) // another configuration: nothing contains it
	b.add(KindStruct, "sk_buff", 232)
	b.integer("long", 8)
	b.add(KindStruct, "list_head", structSize)
	b.add(enumKind, "state", 8)
	return split, b.parse(t, nil)
}

func TestRebase(t *testing.T) {
	for _, enumKind := range []Kind{KindEnum, KindEnum64} {
		split, base := distilledModule(t, enumKind, 16)
		blob, err := Rebase(split, base)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(blob, base)
		if err != nil {
			t.Fatal(err)
		}
		ids := got.Find(Query{Name: "mine", Kinds: KindStruct.Set()})
		if len(ids) != 1 || ids[0] != base.EndID()+2 {
			t.Fatalf("IDs %v of the module's own struct", ids)
		}
		mine, err := got.Type(ids[0])
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []struct {
			member, typ string
			kind        Kind
		}{
			{"count", "long", KindInt}, {"list", "list_head", KindStruct}, {"task", "task_struct", KindStruct},
			{"skb", "sk_buff", KindStruct}, {"state", "state", enumKind},
		} {
			m := mine.Member(i)
			typ, err := got.Type(m.Type)
			if err == nil && typ.Kind() == KindPointer {
				typ, err = got.Type(typ.TypeID())
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.NameIs(m.NameOff, want.member) || !typ.NameIs(want.typ) || typ.Kind() != want.kind || typ.ID() >= base.EndID() {
				t.Errorf("member %d is of type %v with ID %d, want %+v of the base", i, typ.Kind(), typ.ID(), want)
			}
		}
	}
}

func TestRebaseToAnother(t *testing.T) {
	split, base := distilledModule(t, KindEnum, 24)
	if _, err := Rebase(split, base); err == nil || !strings.Contains(err.Error(), `struct "list_head": the base has none of that size (16 bytes)`) {
		t.Errorf("a part that has another size: %v", err)
	}
	w := newWriter(nil)
	for range 2 {
		w.integer("long", 8)
	}
	if _, err := Rebase(split, w.parse(t, nil)); err == nil || !strings.Contains(err.Error(), `int "long": the base has several that are alike, with the IDs [1 2]`) {
		t.Errorf("an ambiguous one: %v", err)
	}
}
