package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// written builds a blob from records that no compiler would emit.
func written(t testing.TB, write func(w *rawbtf.Writer)) []byte {
	t.Helper()
	var strs rawbtf.Strings
	w := rawbtf.NewWriter(nil, binary.LittleEndian, &strs)
	write(w)
	blob, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

// use does with a type what users do.
func use(typ Type) {
	fmt.Fprintf(io.Discard, "%s %v %+9v", typ, typ, typ)
	_, _ = Sizeof(typ)
	UnderlyingType(typ)
	QualifiedType(typ)
	_, _ = As[*Struct](typ)
	Copy(typ)
}

// Types that refer to each other in ways that C doesn't allow decode, but have
// no size. None of it takes long or much memory.
func TestCyclesAreHarmless(t *testing.T) {
	for name, write := range map[string]func(w *rawbtf.Writer){
		"typedef of itself": func(w *rawbtf.Writer) { w.Type(rawbtf.KindTypedef, false, 0, "t", 1) },
		"const volatile": func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindConst, false, 0, "", 2)
			w.Type(rawbtf.KindVolatile, false, 0, "", 1)
		},
		"array of itself": func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindArray, false, 0, "", 0)
			w.U32(1, 1, 0xffffffff)
		},
		"array of arrays": func(w *rawbtf.Writer) {
			for i := uint32(1); i <= 100; i++ {
				w.Type(rawbtf.KindArray, false, 0, "", 0)
				w.U32(i+1, i+1, 0xffffffff)
			}
			w.Type(rawbtf.KindInt, false, 0, "int", 4)
			w.U32(32)
		},
		"var in its own datasec": func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindVar, false, 0, "v", 2)
			w.U32(1)
			w.Type(rawbtf.KindTypedef, false, 0, "t", 1)
		},
		"func without prototype": func(w *rawbtf.Writer) { w.Type(rawbtf.KindFunc, false, 1, "f", 1) },
		"chain": func(w *rawbtf.Writer) {
			for i := uint32(1); i <= 100_000; i++ {
				w.Type(rawbtf.KindConst, false, 0, "", i+1)
			}
			w.Type(rawbtf.KindConst, false, 0, "", 1)
		},
		"tag of itself": func(w *rawbtf.Writer) { w.Type(rawbtf.KindTypeTag, false, 0, "t", 1) },
		"decl tag of itself": func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindDeclTag, false, 0, "t", 1)
			w.U32(0xffffffff)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := LoadSpecFromBytes(written(t, write))
			if err != nil {
				t.Fatal(err)
			}
			typ, err := s.TypeByID(1)
			if err != nil {
				t.Fatal(err)
			}
			use(typ)
			if size, err := Sizeof(typ); err == nil {
				t.Errorf("%v has %d bytes", typ, size)
			}
			_ = s.Copy()
			var b Builder
			if _, err := b.AddRef(s.Ref(1)); err != nil {
				t.Error(err)
			}
			if _, err := b.Spec(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDecodeRejects(t *testing.T) {
	for name, tc := range map[string]struct {
		write func(w *rawbtf.Writer)
		want  string
	}{
		"type ID": {func(w *rawbtf.Writer) { w.Type(rawbtf.KindPointer, false, 0, "", 99) }, "type ID 99: not found"},
		"largest type ID": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindPointer, false, 0, "", 0xffffffff)
		}, "type ID 4294967295: not found"},
		"type ID of a member": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindStruct, false, 1, "s", 4)
			w.U32(0, 99, 0)
		}, "type ID 99: not found"},
		"type ID behind a reference": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindPointer, false, 0, "", 2)
			w.Type(rawbtf.KindConst, false, 0, "", 99)
		}, "type ID 99: not found"},
		"name": {func(w *rawbtf.Writer) { w.U32(99, uint32(rawbtf.KindFwd)<<24, 0) }, "decode fwd with type ID 1: BTF strings at offset 99"},
		"name of a member": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindUnion, false, 1, "u", 4)
			w.U32(0xffffffff, 0, 0)
		}, "decode union with type ID 1: BTF strings at offset 4294967295"},
		"tag of a member": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindStruct, false, 0, "s", 4)
			w.Type(rawbtf.KindDeclTag, false, 0, "tag", 1)
			w.U32(0)
		}, "decode decl tag with type ID 2: index 0 is out of range for struct with type ID 1"},
		"tag of a typedef's member": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindTypedef, false, 0, "t", 0)
			w.Type(rawbtf.KindDeclTag, false, 0, "tag", 1)
			w.U32(0)
		}, "index 0 is out of range for typedef"},
		"negative index": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindStruct, false, 0, "s", 4)
			w.Type(rawbtf.KindDeclTag, false, 0, "tag", 1)
			w.U32(0xfffffffe)
		}, "index -2 is out of range"},
		"tag of a parameter": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindFunc, false, 1, "f", 2)
			w.Type(rawbtf.KindFuncProto, false, 0, "", 0)
			w.Type(rawbtf.KindDeclTag, false, 0, "tag", 1)
			w.U32(3)
		}, "index 3 is out of range for func with type ID 1"},
		"tag of no function": {func(w *rawbtf.Writer) {
			w.Type(rawbtf.KindFunc, false, 1, "f", 0)
			w.Type(rawbtf.KindDeclTag, false, 0, "tag", 1)
			w.U32(0)
		}, "type ID 0 is not a func proto"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := LoadSpecFromBytes(written(t, tc.write))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // a failure leaves nothing behind
				typ, err := s.TypeByID(1)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("got %v, %v, want %q", typ, err, tc.want)
				}
			}
			for _, err := range s.All() {
				if err != nil {
					return
				}
			}
			t.Error("All reports no error")
		})
	}
}

func TestUnknownKind(t *testing.T) {
	// A layout section says how large records of kind 20 are.
	bo := binary.LittleEndian
	layout := make([]byte, 4*21)
	types := []uint32{0, 20 << 24, 0, 0, uint32(rawbtf.KindPointer) << 24, 1, 0, uint32(rawbtf.KindFwd) << 24, 0}
	blob := append(bo.AppendUint16(nil, 0xeb9f), 1, 0)
	for _, w := range []int{32, 0, 4 * len(types), 4 * len(types), 1, 4*len(types) + 1, len(layout)} {
		blob = bo.AppendUint32(blob, uint32(w))
	}
	for _, w := range types {
		blob = bo.AppendUint32(blob, w)
	}
	s, err := LoadSpecFromBytes(append(append(blob, 0), layout...))
	if err != nil {
		t.Fatal(err)
	}
	for id := TypeID(1); id <= 2; id++ {
		if _, err := s.TypeByID(id); !errors.Is(err, ErrNotSupported) {
			t.Errorf("type %d: %v", id, err)
		}
	}
	if typ, err := s.TypeByID(3); err != nil {
		t.Errorf("type 3: %v, %v", typ, err)
	}
	var b Builder
	if _, err := b.AddRef(s.Ref(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Marshal(nil, nil); err == nil {
		t.Error("an unknown kind was encoded")
	}
}

// Whatever the bytes, all functions end without a panic, and what decodes
// survives a round trip.
func FuzzSpec(f *testing.F) {
	for _, file := range kindsObjects {
		object, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(object)
		spec := mustLoad(f, file)
		var b Builder
		if err := b.AddSpec(spec); err != nil {
			f.Fatal(err)
		}
		for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			blob, err := b.Marshal(nil, &MarshalOptions{Order: bo})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(blob)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := LoadSpecFromReader(strings.NewReader(string(data)))
		if err != nil {
			return
		}
		var types []Type
		for ref := range s.Refs() {
			typ, err := ref.Type()
			if err != nil {
				continue
			}
			use(typ)
			types = append(types, typ)
			if name := typ.TypeName(); name != "" {
				if found, err := s.RefsByName(name); err != nil || len(found) == 0 {
					t.Errorf("%v isn't found by its name: %v", typ, err)
				}
			}
			if len(types) > 100 {
				break
			}
		}
		_ = s.Copy()
		b, err := NewBuilder(types, nil)
		if err != nil {
			t.Fatal(err)
		}
		blob, err := b.Marshal(nil, nil)
		if err != nil {
			return // integers and bitfields of absurd sizes
		}
		again, err := LoadSpecFromBytes(blob)
		if err != nil {
			t.Fatal(err)
		}
		for typ, err := range again.All() {
			if err != nil {
				t.Fatal(typ, err)
			}
		}
		var copied Builder
		if err := copied.AddSpec(s); err != nil {
			return
		}
		if _, err := copied.Marshal(nil, &oldest); err != nil {
			return
		}
	})
}
