package btf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

// loadIntoKernel has the kernel verify a blob.
func loadIntoKernel(t *testing.T, blob []byte) {
	t.Helper()
	log := make([]byte, 1<<16)
	attr := struct {
		btf, log               uint64
		size, logSize, logLvl  uint32
		logTrueSize, flags, fd uint32
	}{
		btf: uint64(uintptr(unsafe.Pointer(&blob[0]))), size: uint32(len(blob)),
		log: uint64(uintptr(unsafe.Pointer(&log[0]))), logSize: uint32(len(log)), logLvl: 1,
	}
	fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_BTF_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno == unix.EPERM {
		t.Skip("loading BTF needs CAP_BPF")
	}
	if errno != 0 {
		lines := strings.Split(strings.TrimSpace(string(log[:bytes.IndexByte(log, 0)])), "\n")
		t.Fatalf("the kernel refuses this BTF: %v: %s", errno, lines[len(lines)-1])
	}
	unix.Close(int(fd))
}

// loadable returns the types of an object, completed as a loader would: clang
// doesn't know where variables end up. What is external is left out, as the
// kernel wants to know nothing about it.
func loadable(t *testing.T, s *Spec) *Builder {
	t.Helper()
	var types []Type
	for _, typ := range allTypes(t, s) {
		switch v := typ.(type) {
		case *Func:
			if v.Linkage == ExternFunc {
				continue
			}
		case *Var:
			if v.Linkage == ExternVar {
				continue
			}
		case *Datasec:
			if v.Name == ".ksyms" {
				continue
			}
			for i := range v.Vars {
				v.Vars[i].Offset = v.Size
				v.Size += v.Vars[i].Size
			}
		}
		types = append(types, typ)
	}
	b, err := NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// nativeObject is the one in the byte order of this machine.
var nativeObject = kindsObjects[binary.NativeEndian.Uint16([]byte{0, 1})&1]

func TestKernelAcceptsWholeObject(t *testing.T) {
	testutil.NeedsLinux(t, "all kinds of BTF", 6, 0)
	blob, err := loadable(t, mustLoad(t, nativeObject)).Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	loadIntoKernel(t, blob)
}

// Programs need no more of the BTF than their functions.
func TestKernelAcceptsTrimmed(t *testing.T) {
	testutil.NeedsLinux(t, "declaration tags in BTF", 5, 16)
	s := mustLoad(t, nativeObject)
	var b Builder
	for _, name := range []string{"prog", "global", "local"} {
		refs, err := s.RefsByName(name)
		if err != nil {
			t.Fatal(err)
		}
		id, err := b.AddRef(refs[0])
		if err != nil {
			t.Fatal(err)
		}
		if again, err := b.AddRef(refs[0]); err != nil || again != id {
			t.Errorf("%s was added as %d, then %d: %v", name, id, again, err)
		}
	}
	off, err := b.AddString("kinds.c")
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	loadIntoKernel(t, blob)

	trimmed, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	if name, err := trimmed.Records().Name(off); err != nil || name != "kinds.c" {
		t.Errorf("string at %d: %q, %v", off, name, err)
	}
	if n := trimmed.Records().NumTypes(); n > 20 {
		t.Errorf("%d types are left of %d", n, s.Records().NumTypes())
	}
	checkSame(t, map[Type]Type{}, find[*Func](t, s, "global"), find[*Func](t, trimmed, "global"))
}

// Whatever an older kernel needs, this one takes it, too. IDs stay the same.
func TestKernelAcceptsReplacements(t *testing.T) {
	testutil.NeedsLinux(t, "all kinds of BTF", 6, 0)
	b := loadable(t, mustLoad(t, nativeObject))
	plain, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		opts MarshalOptions
		gone rawbtf.KindSet // kinds that don't occur any more
	}{
		{MarshalOptions{ReplaceDatasec: true}, rawbtf.Kinds(rawbtf.KindVar, rawbtf.KindDatasec)},
		{MarshalOptions{StripFuncLinkage: true}, 0},
		{MarshalOptions{ReplaceFloat: true}, rawbtf.KindFloat.Set()},
		{MarshalOptions{ReplaceDeclTags: true}, rawbtf.KindDeclTag.Set()},
		{MarshalOptions{ReplaceTypeTags: true}, rawbtf.KindTypeTag.Set()},
		{MarshalOptions{ReplaceEnum64: true}, rawbtf.KindEnum64.Set()},
		{MarshalOptions{StripAttributes: true}, 0},
		{MarshalOptions{ReplaceQuestionMark: true}, 0},
	} {
		t.Run(optionNames(tc.opts), func(t *testing.T) {
			blob, err := b.Marshal(nil, &tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			s, err := LoadSpecFromBytes(blob)
			if err != nil {
				t.Fatal(err)
			}
			for r := range s.Records().All() {
				if tc.gone != 0 && tc.gone.Has(r.Kind()) {
					t.Errorf("type %d is still %v", r.ID(), r.Kind())
				}
				if was, err := plain.Records().Type(r.ID()); err == nil && was.Size() != 0 && r.Size() != 0 && was.Size() != r.Size() {
					t.Errorf("type %d had %d bytes and has %d", r.ID(), was.Size(), r.Size())
				}
			}
			// Decl tags of variables that are none any more make no sense.
			if !tc.opts.ReplaceDatasec {
				loadIntoKernel(t, blob)
			}
		})
	}
	blob, err := b.Marshal(nil, &oldest)
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	for r := range s.Records().All() {
		if r.Kind() >= rawbtf.KindFunc {
			t.Errorf("type %d is %v, which Linux 4.18 doesn't know", r.ID(), r.Kind())
		}
	}
	loadIntoKernel(t, blob)
}

// optionNames lists what is set.
func optionNames(opts MarshalOptions) string {
	var names []string
	v := reflect.ValueOf(opts)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return strings.Join(names, "+")
}

// oldest is what Linux 4.18 needs.
var oldest = MarshalOptions{
	ReplaceDatasec: true, ReplaceFunc: true, ReplaceFloat: true, ReplaceDeclTags: true,
	ReplaceTypeTags: true, ReplaceEnum64: true, PreventNoTypeFound: true,
}

func TestReplaceEnum64(t *testing.T) {
	enum := &Enum{Name: "wide", Size: 8, Values: []EnumValue{{"A", 1 << 40}, {"B", 2}}}
	signed := &Enum{Name: "signed", Size: 4, Signed: true, Values: []EnumValue{{"C", math.MaxUint64}}}
	b, err := NewBuilder([]Type{enum, signed}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, &MarshalOptions{ReplaceEnum64: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	union := find[*Union](t, s, "wide")
	if union.Size != 8 || len(union.Members) != 2 || union.Members[0].Name != "A" || fmt.Sprint(union.Members[0].Type) != `Int:"enum64_placeholder"[unsigned size=1]` {
		t.Errorf("enum64 became %+v", union)
	}
	if e := find[*Enum](t, s, "signed"); e.Signed || e.Values[0].Value != math.MaxUint32 {
		t.Errorf("signed enum became %+v", e)
	}
	loadIntoKernel(t, blob)
}

func TestReplaceDatasec(t *testing.T) {
	v := &Var{Name: "v", Type: &Int{Name: "int", Size: 4}, Linkage: GlobalVar}
	w := &Var{Name: "w", Type: &Int{Name: "int", Size: 4}, Linkage: GlobalVar}
	b, err := NewBuilder([]Type{&Datasec{Name: ".data.x", Size: 8, Vars: []VarSecinfo{{v, 0, 4}, {w, 4, 4}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, &MarshalOptions{ReplaceDatasec: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	st := find[*Struct](t, s, "_data_x")
	if st.Size != 8 || len(st.Members) != 2 || st.Members[0].Name != "v" || st.Members[1].Name != "w" || st.Members[1].Offset != 32 {
		t.Errorf("datasec became %+v", st)
	}
	loadIntoKernel(t, blob)
}

func TestBuilder(t *testing.T) {
	var b Builder
	if !b.Empty() {
		t.Error("the zero value isn't empty")
	}
	if id, err := b.Add(&Void{}); id != 0 || err != nil {
		t.Errorf("void: %d, %v", id, err)
	}
	i := &Int{Name: "int", Size: 4}
	for range 2 {
		if id, err := b.Add(i); id != 1 || err != nil {
			t.Errorf("int: %d, %v", id, err)
		}
	}
	if id, err := b.Add(&Int{Name: "int", Size: 4}); id != 2 || err != nil {
		t.Errorf("another int: %d, %v", id, err)
	}
	if id, err := b.Add(&Pointer{Target: i}); id != 3 || err != nil {
		t.Errorf("pointer: %d, %v", id, err)
	}
	if _, err := b.Add(nil); err == nil {
		t.Error("nil was added")
	}
	if _, err := b.Add(&Pointer{Target: &Typedef{Name: "td"}}); err == nil || !strings.Contains(err.Error(), "refers to nil") {
		t.Errorf("type that refers to nil: %v", err)
	}
	if id, err := b.Add(&Const{Type: i}); id != 4 || err != nil {
		t.Errorf("after a failure: %d, %v", id, err)
	}
	if _, err := b.AddRef(TypeRef{}); err == nil {
		t.Error("a reference to nothing was added")
	}
	s := mustLoad(t, kindsObjects[0])
	if _, err := b.AddRef(s.Ref(9999)); err == nil {
		t.Error("a missing type was added")
	}
	if id, err := b.AddRef(s.Ref(3)); id != 5 || err != nil {
		t.Errorf("type of a spec: %d, %v", id, err)
	}
	if _, err := b.AddString("a\x00b"); err == nil {
		t.Error("a string with a NUL was added")
	}
	blob, err := b.Marshal([]byte("prefix"), nil)
	if err != nil || !bytes.HasPrefix(blob, []byte("prefix")) {
		t.Fatal(err)
	}
	again, err := b.Marshal(nil, nil)
	if err != nil || !bytes.Equal(blob[len("prefix"):], again) {
		t.Errorf("another result the second time: %v", err)
	}
	if n := strings.Count(string(again), "int\x00"); n != 1 {
		t.Errorf("the same string %d times", n)
	}
}

func TestBuilderEmpty(t *testing.T) {
	var b Builder
	s, err := b.Spec()
	if err != nil || s.Records().NumTypes() != 0 {
		t.Errorf("%v", err)
	}
	blob, err := b.Marshal(nil, &MarshalOptions{PreventNoTypeFound: true})
	if err != nil {
		t.Fatal(err)
	}
	loadIntoKernel(t, blob)
	if err := b.AddSpec(nil); err != nil {
		t.Error(err)
	}
}

func TestBuilderRejects(t *testing.T) {
	i := &Int{Name: "int", Size: 4}
	for name, typ := range map[string]Type{
		"int":           &Int{Name: "wide", Size: 1 << 20},
		"bitfield":      &Struct{Name: "s", Members: []Member{{Type: i, BitfieldSize: 256}}},
		"bitfield far":  &Struct{Name: "s", Members: []Member{{Type: i, BitfieldSize: 1, Offset: 1 << 24}}},
		"linkage":       &Func{Name: "f", Type: &FuncProto{Return: i}, Linkage: -1},
		"NUL in a name": &Int{Name: "a\x00b", Size: 4},
	} {
		b, err := NewBuilder([]Type{typ}, nil)
		if err == nil {
			_, err = b.Marshal(nil, nil)
		}
		if err == nil {
			t.Errorf("%s was encoded", name)
		}
	}
}

// Attributes survive, although there is only one list of tags.
func TestAttributes(t *testing.T) {
	v := &Var{Name: "v", Type: &Int{Name: "int", Size: 4}, Tags: []string{"tag", "__attribute__((attr))"}}
	p := &Pointer{Target: &TypeTag{Type: v.Type, Value: "address_space(1)", Attribute: true}}
	s, err := LoadSpecFromBytes(mustMarshal(t, []Type{v, p}))
	if err != nil {
		t.Fatal(err)
	}
	flags := map[string]bool{}
	for r := range s.Records().All() {
		if r.Kind() == rawbtf.KindDeclTag || r.Kind() == rawbtf.KindTypeTag {
			name, err := r.Name()
			if err != nil {
				t.Fatal(err)
			}
			flags[name] = r.KindFlag()
		}
	}
	if len(flags) != 3 || flags["tag"] || !flags["attr"] || !flags["address_space(1)"] {
		t.Errorf("flags: %v", flags)
	}
	if got := find[*Var](t, s, "v").Tags; !slices.Equal(got, v.Tags) {
		t.Errorf("tags: %q", got)
	}
}

// Bitfields used to be integers of an odd width.
func TestLegacyBitfields(t *testing.T) {
	var strs rawbtf.Strings
	w := rawbtf.NewWriter(nil, binary.LittleEndian, &strs)
	w.Type(rawbtf.KindInt, false, 0, "int", 4)
	w.U32(2<<16 | 3) // three bits, from the second on
	w.Type(rawbtf.KindTypedef, false, 0, "td", 1)
	w.Type(rawbtf.KindStruct, false, 1, "s", 4)
	w.U32(w.String("m"), 2, 5)
	blob, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	m := find[*Struct](t, s, "s").Members[0]
	if m.Offset != 7 || m.BitfieldSize != 3 {
		t.Errorf("%d bits at %d", m.BitfieldSize, m.Offset)
	}
	var b Builder
	if err := b.AddSpec(s); err != nil {
		t.Fatal(err)
	}
	copied, err := b.Marshal(nil, &MarshalOptions{Order: binary.LittleEndian})
	if err != nil || !bytes.Equal(copied, blob) {
		t.Errorf("copied records differ: %v", err)
	}
	checkRoundTrip(t, s, binary.LittleEndian)
}

// Types keep their IDs, however few of them are added, and the kernel takes what
// stands for the others.
func TestBuilderKeepsIDs(t *testing.T) {
	long := &Int{Name: "long", Size: 8, Encoding: Signed}
	inner := &Struct{Name: "inner", Size: 8, Members: []Member{{Name: "x", Type: long}}}
	outer := &Struct{Name: "outer", Size: 8, Members: []Member{{Name: "p", Type: &Pointer{Target: inner}}}}
	other := &Struct{Name: "other", Size: 8, Members: []Member{{Name: "y", Type: long}}}
	all, err := NewBuilder([]Type{other, &Float{Name: "double", Size: 8}, outer}, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := all.Spec()
	if err != nil {
		t.Fatal(err)
	}
	var b Builder
	if err := b.KeepIDs(spec); err != nil {
		t.Fatal(err)
	}
	added, err := b.Add(&Int{Name: "char", Size: 1})
	if err != nil || uint32(added) != spec.Records().EndID() {
		t.Errorf("a type from elsewhere has ID %d, %v", added, err)
	}
	for _, name := range []string{"outer", "long"} {
		typ, err := spec.AnyTypeByName(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := spec.TypeID(typ)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := b.AddRef(spec.Ref(want)); err != nil || id != want {
			t.Errorf("%s has ID %d, %v; want %d", name, id, err, want)
		}
	}
	got, err := b.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for id := TypeID(1); id < added; id++ {
		want, err := spec.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		if name := want.TypeName(); name == "other" || name == "double" {
			want = &Pointer{Target: &Void{}}
		}
		typ, err := got.TypeByID(id)
		if err != nil || fmt.Sprint(typ) != fmt.Sprint(want) {
			t.Errorf("ID %d is %v, %v; want %v", id, typ, err, want)
		}
	}
	if err := b.KeepIDs(spec); err == nil {
		t.Error("IDs kept that others may have")
	}
}
