package codegen

import (
	"fmt"
	"strings"
)

// randomC writes a BPF program that no person would: valid C, nearly always, with
// the types, names and declarations that generators stumble over. Choices come
// from bytes, so that a fuzzer may steer them; when they run out, each choice is
// the first one, and the first is always the simplest.
type randomC struct {
	bytes []byte
	out   strings.Builder

	tags, names nameSet  // what struct, union and enum are called; everything else
	types       []string // names of complete types, that may be keys and values
	described   []string // those that clang describes, because a variable has them
	depth       int
	serial      int
}

// nameSet is a namespace of C.
type nameSet map[string]bool

// oddNames are fine in C, and keywords, predeclared, taken, or hard to export in Go.
var oddNames = []string{
	"x", "func", "type", "range", "map", "chan", "go", "defer", "select", "interface", "package", "import", "var", "fallthrough",
	"string", "len", "nil", "error", "any", "int8", "byte", "append", "copy", "new", "make", "init", "main", "iota", "uint32", "rune",
	"unsafe", "ebpf", "fmt", "io", "structs", "strings", "link", "bytes", "strconv", "binary", "embed",
	"_", "__x", "_x", "x_", "X", "xX", "a_b", "aB", "a__b", "A_b", "AB", "ab", "_1", "a1", "a_1", "c", "e", "s", "o", "obj", "opts", "spec", "p",
	"String", "SetString", "Close", "Raw", "Set", "Get", "Load", "Attach", "Report", "Objects", "Specs", "Maps", "Programs", "Variables", "Random",
	"random", "Random_x", "map_x", "Map", "Prog", "Var", "Type", "prog_x", "größe", "变量", "ǆ", "a$b", "HostLayout", "padding", "pad", "Chars16", "chars16",
}

// pick is a number below n.
func (g *randomC) pick(n int) int {
	if len(g.bytes) == 0 {
		return 0
	}
	b := g.bytes[0]
	g.bytes = g.bytes[1:]
	return int(b) % n
}

// maybe is true once in n times.
func (g *randomC) maybe(n int) bool { return g.pick(n) == n-1 }

func (g *randomC) one(choices ...string) string { return choices[g.pick(len(choices))] }

// name is a new one in a namespace.
func (g *randomC) name(used nameSet) string {
	name := g.one(oddNames...)
	if g.maybe(4) {
		name += "_" + g.one(oddNames...)
	}
	for used[name] || name == "_" && len(used) > 0 {
		g.serial++
		name = fmt.Sprintf("%s%s%d", name, g.one("", "_"), g.serial)
	}
	used[name] = true
	return name
}

// program is the whole source.
func (g *randomC) program() string {
	g.tags, g.names = nameSet{}, nameSet{"_": true, "main": true}
	g.out.WriteString("#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\n")
	for range 2 + g.pick(8) {
		g.typeDeclaration()
	}
	var variables []string
	for _, typ := range g.types {
		if !g.maybe(3) {
			name := g.name(g.names)
			g.printf("%s%s %s;\n", g.one("", "static ", "__hidden "), typ, name)
			variables = append(variables, name)
			g.described = append(g.described, typ)
		}
	}
	for range g.pick(6) {
		g.mapDeclaration()
	}
	// Variables may have no bytes, but a section that has none isn't there.
	for i, prefix := range []string{"const volatile ", "", ""} {
		g.printf("%sint %s%s;\n", prefix, g.name(g.names), []string{" = 1", " = 1", ""}[i])
	}
	for range 1 + g.pick(8) {
		variables = append(variables, g.variable())
	}
	for i := range 1 + g.pick(3) {
		g.function(i, variables)
	}
	g.out.WriteString("char _license[] SEC(\"license\") = \"GPL\";\n")
	return g.out.String()
}

func (g *randomC) printf(format string, args ...any) { fmt.Fprintf(&g.out, format, args...) }

var scalars = []string{
	"int", "char", "signed char", "unsigned char", "short", "unsigned short", "unsigned int", "long", "unsigned long",
	"long long", "unsigned long long", "_Bool", "__u8", "__s16", "__be16", "__u32", "__be32", "__u64", "float", "double", "__int128", "unsigned __int128",
}

// declarator is a type around a name: C writes both at once.
func (g *randomC) declarator(name string) string {
	if g.depth++; g.depth > 6 {
		g.depth--
		return "int " + name
	}
	defer func() { g.depth-- }()
	switch g.pick(12) {
	default:
		return g.one(scalars...) + " " + name
	case 3, 4:
		if len(g.types) > 0 {
			return g.one(g.types...) + " " + name
		}
		return "long " + name
	case 5:
		return g.declarator(fmt.Sprintf("%s[%d]", name, 1+g.pick(5)))
	case 6:
		return fmt.Sprintf("char %s[%s]", name, g.one("16", "1", "8", "3"))
	case 7:
		return g.pointer(name)
	case 8:
		return g.aggregate("") + " " + name
	case 9:
		return g.enum("") + " " + name
	case 10:
		return g.one("const ", "volatile ") + g.declarator(name)
	}
}

func (g *randomC) pointer(name string) string {
	switch g.pick(5) {
	default:
		return "void *" + name
	case 1:
		return fmt.Sprintf("int (*%s)(void *, long)", name)
	case 2:
		return fmt.Sprintf("struct nowhere%d *%s", g.pick(3), name)
	case 3:
		return fmt.Sprintf("const char *%s[2]", name)
	case 4:
		if len(g.types) > 0 {
			return g.one(g.types...) + " **" + name
		}
		return "int *" + name
	}
}

// aggregate is a struct or union, with or without a tag.
func (g *randomC) aggregate(tag string) string {
	kind := g.one("struct", "struct", "union")
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s {\n", kind, tag)
	b.WriteString(g.members(nameSet{}, kind == "union"))
	b.WriteString("}")
	if g.maybe(5) {
		b.WriteString(" __attribute__((packed))")
	}
	if g.maybe(6) {
		fmt.Fprintf(&b, " __attribute__((aligned(%d)))", 1<<g.pick(6))
	}
	return b.String()
}

// members are those of an aggregate; anonymous ones in it share its names.
func (g *randomC) members(used nameSet, union bool) string {
	var b strings.Builder
	n := 1 + g.pick(5)
	for i := range n {
		switch g.pick(9) {
		default:
			b.WriteString(g.declarator(g.name(used)))
			if g.maybe(6) {
				fmt.Fprintf(&b, " __attribute__((%s))", g.one("packed", "aligned(1)", "aligned(2)", "aligned(16)", `btf_decl_tag("x")`))
			}
		case 4, 5:
			b.WriteString(g.bitfield(used))
		case 6:
			if g.depth++; g.depth < 5 {
				kind := g.one("struct", "union")
				fmt.Fprintf(&b, "%s {\n%s}", kind, g.members(used, kind == "union"))
			} else {
				b.WriteString("char " + g.name(used))
			}
			g.depth--
		case 7:
			if i == n-1 && i > 0 && !union && g.depth == 0 {
				fmt.Fprintf(&b, "%s %s[]", g.one("char", "int", "long"), g.name(used))
			} else {
				fmt.Fprintf(&b, "int %s[0]", g.name(used))
			}
		}
		b.WriteString(";\n")
	}
	return b.String()
}

func (g *randomC) bitfield(used nameSet) string {
	base := []struct {
		name string
		bits int
	}{{"unsigned int", 32}, {"int", 32}, {"unsigned char", 8}, {"short", 16}, {"unsigned long long", 64}, {"long", 64}, {"_Bool", 1}, {"__u16", 16}}[g.pick(8)]
	if g.maybe(8) {
		return base.name + " :" + g.one("0", "1")
	}
	return fmt.Sprintf("%s %s:%d", base.name, g.name(used), 1+g.pick(base.bits))
}

func (g *randomC) enum(tag string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "enum %s {", tag)
	for range 1 + g.pick(4) {
		b.WriteString(g.name(g.names))
		b.WriteString(g.one("", " = 0", " = -1", " = 7", " = 0x7fffffff", " = -0x7fffffff-1", " = 0xffffffff", " = 1L << 40", " = -(1L << 40)", " = 0xffffffffffffffff", " = 'x'"))
		b.WriteString(", ")
	}
	b.WriteString("}")
	if g.maybe(5) {
		b.WriteString(" __attribute__((packed))")
	}
	return b.String()
}

// typeDeclaration adds a type that later declarations may use.
func (g *randomC) typeDeclaration() {
	switch g.pick(4) {
	default:
		tag := g.name(g.tags)
		text := g.aggregate(tag)
		g.printf("%s;\n", text)
		if !strings.Contains(text, "[];") { // others can't be members or elements
			g.types = append(g.types, strings.Fields(text)[0]+" "+tag)
		}
	case 2:
		tag := g.name(g.tags)
		g.printf("%s;\n", g.enum(tag))
		g.types = append(g.types, "enum "+tag)
	case 3:
		name := g.name(g.names)
		g.printf("typedef %s;\n", g.declarator(name))
		g.types = append(g.types, name)
	}
}

// mapDeclaration has keys and values of any type where maps take them.
func (g *randomC) mapDeclaration() {
	value := g.one(append([]string{"int", "__u64"}, g.types...)...)
	key := g.one(append([]string{"__u32", "__u64"}, g.types...)...)
	name := g.name(g.names)
	switch kind := g.one("HASH", "ARRAY", "LRU_HASH", "PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH", "QUEUE", "STACK", "BLOOM_FILTER",
		"RINGBUF", "USER_RINGBUF", "PERF_EVENT_ARRAY", "PROG_ARRAY", "ARRAY_OF_MAPS", "TASK_STORAGE"); kind {
	case "ARRAY", "PERCPU_ARRAY", "PROG_ARRAY":
		g.mapOf(kind, name, "__type(key, __u32); __type(value, "+value+");")
	case "QUEUE", "STACK", "BLOOM_FILTER":
		g.mapOf(kind, name, "__type(value, "+value+");")
	case "RINGBUF", "USER_RINGBUF":
		g.mapOf(kind, name, g.one("", "__type(value, "+value+");"))
	case "PERF_EVENT_ARRAY":
		g.mapOf(kind, name, "__uint(key_size, 4); __uint(value_size, 4);")
	case "ARRAY_OF_MAPS":
		key, value = g.one(append([]string{"__u32"}, g.described...)...), g.one(append([]string{"int"}, g.described...)...)
		g.mapOf(kind, name, "__type(key, __u32); __array(values, struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, "+key+"); __type(value, "+value+"); });")
	case "TASK_STORAGE":
		g.printf("struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, %s); } %s SEC(\".maps\");\n", value, name)
	default:
		g.mapOf(kind, name, "__type(key, "+key+"); __type(value, "+value+");")
	}
}

func (g *randomC) mapOf(kind, name, more string) {
	g.printf("struct { __uint(type, BPF_MAP_TYPE_%s); __uint(max_entries, 4096); %s } %s SEC(\".maps\");\n", kind, more, name)
}

// variable is a global one, of any type, in any section. It returns its name.
func (g *randomC) variable() string {
	name := g.name(g.names)
	where := g.one("", "const volatile ", "static ", "static const volatile ", "__hidden ", "__weak ")
	section := ""
	if g.maybe(5) {
		section = g.one(` SEC(".data.more")`, ` SEC(".bss.more")`)
		if strings.Contains(where, "const") {
			section = ` SEC(".rodata.more")`
		}
		g.printf("%sint %s%s;\n", strings.TrimPrefix(where, "__weak "), g.name(g.names), section)
	}
	switch g.pick(4) {
	default:
		value := ""
		if !strings.Contains(section, ".bss") {
			value = g.one("", " = 1", " = -1", " = 0x7f")
		}
		g.printf("%s%s %s%s%s;\n", where, g.one(scalars...), name, section, value)
	case 1, 2:
		value := ""
		if !strings.Contains(section, ".bss") {
			value = g.one("", " = {}")
		}
		if value == "" && strings.Contains(where, "const") {
			value = " = {}"
		}
		g.printf("%s%s%s%s;\n", where, g.declarator(name), section, value)
	case 3:
		if strings.Contains(section, ".bss") {
			section = ""
		}
		g.printf("%schar %s[16]%s = \"%s\";\n", where, name, section, g.one("text", "", "a\\0b", "*/ //"))
	}
	return name
}

// function is a program that uses the variables, lest the compiler drop some.
func (g *randomC) function(n int, variables []string) {
	section := g.one("socket", "xdp", "tc", "raw_tp/sys_enter", "tracepoint/syscalls/sys_enter_openat", "?kprobe/do_exit", "cgroup_skb/egress", "socket/x", "uprobe")
	g.printf("SEC(\"%s\") int %s(void *ctx)\n{\n\tlong sum = 0;\n", section, g.name(g.names))
	for i, v := range variables {
		if i%(n+1) == 0 {
			g.printf("\tsum += *(volatile char *)&%s;\n", v)
		}
	}
	g.printf("\treturn sum & 1;\n}\n")
}
