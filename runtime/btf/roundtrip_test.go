package btf

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strconv"
	"testing"
)

// Objects with every kind of type, see testdata/kinds.c.
var kindsObjects = []string{"testdata/kinds-el.o", "testdata/kinds-eb.o"}

// mustKernel returns the running kernel's types. Every kernel that this project
// is tested on has them.
func mustKernel(t testing.TB) *Spec {
	t.Helper()
	s, err := LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustLoad(t testing.TB, file string) *Spec {
	t.Helper()
	s, err := LoadSpec(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// allTypes returns all types but void.
func allTypes(t testing.TB, s *Spec) []Type {
	t.Helper()
	var types []Type
	for typ, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		if _, isVoid := typ.(*Void); !isVoid {
			types = append(types, typ)
		}
	}
	return types
}

// checkSame fails if a and b differ in anything but identity. It follows
// references for as long as it meets types it hasn't compared.
func checkSame(t testing.TB, seen map[Type]Type, a, b Type) {
	t.Helper()
	type pair struct{ a, b Type }
	pending := []pair{{a, b}}
	for len(pending) > 0 {
		a, b := pending[0].a, pending[0].b
		pending = pending[1:]
		if prev, ok := seen[a]; ok {
			if prev != b {
				t.Fatalf("%v became both %v and %v", a, prev, b)
			}
			continue
		}
		seen[a] = b
		if got, want := shallow(b), shallow(a); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %#v\nwant %#v", got, want)
		}
		var as, bs []Type
		children(a, func(c *Type) { as = append(as, *c) })
		children(b, func(c *Type) { bs = append(bs, *c) })
		for i := range as {
			pending = append(pending, pair{as[i], bs[i]})
		}
	}
}

// shallow returns a copy without identity and references.
func shallow(typ Type) Type {
	if _, isVoid := typ.(*Void); isVoid {
		return typ
	}
	cpy := typ.copy()
	children(cpy, func(c *Type) { *c = nil })
	reflect.NewAt(reflect.TypeFor[from](), reflect.ValueOf(cpy).Elem().FieldByName("from").Addr().UnsafePointer()).Elem().SetZero()
	return cpy
}

// What is decoded, encoded and decoded again is the same.
func checkRoundTrip(t *testing.T, s *Spec, bo binary.ByteOrder) {
	t.Helper()
	types := allTypes(t, s)
	b, err := NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, &MarshalOptions{Order: bo})
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.Records().NumTypes(), s.Records().NumTypes(); got != want {
		t.Errorf("%d types became %d", want, got)
	}
	seen := make(map[Type]Type)
	for _, typ := range types {
		id, err := b.Add(typ)
		if err != nil {
			t.Fatal(err)
		}
		same, err := again.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, seen, typ, same)
	}
}

// Records that are copied without looking at them keep their IDs.
func checkCopiedRecords(t *testing.T, s *Spec, bo binary.ByteOrder) {
	t.Helper()
	var b Builder
	if err := b.AddSpec(s); err != nil {
		t.Fatal(err)
	}
	blob, err := b.Marshal(nil, &MarshalOptions{Order: bo})
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[Type]Type)
	for id := TypeID(1); uint32(id) < s.Records().EndID(); id++ {
		was, err := s.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		is, err := again.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, seen, was, is)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, file := range append(kindsObjects, "/sys/kernel/btf/vmlinux") {
		for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprint(file, " to ", bo), func(t *testing.T) {
				s := mustLoad(t, file)
				checkRoundTrip(t, s, bo)
				checkCopiedRecords(t, s, bo)
			})
		}
	}
}

// bpftool counts as many types of each kind.
func TestAgreesWithBpftool(t *testing.T) {
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		t.Skip("needs bpftool: it isn't installed")
	}
	names := map[string]string{
		"INT": "int", "PTR": "pointer", "ARRAY": "array", "STRUCT": "struct", "UNION": "union", "ENUM": "enum",
		"FWD": "fwd", "TYPEDEF": "typedef", "VOLATILE": "volatile", "CONST": "const", "RESTRICT": "restrict",
		"FUNC": "func", "FUNC_PROTO": "func proto", "VAR": "var", "DATASEC": "datasec", "FLOAT": "float",
		"DECL_TAG": "decl tag", "TYPE_TAG": "type tag", "ENUM64": "enum64",
	}
	line := regexp.MustCompile(`(?m)^\[(\d+)\] (\w+) '(.*?)'`)
	for _, file := range []string{kindsObjects[0], "/sys/kernel/btf/vmlinux"} {
		out, err := exec.Command(tool, "btf", "dump", "file", file).Output()
		if err != nil {
			t.Fatal(err)
		}
		raw := mustLoad(t, file).Records()
		lines := line.FindAllSubmatch(out, -1)
		if len(lines) != raw.NumTypes() {
			t.Errorf("%s: %d types, but bpftool has %d", file, raw.NumTypes(), len(lines))
		}
		for _, m := range lines {
			id, err := strconv.Atoi(string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			typ, err := raw.Type(uint32(id))
			if err != nil {
				t.Fatal(err)
			}
			name, err := typ.Name()
			if err != nil {
				t.Fatal(err)
			}
			if name == "" {
				name = "(anon)"
			}
			if typ.Kind().String() != names[string(m[2])] || name != string(m[3]) {
				t.Errorf("%s: %s is %v %s here", file, m[0], typ.Kind(), name)
			}
		}
	}
}

func TestMappedAndReadKernelAgree(t *testing.T) {
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	read, err := LoadSpecFromBytes(blob)
	if err != nil {
		t.Fatal(err)
	}
	mapped := mustKernel(t)
	if a, b := read.Records().NumTypes(), mapped.Records().NumTypes(); a != b {
		t.Fatalf("%d types read, %d mapped", a, b)
	}
	seen := make(map[Type]Type)
	for id := TypeID(1); uint32(id) < read.Records().EndID(); id++ {
		a, err := read.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		b, err := mapped.TypeByID(id)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, seen, a, b)
	}
}
