package btf

import (
	"strings"
	"testing"
)

// What becomes of each kind, by what an old kernel doesn't take.
func TestSanitize(t *testing.T) {
	for _, tc := range []struct {
		what Replace
		id   uint32 // of the type in kinds
		want string
	}{
		{ReplaceDatasec, 16, `int "h" size=1 encoding=0 offset=0 bits=8`},
		{ReplaceDatasec, 17, `struct "i" size=4 {Name:h Type:16 Offset:64 Bitfield:0}`},
		{ReplaceFunc, 14, `typedef "g" type=15`},
		{ReplaceFunc, 15, `enum "" size=4 {Name:a Value:1} {Name:arg Value:0}`},
		{StripFuncLinkage, 14, `func "g" type=15`},
		{ReplaceFloat, 18, `struct "" size=8`},
		{ReplaceDeclTags, 19, `int "k" size=1 encoding=0 offset=0 bits=8`},
		{ReplaceDeclTags, 20, `int "k" size=1 encoding=0 offset=0 bits=8`},
		{ReplaceTypeTags, 21, `const "" type=1`},
		{ReplaceEnum64, 8, `enum "d" size=4 {Name:a Value:4294967295}`},
		{ReplaceEnum64, 22, `union "m" size=8 {Name:a Type:23 Offset:0 Bitfield:0}`},
		{ReplaceEnum64, 23, `int "enum64_placeholder" size=1 encoding=0 offset=0 bits=8`},
		{StripAttributes, 20, `decl tag "k" type=4 component=1`},
		{StripAttributes, 21, `type tag "l" type=1`},
		{ReplaceQuestionMark, 17, `datasec "i" size=4 {Type:16 Offset:8 Size:4}`},
		{0, 17, `datasec "i" size=4 {Type:16 Offset:8 Size:4}`},
	} {
		eachOrder(t, func(t *testing.T, bo order) {
			b := sanitized(t, kindsBlob(bo), tc.what)
			typ, err := b.Type(tc.id)
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := strings.Cut(noOffsets(b, dump(typ)), "] "); got != tc.want {
				t.Errorf("%b:\n got %s\nwant %s", tc.what, got, tc.want)
			}
			// Whatever isn't meant stays as it is.
			for id := uint32(1); id <= uint32(len(kinds)); id++ {
				typ, err := b.Type(id)
				if err != nil {
					t.Fatal(err)
				}
				if was := kinds[id-1]; was.kind < KindFunc && was.kind != KindEnum && typ.Kind() != was.kind {
					t.Errorf("%b: type %d became %v", tc.what, id, typ.Kind())
				}
			}
		})
	}
}

func TestSanitizeNamesOfSections(t *testing.T) {
	for name, tc := range map[string]struct {
		what Replace
		want string
	}{
		"?.struct_ops": {ReplaceQuestionMark, "_.struct_ops"},
		".data.?":      {ReplaceQuestionMark, ".data.?"},
		"?.data.x":     {ReplaceDatasec, "__data_x"},
	} {
		b := sanitized(t, newBlob(orders["el"]).typ(KindDatasec, 0, 0, name, 4), tc.what)
		typ, err := b.Type(1)
		if err != nil {
			t.Fatal(err)
		}
		if !typ.NameIs(tc.want) {
			t.Errorf("%s became %s, want %s", name, dump(typ), tc.want)
		}
	}
}

// sanitized copies all records and has some of them replaced.
func sanitized(t *testing.T, from *blob, what Replace) *BTF {
	t.Helper()
	b := mustParse(t, from.bytes(), nil)
	var strs Strings
	w := NewWriter(nil, from.bo, &strs)
	for typ := range b.All() {
		err := w.Copy(typ, func(id uint32) uint32 { return id }, func(off uint32) (uint32, error) {
			s, err := b.Name(off)
			return strs.Add(s), err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.Sanitize(what)
	data, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, data, nil)
}
