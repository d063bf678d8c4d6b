package ebpf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// VariableSpec is a global variable of an object that isn't loaded yet. Values
// are in the byte order of this machine.
type VariableSpec struct {
	Name string
	// SectionName is the section of the object file, and the map, that the
	// variable is in.
	SectionName string
	// Offset in bytes from the start of the section.
	Offset uint32
	// Value is the initial value. It is part of the contents of the map.
	Value []byte
	// Type of the variable. nil without BTF, and in a spec from
	// LoadEncodedSpec until Decode.
	Type *btf.Var

	encoded *object.Variable // what has the type, nil once it is decoded
}

// declared fills in vs with what an object file says. m is the map that has
// the variable.
func (vs *VariableSpec) declared(v *object.Variable, m *MapSpec) {
	*vs = VariableSpec{Name: v.Name, SectionName: v.Section, Offset: v.Offset, encoded: v}
	if end := uint64(v.Offset) + uint64(v.Size); end <= uint64(len(m.bytes())) {
		vs.Value = m.bytes()[v.Offset:end:end]
	} else {
		vs.Value = make([]byte, v.Size)
	}
}

// Set changes the initial value. The sizes of variable and value have to be
// the same; see Map for what values can be.
func (vs *VariableSpec) Set(in any) error {
	if vs.Value == nil {
		vs.Value = make([]byte, vs.Size())
	}
	if err := (&codec{size: len(vs.Value)}).marshal(vs.Value, in); err != nil {
		return fmt.Errorf("set variable %q: %w", vs.Name, err)
	}
	return nil
}

// Get copies the initial value to what out points to.
func (vs *VariableSpec) Get(out any) error {
	if vs.Value == nil {
		return fmt.Errorf("get variable %q: it has no value", vs.Name)
	}
	if err := (&codec{size: len(vs.Value)}).unmarshal(out, vs.Value); err != nil {
		return fmt.Errorf("get variable %q: %w", vs.Name, err)
	}
	return nil
}

// Size is the size in bytes.
func (vs *VariableSpec) Size() uint32 {
	if vs.Value != nil {
		return uint32(len(vs.Value))
	}
	if vs, err := vs.decoded(); err == nil && vs.Type != nil {
		if size, err := btf.Sizeof(vs.Type); err == nil {
			return uint32(size)
		}
	}
	return 0
}

// Constant tells whether the value can't change once loaded.
func (vs *VariableSpec) Constant() bool { return strings.HasPrefix(vs.SectionName, ".rodata") }

// String names the variable, its type and its place.
func (vs *VariableSpec) String() string {
	typ := vs.Type
	if decoded, err := vs.decoded(); err == nil {
		typ = decoded.Type
	}
	return fmt.Sprintf("%s (type=%v, section=%s, offset=%d, size=%d)", vs.Name, typ, vs.SectionName, vs.Offset, vs.Size())
}

// Copy is a deep copy, whose Value is no part of any map.
func (vs *VariableSpec) Copy() *VariableSpec {
	if vs == nil {
		return nil
	}
	dup := *vs
	dup.Value = slices.Clone(vs.Value)
	if vs.Type != nil {
		dup.Type, _ = btf.Copy(vs.Type).(*btf.Var)
	}
	return &dup
}

// copyFor is a copy of vs, a variable of m, for the copy of m.
func (vs *VariableSpec) copyFor(m, dup *MapSpec) *VariableSpec {
	v := *vs
	v.Value = slices.Clone(vs.Value)
	if vs.partOf(m.bytes()) {
		end := int(v.Offset) + len(v.Value)
		v.Value = dup.bytes()[v.Offset:end:end]
	}
	return &v
}

// partOf tells whether Value is memory of data, the contents of a map.
func (vs *VariableSpec) partOf(data []byte) bool {
	return len(vs.Value) > 0 && uint64(vs.Offset)+uint64(len(vs.Value)) <= uint64(len(data)) &&
		&vs.Value[0] == &data[vs.Offset]
}

// store writes the value to data, the contents of its map, in case somebody
// gave the variable or the map another slice.
func (vs *VariableSpec) store(data []byte) error {
	if vs.partOf(data) || len(vs.Value) == 0 {
		return nil
	}
	if uint64(vs.Offset)+uint64(len(vs.Value)) > uint64(len(data)) {
		return fmt.Errorf("variable %q: %d bytes at offset %d don't fit the %d bytes of %s",
			vs.Name, len(vs.Value), vs.Offset, len(data), vs.SectionName)
	}
	if !bytes.Equal(data[vs.Offset:][:len(vs.Value)], vs.Value) {
		copy(data[vs.Offset:], vs.Value)
	}
	return nil
}
