package asm

import (
	"fmt"

	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Metadata is what is known about an instruction beyond its encoding.
//
// It refers to what all instructions of a section share, which is never
// modified: changing metadata makes it refer to something of its own, so copies
// don't see it.
type Metadata struct {
	shared *Shared
	line   uint32 // record in shared.lines, counted from one
	note   uint32 // in shared.notes, counted from one
}

// Shared is what the metadata of many instructions refer to: the lines of a
// section, as the file has them, and annotations. A parser makes one a section,
// so that an instruction's line costs it two numbers.
type Shared struct {
	lines btf.LineTable
	notes []Annotations
}

// SetLines says which lines the instructions come from.
func (s *Shared) SetLines(lines btf.LineTable) { s.lines = lines }

// Lines returns what SetLines was given.
func (s *Shared) Lines() *btf.LineTable { return &s.lines }

// Reserve makes room for annotations. There must be none yet.
func (s *Shared) Reserve(room []Annotations) { s.notes = room[:0] }

// Annotate returns new annotations, to be filled in before the next call, and
// their number, which counts from one.
func (s *Shared) Annotate() (*Annotations, uint32) {
	s.notes = append(s.notes, Annotations{})
	return &s.notes[len(s.notes)-1], uint32(len(s.notes))
}

// Metadata returns the metadata of an instruction from a line, with annotations.
// Both are numbers that count from one; zero stands for none.
func (s *Shared) Metadata(line, note uint32) Metadata { return Metadata{s, line, note} }

// Annotations are the less common parts of an instruction's metadata.
type Annotations struct {
	// Symbol names the instruction, as the target of references. The first
	// instruction of a function has the function's name.
	Symbol string
	// Reference is the symbol or the map that the instruction refers to.
	Reference string
	// Func is the BTF of the function that begins here.
	Func btf.TypeRef
	// CORE is how to adjust the instruction to the running kernel.
	CORE *btf.CORERelocation
	// Map is the map that a load of one refers to.
	Map FDer
	// Source is the origin of an instruction that has no BTF line.
	Source fmt.Stringer
	// Extern is the kernel's symbol or configuration that the instruction
	// refers to.
	Extern *Extern
	// Table is the jump table that the instruction loads the address of.
	Table *JumpTable

	// line is one that WithSource was given; it hides that of Metadata.
	line *btf.Line
	// values is what Metadata.Set was given, newest first.
	values *metaValue
}

type metaValue struct {
	key, value any
	next       *metaValue
}

// ExternKind is what an Extern refers to.
type ExternKind uint8

const (
	// ExternUnknown is an extern that nothing more is known about.
	ExternUnknown ExternKind = iota
	// ExternKfunc is a function of the kernel.
	ExternKfunc
	// ExternKsym is a variable of the kernel, with a type.
	ExternKsym
	// ExternAddress is a symbol of the kernel without a type, as in
	// `extern const void x __ksym`.
	ExternAddress
	// ExternKconfig is an option of the kernel's configuration.
	ExternKconfig
)

// String says what the kind is, in words.
func (k ExternKind) String() string {
	switch k {
	case ExternUnknown:
		return "extern"
	case ExternKfunc:
		return "kfunc"
	case ExternKsym:
		return "kernel variable"
	case ExternAddress:
		return "kernel symbol"
	case ExternKconfig:
		return "kernel configuration"
	}
	return fmt.Sprintf("ExternKind(%d)", uint8(k))
}

// Extern is something that a program declares and the kernel defines.
type Extern struct {
	Name    string
	Section string      // ".ksyms", ".kconfig", or "" if the file doesn't say
	Type    btf.TypeRef // of the declaration: a Func or a Var; zero without BTF
	Weak    bool        // whether the program copes with its absence
	Kind    ExternKind
	Index   uint32 // among the externs of the file
}

// JumpTable is where a function may jump to by a register. Loading a program
// makes a map of each table it uses.
type JumpTable struct {
	Name     string
	Function string  // the symbol that Targets count from
	Targets  []int32 // slots
}

// FDer is a resource with a file descriptor. It stands for maps, which this
// package can't import.
type FDer interface {
	FD() int
}

// A Comment can be passed to Instruction.WithSource to add a comment to an
// instruction.
type Comment string

// String returns the comment.
func (c Comment) String() string { return string(c) }

// Line returns the BTF line, or nil.
func (m Metadata) Line() *btf.Line {
	if notes := m.notes(); notes != nil && notes.line != nil {
		return notes.line
	}
	if m.line == 0 {
		return nil
	}
	l := m.shared.lines.Line(int(m.line - 1))
	return &l
}

// Annotations returns a copy of the annotations.
func (m Metadata) Annotations() Annotations { return *m.read() }

// notes returns the annotations, or nil.
func (m *Metadata) notes() *Annotations {
	if m.note == 0 {
		return nil
	}
	return &m.shared.notes[m.note-1]
}

// read returns the annotations for reading.
func (m *Metadata) read() *Annotations {
	if m.note == 0 {
		return &noAnnotations
	}
	return &m.shared.notes[m.note-1]
}

var noAnnotations Annotations

// edit replaces the annotations by a copy of them, and returns that.
func (m *Metadata) edit() *Annotations {
	own := &struct {
		Shared
		notes [1]Annotations
	}{notes: [1]Annotations{*m.read()}}
	if m.line != 0 {
		own.lines = m.shared.lines
	}
	own.Shared.notes = own.notes[:]
	m.shared, m.note = &own.Shared, 1
	return &own.notes[0]
}

// Get returns the value of a key given to Set, or nil.
func (m *Metadata) Get(key any) any {
	for v := m.read().values; v != nil; v = v.next {
		if v.key == key {
			return v.value
		}
	}
	return nil
}

// Set attaches a value to a key, which must be comparable and should be of a
// type of its own. A nil value removes the key.
func (m *Metadata) Set(key, value any) {
	old := m.read().values
	if m.Get(key) != nil {
		old = old.without(key)
	} else if value == nil {
		return
	}
	if value != nil {
		old = &metaValue{key, value, old}
	}
	m.edit().values = old
}

// without returns the list v less key. Its end is shared with v.
func (v *metaValue) without(key any) *metaValue {
	if v.key == key {
		return v.next
	}
	return &metaValue{v.key, v.value, v.next.without(key)}
}

// WithMetadata returns ins with other metadata, such as those of an instruction
// that it replaces.
func (ins Instruction) WithMetadata(meta Metadata) Instruction {
	ins.Metadata = meta
	return ins
}

// WithSymbol names ins, so that others can refer to it by WithReference.
func (ins Instruction) WithSymbol(name string) Instruction {
	ins.Metadata.edit().Symbol = name
	return ins
}

// Symbol returns the name of ins, or "".
func (ins Instruction) Symbol() string { return ins.Metadata.read().Symbol }

// WithReference makes ins refer to a symbol or a map by name.
func (ins Instruction) WithReference(ref string) Instruction {
	ins.Metadata.edit().Reference = ref
	return ins
}

// Reference returns the name of the symbol or map that ins refers to, or "".
func (ins Instruction) Reference() string { return ins.Metadata.read().Reference }

// WithSource says where ins comes from: a *btf.Line, or a [Comment]. nil removes
// what was said.
func (ins Instruction) WithSource(src fmt.Stringer) Instruction {
	line, ok := src.(*btf.Line)
	if ok {
		src = nil
	}
	if notes := ins.Metadata.read(); line == nil && src == nil && notes.line == nil && notes.Source == nil {
		ins.Metadata.line = 0
		return ins
	}
	notes := ins.Metadata.edit()
	notes.line, notes.Source = line, src
	ins.Metadata.line = 0
	return ins
}

// Source returns where ins comes from, or nil. What clang compiled with -g has a
// *btf.Line, of the C line responsible for it.
func (ins Instruction) Source() fmt.Stringer {
	if line := ins.Metadata.Line(); line != nil {
		return line
	}
	return ins.Metadata.read().Source
}

// Map returns the map that AssociateMap associated, or nil.
func (ins Instruction) Map() FDer { return ins.Metadata.read().Map }

// WithFunc says that the function of that BTF begins at ins.
func (ins Instruction) WithFunc(fn btf.TypeRef) Instruction {
	ins.Metadata.edit().Func = fn
	return ins
}

// Func returns the BTF of the function that begins at ins. It is zero elsewhere.
func (ins Instruction) Func() btf.TypeRef { return ins.Metadata.read().Func }

// WithCORERelocation says how to adjust ins to the running kernel.
func (ins Instruction) WithCORERelocation(relo *btf.CORERelocation) Instruction {
	ins.Metadata.edit().CORE = relo
	return ins
}

// CORERelocation returns how to adjust ins to the running kernel, or nil.
func (ins Instruction) CORERelocation() *btf.CORERelocation { return ins.Metadata.read().CORE }

// WithExtern makes ins refer to something that the kernel defines.
func (ins Instruction) WithExtern(extern *Extern) Instruction {
	ins.Metadata.edit().Extern = extern
	return ins
}

// Extern returns what ins refers to that the kernel defines, or nil.
func (ins Instruction) Extern() *Extern { return ins.Metadata.read().Extern }

// WithJumpTable makes ins, which must load a map's value, load the address of a
// jump table.
func (ins Instruction) WithJumpTable(table *JumpTable) Instruction {
	ins.Metadata.edit().Table = table
	return ins
}

// JumpTable returns the jump table that ins loads the address of, or nil.
func (ins Instruction) JumpTable() *JumpTable { return ins.Metadata.read().Table }
