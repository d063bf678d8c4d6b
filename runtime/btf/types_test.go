package btf

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestSizeof(t *testing.T) {
	u32 := &Int{Name: "u32", Size: 4}
	deep := func(n int) Type {
		var typ Type = u32
		for range n {
			typ = &Const{Type: typ}
		}
		return typ
	}
	loop := &Typedef{Name: "loop"}
	loop.Type = loop
	arrayLoop := &Array{Nelems: 2}
	arrayLoop.Type = arrayLoop
	noLoop := &Array{Nelems: 0}
	noLoop.Type = noLoop
	huge := func(typ Type, dims int) Type {
		for range dims {
			typ = &Array{Type: typ, Nelems: math.MaxUint32}
		}
		return typ
	}
	for name, tc := range map[string]struct {
		typ  Type
		want int
		err  string
	}{
		"int":                   {u32, 4, ""},
		"void":                  {&Void{}, 0, ""},
		"nil void":              {(*Void)(nil), 0, ""},
		"pointer":               {&Pointer{Target: loop}, 8, ""},
		"enum":                  {&Enum{Size: 8}, 8, ""},
		"struct":                {&Struct{Size: 100}, 100, ""},
		"union":                 {&Union{Size: 100}, 100, ""},
		"float":                 {&Float{Size: 8}, 8, ""},
		"datasec":               {&Datasec{Size: 9}, 9, ""},
		"var":                   {&Var{Type: u32}, 4, ""},
		"array":                 {&Array{Type: &Array{Type: u32, Nelems: 3}, Nelems: 5}, 60, ""},
		"flexible array":        {&Array{Type: u32}, 0, ""},
		"qualified":             {&Const{&Volatile{&Restrict{&TypeTag{Type: &Typedef{Type: u32}}, from{}}, from{}}, from{}}, 4, ""},
		"deep enough":           {deep(maxDepth - 1), 4, ""},
		"too deep":              {deep(maxDepth), 0, "nested too deeply"},
		"func":                  {&Func{Name: "f"}, 0, "no size"},
		"func proto":            {&FuncProto{}, 0, "no size"},
		"fwd":                   {&Fwd{Name: "f"}, 0, "no size"},
		"nil":                   {nil, 0, "no size"},
		"pointer to itself":     {loop, 0, "nested too deeply"},
		"array of itself":       {arrayLoop, 0, "nested too deeply"},
		"empty array of itself": {noLoop, 0, "nested too deeply"},
		"overflow":              {huge(u32, 3), 0, "overflows"},
		"overflow at the end":   {huge(u32, 2), 0, "overflows"},
		"largest":               {&Array{Type: &Int{Size: 1}, Nelems: math.MaxInt32}, math.MaxInt32, ""}, // of all machines
	} {
		got, err := Sizeof(tc.typ)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %d, %v; want %d, %q", name, got, err, tc.want, tc.err)
		}
	}
}

func TestPeeling(t *testing.T) {
	i := &Int{Name: "i", Size: 4}
	td := &Typedef{Name: "td", Type: &Volatile{Type: i}}
	typ := &Const{Type: &TypeTag{Value: "user", Type: td}}
	if got := UnderlyingType(typ); got != i {
		t.Errorf("underlying: %v", got)
	}
	if got := QualifiedType(typ); got != td {
		t.Errorf("without qualifiers: %v", got)
	}
	if got, ok := As[*Typedef](typ); !ok || got != td {
		t.Errorf("as typedef: %v", got)
	}
	if got, ok := As[*Int](typ); !ok || got != i {
		t.Errorf("as int: %v", got)
	}
	if got, ok := As[*Struct](typ); ok || got != nil {
		t.Errorf("as struct: %v", got)
	}
	if _, ok := As[*Int](&Pointer{Target: i}); ok {
		t.Error("pointers are no qualifiers")
	}
	loop := &Const{}
	loop.Type = loop
	if _, ok := UnderlyingType(loop).(*Void); !ok {
		t.Error("a cycle has an underlying type")
	}
	if _, ok := QualifiedType(loop).(*Void); !ok {
		t.Error("a cycle has an end")
	}
	if _, ok := As[*Int](loop); ok {
		t.Error("a cycle is an int")
	}
}

func TestCopy(t *testing.T) {
	node := &Struct{Name: "node", Size: 8, Tags: []string{"tag"}}
	node.Members = []Member{{Name: "next", Type: &Pointer{Target: node}, Tags: []string{"tag"}}}
	cpy := Copy(node).(*Struct)
	next := cpy.Members[0].Type.(*Pointer)
	if cpy == node || next == node.Members[0].Type || next.Target != cpy {
		t.Error("the copy refers to the original")
	}
	cpy.Members[0].Tags[0], cpy.Tags[0] = "other", "other"
	if node.Members[0].Tags[0] != "tag" || node.Tags[0] != "tag" {
		t.Error("tags are shared")
	}
	f := &Func{Name: "f", Type: &FuncProto{Return: &Void{}}, Tags: []string{"tag"}, ParamTags: [][]string{{"tag"}}}
	fc := Copy(f).(*Func)
	fc.Tags[0], fc.ParamTags[0][0] = "other", "other"
	if f.Tags[0] != "tag" || f.ParamTags[0][0] != "tag" {
		t.Error("tags are shared")
	}
	if Copy(nil) != nil {
		t.Error("copy of nil")
	}
	// A long chain doesn't use up the stack.
	var chain Type = &Int{}
	for range 1_000_000 {
		chain = &Pointer{Target: chain}
	}
	_ = Copy(chain)
}

func TestFormat(t *testing.T) {
	i := &Int{Name: "int", Size: 4, Encoding: Signed}
	node := &Struct{Name: "node", Size: 8}
	node.Members = []Member{{Name: "a", Type: &Pointer{Target: node}}, {Name: "b", Type: i}, {Name: "c", Type: i}}
	loop := &Array{Nelems: 2}
	loop.Index, loop.Type = loop, loop
	for _, tc := range []struct {
		format string
		typ    Type
		want   string
	}{
		{"%s", i, `Int:"int"`},
		{"%v", i, `Int:"int"[signed size=4]`},
		{"%v", &Void{}, "Void"},
		{"%v", (*Void)(nil), "Void"},
		{"%v", &Pointer{Target: (*Void)(nil)}, "Pointer[target=Void]"},
		{"%v", &Pointer{}, "Pointer[target=<nil>]"},
		{"%v", node, `Struct:"node"[fields=3 fieldNames=[a b c]]`},
		{"%2v", node, `Struct:"node"[fields=3 fieldNames=[a b ...]]`},
		{"%v", &Pointer{Target: node}, `Pointer[target=Struct:"node"]`},
		{"%1v", &Pointer{Target: node}, `Pointer[target=Struct:"node"[fields=3 fieldNames=[a ...]]]`},
		{"%s", &Typedef{Name: "td", Type: i}, `Typedef:"td"`},
		{"%1v", &TypeTag{Value: "user", Type: i}, `TypeTag["user" type=Int:"int"[signed size=4]]`},
		{"%1v", &Const{Type: &Volatile{Type: i}}, `Const[Volatile[Int:"int"]]`},
		{"%d", i, `%!d(btf.Type=Int:"int")`},
		{"%v", &Fwd{Name: "f", Kind: FwdUnion}, `Fwd:"f"[union]`},
		{"%v", &Fwd{Name: "f", Kind: 9}, `Fwd:"f"[FwdKind(9)]`},
		{"%v", &Int{Encoding: 9}, `Int[IntEncoding(9) size=0]`},
		{"%v", &Func{Linkage: 9, Type: i}, `Func[FuncLinkage(9) proto=Int:"int"]`},
		{"%v", &Var{Linkage: -1, Type: i}, `Var[VarLinkage(-1) type=Int:"int"]`},
	} {
		if got := fmt.Sprintf(tc.format, tc.typ); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.format, got, tc.want)
		}
	}
	if got := fmt.Sprintf("%+v", i); !strings.HasPrefix(got, `Int:"int":0x`) {
		t.Errorf("with address: %s", got)
	}
	// A type that branches into itself prints for a bounded time.
	if got := fmt.Sprintf("%1000000v", loop); len(got) > 1<<20 {
		t.Errorf("%d bytes for a cycle", len(got))
	}
}

func TestLine(t *testing.T) {
	l := NewLine("dir/file.c", "\treturn 0;", 12, 3)
	if l.FileName() != "dir/file.c" || l.Line() != "\treturn 0;" || l.String() != l.Line() || l.LineNumber() != 12 || l.LineColumn() != 3 {
		t.Errorf("got %s, %q", l.Position(), l.Line())
	}
	if got := l.Position(); got != "dir/file.c:12:3" {
		t.Error(got)
	}
	l = NewLine("f", "", 1, 0)
	if got := l.Position(); got != "f:1" {
		t.Error(got)
	}
	var zero Line
	if zero.FileName() != "" || zero.Line() != "" || zero.LineNumber() != 0 {
		t.Error("a zero Line says something")
	}
	l = NewLine("f", "", 1<<22, 1<<10+1)
	if l.LineNumber() != 0 || l.LineColumn() != 1 {
		t.Errorf("too large numbers become %s", l.Position())
	}
}

func TestCOREKind(t *testing.T) {
	if got := COREEnumvalValue.String(); got != "enumval_value" {
		t.Error(got)
	}
	if got := COREKind(13).String(); got != "COREKind(13)" {
		t.Error(got)
	}
	for k := COREFieldByteOffset; k <= CORETypeMatches; k++ {
		n := 0
		for _, is := range []bool{k.IsField(), k.IsType(), k.IsEnumval()} {
			if is {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is of %d groups", k, n)
		}
	}
}

func TestRef(t *testing.T) {
	var zero TypeRef
	if _, err := zero.Type(); err == nil || !zero.IsZero() || zero.Name() != "" || zero.Spec() != nil {
		t.Error("the zero value refers to something")
	}
	s := mustLoad(t, kindsObjects[0])
	missing := s.Ref(9999)
	if _, err := missing.Type(); !errors.Is(err, ErrNotFound) || missing.Name() != "" || missing.IsZero() {
		t.Errorf("missing: %v", err)
	}
	refs, err := s.RefsByName("node")
	if err != nil || len(refs) != 1 {
		t.Fatal(refs, err)
	}
	if typ, err := refs[0].Type(); err != nil || typ != find[*Struct](t, s, "node") || refs[0] != s.Ref(refs[0].ID()) {
		t.Errorf("node: %v, %v", typ, err)
	}
}
