package btf

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// file adds the records of another file. base is what its IDs, counted from 1,
// are short of; references may go forward.
func (b *blob) file(add func(b *blob, base uint32)) *blob {
	base := uint32(0)
	for t := range mustParseQuietly(b).All() {
		base = t.ID()
	}
	add(b, base)
	return b
}

func mustParseQuietly(b *blob) *BTF {
	parsed, err := Parse(b.bytes(), nil)
	if err != nil {
		panic(err)
	}
	return parsed
}

// dedup returns what is left, a line each, and the new IDs.
func dedup(t testing.TB, b *BTF) (lines []string, ids []uint32) {
	t.Helper()
	w := NewWriter(nil, b.ByteOrder(), &Strings{})
	ids, err := b.Dedup(w)
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	parsed := mustParse(t, out, nil)
	for typ := range parsed.All() {
		name, _ := typ.Name()
		line := fmt.Sprint(typ.Kind(), " ", name)
		typ.Refs(func(id uint32) { line += fmt.Sprint(" ", id) })
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines, ids
}

const signed = 1<<24 | 32 // of an int record

// node adds struct node { struct node *next; T value; }, where T is the type
// behind it, and its pointer. It takes IDs 1 (node), 2 (pointer) and 3 (T).
func node(b *blob, base uint32, value func()) {
	b.typ(KindStruct, 0, 2, "node", 16, b.strs.Add("next"), base+2, 0, b.strs.Add("value"), base+3, 64)
	b.typ(KindPointer, 0, 0, "", base+1)
	value()
}

func TestDedup(t *testing.T) {
	intValue := func(b *blob) func() { return func() { b.typ(KindInt, 0, 0, "int", 4, signed) } }
	longValue := func(b *blob) func() { return func() { b.typ(KindInt, 0, 0, "long", 8, 1<<24|64) } }
	for _, test := range []struct {
		about string
		files []func(b *blob, base uint32)
		want  []string
		ids   []uint32 // without void
	}{
		{"the same twice", []func(*blob, uint32){
			func(b *blob, _ uint32) { intValue(b)() },
			func(b *blob, _ uint32) { intValue(b)() },
		}, []string{"int int"}, []uint32{1, 1}},

		{"the same list twice", []func(*blob, uint32){
			func(b *blob, base uint32) { node(b, base, intValue(b)) },
			func(b *blob, base uint32) { node(b, base, intValue(b)) },
		}, []string{"struct node 2 3", "pointer 1", "int int"}, []uint32{1, 2, 3, 1, 2, 3}},

		{"lists that differ where they end", []func(*blob, uint32){
			func(b *blob, base uint32) { node(b, base, intValue(b)) },
			func(b *blob, base uint32) { node(b, base, longValue(b)) },
		}, []string{"struct node 2 3", "pointer 1", "int int", "struct node 5 6", "pointer 4", "int long"}, []uint32{1, 2, 3, 4, 5, 6}},

		{"a declaration of what another file defines", []func(*blob, uint32){
			func(b *blob, base uint32) { b.typ(KindFwd, 0, 0, "node", 0).typ(KindPointer, 0, 0, "", base+1) },
			func(b *blob, base uint32) { node(b, base, intValue(b)) },
		}, []string{"pointer 2", "struct node 1 3", "int int"}, []uint32{2, 1, 2, 1, 3}},

		{"a declaration of what is defined in two ways", []func(*blob, uint32){
			func(b *blob, base uint32) { b.typ(KindFwd, 0, 0, "node", 0).typ(KindPointer, 0, 0, "", base+1) },
			func(b *blob, base uint32) { node(b, base, intValue(b)) },
			func(b *blob, base uint32) { node(b, base, longValue(b)) },
		}, []string{
			"fwd node", "pointer 1", "struct node 4 5", "pointer 3", "int int", "struct node 7 8", "pointer 6", "int long",
		}, []uint32{1, 2, 3, 4, 5, 6, 7, 8}},

		{"a declaration of something that leads to what is defined in two ways", []func(*blob, uint32){
			func(b *blob, base uint32) { b.typ(KindFwd, 0, 0, "list", 0) },
			func(b *blob, base uint32) {
				node(b, base, intValue(b))
				b.typ(KindStruct, 0, 1, "list", 8, b.strs.Add("head"), base+2, 0)
			},
			func(b *blob, base uint32) { node(b, base, longValue(b)) },
		}, []string{
			"fwd list", "struct node 3 4", "pointer 2", "int int", "struct list 3", "struct node 7 8", "pointer 6", "int long",
		}, []uint32{1, 2, 3, 4, 5, 6, 7, 8}},

		{"structs that differ only in what they know of a third", []func(*blob, uint32){
			func(b *blob, base uint32) {
				b.typ(KindFwd, 0, 0, "inner", 0).typ(KindPointer, 0, 0, "", base+1)
				b.typ(KindStruct, 0, 1, "outer", 8, b.strs.Add("p"), base+2, 0)
			},
			func(b *blob, base uint32) {
				b.typ(KindStruct, 0, 0, "inner", 0).typ(KindPointer, 0, 0, "", base+1)
				b.typ(KindStruct, 0, 1, "outer", 8, b.strs.Add("p"), base+2, 0)
			},
		}, []string{"pointer 3", "struct outer 1", "struct inner"}, []uint32{3, 1, 2, 3, 1, 2}},

		{"a struct isn't a union", []func(*blob, uint32){
			func(b *blob, _ uint32) { b.typ(KindFwd, 1, 0, "either", 0) },
			func(b *blob, _ uint32) { b.typ(KindStruct, 0, 0, "either", 0) },
		}, []string{"fwd either", "struct either"}, []uint32{1, 2}},

		{"a declared enum", []func(*blob, uint32){
			func(b *blob, _ uint32) { b.typ(KindEnum, 0, 0, "colour", 4) },
			func(b *blob, _ uint32) { b.typ(KindEnum, 0, 1, "colour", 4, b.strs.Add("RED"), 1) },
		}, []string{"enum colour"}, []uint32{1, 1}},

		{"enums with other values", []func(*blob, uint32){
			func(b *blob, _ uint32) { b.typ(KindEnum, 0, 1, "colour", 4, b.strs.Add("RED"), 1) },
			func(b *blob, _ uint32) { b.typ(KindEnum, 0, 1, "colour", 4, b.strs.Add("RED"), 2) },
		}, []string{"enum colour", "enum colour"}, []uint32{1, 2}},

		{"anonymous structs behind typedefs", []func(*blob, uint32){
			func(b *blob, base uint32) { b.typ(KindTypedef, 0, 0, "t", base+2).typ(KindStruct, 0, 0, "", 4) },
			func(b *blob, base uint32) { b.typ(KindTypedef, 0, 0, "t", base+2).typ(KindStruct, 0, 0, "", 8) },
			func(b *blob, base uint32) { b.typ(KindTypedef, 0, 0, "t", base+2).typ(KindStruct, 0, 0, "", 4) },
		}, []string{"typedef t 2", "struct", "typedef t 4", "struct"}, []uint32{1, 2, 3, 4, 1, 2}},

		{"static functions of the same kind, but variables each", []func(*blob, uint32){
			func(b *blob, base uint32) {
				b.typ(KindFuncProto, 0, 0, "", 0).typ(KindFunc, 0, 0, "f", base+1).typ(KindVar, 0, 0, "v", base+4, 0)
				intValue(b)()
			},
			func(b *blob, base uint32) {
				b.typ(KindFuncProto, 0, 0, "", 0).typ(KindFunc, 0, 0, "f", base+1).typ(KindVar, 0, 0, "v", base+4, 0)
				intValue(b)()
			},
		}, []string{"func proto 0", "func f 1", "var v 4", "int int", "var v 4"}, []uint32{1, 2, 3, 4, 1, 2, 5, 4}},

		{"tags of the same and of other things", []func(*blob, uint32){
			func(b *blob, base uint32) {
				b.typ(KindStruct, 0, 0, "s", 0).typ(KindDeclTag, 0, 0, "user", base+1, 1<<32-1)
			},
			func(b *blob, base uint32) {
				b.typ(KindStruct, 0, 0, "s", 0).typ(KindDeclTag, 0, 0, "user", base+1, 1<<32-1).typ(KindDeclTag, 0, 0, "other", base+1, 1<<32-1)
			},
		}, []string{"struct s", "decl tag user 1", "decl tag other 1"}, []uint32{1, 2, 1, 2, 3}},
	} {
		t.Run(test.about, func(t *testing.T) {
			eachOrder(t, func(t *testing.T, bo order) {
				b := newBlob(bo)
				for _, add := range test.files {
					b.file(add)
				}
				lines, ids := dedup(t, mustParse(t, b.bytes(), nil))
				if !slices.Equal(lines, test.want) {
					t.Errorf("types:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(test.want, "\n"))
				}
				if !slices.Equal(ids[1:], test.ids) {
					t.Errorf("IDs %v, want %v", ids[1:], test.ids)
				}
			})
		})
	}
}

// Equal strings at several offsets don't make types differ.
func TestDedupStrings(t *testing.T) {
	b := newBlob(binary.LittleEndian)
	b.typ(KindFloat, 0, 0, "f", 4)
	b.strs.buf = append(b.strs.buf, "f\x00"...)
	b.words(3, uint32(KindFloat)<<24, 4)
	lines, _ := dedup(t, mustParse(t, b.bytes(), nil))
	if !slices.Equal(lines, []string{"float f"}) {
		t.Error(lines)
	}
}

func TestDedupRefuses(t *testing.T) {
	b := newBlob(binary.LittleEndian)
	b.typ(KindPointer, 0, 0, "", 7)
	parsed := mustParse(t, b.bytes(), nil)
	if _, err := parsed.Dedup(NewWriter(nil, binary.LittleEndian, &Strings{})); err == nil || !strings.Contains(err.Error(), "type 1 refers to type 7") {
		t.Error(err)
	}
	split := mustParse(t, newBlob(binary.LittleEndian).bytes(), mustParse(t, newBlob(binary.LittleEndian).bytes(), nil))
	if _, err := split.Dedup(NewWriter(nil, binary.LittleEndian, &Strings{})); err == nil {
		t.Error("a split BTF was deduplicated")
	}
}

// kernelBTF returns the types of the kernel, or none: then there is nothing to
// test with.
func kernelBTF(t testing.TB) *BTF {
	data, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Skip("needs the kernel's BTF: ", err)
	}
	return mustParse(t, data, nil)
}

// twice returns the types of b, and all of them again.
func twice(t testing.TB, b *BTF) *BTF {
	w := NewWriter(nil, b.ByteOrder(), &Strings{})
	name := func(off uint32) (uint32, error) {
		s, err := b.Name(off)
		return w.String(s), err
	}
	for _, base := range []uint32{0, b.EndID() - 1} {
		for typ := range b.All() {
			shift := func(id uint32) uint32 {
				if id == 0 {
					return 0
				}
				return id + base
			}
			if err := w.Copy(typ, shift, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, out, nil)
}

// What pahole has deduplicated already loses next to nothing; a second copy of
// it is lost to the last type.
func TestDedupKernel(t *testing.T) {
	b := kernelBTF(t)
	once, _ := dedup(t, b)
	if before := b.NumTypes(); len(once) < before*99/100 {
		t.Errorf("%d types of %d are left", len(once), before)
	}
	variables := 0
	for typ := range b.All() {
		if typ.Kind() == KindVar || typ.Kind() == KindDatasec {
			variables++
		}
	}
	doubled, ids := dedup(t, twice(t, b))
	if len(doubled) != len(once)+variables {
		t.Errorf("%d types are left of two copies of %d, with %d variables and sections", len(doubled), len(once), variables)
	}
	for id := uint32(1); id < b.EndID(); id++ {
		typ, err := b.Type(id)
		if err != nil {
			t.Fatal(err)
		}
		if k := typ.Kind(); k != KindVar && k != KindDatasec && ids[id] != ids[id+b.EndID()-1] {
			t.Fatalf("type %d and its copy became %d and %d", id, ids[id], ids[id+b.EndID()-1])
		}
	}
	t.Logf("%d types, %d left", b.NumTypes(), len(once))
}

// chain returns n pointers, each to the next: nothing tells two apart before
// all that follows is known.
func chain(n int) *blob {
	b := newBlob(binary.LittleEndian)
	for i := range n {
		b.typ(KindPointer, 0, 0, "", uint32(i+2))
	}
	return b.typ(KindFloat, 0, 0, "end", 4)
}

// star returns a struct with n members, each a pointer to a pointer … of another
// depth, so that the struct changes in each round of refinement.
func star(n int) *blob {
	b := chain(n)
	b.typ(KindStruct, 0, n, "star", 8)
	for i := range n {
		b.words(0, uint32(i+1), 0)
	}
	return b
}

// Work must not grow with the square of the number of types: this took minutes
// if it did.
func TestDedupDeep(t *testing.T) {
	const n = 1 << 16
	for name, b := range map[string]*blob{"chain": chain(n), "star": star(n)} {
		types := mustParse(t, b.bytes(), nil)
		ids, err := types.Dedup(NewWriter(nil, types.ByteOrder(), &Strings{}))
		if err != nil {
			t.Fatal(err)
		}
		if left := slices.Max(ids); left != uint32(types.NumTypes()) {
			t.Errorf("%s: %d types are left of %d that differ", name, left, types.NumTypes())
		}
	}
}

// BenchmarkDedup shows the time for each type, which must hardly grow.
func BenchmarkDedup(b *testing.B) {
	run := func(name string, types *BTF) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := types.Dedup(NewWriter(nil, types.ByteOrder(), &Strings{})); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(types.NumTypes()), "ns/type")
		})
	}
	for n := 1 << 10; n <= 1<<16; n <<= 3 {
		run(fmt.Sprintf("chain/%d", n), mustParse(b, chain(n).bytes(), nil))
		run(fmt.Sprintf("star/%d", n), mustParse(b, star(n).bytes(), nil))
	}
	run("kernel", kernelBTF(b))
	run("kernel-twice", twice(b, kernelBTF(b)))
}

// FuzzDedup: whatever is left says the same of each type, and nothing is left to
// do a second time.
func FuzzDedup(f *testing.F) {
	f.Add(chain(3).bytes())
	f.Add(star(3).bytes())
	b := newBlob(binary.BigEndian)
	node(b, 0, func() { b.typ(KindFwd, 0, 0, "node", 0) })
	f.Add(b.bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data, nil)
		if err != nil {
			t.Skip()
		}
		w := NewWriter(nil, b.ByteOrder(), &Strings{})
		ids, err := b.Dedup(w)
		if err != nil {
			t.Skip()
		}
		out, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		left := mustParse(t, out, nil)
		for typ := range b.All() {
			kept, err := left.Type(ids[typ.ID()])
			if err != nil {
				t.Fatal(err)
			}
			if kept.Kind() != typ.Kind() && typ.Kind() != KindFwd && typ.Kind() != KindEnum && typ.Kind() != KindEnum64 {
				t.Fatalf("type %d, a %v, became a %v", typ.ID(), typ.Kind(), kept.Kind())
			}
		}
		w = NewWriter(nil, b.ByteOrder(), &Strings{})
		if _, err := left.Dedup(w); err != nil {
			t.Fatal(err)
		}
		if again, err := w.Finish(); err != nil || string(again) != string(out) {
			t.Fatalf("a second time changes something: %v", err)
		}
	})
}
