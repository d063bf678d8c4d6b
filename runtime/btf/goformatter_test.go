package btf

import (
	"errors"
	"fmt"
	"go/ast"
	gofmt "go/format"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

func TestGoFormatter(t *testing.T) {
	u8, u32, u64 := &Int{Name: "u8", Size: 1}, &Int{Name: "u32", Size: 4}, &Int{Name: "u64", Size: 8}
	s16 := &Int{Name: "short", Size: 2, Encoding: Signed}
	level := &Enum{Name: "level", Size: 4, Values: []EnumValue{{"LOW", 1}, {"HIGH", 7}}}
	known := &Struct{Name: "known", Size: 4, Members: []Member{{Name: "x", Type: u32}}}
	const open = "struct { _ structs.HostLayout; "
	for _, c := range []struct {
		typ  Type
		want string
	}{
		{u32, "uint32"},
		{s16, "int16"},
		{&Int{Name: "char", Size: 1, Encoding: Char}, "uint8"},
		{&Int{Name: "_Bool", Size: 1, Encoding: Bool}, "bool"},
		{&Int{Name: "__int128", Size: 16, Encoding: Signed}, "[16]byte /* int128 */"},
		{&Float{Name: "double", Size: 8}, "float64"},
		{&Float{Name: "long double", Size: 16}, "[16]byte /* float128 */"},
		{&Pointer{Target: u32}, "uint64"},
		{&Typedef{Name: "t", Type: &Volatile{Type: &Const{Type: u64}}}, "uint64"},
		{&Array{Type: u8, Index: u32, Nelems: 16}, "[16]uint8"},
		{&Var{Name: "v", Type: u32}, "uint32"},
		{level, "uint32; const ( TLOW T = 1; THIGH T = 7; )"},
		{&Enum{Size: 1, Signed: true, Values: []EnumValue{{"MINUS", 1<<64 - 1}}}, "int8; const ( TMINUS T = -1; )"},
		{
			&Struct{Size: 24, Members: []Member{
				{Name: "a", Type: u8}, {Name: "b", Type: u64, Offset: 64}, {Name: "c", Type: s16, Offset: 128},
			}},
			open + "a uint8; _ [7]byte; b uint64; c int16; _ [6]byte; }",
		},
		{
			&Struct{Size: 8, Members: []Member{
				{Name: "bits", Type: u32, BitfieldSize: 3}, {Name: "more", Type: u32, Offset: 3, BitfieldSize: 4}, {Name: "x", Type: u32, Offset: 32},
			}},
			open + "_ [4]byte /* bitfields */; x uint32; }",
		},
		{
			&Union{Size: 8, Members: []Member{{Name: "a", Type: u32}, {Name: "b", Type: u64}}},
			open + "a uint32; _ [4]byte; }",
		},
		{
			&Struct{Size: 16, Members: []Member{
				{Type: &Union{Size: 8, Members: []Member{{Name: "a", Type: u32}, {Name: "b", Type: u64}}}},
				{Type: &Struct{Size: 8, Members: []Member{{Name: "c", Type: u32}, {Name: "d", Type: u32, Offset: 32}}}, Offset: 64},
			}},
			open + "a uint32; _ [4]byte; c uint32; d uint32; }",
		},
		{
			&Struct{Size: 8, Members: []Member{{Name: "k", Type: &Const{Type: known}}, {Name: "level", Type: level, Offset: 32}}},
			open + "k Known; level uint32; }",
		},
		{
			&Struct{Size: 4, Members: []Member{{Name: "n", Type: u32}, {Name: "rest", Type: &Array{Type: u8, Index: u32}, Offset: 32}}},
			open + "n uint32; }",
		},
		{
			&Datasec{Name: ".data", Size: 16, Vars: []VarSecinfo{
				{&Var{Name: "hidden", Type: u32, Linkage: StaticVar}, 0, 4},
				{&Var{Name: "seen", Type: u32, Linkage: GlobalVar}, 4, 4},
				{&Var{Name: "k", Type: known, Linkage: GlobalVar}, 8, 4},
			}},
			open + "_ [4]byte; seen uint32; k Known; _ [4]byte; }",
		},
	} {
		gf := GoFormatter{Names: map[Type]string{known: "Known"}}
		got, err := gf.TypeDeclaration("T", c.typ)
		if err != nil || got != "type T "+c.want {
			t.Errorf("%v:\n got %s, %v\nwant type T %s", c.typ, got, err, c.want)
		}
		if _, err := gofmt.Source([]byte(got)); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestGoFormatterIdentifiers(t *testing.T) {
	gf := GoFormatter{Identifier: strings.ToUpper}
	level := &Enum{Name: "level", Size: 4, Values: []EnumValue{{"low", 1}}}
	s := &Struct{Size: 4, Members: []Member{{Name: "level", Type: level}}}
	if got, err := gf.TypeDeclaration("s", s); err != nil || got != "type s struct { _ structs.HostLayout; LEVEL uint32; }" {
		t.Error(got, err)
	}
	if got, err := gf.TypeDeclaration("l", level); err != nil || got != "type l uint32; const ( lLOW l = 1; )" {
		t.Error(got, err)
	}
	gf.EnumIdentifier = func(name, element string) string { return element + "Of" + name }
	if got, err := gf.TypeDeclaration("l", level); err != nil || got != "type l uint32; const ( lowOfl l = 1; )" {
		t.Error(got, err)
	}
}

func TestGoFormatterErrors(t *testing.T) {
	u8, u32 := &Int{Name: "u8", Size: 1}, &Int{Name: "u32", Size: 4}
	loop := &Typedef{Name: "loop"}
	loop.Type = loop
	for _, c := range []struct {
		name string
		typ  Type
		want error
	}{
		{"void", (*Void)(nil), ErrNotSupported},
		{"forward declaration", &Fwd{Name: "f"}, ErrNotSupported},
		{"function", &FuncProto{Return: u32}, ErrNotSupported},
		{"wide bool", &Int{Size: 4, Encoding: Bool}, ErrNotSupported},
		{"odd number", &Enum{Size: 3}, ErrNotSupported},
		{"packed", &Struct{Size: 5, Members: []Member{{Name: "a", Type: u8}, {Name: "b", Type: u32, Offset: 8}}}, ErrNotSupported},
		{"packed at the end", &Struct{Size: 5, Members: []Member{{Name: "a", Type: u32}, {Name: "b", Type: u8, Offset: 32}}}, ErrNotSupported},
		{"within bits", &Struct{Size: 4, Members: []Member{{Name: "a", Type: u8, Offset: 3}}}, ErrNotSupported},
		{"beyond the end", &Struct{Size: 4, Members: []Member{{Name: "a", Type: u32, Offset: 32}}}, nil},
		{"cycle", loop, errTooDeep},
		{"nil", nil, nil},
	} {
		_, err := new(GoFormatter).TypeDeclaration("T", c.typ)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestGoFormatterOfKernel: the Go compiler agrees about the layout of structs.
func TestGoFormatterOfKernel(t *testing.T) {
	spec, err := LoadKernelSpec()
	if err != nil {
		t.Skip(err)
	}
	gf := GoFormatter{Identifier: func(s string) string { return "F" + s }}
	var source strings.Builder
	source.WriteString("package p\n")
	declared := make(map[string]*Struct)
	unsupported := 0
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		s, ok := typ.(*Struct)
		if !ok || s.Name == "" || s.Size > 4096 {
			continue
		}
		name := fmt.Sprintf("T%d", len(declared))
		decl, err := gf.TypeDeclaration(name, s)
		if errors.Is(err, ErrNotSupported) {
			unsupported++
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", s, err)
			continue
		}
		source.WriteString(strings.ReplaceAll(decl, "structs.HostLayout", "struct{}") + "\n")
		if declared[name] = s; len(declared) == 1000 {
			break
		}
	}
	if unsupported > len(declared)/5 { // bit fields, mostly
		t.Errorf("%d of %d structs are not supported", unsupported, unsupported+len(declared))
	}
	checkLayouts(t, source.String(), declared)
}

func checkLayouts(t *testing.T, source string, declared map[string]*Struct) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	sizes := types.SizesFor("gc", "amd64")
	pkg, err := (&types.Config{Sizes: sizes}).Check("p", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range declared {
		st := pkg.Scope().Lookup(name).Type().Underlying().(*types.Struct)
		if got := sizes.Sizeof(st); got != int64(s.Size) {
			t.Errorf("%v: %d bytes in Go", s, got)
		}
		want := make(map[string]uint32)
		for _, m := range s.Members {
			want["F"+m.Name] = m.Offset.Bytes()
		}
		fields := make([]*types.Var, st.NumFields())
		for i := range fields {
			fields[i] = st.Field(i)
		}
		for i, off := range sizes.Offsetsof(fields) {
			if w, ok := want[fields[i].Name()]; ok && off != int64(w) {
				t.Errorf("%v: %s is at byte %d in Go, %d in C", s, fields[i].Name(), off, w)
			}
		}
	}
}
