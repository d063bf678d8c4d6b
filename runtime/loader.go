package ebpf

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// load brings what want names, and what that depends on, into the kernel. It
// starts over without alternatives that this kernel refuses.
func load(cs *CollectionSpec, want selection, opts *CollectionOptions) (*Collection, error) {
	cs = cs.forLoading()
	refused := make(map[string]error)
	for {
		coll, err := withChosenToken(opts.TokenPath, func(t *token) (*Collection, error) {
			return loadWith(cs, want, opts, t)
		})
		if err == nil {
			coll.refused = refused
			return coll, nil
		}
		name := cs.refusedAlternative(err, want)
		if name == "" || refused[name] != nil {
			return nil, err
		}
		refused[name] = err
		if want, err = want.without(name, refused); err != nil {
			return nil, err
		}
	}
}

// loadWith is load by the right of a token, or of the process if that is nil. It
// is a chain of steps, each of which is given what it needs; nothing before
// makeMaps has side effects but that specs in cs become decoded ones, and nothing
// stays open if a step fails.
//
//	select     which maps and programs, decoded
//	relocate   instructions for this kernel (CO-RE, kernel symbols)
//	describe   one BTF for all of it, with the programs' functions and lines
//	makeMaps   new, replaced or pinned ones
//	fill       their contents, as far as programs aren't part of them
//	load       programs, one by one
//	fill       program arrays
func loadWith(cs *CollectionSpec, want selection, opts *CollectionOptions, t *token) (_ *Collection, err error) {
	if err := cs.checkReplacements(opts.MapReplacements); err != nil {
		return nil, err
	}
	if want, err = cs.withDependencies(want, opts.MapReplacements); err != nil {
		return nil, err
	}
	programs, err := cs.programsFor(want)
	if err != nil {
		return nil, err
	}
	coll := &Collection{
		Programs:  make(map[string]*Program, len(want.programs)),
		Maps:      make(map[string]*Map, len(want.maps)),
		Variables: make(map[string]*Variable),
	}
	types, code, err := describe(cs, want, programs, opts, t)
	if err != nil {
		return nil, err
	}
	defer types.close()

	var fresh []*Map // made here, not found somewhere
	defer func() {
		if err != nil {
			unpin(fresh)
			coll.Close()
		}
	}()
	if fresh, err = makeMaps(cs, want.maps, types, opts, coll.Maps); err != nil {
		return nil, err
	}
	if err := fillArenas(cs, coll, fresh, code); err != nil {
		return nil, err
	}
	if err := fillKconfig(cs, coll, fresh, programs, opts.Kconfig); err != nil {
		return nil, err
	}
	if err := fillMaps(cs, coll, fresh, beforePrograms); err != nil {
		return nil, err
	}
	if err := pinMaps(cs, coll.Maps, fresh, opts.Maps); err != nil {
		return nil, err
	}
	for i, name := range want.programs {
		p, err := loadProgram(programs[i], code[i], types, coll.Maps, &opts.Programs)
		if err != nil {
			return nil, err
		}
		coll.Programs[name] = p
	}
	if err := fillMaps(cs, coll, fresh, afterPrograms); err != nil {
		return nil, err
	}
	if err := fillStructOps(cs, coll, fresh, types); err != nil {
		return nil, err
	}
	if err := coll.addVariables(cs); err != nil {
		return nil, err
	}
	return coll, nil
}

// pick is the values of names.
func pick[T any](from map[string]T, names []string) []T {
	picked := make([]T, len(names))
	for i, name := range names {
		picked[i] = from[name]
	}
	return picked
}

// unpin takes away the pins of maps whose collection failed to load.
func unpin(maps []*Map) {
	for _, m := range maps {
		_ = m.Unpin() // the reason why loading failed matters more
	}
}

// addVariables makes the variables of the maps that were loaded.
func (coll *Collection) addVariables(cs *CollectionSpec) error {
	n := 0
	for _, vs := range cs.Variables {
		if coll.Maps[vs.SectionName] != nil {
			n++
		}
	}
	vars := make([]Variable, n)
	for name, vs := range cs.Variables {
		if m := coll.Maps[vs.SectionName]; m != nil {
			vs, err := vs.decoded()
			if err != nil {
				return err
			}
			vars[0].init(vs, m)
			coll.Variables[name] = &vars[0]
			vars = vars[1:]
		}
	}
	return nil
}

// NewProgramWithOptions is NewProgram with options.
func NewProgramWithOptions(spec *ProgramSpec, opts ProgramOptions) (*Program, error) {
	if spec == nil {
		return nil, errors.New("load program: no spec")
	}
	spec, err := spec.decoded()
	if err != nil {
		return nil, err
	}
	config, err := kconfigOf(spec)
	if err != nil {
		return nil, spec.fail(err)
	}
	if config != nil {
		p, err := newProgramWithKconfig(spec, config, opts)
		return p, explainAlone(err)
	}
	programs := []*ProgramSpec{spec}
	withUprobeMulti(programs)
	if err := checkLoadable(programs); err != nil {
		return nil, err
	}
	return withToken("", func(t *token) (*Program, error) {
		types, code, err := describePrograms(programs, nil, nil, newKernelTypes(&opts, nil), t)
		if err != nil {
			return nil, err
		}
		defer types.close()
		p, err := loadProgram(programs[0], code[0], types, nil, &opts)
		return p, explainAlone(err)
	})
}

// explainAlone adds what to do about a map that a program doesn't bring along.
func explainAlone(err error) error {
	if errors.Is(err, asm.ErrUnsatisfiedMapReference) || errors.Is(err, errNotThere) {
		return fmt.Errorf("%w: load the collection that has it (NewCollection, LoadAndAssign), or give the instruction a map (AssociateMap)", err)
	}
	return err
}

// NewMapWithOptions is NewMap with options. Values in the spec's contents that
// name other objects need a collection.
func NewMapWithOptions(spec *MapSpec, opts MapOptions) (*Map, error) {
	if spec == nil {
		return nil, errors.New("make map: no spec")
	}
	cs := &CollectionSpec{Maps: map[string]*MapSpec{spec.Name: spec}}
	coll, err := withToken("", func(t *token) (*Collection, error) {
		return loadWith(cs, selection{maps: []string{spec.Name}}, &CollectionOptions{Maps: opts}, t)
	})
	if err != nil {
		return nil, err
	}
	return coll.Maps[spec.Name], nil
}

// checkReplacements refuses replacements for maps that aren't there.
func (cs *CollectionSpec) checkReplacements(replacements map[string]*Map) error {
	for _, name := range sortedKeys(replacements) {
		spec := cs.Maps[name]
		if spec == nil {
			return fmt.Errorf("replace map %q: %w", name, errNotThere)
		}
		if err := spec.Compatible(replacements[name]); err != nil {
			return fmt.Errorf("replace map %q: %w", name, err)
		}
	}
	return nil
}

// cloneMap is maps.Clone, whose package would be one more in every program.
func cloneMap[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return nil
	}
	clone := make(map[K]V, len(m))
	for k, v := range m {
		clone[k] = v
	}
	return clone
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sorting.Strings(keys)
	return keys
}
