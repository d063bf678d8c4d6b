package btf

import (
	"fmt"
	"strconv"
)

// COREBadRelocationSentinel is the number of a helper that doesn't exist. A
// call to it replaces an instruction whose CO-RE relocation has no solution on
// this kernel, so that the verifier complains only if it is reachable. libbpf
// uses the same number.
const COREBadRelocationSentinel = 0xbad2310

// COREKind is what a CO-RE relocation asks about a type.
type COREKind uint32

// Kinds of CO-RE relocations, with the values of enum bpf_core_relo_kind.
const (
	COREFieldByteOffset COREKind = iota // offset of a field in bytes
	COREFieldByteSize                   // size of a field in bytes
	COREFieldExists                     // whether the kernel has the field
	COREFieldSigned                     // whether a field is signed
	COREFieldLShiftU64                  // left shift to extract a bitfield
	COREFieldRShiftU64                  // right shift to extract a bitfield
	CORETypeIDLocal                     // type ID in the object's BTF
	CORETypeIDTarget                    // type ID in the kernel's BTF
	CORETypeExists                      // whether the kernel has the type
	CORETypeSize                        // size of a type in bytes
	COREEnumvalExists                   // whether the kernel has the enumerator
	COREEnumvalValue                    // value of an enumerator
	CORETypeMatches                     // whether the kernel's type has the same shape
)

var coreKindNames = [...]string{
	COREFieldByteOffset: "byte_off",
	COREFieldByteSize:   "byte_sz",
	COREFieldExists:     "field_exists",
	COREFieldSigned:     "signed",
	COREFieldLShiftU64:  "lshift_u64",
	COREFieldRShiftU64:  "rshift_u64",
	CORETypeIDLocal:     "local_type_id",
	CORETypeIDTarget:    "target_type_id",
	CORETypeExists:      "type_exists",
	CORETypeSize:        "type_size",
	COREEnumvalExists:   "enumval_exists",
	COREEnumvalValue:    "enumval_value",
	CORETypeMatches:     "type_matches",
}

// String returns the name libbpf uses in its messages, such as "byte_off".
func (k COREKind) String() string {
	if int(k) < len(coreKindNames) {
		return coreKindNames[k]
	}
	return "COREKind(" + strconv.Itoa(int(k)) + ")"
}

// IsField reports whether k is about a member of a struct or union.
func (k COREKind) IsField() bool { return k <= COREFieldRShiftU64 }

// IsType reports whether k is about a type as a whole.
func (k COREKind) IsType() bool {
	return k >= CORETypeIDLocal && k <= CORETypeSize || k == CORETypeMatches
}

// IsEnumval reports whether k is about an enumerator.
func (k COREKind) IsEnumval() bool { return k == COREEnumvalExists || k == COREEnumvalValue }

// CORERelocation asks to adjust an instruction to the types of the kernel that
// the program is loaded into.
type CORERelocation struct {
	Type     TypeRef // root type in the object
	Accessor string  // path from the root, such as "0:1:2"; an index for enumerators
	Kind     COREKind
}

// String names kind, root type and path.
func (r *CORERelocation) String() string {
	name := r.Type.Name()
	if name == "" {
		name = fmt.Sprintf("type %d", r.Type.ID())
	}
	return fmt.Sprintf("%s %s[%s]", r.Kind, name, r.Accessor)
}
