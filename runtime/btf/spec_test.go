package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// What clang makes of testdata/kinds.c, as %+v would show it but for addresses.
func TestDecodeEveryKind(t *testing.T) {
	for _, file := range kindsObjects {
		t.Run(file, func(t *testing.T) {
			s := mustLoad(t, file)
			for name, want := range map[string]string{
				"int":               `Int:"int"[signed size=4]`,
				"_Bool":             `Int:"_Bool"[bool size=1]`,
				"unsigned int":      `Int:"unsigned int"[unsigned size=4]`,
				"u64":               `Typedef:"u64"[Int:"unsigned long long"]`,
				"node":              `Struct:"node"[fields=14 fieldNames=[next tagged restrict_me p declared ...]]`,
				"choice":            `Union:"choice"[fields=2 fieldNames=[number text]]`,
				"negative":          `Enum:"negative"[size=4 values=2]`,
				"wide":              `Enum:"wide"[size=8 values=1]`,
				"declared":          `Fwd:"declared"[struct]`,
				"declared_union":    `Fwd:"declared_union"[union]`,
				"global":            `Func:"global"[global proto=FuncProto]`,
				"local":             `Func:"local"[static proto=FuncProto]`,
				"external_func":     `Func:"external_func"[extern proto=FuncProto]`,
				"static_var":        `Var:"static_var"[static type=Volatile]`,
				"node_var":          `Var:"node_var"[global type=Struct:"node"]`,
				"external_var":      `Var:"external_var"[extern type=Int:"int"]`,
				".bss":              `Datasec:".bss"[size=0 vars=4]`,
				"float":             `Float:"float"[size=4]`,
				"wide_negative_var": `Var:"wide_negative_var"[global type=Enum:"wide_negative"]`,
			} {
				typ, err := s.AnyTypeByName(name)
				if err != nil {
					t.Error(err)
					continue
				}
				if got := fmt.Sprintf("%v", typ); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if typ.TypeName() != name {
					t.Errorf("%s is called %s", name, typ.TypeName())
				}
			}
		})
	}
}

func find[T Type](t *testing.T, s *Spec, name string) T {
	t.Helper()
	var typ T
	if err := s.TypeByName(name, &typ); err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestDecodeDetails(t *testing.T) {
	for _, file := range kindsObjects {
		t.Run(file, func(t *testing.T) {
			s := mustLoad(t, file)
			check := func(what string, got, want any) {
				t.Helper()
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			node := find[*Struct](t, s, "node")
			check("size", node.Size, 104)
			check("struct tags", node.Tags, "[struct tag]")
			member := func(name string) Member {
				return node.Members[slices.IndexFunc(node.Members, func(m Member) bool { return m.Name == name })]
			}
			check("member tags", member("member").Tags, "[member tag second member tag]")
			check("offset", member("member").Offset.Bytes(), 48)
			check("cycle", member("next").Type.(*Pointer).Target == node, true)
			user := member("tagged").Type.(*Pointer).Target.(*TypeTag)
			check("type tag", user.Value, "user")
			check("type tag of", user.Type == node, true)
			check("const volatile", fmt.Sprintf("%3v", member("restrict_me").Type), `Pointer[target=Const[Volatile[Int:"char"[signed size=1]]]]`)
			check("restrict void", fmt.Sprintf("%2v", member("p").Type), `Restrict[Pointer[target=Void]]`)
			check("variadic", fmt.Sprintf("%v", member("callback").Type.(*Pointer).Target), `FuncProto[args=2 return=Int:"int"]`)
			check("flexible", fmt.Sprintf("%v", member("flexible").Type), `Array[index=Int:"__ARRAY_SIZE_TYPE__" type=Int:"char" n=0]`)
			check("anonymous", fmt.Sprintf("%v", member("").Type), `Struct[fields=2 fieldNames=[x y]]`)
			size, err := Sizeof(member("").Type)
			check("size of anonymous", size, 8)
			check("error", err, nil)

			bits := find[*Struct](t, s, "bits").Members
			check("bitfields", fmt.Sprint(bits[0].Offset, bits[0].BitfieldSize, bits[1].Offset, bits[1].BitfieldSize, bits[2].Offset, bits[2].BitfieldSize), "0 3 3 5 8 40")

			choice := find[*Union](t, s, "choice")
			check("union tags", choice.Tags, "[union tag]")
			check("union member tags", choice.Members[0].Tags, "[union member tag]")

			small := find[*Enum](t, s, "small")
			check("enum", small.Values, "[{SMALL_A 0} {SMALL_B 7} {SMALL_C 4294967295}]")
			negative := find[*Enum](t, s, "negative")
			check("negative", fmt.Sprint(negative.Signed, int64(negative.Values[0].Value)), "true -1")
			wide := find[*Enum](t, s, "wide_negative")
			check("wide", fmt.Sprint(wide.Signed, int64(wide.Values[0].Value)), "true -4294967296")

			global := find[*Func](t, s, "global")
			check("func tags", global.Tags, "[func tag]")
			check("param tags", global.ParamTags, "[[param tag]]")
			check("param", global.Type.(*FuncProto).Params[0].Name, "k")
			check("typedef tags", find[*Typedef](t, s, "u32").Tags, "[typedef tag]")
			check("var tags", find[*Var](t, s, "node_var").Tags, "[var tag]")

			data := find[*Datasec](t, s, ".data")
			check("datasec", fmt.Sprint(data.Vars[1].Type, data.Vars[1].Offset, data.Vars[1].Size), `Var:"static_var"[static type=Volatile] 4 4`)
			ksyms := find[*Datasec](t, s, ".ksyms")
			check("func in datasec", ksyms.Vars[0].Type.(*Func).Linkage, ExternFunc)
		})
	}
}

func TestLookup(t *testing.T) {
	s, err := LoadSpecFromBytes(mustMarshal(t, []Type{
		&Struct{Name: "same"}, &Union{Name: "same"}, &Struct{Name: "twice"}, &Struct{Name: "twice"},
		&Struct{Name: "same___flavour"}, &Int{Name: "int", Size: 4},
		&Struct{Name: "tagged", Tags: []string{"a tag"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if typ, err := s.AnyTypeByName("int"); err != nil || typ.TypeName() != "int" {
		t.Errorf("int: %v, %v", typ, err)
	}
	if types, err := s.AnyTypesByName("same"); err != nil || len(types) != 2 {
		t.Errorf("same: %v, %v", types, err)
	}
	if types, err := s.TypesByName("same"); err != nil || len(types) != 3 {
		t.Errorf("essentially same: %v, %v", types, err)
	}
	if refs, err := s.RefsByName("same"); err != nil || len(refs) != 2 || refs[0].Name() != "same" {
		t.Errorf("same: %v, %v", refs, err)
	}
	var union *Union
	if err := s.TypeByName("same", &union); err != nil || union.Name != "same" {
		t.Errorf("union: %v, %v", union, err)
	}
	typ := Type((*Union)(nil))
	if err := s.TypeByName("same", &typ); err != nil || typ != union {
		t.Errorf("union as Type: %v, %v", typ, err)
	}
	first, err := s.AnyTypeByName("int")
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := s.AnyTypeByName("int"); first != second {
		t.Error("a type is decoded twice")
	}

	var str *Struct
	var nilType Type
	var notAType *string
	for name, tc := range map[string]struct {
		err  error
		is   error
		text string
	}{
		"missing":     {s.TypeByName("missing", &str), ErrNotFound, `type "missing": not found`},
		"other kind":  {s.TypeByName("int", &str), ErrNotFound, "not found"},
		"empty name":  {s.TypeByName("", &str), ErrNotFound, "not found"},
		"ambiguous":   {s.TypeByName("twice", &str), ErrMultipleMatches, "type twice: multiple matching types: type IDs [3 4]"},
		"any of two":  {second(s.AnyTypeByName("same")), ErrMultipleMatches, "multiple"},
		"any missing": {second(s.AnyTypeByName("missing")), ErrNotFound, "not found"},
		"tag":         {second(s.AnyTypeByName("a tag")), ErrNotFound, "not found"},
		"id":          {second(s.TypeByID(100)), ErrNotFound, "type ID 100: not found"},
		"flavours":    {second(s.TypesByName("missing")), ErrNotFound, "not found"},
		"nil":         {s.TypeByName("int", nil), nil, "not a pointer"},
		"no pointer":  {s.TypeByName("int", Int{}), nil, "not a pointer"},
		"nil pointer": {s.TypeByName("int", (**Int)(nil)), nil, "not a pointer"},
		"nil Type":    {s.TypeByName("int", &nilType), nil, "nil Type"},
		"not a type":  {s.TypeByName("int", &notAType), nil, "not a pointer to a Type"},
		"struct":      {s.TypeByName("int", &Int{}), nil, "not a pointer to a Type"},
	} {
		if tc.err == nil || tc.is != nil && !errors.Is(tc.err, tc.is) || !strings.Contains(tc.err.Error(), tc.text) {
			t.Errorf("%s: got %v, want %q", name, tc.err, tc.text)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func mustMarshal(t testing.TB, types []Type) []byte {
	t.Helper()
	b, err := NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

func TestAll(t *testing.T) {
	s := mustLoad(t, kindsObjects[0])
	n, tags := 0, 0
	for typ, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		if _, isVoid := typ.(*Void); isVoid != (n == 0) {
			t.Errorf("type %d is %v", n, typ)
		}
		n++
	}
	for ref := range s.Refs() {
		typ, err := ref.Type()
		if err != nil {
			t.Fatal(err)
		}
		if _, isTag := typ.(*declTag); isTag {
			tags++
		}
	}
	if want := s.Records().NumTypes() + 1 - tags; n != want {
		t.Errorf("%d types, want %d", n, want)
	}
	for range s.All() {
		break // may stop early
	}
	for range s.Refs() {
		break
	}
}

func TestTypeID(t *testing.T) {
	s := mustLoad(t, kindsObjects[0])
	other := mustLoad(t, kindsObjects[0])
	for ref := range s.Refs() {
		typ, err := ref.Type()
		if err != nil {
			t.Fatal(err)
		}
		for name, typ := range map[string]Type{"type": typ, "copy": Copy(typ)} {
			for where, spec := range map[string]*Spec{"spec": s, "copy": s.Copy()} {
				if id, err := spec.TypeID(typ); err != nil || id != ref.ID() {
					t.Fatalf("%s of %v in %s: %d, %v", name, typ, where, id, err)
				}
			}
		}
		if _, err := other.TypeID(typ); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v in another spec: %v", typ, err)
		}
	}
	if id, err := s.TypeID(&Void{}); id != 0 || err != nil {
		t.Errorf("void: %d, %v", id, err)
	}
	if _, err := s.TypeID(&Int{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("foreign type: %v", err)
	}
	if _, err := s.TypeID(nil); err == nil {
		t.Error("nil has an ID")
	}
}

// A copy has the modifications that were made, and is on its own afterwards.
func TestSpecCopy(t *testing.T) {
	s := mustLoad(t, kindsObjects[0])
	before := find[*Struct](t, s, "node")
	before.Members[0].Name = "modified"
	cpy := s.Copy()
	after := find[*Struct](t, cpy, "node")
	if after == before || after.Members[0].Name != "modified" {
		t.Errorf("copy is %v, from %v", after, before)
	}
	if after.Members[0].Type.(*Pointer).Target != after {
		t.Error("the copy refers to the original")
	}
	after.Members[0].Name = "again"
	after.Tags[0] = "again"
	if before.Members[0].Name != "modified" || before.Tags[0] != "struct tag" {
		t.Error("the original changes along with the copy")
	}
	if find[*Enum](t, cpy, "small") == find[*Enum](t, s, "small") {
		t.Error("types decoded later are shared")
	}
	if (*Spec)(nil).Copy() != nil {
		t.Error("copy of nil")
	}
}

func TestSplitSpec(t *testing.T) {
	for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		baseBuilder, err := NewBuilder([]Type{&Int{Name: "int", Size: 4}, &Struct{Name: "inner", Size: 4}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		blob, err := baseBuilder.Marshal(nil, &MarshalOptions{Order: bo})
		if err != nil {
			t.Fatal(err)
		}
		base, err := LoadSpecFromBytes(blob)
		if err != nil {
			t.Fatal(err)
		}
		split, err := LoadSplitSpecFromBytes(splitBlob(bo, base), base)
		if err != nil {
			t.Fatal(err)
		}
		own := find[*Typedef](t, split, "own")
		if want, _ := base.TypeByID(2); own.Type != want {
			t.Errorf("own type refers to %v, want %v", own.Type, want)
		}
		if id, err := split.TypeID(own); id != 3 || err != nil {
			t.Errorf("ID %d, %v", id, err)
		}
		if id, err := split.TypeID(own.Type); id != 2 || err != nil {
			t.Errorf("ID of base's type: %d, %v", id, err)
		}
		if _, err := base.TypeID(own); !errors.Is(err, ErrNotFound) {
			t.Errorf("own type in base: %v", err)
		}
		if _, err := split.AnyTypeByName("int"); !errors.Is(err, ErrNotFound) {
			t.Errorf("base is searched: %v", err)
		}
		if types := allTypes(t, split); len(types) != 1 {
			t.Errorf("own types: %v", types)
		}
		cpy := split.Copy()
		if find[*Typedef](t, cpy, "own").Type == own.Type {
			t.Error("copies share the base's types")
		}
		var b Builder
		if err := b.AddSpec(split); err != nil {
			t.Fatal(err)
		}
		whole, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, map[Type]Type{}, own, find[*Typedef](t, whole, "own"))
	}
}

// splitBlob has a typedef "own" for type 2 of base.
func splitBlob(bo binary.ByteOrder, base *Spec) []byte {
	words := []uint32{24, 0, 12, 12, 5, base.Records().EndString() + 1, 8 << 24, 2}
	blob := make([]byte, 4+4*len(words), 64)
	bo.PutUint16(blob, 0xeb9f)
	blob[2] = 1
	for i, w := range words {
		bo.PutUint32(blob[4+4*i:], w)
	}
	return append(blob, "\x00own\x00"...)
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		file := dir + "/" + name
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	object, err := os.ReadFile(kindsObjects[0])
	if err != nil {
		t.Fatal(err)
	}
	noBTF := strings.ReplaceAll(string(object), ".BTF", ".XTF")
	for name, tc := range map[string]struct {
		file string
		is   error
		text string
	}{
		"missing":   {dir + "/missing", fs.ErrNotExist, "missing"},
		"empty":     {write("empty", ""), nil, "empty: parse BTF"},
		"no BTF":    {write("nobtf", noBTF), ErrNotFound, "section .BTF: not found"},
		"cut":       {write("cut", string(object[:100])), nil, "cut"},
		"something": {write("text", strings.Repeat("text", 10)), nil, "magic"},
	} {
		_, err := LoadSpec(tc.file)
		if err == nil || tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: got %v, want %q", name, err, tc.text)
		}
	}
	if _, _, err := LoadSpecAndExtInfosFromReader(strings.NewReader(noBTF)); !errors.Is(err, ErrNotFound) {
		t.Errorf("no BTF: %v", err)
	}
}

func TestKernel(t *testing.T) {
	s := mustKernel(t)
	task := find[*Struct](t, s, "task_struct")
	if size, err := Sizeof(task); err != nil || size < 1000 {
		t.Errorf("task_struct has %d bytes, %v", size, err)
	}
	var c Cache
	first, err := c.Kernel()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Kernel(); again != first {
		t.Error("the cache opens the kernel's types twice")
	}
	modules, err := c.Modules()
	if err != nil || slices.Contains(modules, "vmlinux") {
		t.Errorf("modules: %v, %v", modules, err)
	}
	for _, name := range modules {
		module, err := c.Module(name)
		if err != nil {
			t.Error(err)
			continue
		}
		allTypes(t, module)
	}
	if _, err := LoadKernelModuleSpec("no_such_module"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing module: %v", err)
	}
	for _, name := range []string{"vmlinux", "../vmlinux", "", "."} {
		if _, err := c.Module(name); err == nil {
			t.Errorf("%q is a module", name)
		}
	}
}

// The kernel's types are mapped into memory, on kernels that allow it, for as
// long as anybody has a type of theirs.
func TestKernelMappingIsReleased(t *testing.T) {
	mappings := func() int {
		runtime.GC()
		time.Sleep(time.Millisecond) // cleanups run on their own
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(maps), "/sys/kernel/btf/vmlinux")
	}
	before := mappings()
	var types []Type
	for range 20 {
		typ, err := mustKernel(t).AnyTypeByName("bpf_map_ops")
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, typ)
	}
	for _, typ := range types {
		if size, err := Sizeof(typ); err != nil || size == 0 || typ.TypeName() != "bpf_map_ops" {
			t.Errorf("%v has %d bytes, %v", typ, size, err)
		}
	}
	runtime.KeepAlive(types)
	types = nil
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if mappings() <= before {
			return
		}
	}
	t.Errorf("%d mappings are left, there were %d", mappings(), before)
}

// Opening the kernel's types costs as little as finding a name in them.
func TestKernelAllocates(t *testing.T) {
	testutil.Allocs(t, 40, func() {
		if _, err := mustKernel(t).RefsByName("task_struct"); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	s := mustKernel(t)
	var wg sync.WaitGroup
	types := make([]Type, 8)
	for i := range types {
		wg.Go(func() {
			var task *Struct
			if err := s.TypeByName("task_struct", &task); err != nil {
				t.Error(err)
				return
			}
			types[i] = task
			_, _ = s.AnyTypesByName("u32")
			_ = s.Copy()
		})
	}
	wg.Wait()
	for _, typ := range types {
		if typ != types[0] {
			t.Error("a type was decoded twice")
		}
	}
}
