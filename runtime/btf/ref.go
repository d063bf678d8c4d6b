package btf

import (
	"errors"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// TypeID identifies a type in a [Spec]. Zero is void.
type TypeID uint32

// TypeRef is a handle for a type of a [Spec], which costs nothing until
// [TypeRef.Type] is called. The zero value refers to nothing. Two of them are
// equal if they refer to the same type of the same Spec.
type TypeRef struct {
	spec *Spec
	id   TypeID
}

// Ref returns a handle for the type with the given ID, whether it exists or not.
func (s *Spec) Ref(id TypeID) TypeRef { return TypeRef{s, id} }

// Type decodes the type.
//
// Returns an error wrapping [ErrNotFound] if the Spec has no such type.
func (r TypeRef) Type() (Type, error) {
	if r.spec == nil {
		return nil, errNoRef
	}
	return r.spec.TypeByID(r.id)
}

var errNoRef = errors.New("reference to no type")

// ID returns the type's ID in its Spec.
func (r TypeRef) ID() TypeID { return r.id }

// Spec returns the set the type belongs to, nil for the zero value.
func (r TypeRef) Spec() *Spec { return r.spec }

// IsZero reports whether r refers to nothing.
func (r TypeRef) IsZero() bool { return r.spec == nil }

// Name returns the type's name without decoding the type. It is empty for
// anonymous and for missing types.
func (r TypeRef) Name() string {
	t, err := r.record()
	if err != nil {
		return ""
	}
	name, err := t.Name()
	if err != nil {
		return ""
	}
	return name
}

func (r TypeRef) record() (rawbtf.Type, error) {
	if r.spec == nil {
		return rawbtf.Type{}, errNoRef
	}
	return r.spec.raw.Type(uint32(r.id))
}

// Kind is what a type is, without decoding the type. It is KindVoid for void
// and for missing types.
func (r TypeRef) Kind() Kind {
	t, err := r.record()
	if err != nil {
		return KindVoid
	}
	return Kind(t.Kind())
}
