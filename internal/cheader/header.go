// Package cheader writes C declarations of types described by BTF: the whole of
// a vmlinux.h, or as much of it as some types need.
//
// Sizes and offsets are those of the BTF, by padding and packing where the
// compiler would choose others. Two types with one name are told apart by a
// ___2 behind the second, which CO-RE ignores.
package cheader

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

const (
	head = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

/* Written by bpfgen vmlinux from BTF. */

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
`
	tail = `
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`
)

// Write writes a header with the definitions of roots and all that they need, in
// an order that C accepts. What is only pointed to is only declared.
func Write(w io.Writer, roots []btf.Type) error { return write(w, head, roots, tail) }

// WriteTypes writes the same definitions without what makes them a header.
func WriteTypes(w io.Writer, roots []btf.Type) error { return write(w, "", roots, "") }

func write(w io.Writer, head string, roots []btf.Type, tail string) error {
	p := &printer{
		names: map[btf.Type]string{}, used: map[string]bool{}, state: map[btf.Type]state{},
		forwards: map[string]bool{}, aligns: map[btf.Type]uint32{},
	}
	p.out.WriteString(head)
	for _, root := range roots {
		p.define(root, 0)
	}
	p.out.WriteString(tail)
	if p.err != nil {
		return p.err
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

// maxDepth bounds the nesting of types, which in BTF may have no end.
const maxDepth = 512

type state uint8

const (
	untouched state = iota
	underway
	finished
)

type printer struct {
	out bytes.Buffer
	err error // the first

	names    map[btf.Type]string // of types that have one
	used     map[string]bool     // names that are taken: "struct x", and "x" for typedefs and constants
	state    map[btf.Type]state
	forwards map[string]bool // tags that are declared
	aligns   map[btf.Type]uint32
}

func (p *printer) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// name returns what t is called in the header: its own name, unless another
// type has that. space is "" or the keyword of the tag.
func (p *printer) name(t btf.Type, space string) string {
	if name, ok := p.names[t]; ok {
		return name
	}
	name := identifier(t.TypeName())
	if strings.HasPrefix(name, "__builtin_") {
		name = "__kernel" + name // compilers have theirs, which for BPF is another
	}
	p.names[t] = p.unique(space, name)
	return p.names[t]
}

// unique takes a name of an identifier space.
func (p *printer) unique(space, name string) string {
	if space != "" {
		space = "tag" // struct, union and enum share one
	}
	unique := name
	for n := 2; p.used[space+" "+unique]; n++ {
		unique = name + "___" + strconv.Itoa(n)
	}
	p.used[space+" "+unique] = true
	return unique
}

// identifier makes an identifier of names that other languages have given.
func identifier(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}

// declare writes what is needed before a pointer to t can be declared.
func (p *printer) declare(t btf.Type, depth int) {
	if depth > maxDepth {
		p.fail("write C: types are nested more than %d deep", maxDepth)
		return
	}
	switch v := t.(type) {
	case *btf.Struct, *btf.Union:
		if t.TypeName() == "" {
			p.needMembers(t, depth)
			return
		}
		p.forward(keyword(t) + " " + p.name(t, keyword(t)))
	case *btf.Fwd:
		p.forward(v.Kind.String() + " " + fwdName(v))
	case *btf.Typedef:
		p.typedef(v, depth)
	case *btf.Enum:
		if v.Name != "" {
			p.enum(v)
		}
	case *btf.Array:
		p.define(v.Type, depth+1) // C wants elements to be complete
	case *btf.FuncProto:
		p.declare(v.Return, depth+1)
		for _, param := range v.Params {
			p.declare(param.Type, depth+1)
		}
	default:
		if next := referenced(t); next != nil {
			p.declare(next, depth+1)
		}
	}
}

// define writes what is needed before a value of t can be declared.
func (p *printer) define(t btf.Type, depth int) {
	if depth > maxDepth {
		p.fail("write C: types are nested more than %d deep", maxDepth)
		return
	}
	switch v := t.(type) {
	case *btf.Struct, *btf.Union:
		p.composite(t, depth)
	case *btf.Enum:
		p.enum(v)
	case *btf.Typedef:
		p.typedef(v, depth)
		p.define(v.Type, depth+1)
	case *btf.Pointer:
		p.declare(v.Target, depth+1)
	case *btf.Array:
		p.define(v.Type, depth+1)
	case *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag:
		p.define(referenced(t), depth+1)
	default:
		p.declare(t, depth)
	}
}

// referenced returns what a pointer or a qualifier refers to.
func referenced(t btf.Type) btf.Type {
	switch v := t.(type) {
	case *btf.Pointer:
		return v.Target
	case *btf.Const:
		return v.Type
	case *btf.Volatile:
		return v.Type
	case *btf.Restrict:
		return v.Type
	case *btf.TypeTag:
		return v.Type
	}
	return nil
}

// forward declares a tag, unless it is known.
func (p *printer) forward(tag string) {
	if !p.forwards[tag] {
		p.forwards[tag] = true
		fmt.Fprintf(&p.out, "\n%s;\n", tag)
	}
}

// fwdName is the name of a struct that BTF has no definition of. If another one
// of that name is defined, it is meant.
func fwdName(f *btf.Fwd) string {
	return identifier(f.Name)
}

// composite defines a struct or union.
func (p *printer) composite(t btf.Type, depth int) {
	if t.TypeName() == "" {
		p.needMembers(t, depth)
		return
	}
	switch p.state[t] {
	case finished:
		return
	case underway:
		p.fail("write C: %s %s contains itself", keyword(t), t.TypeName())
		return
	}
	p.state[t] = underway
	p.needMembers(t, depth)
	fmt.Fprintf(&p.out, "\n%s;\n", p.body(t, 0))
	p.forwards[keyword(t)+" "+p.name(t, keyword(t))] = true
	p.state[t] = finished
}

func (p *printer) needMembers(t btf.Type, depth int) {
	if t.TypeName() == "" {
		if p.state[t] != untouched {
			return
		}
		p.state[t] = finished
	}
	for _, m := range membersOf(t) {
		p.define(m.Type, depth+1)
	}
}

// typedef declares a typedef; its target only as far as C demands.
func (p *printer) typedef(t *btf.Typedef, depth int) {
	if p.state[t] != untouched {
		return
	}
	p.state[t] = underway
	p.declare(t.Type, depth+1)
	fmt.Fprintf(&p.out, "\ntypedef %s;\n", p.declarator(t.Type, p.name(t, ""), 0, 0))
	p.state[t] = finished
}

// enum defines an enum with its constants.
func (p *printer) enum(e *btf.Enum) {
	if p.state[e] != untouched {
		return
	}
	p.state[e] = finished
	if e.Name == "" && len(e.Values) == 0 {
		return
	}
	fmt.Fprintf(&p.out, "\n%s;\n", p.enumBody(e, 0))
}

func (p *printer) enumBody(e *btf.Enum, indent int) string {
	var b strings.Builder
	b.WriteString("enum")
	if e.Name != "" {
		b.WriteString(" " + p.name(e, "enum"))
	}
	if len(e.Values) == 0 {
		return b.String()
	}
	b.WriteString(" {\n")
	for _, v := range e.Values {
		b.WriteString(tabs(indent+1) + p.unique("", identifier(v.Name)) + " = " + enumValue(e, v.Value) + ",\n")
	}
	b.WriteString(tabs(indent) + "}")
	if mode, ok := map[uint32]string{1: "QI", 2: "HI", 8: "DI"}[e.Size]; ok {
		b.WriteString(" __attribute__((mode(" + mode + ")))")
	}
	return b.String()
}

func enumValue(e *btf.Enum, value uint64) string {
	switch {
	case !e.Signed && e.Size == 8:
		return strconv.FormatUint(value, 10) + "ULL"
	case !e.Signed:
		return strconv.FormatUint(value, 10)
	case int64(value) == -1<<63:
		return "(-9223372036854775807LL - 1)"
	case e.Size == 8:
		return strconv.FormatInt(int64(value), 10) + "LL"
	}
	return strconv.FormatInt(int64(value), 10)
}

func keyword(t btf.Type) string {
	if _, ok := t.(*btf.Union); ok {
		return "union"
	}
	return "struct"
}

func membersOf(t btf.Type) []btf.Member {
	switch v := t.(type) {
	case *btf.Struct:
		return v.Members
	case *btf.Union:
		return v.Members
	}
	return nil
}

func tabs(n int) string { return strings.Repeat("\t", n) }
