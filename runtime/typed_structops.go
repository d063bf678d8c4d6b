package ebpf

import (
	"fmt"
	"reflect"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// mapSpecView is a typed view of a map that isn't loaded yet: as a field, it
// takes the place of a *MapSpec.
type mapSpecView interface {
	bindMapSpec(ms *MapSpec) error
}

// mapInSpec is what such a view is made of.
type mapInSpec struct {
	cs *CollectionSpec
	ms *MapSpec
}

func (in mapInSpec) Decode() error { return in.ms.Decode() }

// StructOpsSpec is a struct_ops map that isn't loaded yet, with members that can
// be set. It is a part of a struct that has fields for them, which Assign fills:
//
//	type CongestionSpec struct {
//		ebpf.StructOpsSpec
//		Flags ebpf.Member[uint32] `ebpf:"flags"`
//		Init  ebpf.FuncMember     `ebpf:"init"`
//	}
type StructOpsSpec struct{ *MapSpec }

func (s *StructOpsSpec) bindMapSpec(ms *MapSpec) error {
	if ms.Type != StructOpsMap {
		return fmt.Errorf("map %q: a %s has no members", ms.Name, ms.Type)
	}
	s.MapSpec = ms
	return nil
}

// memberView is a field for a member of a struct_ops.
type memberView interface {
	bindMember(cs *CollectionSpec, ms *MapSpec, member btf.Member) error
}

// bindMembers fills the fields beside a StructOpsSpec.
func bindMembers(view reflect.Value, cs *CollectionSpec, ms *MapSpec) error {
	typ, ok := btf.As[*btf.Struct](ms.Value)
	if !ok {
		return fmt.Errorf("map %q: MapSpec.Value is %v: it has to be the struct that the members are in", ms.Name, ms.Value)
	}
	for i := range view.NumField() {
		f := view.Type().Field(i)
		name := f.Tag.Get(structTag)
		field, ok := view.Field(i).Addr().Interface().(memberView)
		if name == "" || !ok {
			continue
		}
		member, err := memberNamed(typ, name)
		if err == nil {
			err = field.bindMember(cs, ms, member)
		}
		if err != nil {
			return fmt.Errorf("map %q: field %s: %w", ms.Name, f.Name, err)
		}
	}
	return nil
}

func memberNamed(typ *btf.Struct, name string) (btf.Member, error) {
	for _, m := range typ.Members {
		if m.Name == name {
			return m, nil
		}
	}
	return btf.Member{}, fmt.Errorf("struct %s has no member %q%s", typ.Name, name, didYouMean(name, func(yield func(string) bool) {
		for _, m := range typ.Members {
			if !yield(m.Name) {
				return
			}
		}
	}))
}

// Member is a member of a struct_ops that is no function.
type Member[T any] struct {
	memory []byte // in the spec
	shape  *shape
}

func (m *Member[T]) bindMember(_ *CollectionSpec, ms *MapSpec, member btf.Member) error {
	size, err := btf.Sizeof(member.Type)
	if err != nil {
		return fmt.Errorf("member %s: %w", member.Name, err)
	}
	shape, err := shapeOf(reflect.TypeFor[T](), size, member.Type)
	if err != nil {
		return fmt.Errorf("%w: member %s: %w", ErrInvalidType, member.Name, err)
	}
	if len(ms.Contents) != 1 {
		return fmt.Errorf("member %s: MapSpec.Contents has %d elements, not one", member.Name, len(ms.Contents))
	}
	data, _ := ms.Contents[0].Value.([]byte)
	start := int(member.Offset.Bytes())
	if member.BitfieldSize != 0 || start+size > len(data) {
		return fmt.Errorf("member %s isn't in the %d bytes of MapSpec.Contents: %w", member.Name, len(data), ErrNotSupported)
	}
	*m = Member[T]{data[start:][:size:size], &shape}
	return nil
}

// Set changes the value that the kernel gets.
func (m Member[T]) Set(value T) {
	m.shape.clean(memoryAt(&value))
	copy(m.memory, memoryAt(&value))
}

// Get is the value that the kernel gets.
func (m Member[T]) Get() (value T) {
	copy(memoryAt(&value), m.memory)
	m.shape.repair(memoryAt(&value))
	return value
}

// FuncMember is a member of a struct_ops that is a function: a program.
type FuncMember struct {
	cs     *CollectionSpec
	ms     *MapSpec
	member string
}

func (f *FuncMember) bindMember(cs *CollectionSpec, ms *MapSpec, member btf.Member) error {
	pointer, ok := btf.As[*btf.Pointer](member.Type)
	if ok {
		_, ok = btf.UnderlyingType(pointer.Target).(*btf.FuncProto)
	}
	if !ok {
		return fmt.Errorf("member %s is C's %s, not a pointer to a function: %w", member.Name, nameOf(member.Type), ErrInvalidType)
	}
	*f = FuncMember{cs, ms, member.Name}
	if prog := f.Get(); prog != nil {
		return prog.Decode()
	}
	return nil
}

// Set lets the kernel call a program of the same collection, of type StructOps.
// nil is for none.
func (f FuncMember) Set(prog *ProgramSpec) {
	if prog == nil {
		delete(f.ms.StructOps, f.member)
		return
	}
	if f.ms.StructOps == nil {
		f.ms.StructOps = make(map[string]string)
	}
	f.ms.StructOps[f.member] = f.cs.keyOf(prog)
}

// Get is the program that the kernel will call, nil if there is none.
func (f FuncMember) Get() *ProgramSpec { return f.cs.Programs[f.ms.StructOps[f.member]] }

// keyOf is the name of a program in the collection. Of others it is their own,
// which loading then doesn't find.
func (cs *CollectionSpec) keyOf(prog *ProgramSpec) string {
	for key, ps := range cs.Programs {
		if ps == prog {
			return key
		}
	}
	return prog.Name
}
