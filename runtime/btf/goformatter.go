package btf

import (
	"errors"
	"fmt"
	"strings"
)

// GoFormatter writes types in Go. The zero value is ready for use; one that is
// in use must not be modified.
//
// Structs have C's layout: padding is explicit. Bitfields become padding, a
// union its first member, pointers and integers without a sibling in Go numbers
// or bytes of the same size, flexible arrays nothing. Names of types are left
// out, except for those in Names.
type GoFormatter struct {
	// Names are those of types which are declared elsewhere.
	Names map[Type]string
	// Identifier makes a field's name of a member's, which is used as it is if
	// nil.
	Identifier func(string) string
	// EnumIdentifier makes a constant's name of an enumerator's. Default is the
	// name of the type, followed by that of the enumerator as a field would be
	// called.
	EnumIdentifier func(name, element string) string
}

// TypeDeclaration declares typ under a name, in one line that gofmt takes. An
// enum comes with its constants, a struct needs package structs.
//
// Returns an error wrapping [ErrNotSupported] for what Go has nothing for:
// functions, forward declarations, and structs that are packed such that fields
// aren't aligned.
func (gf *GoFormatter) TypeDeclaration(name string, typ Type) (string, error) {
	w := goWriter{GoFormatter: gf}
	if typ == nil {
		return "", errors.New("declare in Go: type is nil")
	}
	w.print("type %s ", name)
	if err := w.literal(typ, 0); err != nil {
		return "", fmt.Errorf("declare %s in Go: %w", typ, err)
	}
	if enum, ok := As[*Enum](typ); ok {
		w.constants(name, enum)
	}
	return w.text.String(), nil
}

// goWriter writes one declaration.
type goWriter struct {
	*GoFormatter
	text strings.Builder
}

func (w *goWriter) print(format string, args ...any) { fmt.Fprintf(&w.text, format, args...) }

// typ writes the name of a type, or else what it is.
func (w *goWriter) typ(typ Type, depth int) error {
	if name := w.Names[QualifiedType(typ)]; name != "" {
		w.print("%s", name)
		return nil
	}
	return w.literal(typ, depth)
}

// literal writes what a type is.
func (w *goWriter) literal(typ Type, depth int) error {
	if depth++; depth > maxDepth {
		return errTooDeep
	}
	switch v := QualifiedType(typ).(type) {
	case *Int:
		return w.integer(v)
	case *Enum:
		return w.number(v.Size, v.Signed)
	case *Float:
		if v.Size != 4 && v.Size != 8 {
			w.print("[%d]byte /* float%d */", v.Size, v.Size*8)
			return nil
		}
		w.print("float%d", v.Size*8)
	case *Pointer:
		w.print("uint64")
	case *Typedef:
		return w.typ(v.Type, depth)
	case *Array:
		w.print("[%d]", v.Nelems)
		return w.typ(v.Type, depth)
	case *Struct:
		return w.structure(v.Size, v.Members, depth)
	case *Union:
		return w.structure(v.Size, v.Members[:min(1, len(v.Members))], depth)
	case *Datasec:
		return w.section(v, depth)
	case *Var:
		return w.typ(v.Type, depth)
	default:
		return fmt.Errorf("%s: %w", v, ErrNotSupported)
	}
	return nil
}

// integer writes a char as unsigned, whatever it is to the compiler: BTF doesn't
// tell, and Go has []byte.
func (w *goWriter) integer(i *Int) error {
	if i.Encoding == Bool {
		if i.Size != 1 {
			return fmt.Errorf("bool of %d bytes: %w", i.Size, ErrNotSupported)
		}
		w.print("bool")
		return nil
	}
	return w.number(i.Size, i.Encoding == Signed)
}

func (w *goWriter) number(size uint32, signed bool) error {
	name := "uint"
	if signed {
		name = "int"
	}
	switch size {
	case 1, 2, 4, 8:
		w.print("%s%d", name, size*8)
	case 16:
		w.print("[16]byte /* %s128 */", name)
	default:
		return fmt.Errorf("number of %d bytes: %w", size, ErrNotSupported)
	}
	return nil
}

// constants follow the declaration of an enum.
func (w *goWriter) constants(name string, enum *Enum) {
	if len(enum.Values) == 0 {
		return
	}
	w.print("; const ( ")
	for _, v := range enum.Values {
		identifier := name + w.field(v.Name)
		if w.EnumIdentifier != nil {
			identifier = w.EnumIdentifier(name, v.Name)
		}
		if enum.Signed {
			w.print("%s %s = %d; ", identifier, name, int64(v.Value))
		} else {
			w.print("%s %s = %d; ", identifier, name, v.Value)
		}
	}
	w.print(")")
}

func (w *goWriter) field(name string) string {
	if w.Identifier != nil {
		return w.Identifier(name)
	}
	return name
}

const openStruct = "struct { _ structs.HostLayout; "

// structure writes fields with the padding between them, in bytes.
func (w *goWriter) structure(size uint32, members []Member, depth int) error {
	w.print(openStruct)
	at, why, align := uint32(0), "", 1
	for _, m := range members {
		if m.BitfieldSize > 0 {
			why = " /* bitfields */"
			continue
		}
		align = max(align, alignOf(m.Type, 0))
		end, err := w.member(m, at, why, depth)
		if err != nil {
			return fmt.Errorf("member %q: %w", m.Name, err)
		}
		at, why = end, ""
	}
	if at > size {
		return fmt.Errorf("members take %d bytes, their struct has %d", at, size)
	}
	if size%uint32(align) != 0 {
		return fmt.Errorf("struct of %d bytes, to which Go adds some: %w", size, ErrNotSupported)
	}
	w.padding(size-at, why)
	w.print("}")
	return nil
}

// member writes a field that follows what ends at a byte, and returns where it
// ends itself. What has no name takes the place of its first member.
func (w *goWriter) member(m Member, at uint32, padding string, depth int) (end uint32, err error) {
	if depth++; depth > maxDepth {
		return 0, errTooDeep
	}
	size, err := Sizeof(m.Type)
	if err != nil {
		return 0, err
	}
	if size == 0 {
		return at, nil // at the end of a struct, Go makes room for it
	}
	offset := m.Offset.Bytes()
	if align := uint32(alignOf(m.Type, 0)); m.Offset%8 != 0 || offset%align != 0 || offset < at {
		return 0, fmt.Errorf("offset of %d bits, where Go doesn't place it: %w", m.Offset, ErrNotSupported)
	}
	if m.Name != "" {
		w.padding(offset-at, padding)
		w.print("%s ", w.field(m.Name))
		if err := w.typ(m.Type, depth); err != nil {
			return 0, err
		}
		w.print("; ")
		return offset + uint32(size), nil
	}
	members := inner(m.Type)
	if len(members) == 0 {
		return at, nil
	}
	for _, first := range members {
		if first.BitfieldSize > 0 {
			padding = " /* bitfields */"
			continue
		}
		first.Offset += m.Offset
		if at, err = w.member(first, at, padding, depth); err != nil {
			return 0, err
		}
		padding = ""
	}
	return at, nil
}

// inner are the members of an anonymous struct, or the first one of a union.
func inner(typ Type) []Member {
	switch v := UnderlyingType(typ).(type) {
	case *Struct:
		return v.Members
	case *Union:
		return v.Members[:min(1, len(v.Members))]
	}
	return nil
}

// section writes the variables that others can see.
func (w *goWriter) section(ds *Datasec, depth int) error {
	w.print(openStruct)
	at := uint32(0)
	for _, vs := range ds.Vars {
		v, ok := vs.Type.(*Var)
		if !ok {
			return fmt.Errorf("%s in a section: %w", vs.Type, ErrNotSupported)
		}
		if v.Linkage != GlobalVar {
			continue
		}
		var err error
		m := Member{Name: v.Name, Type: v.Type, Offset: Bits(vs.Offset) * 8}
		if at, err = w.member(m, at, "", depth); err != nil {
			return fmt.Errorf("variable %q: %w", v.Name, err)
		}
	}
	if at > ds.Size {
		return fmt.Errorf("variables take %d bytes, their section has %d", at, ds.Size)
	}
	w.padding(ds.Size-at, "")
	w.print("}")
	return nil
}

func (w *goWriter) padding(n uint32, why string) {
	if n > 0 {
		w.print("_ [%d]byte%s; ", n, why)
	}
}

// alignOf is what the offset of a field is a multiple of in Go, with 64 bits.
func alignOf(typ Type, depth int) int {
	if depth++; depth > maxDepth {
		return 1
	}
	switch v := UnderlyingType(typ).(type) {
	case *Int:
		return alignOfNumber(v.Size)
	case *Enum:
		return alignOfNumber(v.Size)
	case *Float:
		return alignOfNumber(v.Size)
	case *Pointer:
		return 8
	case *Array:
		return alignOf(v.Type, depth)
	case *Var:
		return alignOf(v.Type, depth)
	case *Struct, *Union:
		align := 1
		for _, m := range inner(v) {
			if m.BitfieldSize == 0 {
				align = max(align, alignOf(m.Type, depth))
			}
		}
		return align
	}
	return 1
}

func alignOfNumber(size uint32) int {
	switch size {
	case 2, 4, 8:
		return int(size)
	}
	return 1
}
