package btf

import (
	"runtime"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// Kind says what a type is. Values are those of the kernel's BTF_KIND_*.
type Kind uint8

// Kinds of types.
const (
	KindVoid      = Kind(rawbtf.KindVoid)
	KindInt       = Kind(rawbtf.KindInt)
	KindPointer   = Kind(rawbtf.KindPointer)
	KindArray     = Kind(rawbtf.KindArray)
	KindStruct    = Kind(rawbtf.KindStruct)
	KindUnion     = Kind(rawbtf.KindUnion)
	KindEnum      = Kind(rawbtf.KindEnum)
	KindFwd       = Kind(rawbtf.KindFwd)
	KindTypedef   = Kind(rawbtf.KindTypedef)
	KindVolatile  = Kind(rawbtf.KindVolatile)
	KindConst     = Kind(rawbtf.KindConst)
	KindRestrict  = Kind(rawbtf.KindRestrict)
	KindFunc      = Kind(rawbtf.KindFunc)
	KindFuncProto = Kind(rawbtf.KindFuncProto)
	KindVar       = Kind(rawbtf.KindVar)
	KindDatasec   = Kind(rawbtf.KindDatasec)
	KindFloat     = Kind(rawbtf.KindFloat)
	KindDeclTag   = Kind(rawbtf.KindDeclTag)
	KindTypeTag   = Kind(rawbtf.KindTypeTag)
	KindEnum64    = Kind(rawbtf.KindEnum64)
)

// String is a short name in lower case, such as "struct".
func (k Kind) String() string { return rawbtf.Kind(k).String() }

// Visit calls f for each type in order of their IDs, until f returns false.
// Nothing is decoded, so that this is the quickest way through the types of a
// kernel; [Spec.TypeByID] and [Spec.Ref] lead on from an ID. Void and the base's
// types are left out; tags are types like others.
//
// name is valid during the call only, and must not be modified.
func (s *Spec) Visit(f func(id TypeID, kind Kind, name []byte) bool) {
	rawbtf.Visit(s.raw, f)
	runtime.KeepAlive(s)
}
