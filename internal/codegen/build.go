package codegen

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// modelOptions are what a user decides about the generated code, apart from
// files.
type modelOptions struct {
	names       TopNames
	source      string // named in warnings
	types       []TypeRequest
	own         []ownType // the Go types that the types name
	target      Target
	events      []EventRequest
	globalTypes bool               // also those of map keys, map values and variables
	beside      neighbours         // the rest of the package
	consts      []Const            // without names
	minKernel   uapi.KernelVersion // the object has to run on; zero for any
}

// buildModel decides everything about the Go code for an object. Its file names
// and package are left to fill in.
func buildModel(obj *object.Object, opts modelOptions) (m *Model, warnings []string, err error) {
	if err := opts.beside.checkTop(opts.names); err != nil {
		return nil, nil, err
	}
	if err := typeEvents(obj, opts.events); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", opts.source, err)
	}
	m = &Model{Names: opts.names}
	pkg := newScope(opts.names.Ident, slices.Concat(opts.names.all(), predeclared())...)
	pkg.foreign = opts.beside
	m.Imports = opts.beside.renamedImports(opts.own)
	fields := m.nameItems(obj, pkg)

	roots, err := namedRoots(obj.Types, opts.types)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", opts.source, err)
	}
	types := newTypeBuilder(opts.source, pkg, obj.ByteOrder())
	if err := types.useOwn(obj.Types, opts.own, opts.target); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", opts.source, err)
	}
	if opts.globalTypes {
		global, err := globalRoots(obj)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", opts.source, err)
		}
		roots = append(roots, global...)
	}
	m.Types = types.build(roots)
	if opts.names.NewSpecs != "" {
		m.addViews(obj, types)
		m.addStructOps(obj, types, pkg)
		m.addAttach(obj, fields)
		m.Types = types.sorted()
	}
	m.nameConsts(opts.consts, pkg)
	if err := m.findNeeds(obj, opts.minKernel); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", opts.source, err)
	}
	warnings = slices.Concat(sectionWarnings(obj, opts.source), externWarnings(obj, opts.source), types.warnings)
	for _, clash := range pkg.clashes {
		warnings = append(warnings, opts.source+": "+clash)
	}
	return m, warnings, nil
}

// nameItems names maps, programs and variables. They share one scope, because
// XObjects embeds the structs that have them as fields; it is returned.
func (m *Model) nameItems(obj *object.Object, pkg *scope) *scope {
	var maps, programs, variables []string
	optional := map[string]bool{}
	for _, decl := range obj.Maps {
		if !strings.HasPrefix(decl.Name, ".") { // those of data sections are there as variables
			maps = append(maps, decl.Name)
			optional[decl.Name] = decl.Optional && m.Names.NewSpecs != ""
		}
	}
	for _, program := range obj.Programs {
		programs = append(programs, program.Name)
		optional[program.Name] = program.Optional
	}
	for _, variable := range obj.Variables {
		variables = append(variables, variable.Name)
	}

	fields := newScope("", "Close")
	if m.Names.NewSpecs != "" {
		fields.ours["Load"], fields.ours["Attach"], fields.ours["Report"] = true, true, true
	}
	for _, name := range m.Names.all() {
		fields.ours[name] = true
	}
	var requests []nameRequest
	var kinds []*[]Item
	add := func(items *[]Item, word string, names []string) {
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			requests = append(requests, nameRequest{name, word})
			kinds = append(kinds, items)
		}
	}
	add(&m.Maps, "Map", maps)
	add(&m.Programs, "Program", programs)
	add(&m.Variables, "Variable", variables)
	short := map[*[]Item]string{&m.Maps: "Map", &m.Programs: "Prog", &m.Variables: "Var"}
	for i, field := range fields.assign(requests) {
		item := Item{C: requests[i].c, Field: field}
		item.Optional = kinds[i] != &m.Variables && optional[item.C]
		item.Const = pkg.take(pkg.prefix + short[kinds[i]] + field)
		*kinds[i] = append(*kinds[i], item)
	}
	return fields
}

// nameConsts names what #defines are exported as.
func (m *Model) nameConsts(consts []Const, pkg *scope) {
	requests := make([]nameRequest, len(consts))
	for i, c := range consts {
		requests[i] = nameRequest{c.C, "Const"}
	}
	for i, name := range pkg.assign(requests) {
		c := consts[i]
		c.Name = name
		m.Consts = append(m.Consts, c)
	}
}

// namedRoots looks up the types that the user named.
func namedRoots(types *btf.Spec, requests []TypeRequest) ([]typeRoot, error) {
	var roots []typeRoot
	for _, r := range requests {
		if r.Go != "" {
			continue // it is there already
		}
		typ, err := typeNamed(types, r.C)
		if err != nil {
			return nil, err
		}
		roots = append(roots, typeRoot{typ: typ})
	}
	return roots, nil
}

// typeNamed looks up one type that the user named.
func typeNamed(types *btf.Spec, name string) (btf.Type, error) {
	if types == nil {
		return nil, fmt.Errorf("type %s: the object has no BTF", name)
	}
	candidates, err := types.AnyTypesByName(name)
	if errors.Is(err, btf.ErrNotFound) {
		return nil, fmt.Errorf("type %s: the object doesn't have it; clang only keeps types that the program uses", name)
	}
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", name, err)
	}
	// A struct before a typedef of the same name, which usually means it.
	slices.SortStableFunc(candidates, func(a, b btf.Type) int { return cmp.Compare(rootRank(a), rootRank(b)) })
	if rootRank(candidates[0]) == notARoot {
		return nil, fmt.Errorf("type %s: it is no type but %s", name, cSpelling(candidates[0]))
	}
	return candidates[0], nil
}

const notARoot = 3

func rootRank(t btf.Type) int {
	switch t.(type) {
	case *btf.Struct, *btf.Union, *btf.Enum:
		return 0
	case *btf.Typedef:
		return 1
	case *btf.Int, *btf.Float:
		return 2
	}
	return notARoot
}

// globalRoots returns the structs, unions and enums that map keys, map values
// and variables are made of.
func globalRoots(obj *object.Object) ([]typeRoot, error) {
	var roots []typeRoot
	add := func(ref btf.TypeRef, hint string) error {
		if ref.IsZero() {
			return nil
		}
		typ, err := ref.Type()
		if err != nil {
			return fmt.Errorf("type of %s: %w", hint, err)
		}
		if v, ok := typ.(*btf.Var); ok {
			typ = v.Type
		}
		if core, _, _ := peelArrays(typ); isComposite(core) {
			roots = append(roots, typeRoot{withoutArrays(typ), hint})
		}
		return nil
	}
	for _, decl := range obj.Maps {
		for m, name := decl, decl.Name; m != nil; m, name = m.Inner, name+"_inner" {
			if m.Kind == object.DataMap || m.Kind == object.KconfigMap || m.Type == uapi.MapTypeStructOps {
				continue
			}
			if err := errors.Join(add(m.Key, name+"_key"), add(m.Value, name+"_value")); err != nil {
				return nil, err
			}
		}
	}
	for _, v := range obj.Variables {
		if err := add(v.Type, v.Name); err != nil {
			return nil, err
		}
	}
	return roots, nil
}

// withoutArrays returns the element of an array of arrays, with its typedefs.
func withoutArrays(t btf.Type) btf.Type {
	for range maxDepth {
		core, _, _ := peel(t)
		array, ok := core.(*btf.Array)
		if !ok {
			return t
		}
		t = array.Type
	}
	return t
}

// sectionWarnings names the programs that nothing can load, because their
// section name means nothing.
func sectionWarnings(obj *object.Object, source string) []string {
	var sections []string
	programs := map[string][]string{}
	for _, p := range obj.Programs {
		if p.Def != nil {
			continue
		}
		if programs[p.Section] == nil {
			sections = append(sections, p.Section)
		}
		programs[p.Section] = append(programs[p.Section], p.Name)
	}
	warnings := make([]string, len(sections))
	for i, section := range sections {
		hint := ""
		if nearest := object.NearestSection(section); nearest != "" {
			hint = fmt.Sprintf(", the nearest known one is %q", nearest)
		}
		warnings[i] = fmt.Sprintf("%s: section name %q is unknown%s: without a type set in Go, it can't be loaded: %s",
			source, section, hint, strings.Join(programs[section], ", "))
	}
	return warnings
}
