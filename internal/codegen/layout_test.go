package codegen

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/object"
)

// cStruct is a C struct or union made at random, and what the test knows of it.
type cStruct struct {
	tag     string // struct, union
	name    string
	members []cMember
	suffix  string // attributes
}

type cMember struct {
	decl  string   // "unsigned int x : 3"
	name  string   // empty if it is anonymous
	inner []string // names that are used as if they were the outer struct's
	bits  int
	value uint64 // of a bitfield
}

// names are those that have an offset in the struct.
func (m cMember) names() []string {
	switch {
	case m.bits > 0:
		return nil
	case m.name != "":
		return []string{m.name}
	}
	return m.inner
}

// cGenerator makes structs whose layout is hard: packed, aligned, with
// bitfields, unions, arrays and other structs in them, with and without names.
type cGenerator struct {
	*rand.Rand
	structs []cStruct
}

func (g *cGenerator) pick(from ...string) string { return from[g.IntN(len(from))] }

func (g *cGenerator) scalar() string {
	return g.pick("char", "unsigned char", "signed char", "short", "unsigned short", "int", "unsigned int",
		"long", "unsigned long", "_Bool", "float", "double", "void *", "enum small", "enum wide", "__int128")
}

// member makes the n-th member of a struct.
func (g *cGenerator) member(n int) cMember {
	m := cMember{name: fmt.Sprintf("m%d", n)}
	switch kind := g.IntN(14); {
	case kind < 3:
		m.decl = g.scalar() + " " + m.name
	case kind < 4:
		m.decl = fmt.Sprintf("%s %s[%d]", g.scalar(), m.name, 1+g.IntN(5))
	case kind < 5 && len(g.structs) > 0:
		s := g.structs[g.IntN(len(g.structs))]
		m.decl = s.tag + " " + s.name + " " + m.name
	case kind < 6 && len(g.structs) > 0:
		s := g.structs[g.IntN(len(g.structs))]
		m.decl = fmt.Sprintf("%s %s %s[%d]", s.tag, s.name, m.name, 1+g.IntN(3))
	case kind < 9:
		width := map[string]int{"unsigned char": 8, "short": 16, "unsigned int": 32, "int": 32, "unsigned long": 64, "long": 64}
		base := g.pick("unsigned char", "short", "unsigned int", "int", "unsigned long", "long")
		m.bits = 1 + g.IntN(width[base])
		m.value = g.Uint64() & (1<<m.bits - 1)
		m.decl = fmt.Sprintf("%s %s : %d", base, m.name, m.bits)
	case kind < 10:
		m.decl = fmt.Sprintf("int %s __attribute__((aligned(%d)))", m.name, 1<<g.IntN(6))
	case kind < 11:
		m.decl = fmt.Sprintf("%s %s[%d][%d]", g.scalar(), m.name, 1+g.IntN(3), 1+g.IntN(3))
	case kind < 12:
		m.decl = fmt.Sprintf("char %s[%d]", m.name, 1+g.IntN(40))
	default:
		m = g.anonymous(n)
	}
	return m
}

// anonymous makes a struct or union without a name, whose members belong to the
// outer one.
func (g *cGenerator) anonymous(n int) cMember {
	var m cMember
	var body strings.Builder
	for i := range 1 + g.IntN(3) {
		name := fmt.Sprintf("m%d_%d", n, i)
		fmt.Fprintf(&body, " %s %s;", g.scalar(), name)
		m.inner = append(m.inner, name)
	}
	m.decl = g.pick("struct", "union") + " {" + body.String() + " }" + g.pick("", "", " __attribute__((packed))")
	return m
}

func (g *cGenerator) makeStruct(n int) {
	s := cStruct{tag: "struct", name: fmt.Sprintf("s%d", n)}
	if g.IntN(5) == 0 {
		s.tag = "union"
	}
	for i := range 1 + g.IntN(7) {
		s.members = append(s.members, g.member(i))
	}
	if g.IntN(8) == 0 && s.tag == "struct" {
		s.members = append(s.members, cMember{decl: g.scalar() + " rest[]"})
	}
	switch g.IntN(6) {
	case 0:
		s.suffix = " __attribute__((packed))"
	case 1:
		s.suffix = " __attribute__((packed, aligned(4)))"
	case 2:
		s.suffix = fmt.Sprintf(" __attribute__((aligned(%d)))", 1<<g.IntN(7))
	}
	g.structs = append(g.structs, s)
}

// source declares all structs, and has the compiler write down what it thinks
// of them: facts has size and offsets, and vN is sN with its bitfields set.
func (g *cGenerator) source() string {
	var b, facts strings.Builder
	b.WriteString("enum small { A, B }; enum wide { W = 1L << 40 };\n")
	for _, s := range g.structs {
		fmt.Fprintf(&b, "%s %s {", s.tag, s.name)
		for _, m := range s.members {
			b.WriteString(" " + m.decl + ";")
		}
		fmt.Fprintf(&b, " }%s;\n", s.suffix)
		fmt.Fprintf(&facts, "sizeof(%s %s),", s.tag, s.name)
		for _, m := range s.members {
			for _, name := range m.names() {
				fmt.Fprintf(&facts, "__builtin_offsetof(%s %s, %s),", s.tag, s.name, name)
			}
		}
	}
	b.WriteString("unsigned long facts[] = {" + facts.String() + "};\n")
	for i, s := range g.structs {
		fmt.Fprintf(&b, "%s %s v%d __attribute__((section(\".data\"))) = {", s.tag, s.name, i)
		for _, m := range s.members {
			if m.bits > 0 && s.tag == "struct" {
				fmt.Fprintf(&b, ".%s = %#xUL,", m.name, m.value)
			}
		}
		b.WriteString("};\n")
	}
	return b.String()
}

// Random structs: our sizes and offsets are those that clang computes, bitfields
// are where clang puts them, and Go's compiler agrees for every architecture.
func TestRandomLayouts(t *testing.T) {
	seed := rand.Uint64()
	if s := os.Getenv("BPFGEN_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("BPFGEN_SEED=%d repeats this", seed)
	g := &cGenerator{Rand: rand.New(rand.NewPCG(seed, 0))}
	for i := range 60 {
		g.makeStruct(i)
	}
	dir := t.TempDir()
	source := g.source()
	plant(t, dir, map[string]string{"in.bpf.c": source})

	req := request(t, dir, "R")
	for _, target := range req.Targets {
		job := compileJob{
			compiler: req.Compiler, target: target, source: req.Sources[0], dir: dir, env: req.Env, output: filepath.Join(t.TempDir(), "out"),
			flags: []string{"-Wno-bitfield-constant-conversion", "-Wno-constant-conversion"},
		}
		c, err := job.compile(t.Context())
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, messagesOf(err), source)
		}
		names, err := topNames("R")
		if err != nil {
			t.Fatal(err)
		}
		obj, err := object.Parse(c.object)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := buildModel(obj, modelOptions{names: names, source: req.Sources[0], globalTypes: true})
		if err != nil {
			t.Fatal(err)
		}
		g.compare(t, obj, m)

		m.Package, m.Constraint, m.ObjectFile = "golden", target.Constraint().String(), "x.o"
		code, err := m.Emit()
		if err != nil {
			t.Fatal(err)
		}
		typeCheck(t, filepath.Join(dir, "out.go"), code)
	}
	if t.Failed() {
		t.Log(source)
	}
}

// compare looks for each fact in the model.
func (g *cGenerator) compare(t *testing.T, obj *object.Object, m *Model) {
	t.Helper()
	facts := variable(t, obj, "facts")
	next := func() uint32 {
		fact := obj.ByteOrder().Uint64(facts)
		facts = facts[8:]
		return uint32(fact)
	}
	decls := map[string]TypeDecl{}
	for _, d := range m.Types {
		decls[d.C] = d
	}
	for i, s := range g.structs {
		d, ok := decls[s.tag+" "+s.name]
		if !ok {
			t.Fatalf("%s %s has no type", s.tag, s.name)
		}
		if want := next(); d.Size != want {
			t.Errorf("%s %s: size is %d, should be %d", s.tag, s.name, d.Size, want)
		}
		data := variable(t, obj, fmt.Sprintf("v%d", i))
		for _, member := range s.members {
			if member.bits > 0 {
				g.compareBits(t, d, member, data)
				continue
			}
			for _, name := range member.names() {
				offset, ok := offsetOf(d, name)
				if want := next(); !ok || offset != want {
					t.Errorf("%s %s: %s is at %d, should be at %d", s.tag, s.name, name, offset, want)
				}
			}
		}
	}
}

// compareBits reads a bitfield from what clang wrote as generated code would.
func (g *cGenerator) compareBits(t *testing.T, d TypeDecl, member cMember, data []byte) {
	t.Helper()
	for _, a := range d.Accessors {
		if a.C != member.name || d.Kind == DeclUnion {
			continue
		}
		w := a.bitWindow()
		storage, _ := storageOf(d, a.Storage)
		var bits uint64
		for i := range w.count {
			bits |= uint64(data[storage+w.first+i]) << w.place(i)
		}
		if got := bits >> w.shift & w.mask; got != member.value {
			t.Errorf("%s (big endian %v): bitfield %s reads %#x, should be %#x", d.C, a.BigEndian, member.decl, got, member.value)
		}
	}
}

// offsetOf returns where the model has a member, as a field or by an accessor.
func offsetOf(d TypeDecl, c string) (uint32, bool) {
	if offset, ok := storageOf(d, goName(c)); ok {
		return offset, true
	}
	for _, a := range d.Accessors {
		if a.C == c {
			storage, ok := storageOf(d, a.Storage)
			return storage + a.Offset, ok
		}
	}
	return 0, false
}

func storageOf(d TypeDecl, name string) (uint32, bool) {
	if d.Kind == DeclUnion {
		return 0, name == "Raw"
	}
	for _, f := range d.Fields {
		if f.Name == name {
			return f.Offset, true
		}
	}
	return 0, false
}

// variable returns the initial bytes of a global variable.
func variable(t *testing.T, obj *object.Object, name string) []byte {
	t.Helper()
	for _, v := range obj.Variables {
		for _, m := range obj.Maps {
			if v.Name == name && m.Name == v.Section {
				return m.Data[v.Offset : v.Offset+v.Size]
			}
		}
	}
	t.Fatalf("no variable %s with contents", name)
	return nil
}
