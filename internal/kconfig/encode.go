package kconfig

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// kind is a kind of variable that options can be put into.
type kind uint8

const (
	boolean   kind = iota
	tristate       // enum libbpf_tristate
	character      // an integer of one byte: a number, or one of the letters y, m and n
	integer
	text // array of characters
)

// kinds is what errors call them.
var kinds = [...]string{
	boolean:   "a bool",
	tristate:  "an enum libbpf_tristate",
	character: "a char",
	integer:   "an integer",
	text:      "an array of char",
}

// Values of enum libbpf_tristate.
const (
	triNo uint64 = iota
	triYes
	triModule
)

// Encodings of BTF integers, as bits.
const (
	encodingSigned = 1 << 0
	encodingBool   = 1 << 2
)

// maxWrappers bounds the typedefs and qualifiers around a type, which hostile
// BTF can make refer to themselves.
const maxWrappers = 32

// Type is the type of a variable that options can be put into.
type Type struct {
	kind   kind
	size   uint32 // bytes
	signed bool
}

// TypeOf is the type of a variable, by the variable or by its type. Typedefs
// and qualifiers don't matter. It is an error if no option can be put into it.
func TypeOf(ref btf.TypeRef) (Type, error) {
	if ref.IsZero() {
		return Type{}, errors.New("there is no BTF that tells its type")
	}
	return typeOf(ref.Spec().Records(), uint32(ref.ID()))
}

func typeOf(types *rawbtf.BTF, id uint32) (Type, error) {
	r, err := unwrap(types, id)
	if err != nil {
		return Type{}, err
	}
	t := Type{size: r.Size()}
	switch r.Kind() {
	case rawbtf.KindInt:
		encoding, _, _ := r.Int()
		t.signed = encoding&encodingSigned != 0
		switch {
		case encoding&encodingBool != 0 && t.size == 1:
			t.kind = boolean
			return t, nil
		case encoding&encodingBool == 0 && t.size == 1:
			t.kind = character
			return t, nil
		case encoding&encodingBool == 0 && (t.size == 2 || t.size == 4 || t.size == 8):
			t.kind = integer
			return t, nil
		}
	case rawbtf.KindEnum, rawbtf.KindEnum64:
		if r.NameIs("libbpf_tristate") && (t.size == 4 || t.size == 8) {
			t.kind = tristate
			return t, nil
		}
	case rawbtf.KindArray:
		elem, _, n := r.Array()
		if e, err := unwrap(types, elem); err != nil || e.Kind() != rawbtf.KindInt || n == 0 {
			break
		}
		if e, err := typeOf(types, elem); err == nil && e.kind == character {
			return Type{kind: text, size: n}, nil
		}
	}
	name, _ := r.Name()
	return Type{}, fmt.Errorf("no option can be put into %s %s of %d bytes: it takes a bool, enum libbpf_tristate, char, integer or array of char",
		r.Kind(), name, t.size)
}

// unwrap removes what doesn't change how a type is stored.
func unwrap(types *rawbtf.BTF, id uint32) (rawbtf.Type, error) {
	for range maxWrappers {
		r, err := types.Type(id)
		if err != nil {
			return r, err
		}
		switch r.Kind() {
		case rawbtf.KindVar, rawbtf.KindTypedef, rawbtf.KindConst, rawbtf.KindVolatile, rawbtf.KindRestrict, rawbtf.KindTypeTag:
			id = r.TypeID()
		default:
			return r, nil
		}
	}
	return rawbtf.Type{}, fmt.Errorf("type ID %d: typedefs and qualifiers nest more than %d times", id, maxWrappers)
}

// Size is the size of the variable in bytes.
func (t Type) Size() uint32 { return t.size }

// String says what the type is, in words.
func (t Type) String() string {
	switch {
	case t.kind == integer && t.signed:
		return fmt.Sprintf("a signed integer of %d bytes", t.size)
	case t.kind == integer:
		return fmt.Sprintf("an unsigned integer of %d bytes", t.size)
	case t.kind == text:
		return fmt.Sprintf("an array of %d chars", t.size)
	}
	return kinds[t.kind]
}

// Put writes the value of an option, as Find returns it, into a variable. What
// doesn't go into an array of char is cut off.
func (t Type) Put(dst []byte, value string, bo binary.ByteOrder) error {
	switch {
	case value == "y" || value == "m" || value == "n":
		return t.putLetter(dst, value[0], bo)
	case strings.HasPrefix(value, `"`):
		return t.putText(dst, value)
	}
	n, err := parseNumber(value)
	if err != nil {
		return err
	}
	if t.kind == boolean {
		return t.refuse(value, character, integer)
	}
	return t.PutNumber(dst, n, bo)
}

// PutNumber writes a number, which may be negative in two's complement, into a
// variable.
func (t Type) PutNumber(dst []byte, n uint64, bo binary.ByteOrder) error {
	switch {
	case t.kind == tristate || t.kind == text:
		return t.refuse(strconv.FormatUint(n, 10), boolean, character, integer)
	case t.kind == boolean && n > 1, !t.fits(n):
		return fmt.Errorf("%d doesn't fit %s", n, t)
	}
	t.store(dst, n, bo)
	return nil
}

func (t Type) putLetter(dst []byte, value byte, bo binary.ByteOrder) error {
	n := triNo
	switch value {
	case 'y':
		n = triYes
	case 'm':
		n = triModule
	}
	switch {
	case t.kind == character:
		n = uint64(value)
	case t.kind == boolean && n != triModule, t.kind == tristate:
	case t.kind == boolean:
		return t.refuse(string(value), tristate, character)
	default:
		return t.refuse(string(value), boolean, tristate, character)
	}
	t.store(dst, n, bo)
	return nil
}

func (t Type) putText(dst []byte, value string) error {
	if len(value) < 2 || value[len(value)-1] != '"' {
		return fmt.Errorf("string %s has no end", value)
	}
	if t.kind != text {
		return t.refuse(value, text)
	}
	dst = dst[:t.size]
	n := copy(dst[:t.size-1], value[1:len(value)-1])
	clear(dst[n:])
	return nil
}

// refuse is the error for an option and a variable that don't go together.
func (t Type) refuse(value string, want ...kind) error {
	names := make([]string, len(want))
	for i, k := range want {
		names[i] = kinds[k]
	}
	return fmt.Errorf("value %s doesn't go into %s: it takes %s", value, t, strings.Join(names, " or "))
}

// fits tells whether a number has a representation in the type.
func (t Type) fits(n uint64) bool {
	if t.size == 8 {
		return true
	}
	bits := 8 * t.size
	if t.signed {
		n += 1 << (bits - 1) // what is representable now starts at zero
	}
	return n>>bits == 0
}

func (t Type) store(dst []byte, n uint64, bo binary.ByteOrder) {
	switch t.size {
	case 1:
		dst[0] = byte(n)
	case 2:
		bo.PutUint16(dst, uint16(n))
	case 4:
		bo.PutUint32(dst, uint32(n))
	case 8:
		bo.PutUint64(dst, n)
	}
}

// parseNumber reads a number as C writes it: decimal, hexadecimal with 0x, or
// octal with 0; maybe negative.
func parseNumber(s string) (uint64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	n, err := strconv.ParseUint(digits, 0, 64)
	if err != nil || strings.Contains(digits, "_") {
		if errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%s doesn't fit 64 bits", s)
		}
		return 0, fmt.Errorf("%q is neither y, m, n, a number, nor a string in quotes", s)
	}
	if negative {
		n = -n
	}
	return n, nil
}
