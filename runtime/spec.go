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
// before it is loaded. It can be loaded by several goroutines at once.
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
	spec, err := new(ownSpec).parseDecoded(data, textOf(data))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", file, err)
	}
	return spec, nil
}

// LoadCollectionSpecFromReader parses an object file. A *strings.Reader is not
// read but used in place, since strings don't change: this is the fastest way to
// load what go:embed put into a string.
func LoadCollectionSpecFromReader(rd io.ReaderAt) (*CollectionSpec, error) {
	own := new(ownSpec)
	data, text, err := own.read(rd)
	if err != nil {
		return nil, err
	}
	return own.parseDecoded(data, text)
}

// LoadEncodedSpec is LoadCollectionSpec for whoever loads what is in an object,
// and looks at little of it: the instructions of programs, the types of
// variables, and those of keys and values of maps stay as they are in the object.
// What is loaded is decoded for that, and never the rest; mistakes in the code of
// a program are found when it is loaded.
//
// Until they are decoded, ProgramSpec.Instructions, VariableSpec.Type and Key and
// Value of MapSpec are nil. Each spec has a method Decode. CollectionSpec.Assign
// decodes what it assigns. What somebody has set before that stays.
func LoadEncodedSpec(file string) (*CollectionSpec, error) {
	data, err := files.Read(file)
	if err != nil {
		return nil, err
	}
	spec, err := new(encodedSpec).parse(data, textOf(data))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", file, err)
	}
	return spec, nil
}

// LoadEncodedSpecFromReader is to LoadCollectionSpecFromReader what
// LoadEncodedSpec is to LoadCollectionSpec. Generated code that loads an object
// at once uses it.
func LoadEncodedSpecFromReader(rd io.ReaderAt) (*CollectionSpec, error) {
	own := new(encodedSpec)
	data, text, err := own.read(rd)
	if err != nil {
		return nil, err
	}
	return own.parse(data, text)
}

// ownSpec is a spec with what belongs to it, in one allocation if that isn't much.
type ownSpec struct {
	CollectionSpec
	programs [1]ProgramSpec
}

// encodedSpec is a spec with the object that it refers to.
type encodedSpec struct {
	ownSpec
	object object.Memory
}

// parse keeps text, which is data as a string: what it returns may refer to it. So
// neither may change.
func (own *encodedSpec) parse(data []byte, text string) (*CollectionSpec, error) {
	obj, err := own.object.Open(data, text)
	if err != nil {
		return nil, err
	}
	return own.declared(obj)
}

// parseDecoded keeps data and text, too, and decodes everything. What the object
// took besides goes when the spec is made.
func (own *ownSpec) parseDecoded(data []byte, text string) (*CollectionSpec, error) {
	obj, err := object.Open(data, text)
	if err == nil {
		err = obj.Decode()
	}
	if err != nil {
		return nil, err
	}
	spec, err := own.declared(obj)
	if err == nil {
		err = spec.Decode()
	}
	if err != nil {
		return nil, err
	}
	return spec, nil
}

// read returns what rd has, twice: as bytes and as a string.
func (own *ownSpec) read(rd io.ReaderAt) (data []byte, text string, err error) {
	if rd, ok := rd.(*strings.Reader); ok {
		text = own.take(rd)
		return bytesOf(text), text, nil
	}
	data, err = readAll(rd)
	return data, textOf(data), err
}

// take returns all that rd was made of, wherever it stands. The memory that this
// takes is that of the first program, which isn't there yet.
func (own *ownSpec) take(rd *strings.Reader) string {
	taker := (*stringTaker)(&own.programs[0].License)
	whole := *rd
	whole.Seek(0, io.SeekStart)
	whole.WriteTo(taker)
	text := string(*taker)
	*taker = ""
	return text
}

// stringTaker keeps the one string that it is given.
type stringTaker string

func (t *stringTaker) WriteString(s string) (int, error) {
	*t = stringTaker(s)
	return len(s), nil
}

func (t *stringTaker) Write(p []byte) (int, error) { return t.WriteString(string(p)) }

// readAll reads what rd has, with one allocation if rd tells its size.
func readAll(rd io.ReaderAt) (data []byte, err error) {
	if sized, ok := rd.(interface{ Size() int64 }); ok {
		data = make([]byte, sized.Size())
		var n int
		n, err = rd.ReadAt(data, 0)
		data = data[:n]
	} else {
		data, err = io.ReadAll(io.NewSectionReader(rd, 0, math.MaxInt64))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read object file: %w", err)
	}
	return data, nil
}

// declared fills in the spec with what an object declares.
func (own *ownSpec) declared(obj *object.Object) (*CollectionSpec, error) {
	spec := &own.CollectionSpec
	spec.Maps = make(map[string]*MapSpec, len(obj.Maps))
	spec.Programs = make(map[string]*ProgramSpec, len(obj.Programs))
	spec.Variables = make(map[string]*VariableSpec, len(obj.Variables))
	spec.Types, spec.ByteOrder = obj.Types, obj.ByteOrder()
	if len(obj.Maps) > 0 {
		if err := spec.addMaps(obj.Maps); err != nil {
			return nil, err
		}
		spec.addKconfig(obj.Maps, obj.Externs)
	}
	specs := own.programs[:]
	if len(obj.Programs) > len(specs) {
		specs = make([]ProgramSpec, len(obj.Programs))
	}
	if err := spec.addPrograms(obj, specs); err != nil {
		return nil, err
	}
	if err := spec.addMembers(obj.Maps); err != nil {
		return nil, err
	}
	if len(obj.Variables) > 0 {
		if err := spec.addVariables(obj.Variables); err != nil {
			return nil, err
		}
	}
	return spec, nil
}

func (cs *CollectionSpec) addMaps(maps []*object.Map) error {
	specs := make([]MapSpec, len(maps))
	for i, m := range maps {
		if cs.Maps[m.Name] != nil {
			return fmt.Errorf("map %q is declared twice", m.Name)
		}
		specs[i].declared(m)
		cs.Maps[m.Name] = &specs[i]
	}
	return nil
}

// addPrograms names programs after their functions. Static functions of several
// sources can have the same name; those whose name is taken go by "name@section",
// so that none is lost.
func (cs *CollectionSpec) addPrograms(obj *object.Object, specs []ProgramSpec) error {
	for i, p := range obj.Programs {
		specs[i].declared(obj, cs.ByteOrder, p)
		if p.Static {
			continue
		}
		if err := cs.addProgram(p.Name, &specs[i]); err != nil {
			return err
		}
	}
	for i, p := range obj.Programs {
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
func (cs *CollectionSpec) addMembers(maps []*object.Map) error {
	for _, m := range maps {
		if m.Kind != object.StructOpsMap {
			continue
		}
		if err := cs.Maps[m.Name].Decode(); err != nil {
			return err
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
	return nil
}

func (cs *CollectionSpec) addVariables(vars []*object.Variable) error {
	specs := make([]VariableSpec, len(vars))
	for i, v := range vars {
		if cs.Variables[v.Name] != nil {
			return fmt.Errorf("variable %q is declared twice, in sections %q and %q", v.Name, cs.Variables[v.Name].SectionName, v.Section)
		}
		specs[i].declared(v, cs.Maps[v.Section])
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
