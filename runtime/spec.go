package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/bpfgen/bpfgen/internal/files"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// CollectionSpec is what an object file declares. All of it can be changed
// before it is loaded.
type CollectionSpec struct {
	Maps     map[string]*MapSpec
	Programs map[string]*ProgramSpec

	// Variables are the global variables, whose initial values can be changed
	// until the collection is loaded. Later changes have no effect.
	Variables map[string]*VariableSpec

	// Types is the object's type information (BTF), nil if it was compiled
	// without -g. It mustn't be modified.
	Types *btf.Spec

	// ByteOrder is that of the machine the object was compiled for.
	ByteOrder binary.ByteOrder
}

// LoadCollectionSpec parses an object file.
func LoadCollectionSpec(file string) (*CollectionSpec, error) {
	data, err := files.Read(file)
	if err != nil {
		return nil, err
	}
	spec, err := new(ownSpec).parse(data, textOf(data))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", file, err)
	}
	return spec, nil
}

// LoadCollectionSpecFromReader parses an object file. A *strings.Reader is not
// read but used in place, since strings don't change: this is the fastest way to
// load what go:embed put into a string.
func LoadCollectionSpecFromReader(rd io.ReaderAt) (*CollectionSpec, error) {
	if rd, ok := rd.(*strings.Reader); ok {
		own := new(ownSpec)
		text := own.text.take(rd)
		return own.parse(bytesOf(text), text)
	}
	data, err := readAll(rd)
	if err != nil {
		return nil, fmt.Errorf("read object file: %w", err)
	}
	return new(ownSpec).parse(data, textOf(data))
}

// ownSpec is a spec with what belongs to it, in one allocation if that isn't much.
type ownSpec struct {
	CollectionSpec
	programs [1]ProgramSpec
	text     stringTaker
}

// stringTaker keeps the one string that it is given.
type stringTaker string

// take returns all that rd was made of, wherever it stands.
func (t *stringTaker) take(rd *strings.Reader) string {
	whole := *rd
	whole.Seek(0, io.SeekStart)
	whole.WriteTo(t)
	return string(*t)
}

func (t *stringTaker) WriteString(s string) (int, error) {
	*t = stringTaker(s)
	return len(s), nil
}

func (t *stringTaker) Write(p []byte) (int, error) { return t.WriteString(string(p)) }

// readAll reads what rd has, with one allocation if rd tells its size.
func readAll(rd io.ReaderAt) ([]byte, error) {
	sized, ok := rd.(interface{ Size() int64 })
	if !ok {
		return io.ReadAll(io.NewSectionReader(rd, 0, math.MaxInt64))
	}
	data := make([]byte, sized.Size())
	n, err := rd.ReadAt(data, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], err
}

// parse keeps text, which is data as a string: what it returns may refer to it. So
// neither may change.
func (own *ownSpec) parse(data []byte, text string) (*CollectionSpec, error) {
	obj, err := object.ParseText(data, text)
	if err != nil {
		return nil, err
	}
	spec := &own.CollectionSpec
	*spec = CollectionSpec{
		Maps:      make(map[string]*MapSpec, len(obj.Maps)),
		Programs:  make(map[string]*ProgramSpec, len(obj.Programs)),
		Variables: make(map[string]*VariableSpec, len(obj.Variables)),
		Types:     obj.Types,
		ByteOrder: obj.ByteOrder,
	}
	if err := spec.addMaps(obj.Maps); err != nil {
		return nil, err
	}
	spec.addKconfig(obj.Maps, obj.Externs)
	specs := own.programs[:]
	if len(obj.Programs) > len(specs) {
		specs = make([]ProgramSpec, len(obj.Programs))
	}
	if err := spec.addPrograms(obj.Programs, specs); err != nil {
		return nil, err
	}
	spec.addMembers(obj.Maps)
	return spec, spec.addVariables(obj.Variables)
}

func (cs *CollectionSpec) addMaps(maps []*object.Map) error {
	specs := make([]MapSpec, len(maps))
	for i, m := range maps {
		if cs.Maps[m.Name] != nil {
			return fmt.Errorf("map %q is declared twice", m.Name)
		}
		if err := specs[i].declared(m); err != nil {
			return err
		}
		cs.Maps[m.Name] = &specs[i]
	}
	return nil
}

// addPrograms names programs after their functions. Static functions of several
// sources can have the same name; those whose name is taken go by "name@section",
// so that none is lost.
func (cs *CollectionSpec) addPrograms(programs []*object.Program, specs []ProgramSpec) error {
	for i, p := range programs {
		specs[i].declared(p)
		if p.Static {
			continue
		}
		if err := cs.addProgram(p.Name, &specs[i]); err != nil {
			return err
		}
	}
	for i, p := range programs {
		if !p.Static {
			continue
		}
		key := p.Name
		if cs.Programs[key] != nil {
			key = p.Name + "@" + p.Section
		}
		if err := cs.addProgram(key, &specs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (cs *CollectionSpec) addProgram(key string, ps *ProgramSpec) error {
	if other := cs.Programs[key]; other != nil {
		return fmt.Errorf("program %q is declared twice, in sections %q and %q", ps.Name, other.SectionName, ps.SectionName)
	}
	cs.Programs[key] = ps
	return nil
}

// addMembers tells programs which member of a struct_ops they are.
func (cs *CollectionSpec) addMembers(maps []*object.Map) {
	for _, m := range maps {
		if m.Kind != object.StructOpsMap {
			continue
		}
		for _, v := range m.Values {
			ps := cs.Programs[v.Name]
			if ps == nil {
				continue // loading the map says so
			}
			ps.member = true
			if ps.AttachTo == "" {
				ps.AttachTo = cs.Maps[m.Name].structName() + ":" + v.Member
			}
		}
	}
}

func (cs *CollectionSpec) addVariables(vars []*object.Variable) error {
	specs := make([]VariableSpec, len(vars))
	for i, v := range vars {
		if cs.Variables[v.Name] != nil {
			return fmt.Errorf("variable %q is declared twice, in sections %q and %q", v.Name, cs.Variables[v.Name].SectionName, v.Section)
		}
		if err := specs[i].declared(v, cs.Maps[v.Section]); err != nil {
			return err
		}
		cs.Variables[v.Name] = &specs[i]
	}
	return nil
}

// Copy is a deep copy. Variables in it are those of its own maps.
func (cs *CollectionSpec) Copy() *CollectionSpec {
	if cs == nil {
		return nil
	}
	dup := &CollectionSpec{
		Maps:      make(map[string]*MapSpec, len(cs.Maps)),
		Programs:  make(map[string]*ProgramSpec, len(cs.Programs)),
		Variables: make(map[string]*VariableSpec, len(cs.Variables)),
		Types:     cs.Types.Copy(),
		ByteOrder: cs.ByteOrder,
	}
	for name, m := range cs.Maps {
		dup.Maps[name] = m.Copy()
	}
	for name, p := range cs.Programs {
		dup.Programs[name] = p.Copy()
	}
	for name, v := range cs.Variables {
		dup.Variables[name] = v.copyFor(cs.Maps[v.SectionName], dup.Maps[v.SectionName])
	}
	return dup
}
