package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/bpfgen/bpfgen/internal/chain"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// selection is what to load: names of maps and programs.
type selection struct {
	maps, programs []string

	// alternatives are those of the programs that may fail to load as long as
	// one of their group doesn't, with that group.
	alternatives map[string]string
}

// addAlternative adds a program that may fail.
func (s *selection) addAlternative(name, group string) {
	s.programs = append(s.programs, name)
	if s.alternatives == nil {
		s.alternatives = make(map[string]string)
	}
	s.alternatives[name] = group
}

// everything is all maps and programs that aren't optional.
func (cs *CollectionSpec) everything() selection {
	var want selection
	for _, name := range sortedKeys(cs.Maps) {
		if !cs.Maps[name].Optional {
			want.maps = append(want.maps, name)
		}
	}
	for _, name := range sortedKeys(cs.Programs) {
		// A program of a struct_ops that isn't wanted isn't wanted either.
		switch ps := cs.Programs[name]; {
		case ps.Optional || ps.member:
		case ps.Alternative != "":
			want.addAlternative(name, ps.Alternative)
		default:
			want.programs = append(want.programs, name)
		}
	}
	return want
}

// withDependencies adds what is needed: maps that programs refer to, and maps
// and programs that are the contents of maps. The result is sorted, so that the
// same spec gives the same system calls and the same error each time. What is in
// it has been decoded, in cs.
func (cs *CollectionSpec) withDependencies(want selection, replaced map[string]*Map) (selection, error) {
	c := closure{cs: cs, replaced: replaced, maps: make(map[string]bool), programs: make(map[string]bool)}
	for _, name := range want.maps {
		if err := c.addMap(name); err != nil {
			return want, err
		}
	}
	for _, name := range want.programs {
		if err := c.addProgram(name); err != nil {
			return want, err
		}
	}
	return selection{maps: sortedKeys(c.maps), programs: sortedKeys(c.programs), alternatives: want.alternatives}, nil
}

// closure collects what depends on what.
type closure struct {
	cs             *CollectionSpec
	replaced       map[string]*Map
	maps, programs map[string]bool
}

func (c *closure) addMap(name string) error {
	if c.maps[name] {
		return nil
	}
	spec := c.cs.Maps[name]
	if spec == nil {
		return fmt.Errorf("map %q: %w", name, errNotThere)
	}
	c.maps[name] = true
	spec, err := spec.decoded()
	if err != nil {
		return err
	}
	c.cs.Maps[name] = spec
	if c.replaced[name] != nil {
		return nil // it has its contents
	}
	for _, kv := range spec.Contents {
		if err := c.addContent(spec, kv); err != nil {
			return fmt.Errorf("contents of map %q: %w", name, err)
		}
	}
	for _, member := range sortedKeys(spec.StructOps) {
		program := spec.StructOps[member]
		if c.cs.Programs[program] == nil && spec.members[member] == program {
			continue // deleted from the spec, which leaves the member without program
		}
		if err := c.addProgram(program); err != nil {
			return fmt.Errorf("map %q: member %s: %w", name, member, err)
		}
	}
	return nil
}

func (c *closure) addContent(spec *MapSpec, kv MapKV) error {
	name, ok := kv.Value.(string)
	switch {
	case ok && spec.Type.holdsMaps():
		return c.addMap(name)
	case ok && spec.Type == ProgramArray:
		return c.addProgram(name)
	}
	return nil
}

func (c *closure) addProgram(name string) error {
	if c.programs[name] {
		return nil
	}
	spec := c.cs.Programs[name]
	if spec == nil {
		return fmt.Errorf("program %q: %w", name, errNotThere)
	}
	c.programs[name] = true
	spec, err := spec.decoded()
	if err != nil {
		return err
	}
	c.cs.Programs[name] = spec
	for i := range spec.Instructions {
		ins := &spec.Instructions[i]
		ref := mapReference(ins)
		if ref == "" {
			continue
		}
		if err := c.addMap(ref); err != nil {
			return fmt.Errorf("program %q: %w", name, err)
		}
	}
	return nil
}

// mapReference is the name of the map that an instruction needs, if any.
func mapReference(ins *asm.Instruction) string {
	if !ins.IsLoadFromMap() || ins.Map() != nil || ins.JumpTable() != nil {
		return ""
	}
	return ins.Reference()
}

// programsFor are the programs of a selection, with what only the selection
// says about them. Those that differ from the spec's, which is the caller's, are
// copies.
func (cs *CollectionSpec) programsFor(want selection) ([]*ProgramSpec, error) {
	programs := pick(cs.Programs, want.programs)
	if err := cs.withMembers(programs, want.programs, want.maps); err != nil {
		return nil, err
	}
	cs.withCallersType(programs, want)
	withUprobeMulti(programs)
	return programs, checkLoadable(programs)
}

// withCallersType makes programs of unspecified type, if tail calls go to them,
// of the type of their callers: the kernel takes no other. It is how programs
// in iproute2's sections "1/0" come by their type. Callers may be such programs
// themselves.
func (cs *CollectionSpec) withCallersType(programs []*ProgramSpec, want selection) {
	for changed := true; changed; {
		changed = false
		for _, name := range want.maps {
			spec := cs.Maps[name]
			if spec.Type != ProgramArray {
				continue
			}
			caller := onlyCaller(programs, name)
			if caller == nil {
				continue
			}
			for _, kv := range spec.Contents {
				callee, _ := kv.Value.(string)
				i, ok := sort.Find(len(want.programs), func(i int) int { return strings.Compare(callee, want.programs[i]) })
				if !ok || programs[i].Type != UnspecifiedProgram {
					continue
				}
				dup := *programs[i]
				dup.Type, dup.AttachType, dup.Flags = caller.Type, caller.AttachType, caller.Flags
				programs[i], changed = &dup, true
			}
		}
	}
}

// withUprobeMulti lets programs for user-space probes be attached to all places
// of a probe at once, where the kernel can do that.
func withUprobeMulti(programs []*ProgramSpec) {
	has := sync.OnceValue(kernel.HasUprobeMulti)
	for i, ps := range programs {
		if !ps.usdt || ps.Type != Kprobe || ps.AttachType != AttachNone || !has() {
			continue
		}
		dup := *ps
		dup.AttachType = AttachTraceUprobeMulti
		programs[i] = &dup
	}
}

// onlyCaller is a program that refers to a program array, nil if no program of
// known type does, or several of different types.
func onlyCaller(programs []*ProgramSpec, array string) *ProgramSpec {
	var caller *ProgramSpec
	for _, ps := range programs {
		if ps.Type == UnspecifiedProgram || !refersTo(ps, array) {
			continue
		}
		if caller != nil && (caller.Type != ps.Type || caller.AttachType != ps.AttachType || caller.Flags != ps.Flags) {
			return nil
		}
		caller = ps
	}
	return caller
}

func refersTo(ps *ProgramSpec, array string) bool {
	for i := range ps.Instructions {
		if mapReference(&ps.Instructions[i]) == array {
			return true
		}
	}
	return false
}

// checkLoadable finds what no kernel could load, before anything is made.
func checkLoadable(programs []*ProgramSpec) error {
	for _, ps := range programs {
		if err := ps.checkLoadable(); err != nil {
			return ps.fail(err)
		}
	}
	return nil
}

// programError is an error about a program.
type programError struct {
	spec *ProgramSpec
	err  error
}

// Error names the program first, but for what the verifier says, which begins
// with the place in the source and names the program later.
func (e *programError) Error() string {
	if ve, ok := chain.As[*VerifierError](e.err); ok && ve.label != "" {
		return e.err.Error()
	}
	return e.spec.label() + ": " + e.err.Error()
}

func (e *programError) Unwrap() error { return e.err }

// fail is an error about ps.
func (ps *ProgramSpec) fail(err error) error { return &programError{ps, err} }

// label names the program in errors.
func (ps *ProgramSpec) label() string {
	if ps.SectionName == "" {
		return fmt.Sprintf("program %q", ps.Name)
	}
	return fmt.Sprintf("program %q (section %q)", ps.Name, ps.SectionName)
}

func (ps *ProgramSpec) checkLoadable() error {
	if len(ps.Instructions) == 0 {
		return errors.New("it has no instructions")
	}
	if ps.Type == UnspecifiedProgram {
		return ps.unknownSection()
	}
	if ps.ByteOrder != nil && !sameOrder(ps.ByteOrder, binary.NativeEndian) {
		return fmt.Errorf("it is compiled for %s machines, and this one is not: compile it with clang -target bpf", orderName(ps.ByteOrder))
	}
	for i := range ps.Instructions {
		ins := &ps.Instructions[i]
		// A constant that assembly names is for the caller to set: it has a value.
		if e := ins.Extern(); e != nil && e.Kind == asm.ExternUnknown && !ins.IsConstantLoad(asm.DWord) {
			return fmt.Errorf("it uses %s, which isn't defined: define it, or declare it with __ksym or __kconfig and compile with -g", e.Name)
		}
	}
	return nil
}

// unknownSection is about a section name that says no program type.
func (ps *ProgramSpec) unknownSection() error {
	if near := object.NearestSection(ps.SectionName); near != "" {
		return fmt.Errorf("its section name says no program type (did you mean %q?): set ProgramSpec.Type before loading", near)
	}
	return errors.New("its section name says no program type: set ProgramSpec.Type before loading")
}

func sameOrder(a, b binary.ByteOrder) bool {
	probe := []byte{1, 2}
	return a.Uint16(probe) == b.Uint16(probe)
}

func orderName(bo binary.ByteOrder) string {
	if sameOrder(bo, binary.BigEndian) {
		return "big-endian"
	}
	return "little-endian"
}
