package kconfig

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// variable is the declaration of an extern in testdata/kconfig.bpf.c.
func variable(t testing.TB, types *btf.Spec, name string) Type {
	t.Helper()
	ids := types.Records().Find(rawbtf.Query{Name: name, Kinds: rawbtf.Kinds(rawbtf.KindVar)})
	if len(ids) != 1 {
		t.Fatalf("%d variables called %s", len(ids), name)
	}
	typ, err := TypeOf(types.Ref(btf.TypeID(ids[0])))
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func load(t testing.TB, file string) *btf.Spec {
	t.Helper()
	types, err := btf.LoadSpec("../../testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return types
}

func TestTypesOfVariables(t *testing.T) {
	for _, file := range []string{"kconfig-el.o", "kconfig-eb.o"} {
		types := load(t, file)
		for name, want := range map[string]Type{
			"CONFIG_BOOL":          {boolean, 1, false},
			"CONFIG_TRISTATE":      {tristate, 4, false},
			"CONFIG_CHAR":          {character, 1, true},
			"CONFIG_U8":            {character, 1, false},
			"CONFIG_S8":            {character, 1, true},
			"CONFIG_U16":           {integer, 2, false},
			"CONFIG_S16":           {integer, 2, true},
			"CONFIG_U32":           {integer, 4, false},
			"CONFIG_S32":           {integer, 4, true},
			"CONFIG_U64":           {integer, 8, false},
			"CONFIG_S64":           {integer, 8, true},
			"CONFIG_STRING":        {text, 16, false},
			"CONFIG_LETTER":        {text, 1, false},
			"LINUX_KERNEL_VERSION": {integer, 4, false},
		} {
			if got := variable(t, types, name); got != want {
				t.Errorf("%s: %s is %+v, want %+v", file, name, got, want)
			}
		}
	}
}

func TestPut(t *testing.T) {
	types := load(t, "kconfig-el.o")
	for _, test := range []struct {
		name, value string
		want        []byte // big-endian; nil: error
		err         string
	}{
		{"CONFIG_BOOL", "y", []byte{1}, ""},
		{"CONFIG_BOOL", "n", []byte{0}, ""},
		{"CONFIG_BOOL", "m", nil, "value m doesn't go into a bool: it takes an enum libbpf_tristate or a char"},
		{"CONFIG_BOOL", "1", nil, "value 1 doesn't go into a bool: it takes a char or an integer"},
		{"CONFIG_BOOL", `"y"`, nil, `value "y" doesn't go into a bool: it takes an array of char`},

		{"CONFIG_TRISTATE", "n", []byte{0, 0, 0, 0}, ""},
		{"CONFIG_TRISTATE", "y", []byte{0, 0, 0, 1}, ""},
		{"CONFIG_TRISTATE", "m", []byte{0, 0, 0, 2}, ""},
		{"CONFIG_TRISTATE", "1", nil, "value 1 doesn't go into an enum libbpf_tristate"},
		{"CONFIG_TRISTATE", "M", nil, `"M" is neither y, m, n, a number, nor a string in quotes`},

		{"CONFIG_CHAR", "m", []byte("m"), ""},
		{"CONFIG_CHAR", "-128", []byte{0x80}, ""},
		{"CONFIG_CHAR", "128", nil, "128 doesn't fit a char"},
		{"CONFIG_U8", "y", []byte("y"), ""},
		{"CONFIG_U8", "255", []byte{255}, ""},
		{"CONFIG_U8", "256", nil, "256 doesn't fit"},
		{"CONFIG_S8", "127", []byte{127}, ""},
		{"CONFIG_S8", "-129", nil, "doesn't fit"},

		{"CONFIG_U16", "0xffff", []byte{0xff, 0xff}, ""},
		{"CONFIG_U16", "0x10000", nil, "65536 doesn't fit an unsigned integer of 2 bytes"},
		{"CONFIG_U16", "-1", nil, "doesn't fit"},
		{"CONFIG_S16", "-32768", []byte{0x80, 0}, ""},
		{"CONFIG_S16", "32768", nil, "32768 doesn't fit a signed integer of 2 bytes"},
		{"CONFIG_U32", "4294967295", []byte{0xff, 0xff, 0xff, 0xff}, ""},
		{"CONFIG_U32", "4294967296", nil, "doesn't fit"},
		{"CONFIG_S32", "-2147483648", []byte{0x80, 0, 0, 0}, ""},
		{"CONFIG_S32", "0644", []byte{0, 0, 1, 0xa4}, ""},
		{"CONFIG_U64", "0xffffffffffffffff", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, ""},
		{"CONFIG_U64", "0x10000000000000000", nil, "0x10000000000000000 doesn't fit 64 bits"},
		{"CONFIG_S64", "-1", []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, ""},
		{"CONFIG_S64", "y", nil, "value y doesn't go into a signed integer of 8 bytes: it takes a bool or an enum libbpf_tristate or a char"},
		{"CONFIG_S64", "1_000", nil, "neither"},
		{"CONFIG_S64", "yes", nil, "neither"},
		{"CONFIG_S64", `"5"`, nil, "it takes an array of char"},

		{"CONFIG_STRING", `"(none)"`, []byte("(none)\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ""},
		{"CONFIG_STRING", `"a string of more than 16"`, []byte("a string of mor\x00"), ""},
		{"CONFIG_STRING", `""`, make([]byte, 16), ""},
		{"CONFIG_STRING", `"`, nil, `string " has no end`},
		{"CONFIG_STRING", `"open`, nil, `string "open has no end`},
		{"CONFIG_STRING", "y", nil, "value y doesn't go into an array of 16 chars"},
		{"CONFIG_STRING", "16", nil, "value 16 doesn't go into an array of 16 chars"},
		{"CONFIG_LETTER", `"x"`, []byte{0}, ""},
	} {
		typ := variable(t, types, test.name)
		got := bytes.Repeat([]byte{0xee}, int(typ.Size()))
		err := typ.Put(got, test.value, binary.BigEndian)
		if test.want == nil {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s=%s: error %v, want %q", test.name, test.value, err, test.err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, test.want) {
			t.Errorf("%s=%s: % x, %v, want % x", test.name, test.value, got, err, test.want)
		}
		if typ.kind == text {
			continue
		}
		if err := typ.Put(got, test.value, binary.LittleEndian); err != nil {
			t.Errorf("%s=%s: %v", test.name, test.value, err)
		}
		if slices.Reverse(got); !bytes.Equal(got, test.want) {
			t.Errorf("%s=%s: reversed % x, want % x", test.name, test.value, got, test.want)
		}
	}
}

func TestPutNumber(t *testing.T) {
	types := load(t, "kconfig-el.o")
	for _, test := range []struct {
		name string
		n    uint64
		err  string
	}{
		{"LINUX_KERNEL_VERSION", 0x061200, ""},
		{"CONFIG_BOOL", 1, ""},
		{"CONFIG_BOOL", 2, "2 doesn't fit a bool"},
		{"CONFIG_U16", 0x061200, "397824 doesn't fit an unsigned integer of 2 bytes"},
		{"CONFIG_TRISTATE", 1, "value 1 doesn't go into an enum libbpf_tristate"},
		{"CONFIG_STRING", 1, "value 1 doesn't go into an array of 16 chars"},
	} {
		typ := variable(t, types, test.name)
		err := typ.PutNumber(make([]byte, typ.Size()), test.n, binary.NativeEndian)
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.err)
		}
	}
}

func TestTypesThatTakeNoOption(t *testing.T) {
	types := func(add func(w *rawbtf.Writer)) *btf.Spec {
		var strs rawbtf.Strings
		w := rawbtf.NewWriter(nil, binary.NativeEndian, &strs)
		add(w)
		blob, err := w.Finish()
		if err != nil {
			t.Fatal(err)
		}
		spec, err := btf.LoadSpecFromBytes(blob)
		if err != nil {
			t.Fatal(err)
		}
		return spec
	}
	number := func(w *rawbtf.Writer, encoding, size uint32) {
		w.Type(rawbtf.KindInt, false, 0, "number", size)
		w.U32(encoding<<24 | 8*size)
	}
	array := func(w *rawbtf.Writer, elem, n uint32) {
		w.Type(rawbtf.KindArray, false, 0, "", 0)
		w.U32(elem, elem, n)
	}
	for name, test := range map[string]struct {
		add  func(*rawbtf.Writer) // type 1 is the variable's
		want string
	}{
		"int of 16 bytes":    {func(w *rawbtf.Writer) { number(w, 0, 16) }, "no option can be put into int number of 16 bytes"},
		"bool of 4 bytes":    {func(w *rawbtf.Writer) { number(w, encodingBool, 4) }, "no option"},
		"struct":             {func(w *rawbtf.Writer) { w.Type(rawbtf.KindStruct, false, 0, "s", 4) }, "struct s of 4 bytes"},
		"pointer":            {func(w *rawbtf.Writer) { w.Type(rawbtf.KindPointer, false, 0, "", 0) }, "no option"},
		"float":              {func(w *rawbtf.Writer) { w.Type(rawbtf.KindFloat, false, 0, "double", 8) }, "no option"},
		"another enum":       {func(w *rawbtf.Writer) { w.Type(rawbtf.KindEnum, false, 0, "e", 4) }, "enum e of 4 bytes"},
		"tristate of a byte": {func(w *rawbtf.Writer) { w.Type(rawbtf.KindEnum, false, 0, "libbpf_tristate", 1) }, "no option"},
		"array of ints":      {func(w *rawbtf.Writer) { array(w, 2, 3); number(w, 0, 4) }, "no option"},
		"array of bools":     {func(w *rawbtf.Writer) { array(w, 2, 3); number(w, encodingBool, 1) }, "no option"},
		"array of nothing":   {func(w *rawbtf.Writer) { array(w, 2, 0); number(w, 0, 1) }, "no option"},
		"array of arrays":    {func(w *rawbtf.Writer) { array(w, 2, 3); array(w, 3, 3); number(w, 0, 1) }, "no option"},
		"array of itself":    {func(w *rawbtf.Writer) { array(w, 1, 3) }, "no option"},
		"const of itself":    {func(w *rawbtf.Writer) { w.Type(rawbtf.KindConst, false, 0, "", 1) }, "nest more than 32 times"},
		"typedef of nothing": {func(w *rawbtf.Writer) { w.Type(rawbtf.KindTypedef, false, 0, "t", 9) }, "9"},
	} {
		if _, err := TypeOf(types(test.add).Ref(1)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := TypeOf(btf.TypeRef{}); err == nil {
		t.Error("found a type without BTF")
	}
}

// Values of any text either fill exactly the variable or are an error.
func FuzzPut(f *testing.F) {
	for _, value := range []string{"y", "m", "250", "-1", "0x200000", `"text"`, `"`, "0x", "-0x8000000000000000", ""} {
		f.Add(value)
	}
	types := load(f, "kconfig-el.o")
	var all []Type
	for _, name := range []string{"CONFIG_BOOL", "CONFIG_TRISTATE", "CONFIG_S8", "CONFIG_U16", "CONFIG_S32", "CONFIG_U64", "CONFIG_STRING", "CONFIG_LETTER"} {
		all = append(all, variable(f, types, name))
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, typ := range all {
			memory := make([]byte, typ.Size()+1)
			memory[typ.Size()] = 0xee
			if err := typ.Put(memory[:typ.Size()], value, binary.NativeEndian); err == nil && typ.kind == text && memory[typ.Size()-1] != 0 {
				t.Errorf("%q in %s has no end", value, typ)
			}
			if memory[typ.Size()] != 0xee {
				t.Errorf("%q in %s wrote beyond it", value, typ)
			}
		}
	})
}
