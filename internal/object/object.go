// Package object reads what a BPF object file declares: maps, programs,
// variables, and what instructions refer to. It is pure: no kernel, no files,
// no clock; the same ELF gives the same result on every machine.
package object

import (
	"encoding/binary"

	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Object is what one ELF file declares. What depends on the kernel that it is
// loaded into (CO-RE, externs, attach targets, sizes by CPU count or page size)
// is still open.
//
// Everything in it may share memory with everything else: copy before changing.
type Object struct {
	License string // contents of the license section, "" without one
	Version uint32 // contents of the version section, 0 without one

	// Types is the file's BTF, with the sizes and offsets that compilers leave
	// to the linker filled in. It is nil without BTF.
	Types *btf.Spec

	// Maps has BTF-defined maps, then legacy ones, then those made of struct_ops
	// variables, then those made of data sections, each in the order of the file.
	Maps []*Map

	// Programs are the functions of all executable sections but .text, in the
	// order of the file. Functions in .text are only part of the programs that
	// call them.
	Programs []*Program

	// Variables are the global variables that are visible outside of the file,
	// by section and offset.
	Variables []*Variable

	// Externs are what the file refers to but doesn't define: kconfig options,
	// then kernel symbols, each if its BTF says so. Those of unknown kind stand
	// first; programs that refer to them can't be loaded.
	Externs []*Extern

	file *parser

	programs [1]*Program // room for the list of a small object
}

// ByteOrder returns the order of bytes on the machines that the object is for.
func (o *Object) ByteOrder() binary.ByteOrder { return o.file.file.ByteOrder() }

// MapKind says where a map was declared.
type MapKind uint8

// The ways to declare a map.
const (
	BTFMap       MapKind = iota // a variable in .maps, described by its type
	LegacyMap                   // a struct bpf_map_def or bpf_elf_map in a section "maps"
	DataMap                     // the section of global variables that the map is named after
	KconfigMap                  // the file's kconfig externs, as variables; contents come from the kernel
	StructOpsMap                // a variable in .struct_ops or .struct_ops.link
)

// Map is the declaration of a map.
type Map struct {
	Name    string // of the variable, or of the section for data maps
	Section string
	Kind    MapKind

	Type       uapi.MapType
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	NUMANode   uint32 // meaningful with uapi.MapFlagNUMANode
	MapExtra   uint64
	Pinning    uapi.Pinning

	// Optional says that only who asks for the map wants it: SEC("?.struct_ops").
	Optional bool

	// Key and Value are zero for untyped maps. The value of a data map is its
	// Datasec, that of a struct_ops the program's own declaration of the struct.
	Key, Value btf.TypeRef

	// Inner is the declaration of the inner map of a map of maps, or nil.
	Inner *Map

	// Values are the initial contents of a map of maps or program array, by
	// index, or the programs that a struct_ops refers to, by member.
	Values []MapValue

	// Data is the initial contents of a data map's only element, of an arena,
	// or of a struct_ops, without the pointers to programs. nil stands for
	// ValueSize zero bytes. It may be the file's memory: don't modify.
	Data []byte

	// Freeze says that user space can't write either once it has been filled.
	Freeze bool

	// Extra is what a legacy definition has behind the fields that all of its
	// variants share.
	Extra []byte

	// Tags are the BTF declaration tags of the variable.
	Tags []string

	offset, size uint32 // in the section
	values       uint32 // offset of the member that has initial values, or 0
}

// ValueKind says what an initial value of a map is.
type ValueKind uint8

// The kinds of initial values.
const (
	MapReference ValueKind = iota
	ProgramReference
)

// MapValue is an initial value of a map of maps or program array, or a pointer
// in a struct_ops.
type MapValue struct {
	Index  uint32 // of the element, or of the struct's member
	Member string // the member's name
	Kind   ValueKind
	Name   string // of a map or program of the same object
}

// Program is an entry point, with all code that it reaches.
type Program struct {
	Name    string // of the function
	Section string // as written, including "?"

	// Def is what the section name means; nil if it is unknown. Then Type is
	// unspecified, and someone has to set it before the program can be loaded.
	Def        *SectionDef
	Type       uapi.ProgType
	AttachType uapi.AttachType
	AttachTo   string // the section name's suffix, whose meaning Def.Suffix says
	Flags      uint32 // of BPF_PROG_LOAD
	Optional   bool   // SEC("?..."): only loaded when asked for

	// Static says that the function is local to its file. Several static
	// programs can have the same name.
	Static bool

	// Tags are the BTF declaration tags of the function.
	Tags []string

	// Instructions are those of the function, followed by those of each
	// function that it calls or takes the address of, directly or not, each
	// once and in the order of their first mention. References are by name.
	// Programs may share memory. They are nil in what Open returns.
	Instructions asm.Instructions

	file     *parser
	function int32
}

// Variable is a global variable.
type Variable struct {
	Name     string
	Section  string      // the name of the data map that has it
	Offset   uint32      // bytes from the start of the map's value
	Size     uint32      // bytes
	Type     btf.TypeRef // of the Var; zero without BTF
	Weak     bool
	ReadOnly bool // can only be set before loading

	section int32 // index in the file
}

// Extern is something that the file refers to but doesn't define. Instructions
// that refer to it point to its embedded part.
type Extern struct {
	asm.Extern

	// Place of a kconfig extern in the value of the map .kconfig.
	Offset, Size uint32

	align  uint32
	symbol uint32 // index in the file
}
