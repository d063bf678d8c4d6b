package btf

import (
	"errors"
	"fmt"
	"iter"
	"reflect"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// Spec is a set of types. It is safe for concurrent use.
type Spec struct {
	raw  *rawbtf.BTF
	base *Spec // of split BTF, or nil
	decoder
}

// NewSpec returns the types of an already parsed blob. If raw is split BTF,
// base must be the Spec of its base.
func NewSpec(raw *rawbtf.BTF, base *Spec) *Spec {
	s := new(Spec)
	s.Init(raw, base)
	return s
}

// Init is NewSpec into s, which must be zero.
func (s *Spec) Init(raw *rawbtf.BTF, base *Spec) {
	s.raw, s.base = raw, base
}

// LoadSpecFromBytes parses a raw BTF blob such as the contents of a .BTF
// section. The blob must not be modified afterwards.
func LoadSpecFromBytes(blob []byte) (*Spec, error) { return LoadSplitSpecFromBytes(blob, nil) }

// LoadSplitSpecFromBytes parses a raw BTF blob which refers to types of base.
// base may be nil. The blob must not be modified afterwards.
func LoadSplitSpecFromBytes(blob []byte, base *Spec) (*Spec, error) {
	raw, err := rawbtf.Parse(blob, base.Records())
	if err != nil {
		return nil, fmt.Errorf("parse BTF: %w", err)
	}
	return NewSpec(raw, base), nil
}

// Records returns the blob underneath, for those who would rather not inflate
// types. It is nil for a nil Spec.
func (s *Spec) Records() *rawbtf.BTF {
	if s == nil {
		return nil
	}
	return s.raw
}

// owner returns the Spec, s or one of its bases, whose own types include id.
func (s *Spec) owner(id TypeID) *Spec {
	for o := s; o != nil; o = o.base {
		if uint32(id) >= o.raw.FirstID() {
			if uint32(id) >= o.raw.EndID() {
				return nil
			}
			return o
		}
	}
	return nil
}

// TypeByID returns the type with the given ID. IDs of split BTF include those
// of its base.
//
// Returns an error wrapping [ErrNotFound] if there is no such type.
func (s *Spec) TypeByID(id TypeID) (Type, error) {
	if id == 0 {
		return (*Void)(nil), nil
	}
	o := s.owner(id)
	if o == nil {
		return nil, fmt.Errorf("type ID %d: %w", id, ErrNotFound)
	}
	return o.inflate(id)
}

// TypeID returns the ID of a type that was obtained from s, from its base or
// from a copy of either. It holds for copies of the type, too.
//
// Returns an error wrapping [ErrNotFound] if typ isn't part of s.
func (s *Spec) TypeID(typ Type) (TypeID, error) {
	if typ == nil {
		return 0, errors.New("type is nil")
	}
	if _, ok := typ.(*Void); ok {
		return 0, nil
	}
	src := typ.origin()
	for o := s; o != nil; o = o.base {
		if src.raw == o.raw {
			return src.id, nil
		}
	}
	return 0, fmt.Errorf("no ID for type %s: %w", typ, ErrNotFound)
}

// All iterates over all types in order of their IDs, starting with void unless
// s is split BTF. The base's types are left out. Tags are part of what they
// tag, rather than types of their own.
func (s *Spec) All() iter.Seq2[Type, error] {
	return func(yield func(Type, error) bool) {
		if s.base == nil && !yield((*Void)(nil), nil) {
			return
		}
		for id := s.raw.FirstID(); id < s.raw.EndID(); id++ {
			typ, err := s.TypeByID(TypeID(id))
			if _, isTag := typ.(*declTag); isTag {
				continue
			}
			if !yield(typ, err) || err != nil {
				return
			}
		}
	}
}

// Refs iterates over handles for all types in order of their IDs, without
// decoding them. Void and the base's types are left out.
func (s *Spec) Refs() iter.Seq[TypeRef] {
	return func(yield func(TypeRef) bool) {
		for id := s.raw.FirstID(); id < s.raw.EndID(); id++ {
			if !yield(TypeRef{s, TypeID(id)}) {
				return
			}
		}
	}
}

// find returns the IDs of the types that q asks for.
func (s *Spec) find(q rawbtf.Query) ([]uint32, error) {
	var ids []uint32
	if q.Kinds != 0 {
		ids = s.raw.Find(q)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("type %q: %w", q.Name, ErrNotFound)
	}
	return ids, nil
}

// named are the kinds whose name is that of a type. Tags have other names.
const named = rawbtf.KindSet(1<<rawbtf.KindInt | 1<<rawbtf.KindStruct | 1<<rawbtf.KindUnion | 1<<rawbtf.KindEnum |
	1<<rawbtf.KindFwd | 1<<rawbtf.KindTypedef | 1<<rawbtf.KindFunc | 1<<rawbtf.KindVar | 1<<rawbtf.KindDatasec |
	1<<rawbtf.KindFloat | 1<<rawbtf.KindEnum64)

func (s *Spec) types(ids []uint32) ([]Type, error) {
	types := make([]Type, 0, len(ids))
	for _, id := range ids {
		typ, err := s.TypeByID(TypeID(id))
		if err != nil {
			return nil, err
		}
		types = append(types, typ)
	}
	return types, nil
}

// AnyTypesByName returns all types with the given name. A kernel has several
// of the same name and kind if its sources do. The base is not searched.
//
// Returns an error wrapping [ErrNotFound] if there is none.
func (s *Spec) AnyTypesByName(name string) ([]Type, error) {
	ids, err := s.find(rawbtf.Query{Name: name, Kinds: named})
	if err != nil {
		return nil, err
	}
	return s.types(ids)
}

// AnyTypeByName returns the type with the given name. The base is not searched.
//
// Returns an error wrapping [ErrNotFound] if there is none, and one wrapping
// [ErrMultipleMatches] if there are several.
func (s *Spec) AnyTypeByName(name string) (Type, error) {
	types, err := s.AnyTypesByName(name)
	if err != nil {
		return nil, err
	}
	if len(types) > 1 {
		return nil, fmt.Errorf("type %s: %w: %v", name, ErrMultipleMatches, types)
	}
	return types[0], nil
}

// TypesByName returns all types whose essential name, the part before a
// flavour like "___v2", is name. The base is not searched.
//
// Returns an error wrapping [ErrNotFound] if there is none.
func (s *Spec) TypesByName(name string) ([]Type, error) {
	ids, err := s.find(rawbtf.Query{Name: name, Kinds: named, Essential: true})
	if err != nil {
		return nil, err
	}
	return s.types(ids)
}

// RefsByName returns handles for all types with the given name, without
// decoding them. The base is not searched.
//
// Returns an error wrapping [ErrNotFound] if there is none.
func (s *Spec) RefsByName(name string) ([]TypeRef, error) {
	ids, err := s.find(rawbtf.Query{Name: name, Kinds: named})
	if err != nil {
		return nil, err
	}
	refs := make([]TypeRef, 0, len(ids))
	for _, id := range ids {
		refs = append(refs, TypeRef{s, TypeID(id)})
	}
	return refs, nil
}

// TypeByName finds the type with the given name and kind and stores it in typ,
// which is a pointer to a type such as **Struct, or a *Type that already holds
// a type of the wanted kind. The base is not searched.
//
// Returns an error wrapping [ErrNotFound] if there is no such type, and one
// wrapping [ErrMultipleMatches] if there are several.
func (s *Spec) TypeByName(name string, typ any) error {
	dst := reflect.ValueOf(typ)
	if dst.Kind() != reflect.Pointer || dst.IsNil() {
		return fmt.Errorf("type argument: %T is not a pointer to a Type", typ)
	}
	dst = dst.Elem()
	anyType := reflect.TypeFor[Type]()
	wanted := dst.Type()
	if wanted == anyType {
		if dst.IsNil() {
			return fmt.Errorf("type argument: %T points to a nil Type", typ)
		}
		wanted = dst.Elem().Type()
	}
	if wanted.Kind() != reflect.Pointer || !wanted.Implements(anyType) {
		return fmt.Errorf("type argument: %T is not a pointer to a Type", typ)
	}

	// Methods that only tell the kind work on nil pointers.
	kinds := reflect.Zero(wanted).Interface().(Type).kinds()
	ids, err := s.find(rawbtf.Query{Name: name, Kinds: kinds & named})
	if err != nil {
		return err
	}
	if len(ids) > 1 {
		return fmt.Errorf("type %s: %w: type IDs %v", name, ErrMultipleMatches, ids)
	}
	found, err := s.TypeByID(TypeID(ids[0]))
	if err != nil {
		return err
	}
	dst.Set(reflect.ValueOf(found))
	return nil
}

// Copy returns a deep copy: types that have been decoded are duplicated, along
// with any modification made to them. The bytes underneath are shared.
func (s *Spec) Copy() *Spec {
	if s == nil {
		return nil
	}
	return s.copy(copier{})
}

func (s *Spec) copy(c copier) *Spec {
	if s == nil {
		return nil
	}
	cpy := NewSpec(s.raw, s.base.copy(c))
	if pages := s.decoder.copyPages(c); pages != nil {
		cpy.decoded = &decoded{names: s.raw.Names(), pages: pages}
	}
	return cpy
}
