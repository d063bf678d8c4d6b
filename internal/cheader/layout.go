package cheader

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// body returns the definition of a struct or union, without the semicolon.
func (p *printer) body(t btf.Type, indent int) string {
	var b strings.Builder
	b.WriteString(keyword(t))
	if t.TypeName() != "" {
		b.WriteString(" " + p.name(t, keyword(t)))
	}
	b.WriteString(" {\n")
	packed := p.packed(t)
	if s, ok := t.(*btf.Struct); ok {
		p.structMembers(&b, s, packed, indent+1)
	} else {
		for _, m := range membersOf(t) {
			b.WriteString(tabs(indent+1) + p.member(m, indent+1) + ";\n")
		}
	}
	b.WriteString(tabs(indent) + "}")
	if packed {
		b.WriteString(" __attribute__((packed))")
	}
	return b.String()
}

// structMembers writes members where BTF has them.
func (p *printer) structMembers(b *strings.Builder, s *btf.Struct, packed bool, indent int) {
	at := uint64(0) // bits
	for _, m := range s.Members {
		offset := uint64(m.Offset)
		if next := p.place(m, at, packed); next < offset {
			pad(b, at, offset, indent)
		}
		b.WriteString(tabs(indent) + p.member(m, indent) + ";\n")
		at = offset + p.bits(m)
	}
	end := uint64(s.Size) * 8
	natural := at
	if !packed {
		natural = alignUp(at, uint64(p.align(s))*8)
	}
	if natural < end {
		pad(b, at, end, indent)
	}
}

// place returns the bit where a compiler would put m behind what ends at at.
func (p *printer) place(m btf.Member, at uint64, packed bool) uint64 {
	unit := uint64(sizeOf(m.Type)) * 8
	switch {
	case m.BitfieldSize == 0 && packed:
		return alignUp(at, 8)
	case m.BitfieldSize == 0:
		return alignUp(at, uint64(p.alignOf(m.Type))*8)
	case !packed && unit > 0 && at%unit+uint64(m.BitfieldSize) > unit:
		return alignUp(at, unit)
	}
	return at
}

// pad writes bitfields without name, which have no influence on alignment.
func pad(b *strings.Builder, from, to uint64, indent int) {
	for from < to {
		kind, n := "char", min(8-from%8, to-from)
		for _, unit := range []struct {
			kind string
			bits uint64
		}{{"long long", 64}, {"int", 32}, {"short", 16}} {
			if from%unit.bits == 0 && to-from >= unit.bits {
				kind, n = unit.kind, unit.bits
				break
			}
		}
		b.WriteString(tabs(indent) + kind + " : " + strconv.FormatUint(n, 10) + ";\n")
		from += n
	}
}

func (p *printer) member(m btf.Member, indent int) string {
	text := p.declarator(m.Type, identifier(m.Name), indent, 0)
	if m.BitfieldSize > 0 {
		text += " : " + strconv.FormatUint(uint64(m.BitfieldSize), 10)
	}
	return text
}

func (p *printer) bits(m btf.Member) uint64 {
	if m.BitfieldSize > 0 {
		return uint64(m.BitfieldSize)
	}
	return uint64(sizeOf(m.Type)) * 8
}

// packed tells whether C wouldn't lay out t as BTF has it without being told to
// forget about alignment.
func (p *printer) packed(t btf.Type) bool {
	align := uint32(1)
	for _, m := range membersOf(t) {
		a := p.alignOf(m.Type)
		align = max(align, a)
		unit := uint64(sizeOf(m.Type)) * 8
		switch {
		case m.BitfieldSize == 0 && uint64(m.Offset)%(uint64(a)*8) != 0:
			return true
		case m.BitfieldSize > 0 && unit > 0 && uint64(m.Offset)%unit+uint64(m.BitfieldSize) > unit:
			return true
		}
	}
	return sizeOf(t)%align != 0
}

// align returns the alignment in bytes that the definition of a struct or union
// has in the header.
func (p *printer) align(t btf.Type) uint32 {
	if a, ok := p.aligns[t]; ok {
		return a
	}
	p.aligns[t] = 1 // for types that contain themselves
	align := uint32(1)
	if !p.packed(t) {
		for _, m := range membersOf(t) {
			align = max(align, p.alignOf(m.Type))
		}
	}
	p.aligns[t] = align
	return align
}

func (p *printer) alignOf(t btf.Type) uint32 {
	for range maxDepth {
		switch v := t.(type) {
		case *btf.Struct, *btf.Union:
			return p.align(t)
		case *btf.Array:
			t = v.Type
		case *btf.Typedef:
			t = v.Type
		case *btf.Pointer:
			return 8
		case *btf.Int:
			return powerOfTwo(v.Size)
		case *btf.Float:
			return powerOfTwo(v.Size)
		case *btf.Enum:
			return powerOfTwo(v.Size)
		default:
			if t = referenced(t); t == nil {
				return 1
			}
		}
	}
	return 1
}

func powerOfTwo(n uint32) uint32 {
	align := uint32(1)
	for align*2 <= n && align < 16 {
		align *= 2
	}
	return align
}

func sizeOf(t btf.Type) uint32 {
	size, err := btf.Sizeof(t)
	if err != nil || size < 0 {
		return 0
	}
	return uint32(size)
}

func alignUp(n, align uint64) uint64 {
	if align == 0 {
		return n
	}
	return (n + align - 1) / align * align
}

// declarator returns the declaration of a value of type t: C wraps the type
// around the name.
func (p *printer) declarator(t btf.Type, name string, indent, depth int) string {
	if depth > maxDepth {
		p.fail("write C: types are nested more than %d deep", maxDepth)
		return name
	}
	switch v := t.(type) {
	case *btf.Pointer:
		inner := "*" + name
		switch target(v).(type) {
		case *btf.Array, *btf.FuncProto:
			inner = "(" + inner + ")"
		}
		return p.declarator(v.Target, inner, indent, depth+1)
	case *btf.Array:
		return p.declarator(v.Type, fmt.Sprintf("%s[%d]", name, v.Nelems), indent, depth+1)
	case *btf.FuncProto:
		return p.declarator(v.Return, name+p.params(v, depth), indent, depth+1)
	case *btf.TypeTag:
		return p.declarator(v.Type, name, indent, depth+1)
	case *btf.Const:
		return p.qualified("const", v.Type, name, indent, depth)
	case *btf.Volatile:
		return p.qualified("volatile", v.Type, name, indent, depth)
	case *btf.Restrict:
		return p.qualified("restrict", v.Type, name, indent, depth)
	}
	return strings.TrimRight(p.specifier(t, indent)+" "+name, " ")
}

// target is what a pointer points to, without type tags.
func target(ptr *btf.Pointer) btf.Type {
	t := ptr.Target
	for range maxDepth {
		tag, ok := t.(*btf.TypeTag)
		if !ok {
			break
		}
		t = tag.Type
	}
	return t
}

func (p *printer) qualified(qualifier string, t btf.Type, name string, indent, depth int) string {
	for range maxDepth {
		tag, ok := t.(*btf.TypeTag)
		if !ok {
			break
		}
		t = tag.Type
	}
	switch v := t.(type) {
	case *btf.Pointer:
		return p.declarator(v, strings.TrimRight(qualifier+" "+name, " "), indent, depth+1)
	case *btf.FuncProto:
		return p.declarator(v, name, indent, depth+1) // functions have no qualifiers
	}
	if qualifier == "restrict" {
		return p.declarator(t, name, indent, depth+1) // only pointers have it
	}
	declared := p.declarator(t, name, indent, depth+1)
	if strings.HasPrefix(declared, qualifier+" ") {
		return declared // a constant array of constants
	}
	return qualifier + " " + declared
}

func (p *printer) params(f *btf.FuncProto, depth int) string {
	if len(f.Params) == 0 {
		return "(void)"
	}
	params := make([]string, len(f.Params))
	for i, param := range f.Params {
		if _, ok := param.Type.(*btf.Void); ok && i == len(f.Params)-1 {
			params[i] = "..."
			continue
		}
		params[i] = p.declarator(param.Type, "", 0, depth+1)
	}
	return "(" + strings.Join(params, ", ") + ")"
}

// specifier returns the part of a declaration before the name.
func (p *printer) specifier(t btf.Type, indent int) string {
	switch v := t.(type) {
	case *btf.Struct, *btf.Union:
		if t.TypeName() == "" {
			return p.body(t, indent)
		}
		return keyword(t) + " " + p.name(t, keyword(t))
	case *btf.Enum:
		switch {
		case v.Name != "":
			return "enum " + p.name(v, "enum")
		case p.state[v] == finished:
			return intName(v.Size, v.Signed) // its constants are there already
		}
		p.state[v] = finished
		return p.enumBody(v, indent)
	case *btf.Fwd:
		return v.Kind.String() + " " + fwdName(v)
	case *btf.Typedef:
		return p.name(v, "")
	case *btf.Int:
		return goodInt(v)
	case *btf.Float:
		if name, ok := map[uint32]string{2: "_Float16", 4: "float", 8: "double"}[v.Size]; ok {
			return name
		}
		return fmt.Sprintf("struct { char bytes[%d]; }", v.Size) // long double, which BPF doesn't have
	default:
		return "void"
	}
}

// goodInt returns a type of C. The names in BTF are those of compilers, some of
// which are only used inside.
func goodInt(i *btf.Int) string {
	switch {
	case i.Encoding == btf.Bool:
		return "_Bool"
	case i.Name == "char":
		return "char"
	}
	for _, word := range strings.Fields(i.Name) {
		switch word {
		case "char", "short", "int", "long", "signed", "unsigned", "__int128":
		default:
			return intName(i.Size, i.Encoding == btf.Signed)
		}
	}
	return i.Name
}

func intName(size uint32, signed bool) string {
	name := map[uint32]string{1: "char", 2: "short", 4: "int", 8: "long long", 16: "__int128"}[size]
	if name == "" {
		name = "int"
	}
	if signed {
		return "signed " + name
	}
	return "unsigned " + name
}
