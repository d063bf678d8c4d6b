package codegen

import (
	"github.com/bpfgen/bpfgen/internal/needs"
)

// Model is what one generated file says, with every name decided. It knows
// neither clang nor ELF nor BTF.
type Model struct {
	Package    string
	Constraint string // build constraint, empty for none
	ObjectFile string // name of the embedded file
	Names      TopNames
	// Imports renames imports whose names the rest of the package has.
	Imports map[string]string

	Maps      []Item
	Programs  []Item
	Variables []Item

	StructOps []StructOpsDecl

	Consts []Const // #defines and loose constants, in the order of their C names

	Types []TypeDecl // in the order of their names

	Needs needs.Report // of the machine that runs the object
}

// TopNames are the identifiers that don't depend on what the object holds.
type TopNames struct {
	Ident string

	Load, LoadObjects                            string
	Specs, ProgramSpecs, MapSpecs, VariableSpecs string
	Objects, Programs, Maps, Variables           string
	OptionalPrograms                             string
	Close, Bytes, Requirements                   string
	NewSpecs, Attach, Links                      string // empty without typed fields
}

// Item is a map, a program or a variable.
type Item struct {
	C     string // its name in the object
	Field string // its field in the generated structs
	Const string // the constant that holds its C name
	// Optional programs are loaded only if someone asks for them: SEC("?…").
	Optional bool

	View     *View   // of a map or variable in the kernel; nil if that is untyped
	SpecView *View   // of a variable or struct_ops that isn't loaded yet
	Attach   *Attach // of a program or struct_ops, if it can be attached
	Section  string  // of a program or struct_ops
	Comment  string  // what more is to be known of it

	// Alternative is the group of a program, of which one is attached: the first
	// that can be, by Order.
	Alternative string
	Order       int
}

// DeclKind says what a type declaration looks like.
type DeclKind uint8

// The kinds of declarations.
const (
	DeclStruct  DeclKind = iota // a struct of Fields, with Accessors for what Go can't have as a field
	DeclUnion                   // Size bytes of storage aligned like Align, with Accessors for the members
	DeclEnum                    // an integer type with constants
	DeclDefined                 // a type defined as another one
	DeclAlias                   // another name of a type
	DeclText                    // an array of char with text access
	DeclOwn                     // a type that is there already, whose layout is to be checked
	DeclOpaque                  // Size bytes aligned like Align that only the kernel reads
)

// TypeDecl is a type to declare.
type TypeDecl struct {
	Kind DeclKind
	Name string
	C    string // what it is in C: "struct event", "the type of inner in struct event"
	Doc  []string

	Size  uint32 // bytes, in C and in Go
	Align uint32 // bytes: Go's alignment on 64-bit machines

	Type      GoType      // DeclEnum, DeclDefined, DeclAlias, DeclText: what it is made of
	Fields    []Field     // DeclStruct, DeclOwn
	PkgName   string      // DeclOwn: of Type's package
	Accessors []Accessor  // DeclStruct, DeclUnion
	Values    []EnumValue // DeclEnum
}

// Field is a field of a struct. Padding has no Name; it isn't kept when Go
// copies a struct, so that only what C calls padding may be it.
type Field struct {
	Name    string
	C       string // the C member, if it is exactly one
	Type    GoType
	Offset  uint32
	Comment string
}

// Accessor is a member that Go can't have as a field: of a union, a bitfield,
// or at an offset that Go would not put its type at. It is read and written
// through the bytes of a storage field.
type Accessor struct {
	Get, Set string
	C        string // the C member
	Type     GoType
	Storage  string // the field that has the bytes
	Offset   uint32 // bytes into Storage

	// Of a bitfield, whose bits start BitOffset bits into the storage, counted
	// as BTF does: from the least significant bit on little endian machines,
	// from the most significant one on big endian ones.
	BitOffset, Bits uint32
	BigEndian       bool
}

// EnumValue is a constant of an enum.
type EnumValue struct {
	Name  string
	C     string
	Value int64 // of the bits, for unsigned enums
}

// GoType is a Go type, and how Go lays it out.
type GoType struct {
	Name  string  // a predeclared or generated type, or one of Pkg; empty for an array
	Pkg   string  // import path of the package that has it; empty for the generated one
	Elem  *GoType // of an array
	Len   uint32  // of an array
	Size  uint32  // bytes
	Align uint32  // bytes, on 64-bit machines
	// Signed tells how to widen an integer; Bool that it isn't one in Go.
	Signed, Bool bool
	// Comment is what the Go type can't say: "struct task_struct *".
	Comment string
}

func bytesType(n uint32) GoType {
	elem := GoType{Name: "byte", Size: 1, Align: 1}
	return arrayOf(elem, n)
}

// arrayOf returns [n]elem. Its size has to fit into 32 bits.
func arrayOf(elem GoType, n uint32) GoType {
	return GoType{Elem: &elem, Len: n, Size: elem.Size * n, Align: elem.Align}
}

func intType(size uint32, signed bool) GoType {
	names := map[uint32][2]string{1: {"uint8", "int8"}, 2: {"uint16", "int16"}, 4: {"uint32", "int32"}, 8: {"uint64", "int64"}}
	pair, ok := names[size]
	switch {
	case !ok:
		return bytesType(size)
	case signed:
		return GoType{Name: pair[1], Size: size, Align: size, Signed: true}
	default:
		return GoType{Name: pair[0], Size: size, Align: size}
	}
}
