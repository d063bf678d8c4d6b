package codegen

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// typeBuilder turns C types into declarations of Go types with the same layout.
//
// It never fails: what Go can't express becomes bytes of the right size, and a
// warning.
type typeBuilder struct {
	file  string // named in warnings
	scope *scope // of the package

	bigEndian bool

	names map[btf.Type]place // of structs, unions and enums
	done  map[btf.Type]GoType
	own   map[btf.Type]GoType // of the user's, which stand for C types
	open  map[btf.Type]bool   // being declared: a type that contains itself is none
	texts map[uint32]GoType   // char arrays by length

	decls    []TypeDecl
	warnings []string
}

// place is what to call the type that is declared there.
type place struct {
	name  string // in Go
	label string // in text: "struct event", "the type of inner in struct event"
}

func newTypeBuilder(file string, pkg *scope, order binary.ByteOrder) *typeBuilder {
	return &typeBuilder{
		file: file, scope: pkg, bigEndian: order == binary.BigEndian,
		own:   map[btf.Type]GoType{},
		names: map[btf.Type]place{}, done: map[btf.Type]GoType{}, open: map[btf.Type]bool{}, texts: map[uint32]GoType{},
	}
}

// build declares the roots and everything they are made of.
func (b *typeBuilder) build(roots []typeRoot) []TypeDecl {
	c := collector{seen: map[btf.Type]bool{}}
	for core := range b.own {
		c.seen[core] = true
	}
	for _, root := range roots {
		c.collect(root.typ, root.hint, 0)
	}
	named := c.sorted()
	aliases := b.aliasesOf(roots, named)

	requests := make([]nameRequest, 0, len(named)+len(aliases))
	for _, n := range named {
		requests = append(requests, nameRequest{n.c, kindWord(n.core)})
	}
	for _, a := range aliases {
		requests = append(requests, nameRequest{a.c, "Type"})
	}
	names := b.scope.assign(requests)
	for i, n := range named {
		b.names[n.core] = place{names[i], n.label}
	}
	for _, n := range named {
		b.composite(n.core, place{})
	}
	for i, a := range aliases {
		b.alias(names[len(named)+i], a)
	}
	return b.sorted()
}

// sorted is what is declared so far, by name.
func (b *typeBuilder) sorted() []TypeDecl {
	slices.SortFunc(b.decls, func(x, y TypeDecl) int { return cmp.Compare(x.Name, y.Name) })
	return b.decls
}

// aliasesOf returns the typedefs among the roots that are second names.
func (b *typeBuilder) aliasesOf(roots []typeRoot, named []namedType) []namedType {
	var aliases []namedType
	for _, root := range roots {
		core, _, outer := peel(root.typ)
		if _, own := b.ownOf(root.typ); outer == "" || own {
			continue
		}
		has := func(n namedType) bool { return n.c == outer && (n.core == core || !isComposite(core)) }
		if !slices.ContainsFunc(named, has) && !slices.ContainsFunc(aliases, has) {
			aliases = append(aliases, namedType{root.typ, outer, outer})
		}
	}
	slices.SortFunc(aliases, func(x, y namedType) int { return cmp.Compare(x.c, y.c) })
	return aliases
}

func (b *typeBuilder) alias(name string, a namedType) {
	target, err := b.goType(a.core, place{name, a.label}, 0)
	if err != nil {
		b.warn(a.c, "", "no Go type: "+err.Error())
		return
	}
	b.decls = append(b.decls, TypeDecl{Kind: DeclAlias, Name: name, C: a.c, Type: target, Size: target.Size, Align: target.Align})
}

func (b *typeBuilder) warn(typ, member, reason string) {
	where := typ
	if member != "" {
		where += ", member " + member
	}
	b.warnings = append(b.warnings, b.file+": "+where+": "+reason)
}

var (
	errTooDeep  = errors.New("types are nested too deeply")
	errTooLarge = errors.New("the array has more than 2 GiB")
)

// goType returns the Go type for a C type. where is what to call the declaration
// of a struct, union or enum that has no name in C.
func (b *typeBuilder) goType(t btf.Type, where place, depth int) (GoType, error) {
	if depth > maxDepth {
		return GoType{}, errTooDeep
	}
	if own, ok := b.ownOf(t); ok {
		return own, nil
	}
	core, _, _ := peel(t)
	switch v := core.(type) {
	case nil:
		return GoType{}, errTooDeep
	case *btf.Int:
		return b.goInt(v), nil
	case *btf.Float:
		return goFloat(v)
	case *btf.Pointer:
		return GoType{Name: "Ptr", Pkg: runtimePath, Size: 8, Align: 8, Comment: cSpelling(t)}, nil
	case *btf.Array:
		return b.goArray(v, where, depth)
	case *btf.Struct, *btf.Union, *btf.Enum:
		return b.composite(v, where)
	default:
		return GoType{}, fmt.Errorf("%s can't be stored", cSpelling(t))
	}
}

func (b *typeBuilder) goInt(i *btf.Int) GoType {
	if i.Size == 16 {
		return b.wideInt(i)
	}
	if i.Encoding == btf.Bool && i.Size == 1 {
		return GoType{Name: "bool", Size: 1, Align: 1, Bool: true}
	}
	t := intType(i.Size, i.Encoding == btf.Signed)
	if t.Elem != nil {
		t.Comment = i.Name
	}
	return t
}

// wideInt returns two halves for a number of 128 bits, which Go has no type for.
func (b *typeBuilder) wideInt(i *btf.Int) GoType {
	t := arrayOf(intType(8, false), 2)
	t.Comment = i.Name + ": low half, high half"
	if b.bigEndian {
		t.Comment = i.Name + ": high half, low half"
	}
	return t
}

func goFloat(f *btf.Float) (GoType, error) {
	if f.Size != 4 && f.Size != 8 {
		return GoType{}, fmt.Errorf("no float in Go has %d bytes", f.Size)
	}
	return GoType{Name: "float" + strconv.Itoa(int(f.Size)*8), Size: f.Size, Align: f.Size}, nil
}

func (b *typeBuilder) goArray(a *btf.Array, where place, depth int) (GoType, error) {
	if i, ok := asChar(a.Type); ok && a.Nelems > 0 && a.Nelems <= math.MaxInt32 {
		return b.text(i, a.Nelems), nil
	}
	elem, err := b.goType(a.Type, where, depth+1)
	if err != nil {
		return GoType{}, err
	}
	if uint64(elem.Size)*uint64(a.Nelems) > math.MaxInt32 {
		return GoType{}, errTooLarge
	}
	array := arrayOf(elem, a.Nelems)
	array.Comment, array.Elem.Comment = elem.Comment, ""
	return array, nil
}

// asChar tells whether t is plain char, of which C strings are made, as opposed
// to signed and unsigned char, which are numbers.
func asChar(t btf.Type) (*btf.Int, bool) {
	core, _, _ := peel(t)
	i, ok := core.(*btf.Int)
	return i, ok && i.Name == "char" && i.Size == 1
}

// text returns the type of a char array.
func (b *typeBuilder) text(char *btf.Int, n uint32) GoType {
	if t, ok := b.texts[n]; ok {
		return t
	}
	name := b.scope.take(b.scope.prefix + "Chars" + strconv.Itoa(int(n)))
	t := GoType{Name: name, Size: n, Align: 1}
	b.texts[n] = t
	b.decls = append(b.decls, TypeDecl{
		Kind: DeclText, Name: name, C: fmt.Sprintf("%s[%d]", char.Name, n), Size: n, Align: 1, Type: bytesType(n),
	})
	return t
}

// composite returns the type of a struct, union or enum and declares it, once.
func (b *typeBuilder) composite(core btf.Type, where place) (GoType, error) {
	if t, ok := b.done[core]; ok {
		return t, nil
	}
	if b.open[core] || len(b.open) > maxDepth {
		return GoType{}, errTooDeep
	}
	b.open[core] = true
	defer delete(b.open, core)

	if known, ok := b.names[core]; ok {
		where = known
	} else {
		where.name = b.scope.take(where.name)
		b.names[core] = where
	}
	decl := b.declare(core, where)
	t := GoType{Name: decl.Name, Size: decl.Size, Align: decl.Align, Signed: decl.Type.Signed}
	b.done[core] = t
	b.decls = append(b.decls, decl)
	return t, nil
}

func (b *typeBuilder) declare(core btf.Type, where place) TypeDecl {
	decl := TypeDecl{Name: where.name, C: where.label}
	switch v := core.(type) {
	case *btf.Enum:
		b.declareEnum(&decl, v)
	case *btf.Union:
		l := b.newLayout(where, v.Size)
		l.flatten(v.Members, 0, wholeType, 0)
		l.declareOverlay(&decl)
		decl.Kind = DeclUnion
	case *btf.Struct:
		if isOpaque(v) {
			decl.Kind, decl.Size, decl.Align = DeclOpaque, v.Size, largestAlign(v.Size, 8)
			break
		}
		l := b.newLayout(where, v.Size)
		l.flatten(v.Members, 0, noUnion, 0)
		l.declareStruct(&decl)
	}
	return decl
}

func (b *typeBuilder) declareEnum(decl *TypeDecl, e *btf.Enum) {
	decl.Kind, decl.Type = DeclEnum, intType(e.Size, e.Signed)
	decl.Size, decl.Align = decl.Type.Size, decl.Type.Align
	if decl.Type.Elem != nil {
		b.warn(decl.C, "", fmt.Sprintf("Go has no %d-byte integers: opaque bytes", e.Size))
		decl.Kind = DeclDefined
		return
	}
	for _, v := range e.Values {
		decl.Values = append(decl.Values, EnumValue{
			Name: b.scope.take(decl.Name + goName(v.Name)), C: v.Name, Value: int64(v.Value),
		})
	}
}

// largestAlign returns the highest power of two up to limit that divides size.
func largestAlign(size, limit uint32) uint32 {
	align := limit
	for align > 1 && size%align != 0 {
		align /= 2
	}
	return align
}

// cSpelling returns how C declares a value of type t, as far as a reader needs.
func cSpelling(t btf.Type) string { return spell(t, 0) }

func spell(t btf.Type, depth int) string {
	if depth > maxDepth {
		return "?"
	}
	switch v := t.(type) {
	case *btf.Const:
		return spell(v.Type, depth+1)
	case *btf.Volatile:
		return spell(v.Type, depth+1)
	case *btf.Restrict:
		return spell(v.Type, depth+1)
	case *btf.TypeTag:
		return spell(v.Type, depth+1) + " __" + v.Value // as libbpf spells them: __kptr, __percpu_kptr
	case *btf.Struct:
		return "struct " + cmp.Or(v.Name, "{…}")
	case *btf.Union:
		return "union " + cmp.Or(v.Name, "{…}")
	case *btf.Enum:
		return "enum " + cmp.Or(v.Name, "{…}")
	case *btf.Fwd:
		return v.Kind.String() + " " + v.Name
	case *btf.Pointer:
		target := spell(v.Target, depth+1)
		if target == "" {
			target = "void"
		}
		return target + " *"
	case *btf.Array:
		return spell(v.Type, depth+1) + "[" + strconv.FormatUint(uint64(v.Nelems), 10) + "]"
	case *btf.FuncProto:
		return "function"
	case nil:
		return "?"
	default:
		return t.TypeName()
	}
}
