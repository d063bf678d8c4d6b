package btf

import (
	"fmt"
	"slices"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// Type is a type described by BTF: a pointer to one of the structs of this
// package, such as [*Struct] or [*Int].
//
// Two types are identical if they are the same pointer. Two with the same
// contents are equivalent, but distinct.
type Type interface {
	// Types are formatted by %s, which prints what the type is called, and
	// by %v, which adds details. The + flag adds the address. The width says
	// how many levels of types to print details of: none by default except
	// for the type itself.
	fmt.Formatter

	// TypeName returns the name of the type. It is empty for anonymous types
	// and those that can't have one, such as pointers.
	TypeName() string

	origin() from
	kinds() rawbtf.KindSet
	copy() Type
}

// from remembers which record a type was decoded from. It survives copies.
type from struct {
	raw *rawbtf.BTF
	id  TypeID
}

func (f from) origin() from { return f }

// Void is the absence of a type, and what void * points to.
type Void struct{}

// TypeName returns an empty string.
func (v *Void) TypeName() string      { return "" }
func (v *Void) origin() from          { return from{} }
func (v *Void) kinds() rawbtf.KindSet { return rawbtf.KindVoid.Set() }
func (v *Void) copy() Type            { return (*Void)(nil) }

// IntEncoding says how to interpret an [Int].
type IntEncoding byte

// Encodings of integers. They look like flags, but only one applies.
const (
	Unsigned IntEncoding = 0
	Signed   IntEncoding = 1
	Char     IntEncoding = 2 // compilers rather use Signed or Unsigned for char
	Bool     IntEncoding = 4
)

// String returns "unsigned", "signed", "char" or "bool".
func (ie IntEncoding) String() string {
	switch ie {
	case Unsigned:
		return "unsigned"
	case Signed:
		return "signed"
	case Char:
		return "char"
	case Bool:
		return "bool"
	}
	return fmt.Sprintf("IntEncoding(%d)", byte(ie))
}

// Int is an integer, a character or a boolean.
type Int struct {
	Name     string
	Size     uint32 // in bytes
	Encoding IntEncoding
	from
}

// TypeName returns the name, such as "unsigned int".
func (i *Int) TypeName() string      { return i.Name }
func (i *Int) kinds() rawbtf.KindSet { return rawbtf.KindInt.Set() }
func (i *Int) copy() Type            { cpy := *i; return &cpy }

// Pointer is a pointer to another type. It has eight bytes in BPF.
type Pointer struct {
	Target Type
	from
}

// TypeName returns an empty string.
func (p *Pointer) TypeName() string      { return "" }
func (p *Pointer) kinds() rawbtf.KindSet { return rawbtf.KindPointer.Set() }
func (p *Pointer) copy() Type            { cpy := *p; return &cpy }

// Array is a fixed number of elements. A flexible array has zero.
type Array struct {
	Index  Type // type of an index; of no consequence
	Type   Type // type of an element
	Nelems uint32
	from
}

// TypeName returns an empty string.
func (arr *Array) TypeName() string      { return "" }
func (arr *Array) kinds() rawbtf.KindSet { return rawbtf.KindArray.Set() }
func (arr *Array) copy() Type            { cpy := *arr; return &cpy }

// Bits is a number of bits.
type Bits uint32

// Bytes returns the number of whole bytes.
func (b Bits) Bytes() uint32 { return uint32(b / 8) }

// Member is a member of a [Struct] or [Union].
type Member struct {
	Name         string // empty if anonymous
	Type         Type
	Offset       Bits // from the start of the struct
	BitfieldSize Bits // zero unless it is a bitfield
	Tags         []string
}

// Struct is a C struct.
type Struct struct {
	Name    string
	Size    uint32 // in bytes, with padding
	Members []Member
	Tags    []string // decl tags, see [Var]
	from
}

// TypeName returns the name without "struct".
func (s *Struct) TypeName() string      { return s.Name }
func (s *Struct) kinds() rawbtf.KindSet { return rawbtf.KindStruct.Set() }
func (s *Struct) copy() Type {
	cpy := *s
	cpy.Members, cpy.Tags = copyMembers(s.Members), slices.Clone(s.Tags)
	return &cpy
}

// Union is a C union.
type Union struct {
	Name    string
	Size    uint32 // in bytes, with padding
	Members []Member
	Tags    []string // decl tags, see [Var]
	from
}

// TypeName returns the name without "union".
func (u *Union) TypeName() string      { return u.Name }
func (u *Union) kinds() rawbtf.KindSet { return rawbtf.KindUnion.Set() }
func (u *Union) copy() Type {
	cpy := *u
	cpy.Members, cpy.Tags = copyMembers(u.Members), slices.Clone(u.Tags)
	return &cpy
}

func copyMembers(members []Member) []Member {
	cpy := slices.Clone(members)
	for i := range cpy {
		cpy[i].Tags = slices.Clone(cpy[i].Tags)
	}
	return cpy
}

// Enum is a C enum of any size. Values of eight bytes need Linux 6.0.
type Enum struct {
	Name   string
	Size   uint32 // in bytes
	Signed bool   // whether values are
	Values []EnumValue
	from
}

// EnumValue is one value of an [Enum].
type EnumValue struct {
	Name  string
	Value uint64 // sign-extended if the enum is signed
}

// TypeName returns the name without "enum".
func (e *Enum) TypeName() string      { return e.Name }
func (e *Enum) kinds() rawbtf.KindSet { return rawbtf.Kinds(rawbtf.KindEnum, rawbtf.KindEnum64) }
func (e *Enum) copy() Type {
	cpy := *e
	cpy.Values = slices.Clone(e.Values)
	return &cpy
}

// FwdKind is what a [Fwd] declares.
type FwdKind int

// What a [Fwd] can declare.
const (
	FwdStruct FwdKind = iota
	FwdUnion
)

// String returns "struct" or "union".
func (fk FwdKind) String() string {
	switch fk {
	case FwdStruct:
		return "struct"
	case FwdUnion:
		return "union"
	}
	return fmt.Sprintf("FwdKind(%d)", int(fk))
}

// Fwd is the declaration of a struct or union that isn't defined.
type Fwd struct {
	Name string
	Kind FwdKind
	from
}

// TypeName returns the name without "struct" or "union".
func (f *Fwd) TypeName() string      { return f.Name }
func (f *Fwd) kinds() rawbtf.KindSet { return rawbtf.KindFwd.Set() }
func (f *Fwd) copy() Type            { cpy := *f; return &cpy }

// Typedef is another name for a type.
type Typedef struct {
	Name string
	Type Type
	Tags []string // decl tags, see [Var]
	from
}

// TypeName returns the new name.
func (td *Typedef) TypeName() string      { return td.Name }
func (td *Typedef) kinds() rawbtf.KindSet { return rawbtf.KindTypedef.Set() }
func (td *Typedef) copy() Type {
	cpy := *td
	cpy.Tags = slices.Clone(td.Tags)
	return &cpy
}

// Volatile is a qualifier.
type Volatile struct {
	Type Type
	from
}

// TypeName returns an empty string.
func (v *Volatile) TypeName() string      { return "" }
func (v *Volatile) kinds() rawbtf.KindSet { return rawbtf.KindVolatile.Set() }
func (v *Volatile) copy() Type            { cpy := *v; return &cpy }
func (v *Volatile) qualified() Type       { return v.Type }

// Const is a qualifier.
type Const struct {
	Type Type
	from
}

// TypeName returns an empty string.
func (c *Const) TypeName() string      { return "" }
func (c *Const) kinds() rawbtf.KindSet { return rawbtf.KindConst.Set() }
func (c *Const) copy() Type            { cpy := *c; return &cpy }
func (c *Const) qualified() Type       { return c.Type }

// Restrict is a qualifier.
type Restrict struct {
	Type Type
	from
}

// TypeName returns an empty string.
func (r *Restrict) TypeName() string      { return "" }
func (r *Restrict) kinds() rawbtf.KindSet { return rawbtf.KindRestrict.Set() }
func (r *Restrict) copy() Type            { cpy := *r; return &cpy }
func (r *Restrict) qualified() Type       { return r.Type }

// TypeTag is what __attribute__((btf_type_tag("value"))) adds to the target of
// a pointer, such as "kptr" or "user". Since Linux 5.17.
type TypeTag struct {
	Type      Type
	Value     string
	Attribute bool // Value is an attribute itself, like address_space(1). Since Linux 6.15.
	from
}

// TypeName returns an empty string.
func (tt *TypeTag) TypeName() string      { return "" }
func (tt *TypeTag) kinds() rawbtf.KindSet { return rawbtf.KindTypeTag.Set() }
func (tt *TypeTag) copy() Type            { cpy := *tt; return &cpy }
func (tt *TypeTag) qualified() Type       { return tt.Type }

// qualifier is a type that only adds to another one.
type qualifier interface {
	Type
	qualified() Type
}

// FuncLinkage says who can see a function.
type FuncLinkage int

// Linkages of functions, as enum btf_func_linkage.
const (
	StaticFunc FuncLinkage = iota
	GlobalFunc
	ExternFunc
)

var linkageNames = [...]string{"static", "global", "extern"}

// String returns "static", "global" or "extern".
func (l FuncLinkage) String() string {
	if l >= 0 && int(l) < len(linkageNames) {
		return linkageNames[l]
	}
	return fmt.Sprintf("FuncLinkage(%d)", int(l))
}

// Func is a function.
type Func struct {
	Name    string
	Type    Type // a [FuncProto]
	Linkage FuncLinkage
	Tags    []string // decl tags, see [Var]
	// ParamTags has the decl tags of each parameter. It is empty if no
	// parameter has any.
	ParamTags [][]string
	from
}

// TypeName returns the function's name.
func (f *Func) TypeName() string      { return f.Name }
func (f *Func) kinds() rawbtf.KindSet { return rawbtf.KindFunc.Set() }
func (f *Func) copy() Type {
	cpy := *f
	cpy.Tags = slices.Clone(f.Tags)
	cpy.ParamTags = slices.Clone(f.ParamTags)
	for i, tags := range cpy.ParamTags {
		cpy.ParamTags[i] = slices.Clone(tags)
	}
	return &cpy
}

// FuncProto is what a function takes and returns.
type FuncProto struct {
	Return Type
	Params []FuncParam
	from
}

// FuncParam is a parameter of a [FuncProto]. The last parameter of a variadic
// function has no name and is [Void].
type FuncParam struct {
	Name string
	Type Type
}

// TypeName returns an empty string.
func (fp *FuncProto) TypeName() string      { return "" }
func (fp *FuncProto) kinds() rawbtf.KindSet { return rawbtf.KindFuncProto.Set() }
func (fp *FuncProto) copy() Type {
	cpy := *fp
	cpy.Params = slices.Clone(fp.Params)
	return &cpy
}

// VarLinkage says who can see a variable.
type VarLinkage int

// Linkages of variables.
const (
	StaticVar VarLinkage = iota
	GlobalVar
	ExternVar
)

// String returns "static", "global" or "extern".
func (l VarLinkage) String() string {
	if l >= 0 && int(l) < len(linkageNames) {
		return linkageNames[l]
	}
	return fmt.Sprintf("VarLinkage(%d)", int(l))
}

// Var is a global variable.
type Var struct {
	Name    string
	Type    Type
	Linkage VarLinkage
	// Tags has what __attribute__((btf_decl_tag("value"))) says about the
	// variable. Where an attribute itself was recorded, since Linux 6.15, it
	// is spelled in full: "__attribute__((value))".
	Tags []string
	from
}

// TypeName returns the variable's name.
func (v *Var) TypeName() string      { return v.Name }
func (v *Var) kinds() rawbtf.KindSet { return rawbtf.KindVar.Set() }
func (v *Var) copy() Type {
	cpy := *v
	cpy.Tags = slices.Clone(v.Tags)
	return &cpy
}

// Datasec is an ELF section with variables, such as .bss. Compilers leave it
// to the loader to fill in Size and the offsets of variables.
type Datasec struct {
	Name string
	Size uint32 // in bytes
	Vars []VarSecinfo
	from
}

// VarSecinfo places a variable in a [Datasec].
type VarSecinfo struct {
	Type   Type   // [Var], or [Func] for external functions
	Offset uint32 // in bytes
	Size   uint32 // in bytes
}

// TypeName returns the section's name.
func (ds *Datasec) TypeName() string      { return ds.Name }
func (ds *Datasec) kinds() rawbtf.KindSet { return rawbtf.KindDatasec.Set() }
func (ds *Datasec) copy() Type {
	cpy := *ds
	cpy.Vars = slices.Clone(ds.Vars)
	return &cpy
}

// Float is a floating point number. Since Linux 5.13.
type Float struct {
	Name string
	Size uint32 // in bytes
	from
}

// TypeName returns the name, such as "double".
func (f *Float) TypeName() string      { return f.Name }
func (f *Float) kinds() rawbtf.KindSet { return rawbtf.KindFloat.Set() }
func (f *Float) copy() Type            { cpy := *f; return &cpy }

// declTag has an ID of its own, but is otherwise part of what it tags. Since
// Linux 5.16.
type declTag struct {
	Type  Type
	Value string
	Index int // of a member or parameter, or -1
	from
}

func (dt *declTag) TypeName() string      { return "" }
func (dt *declTag) kinds() rawbtf.KindSet { return rawbtf.KindDeclTag.Set() }
func (dt *declTag) copy() Type            { cpy := *dt; return &cpy }
