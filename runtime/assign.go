package ebpf

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// structTag names the object that a field is for.
const structTag = "ebpf"

// slot is a field of a struct that asks for an object.
type slot struct {
	field string // with the fields that lead to it: "Maps.Events"
	name  string // of the object
	value reflect.Value

	optional bool // left as it is if the object isn't there
}

// holds tells whether the field is of type T.
func holds[T any](s slot) bool { return s.value.Type() == reflect.TypeFor[T]() }

// views tells whether the field is a typed view, of the kind that V is.
func views[V any](s slot) bool {
	return s.value.Kind() == reflect.Struct && reflect.PointerTo(s.value.Type()).Implements(reflect.TypeFor[V]())
}

func (s slot) wantsMap() bool      { return holds[*Map](s) || views[mapView](s) }
func (s slot) wantsProgram() bool  { return holds[*Program](s) }
func (s slot) wantsVariable() bool { return holds[*Variable](s) || views[variableView](s) }
func (s slot) wantsMapSpec() bool  { return holds[*MapSpec](s) || views[mapSpecView](s) }
func (s slot) wantsVariableSpec() bool {
	return holds[*VariableSpec](s) || views[variableSpecView](s)
}

// kind is the same for all fields that can hold the same object.
func (s slot) kind() reflect.Type {
	switch {
	case s.wantsMap():
		return reflect.TypeFor[*Map]()
	case s.wantsMapSpec():
		return reflect.TypeFor[*MapSpec]()
	case s.wantsVariable():
		return reflect.TypeFor[*Variable]()
	case s.wantsVariableSpec():
		return reflect.TypeFor[*VariableSpec]()
	}
	return s.value.Type()
}

// variable is what the field holds, nil if that is no variable.
func (s slot) variable() *Variable {
	switch v := s.value.Addr().Interface().(type) {
	case **Variable:
		return *v
	case variableView:
		return v.Untyped()
	}
	return nil
}

// filled is obj as a value for the field: a view of it, if the field is one.
func (s slot) filled(obj any) (reflect.Value, error) {
	if reflect.TypeOf(obj) == s.value.Type() {
		return reflect.ValueOf(obj), nil
	}
	view := reflect.New(s.value.Type())
	var err error
	switch v := view.Interface().(type) {
	case mapView:
		err = v.bindMap(obj.(*Map))
	case variableView:
		err = v.bindVariable(obj.(*Variable))
	case variableSpecView:
		err = v.bindVariableSpec(obj.(*VariableSpec))
	case mapSpecView:
		in := obj.(mapInSpec)
		if err = v.bindMapSpec(in.ms); err == nil {
			err = bindMembers(view.Elem(), in.cs, in.ms)
		}
	}
	return view.Elem(), err
}

// slotsOf collects the tagged fields of the struct that to points to, of
// structs in it, and of structs that it points to.
func slotsOf(to any) ([]slot, error) {
	v := reflect.ValueOf(to)
	if v.Kind() != reflect.Pointer || v.Type().Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("%T is not a pointer to a struct", to)
	}
	if v.IsNil() {
		return nil, fmt.Errorf("%T is nil", to)
	}
	c := slotCollector{seen: make(map[reflect.Type]bool)}
	if err := c.collect(v.Elem(), ""); err != nil {
		return nil, err
	}
	return c.slots, c.checkDuplicates()
}

// slotCollector walks a struct. seen are the types on the way from its root to
// where it is, so that types which point to themselves come to an end.
type slotCollector struct {
	slots []slot
	seen  map[reflect.Type]bool
}

func (c *slotCollector) collect(v reflect.Value, path string) error {
	t := v.Type()
	if c.seen[t] {
		if hasTags(t, make(map[reflect.Type]bool)) {
			return fmt.Errorf("field %s: a %s inside of another asks for the same objects twice", strings.TrimSuffix(path, "."), t)
		}
		return nil
	}
	c.seen[t] = true
	defer delete(c.seen, t)
	for i := range t.NumField() {
		f := t.Field(i)
		if err := c.field(f, v.Field(i), path+f.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *slotCollector) field(f reflect.StructField, v reflect.Value, path string) error {
	if tag := f.Tag.Get(structTag); tag != "" {
		name, option, _ := strings.Cut(tag, ",")
		if !v.CanSet() {
			return fmt.Errorf("field %s for %q: it is unexported, and can't be set", path, name)
		}
		if option != "" && option != "optional" {
			return fmt.Errorf("field %s for %q: the tag says %q, which can only be \"optional\"", path, name, option)
		}
		c.slots = append(c.slots, slot{field: path, name: name, value: v, optional: option != ""})
		return nil
	}
	switch {
	case v.Kind() == reflect.Struct:
		return c.collect(v, path+".")
	case v.Kind() != reflect.Pointer || v.Type().Elem().Kind() != reflect.Struct:
		return nil
	case v.IsNil():
		if hasTags(v.Type().Elem(), cloneMap(c.seen)) {
			return fmt.Errorf("field %s: nil pointer to a struct with `%s:` tags: point it to a %s", path, structTag, v.Type().Elem())
		}
		return nil
	}
	return c.collect(v.Elem(), path+".")
}

// hasTags tells whether a struct type, or one below it, has tagged fields.
func hasTags(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	// Structs from NewXSpecs have the spec that they are from, which is a lot to walk.
	if t.Kind() != reflect.Struct || seen[t] || t == reflect.TypeFor[CollectionSpec]() {
		return false
	}
	seen[t] = true
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get(structTag) != "" || hasTags(f.Type, seen) {
			return true
		}
	}
	return false
}

// checkDuplicates refuses two fields for the same object.
func (c *slotCollector) checkDuplicates() error {
	type object struct {
		name string
		kind reflect.Type
	}
	taken := make(map[object]string, len(c.slots))
	for _, s := range c.slots {
		o := object{s.name, s.kind()}
		if other, ok := taken[o]; ok {
			return fmt.Errorf("field %s: %q is already assigned to field %s", s.field, s.name, other)
		}
		taken[o] = s.field
	}
	return nil
}

// assign fills each slot with what find has for it. It changes no field unless
// it can fill all.
func assign(slots []slot, find func(slot) (any, error)) error {
	objects := make([]reflect.Value, len(slots))
	for i, s := range slots {
		obj, err := find(s)
		if s.optional && errors.Is(err, errNotThere) {
			continue
		}
		if err != nil {
			return fmt.Errorf("field %s: %w", s.field, err)
		}
		if objects[i], err = s.filled(obj); err != nil {
			return fmt.Errorf("field %s: %w", s.field, err)
		}
	}
	for i, s := range slots {
		if objects[i].IsValid() {
			s.value.Set(objects[i])
		}
	}
	return nil
}

// errNotThere is for a name that a collection or spec doesn't have.
var errNotThere = errors.New("not in the collection")

// missing is the error for a name that is no object of the kind, though it may
// be one of another.
func missing(kind, name string, others map[string]bool) error {
	for _, other := range []string{"map", "program", "variable"} {
		if others[other] && other != kind {
			return fmt.Errorf("%s %q: %w, but a %s of that name is", kind, name, errNotThere, other)
		}
	}
	return fmt.Errorf("%s %q: %w", kind, name, errNotThere)
}

// wrongType is the error for a field that no object fits in.
func wrongType(s slot, kinds ...string) error {
	return fmt.Errorf("%q can't go into a %s: the field has to be a %s",
		s.name, s.value.Type(), strings.Join(kinds, " or a "))
}

// kindsNamed tells which kinds of objects with a name cs has.
func (cs *CollectionSpec) kindsNamed(name string) map[string]bool {
	return map[string]bool{
		"map":      cs.Maps[name] != nil,
		"program":  cs.Programs[name] != nil,
		"variable": cs.Variables[name] != nil,
	}
}

// Assign fills the fields of a struct, which to points to, with parts of the
// spec. A field's tag says which; its type is *MapSpec, *ProgramSpec or
// *VariableSpec:
//
//	struct {
//		Foo     *ebpf.ProgramSpec  `ebpf:"xdp_foo"`
//		Bar     *ebpf.MapSpec      `ebpf:"bar_map"`
//		Var     *ebpf.VariableSpec `ebpf:"some_var"`
//		Ignored int
//	}
//
// Fields of structs in it, embedded or not, count as its own. Names that the
// spec doesn't have and fields of other types are errors, and so is assigning
// the same thing twice. What is assigned is decoded.
func (cs *CollectionSpec) Assign(to any) error {
	return cs.assignSpecs(to, func(slot, any) bool { return true })
}

// AssignEncoded is Assign that decodes only what typed fields are compared with:
// in a spec from LoadEncodedSpec, the rest stays encoded until its Decode.
// Generated code that makes typed specs uses it.
func (cs *CollectionSpec) AssignEncoded(to any) error {
	return cs.assignSpecs(to, func(s slot, spec any) bool { return reflect.TypeOf(spec) != s.value.Type() })
}

// assignSpecs is Assign that decodes what wanted says.
func (cs *CollectionSpec) assignSpecs(to any, wanted func(s slot, spec any) bool) error {
	slots, err := slotsOf(to)
	if err == nil {
		err = assign(slots, func(s slot) (any, error) {
			spec, err := cs.specFor(s)
			if err == nil && wanted(s, spec) {
				err = spec.Decode()
			}
			return spec, err
		})
	}
	if err != nil {
		return fmt.Errorf("assign specs: %w", err)
	}
	return nil
}

// specFor returns a spec of any kind, or a mapInSpec.
func (cs *CollectionSpec) specFor(s slot) (interface{ Decode() error }, error) {
	switch {
	case s.wantsMapSpec():
		switch m := cs.Maps[s.name]; {
		case m == nil:
			return nil, missing("map", s.name, cs.kindsNamed(s.name))
		case holds[*MapSpec](s):
			return m, nil
		default:
			return mapInSpec{cs, m}, nil
		}
	case holds[*ProgramSpec](s):
		if p := cs.Programs[s.name]; p != nil {
			return p, nil
		}
		return nil, missing("program", s.name, cs.kindsNamed(s.name))
	case s.wantsVariableSpec():
		if v := cs.Variables[s.name]; v != nil {
			return v, nil
		}
		return nil, missing("variable", s.name, cs.kindsNamed(s.name))
	}
	return nil, wrongType(s, "*ebpf.MapSpec", "*ebpf.ProgramSpec", "*ebpf.VariableSpec")
}

// LoadAndAssign loads the maps and programs that the fields of a struct ask
// for, and what these depend on; nothing else. A field's tag says which object
// it is for; its type is *Map, *Program or *Variable:
//
//	struct {
//		Foo     *ebpf.Program  `ebpf:"xdp_foo"`
//		Bar     *ebpf.Map      `ebpf:"bar_map"`
//		Var     *ebpf.Variable `ebpf:"some_var"`
//		Ignored int
//	}
//
// Fields of structs in it, embedded or not, count as its own. Names that the
// spec doesn't have and fields of other types are errors, and so is assigning
// the same thing twice. After an error nothing is loaded, and to is as it was.
//
// With `ebpf:"name,optional"` a field asks for the object only if the spec doesn't
// say that it is optional, and else takes it if something needs it. If the program
// is one of several alternatives, it may stay nil.
//
// What the fields then hold is the caller's to Close. opts may be nil.
func (cs *CollectionSpec) LoadAndAssign(to any, opts *CollectionOptions) error {
	if opts == nil {
		opts = &CollectionOptions{}
	}
	slots, err := slotsOf(to)
	if err != nil {
		return fmt.Errorf("load and assign: %w", err)
	}
	want, err := cs.wanted(slots)
	if err != nil {
		return fmt.Errorf("load and assign: %w", err)
	}
	_, err = cs.loadSlots(slots, want, opts)
	return err
}

// LoadAndReport is LoadAndAssign for a struct that has fields for everything, as
// generated ones have. Fields of optional programs and maps stay as they are,
// unless something else needs those, and so do fields of alternatives that this
// kernel doesn't take. The report says which.
func (cs *CollectionSpec) LoadAndReport(to any, opts *CollectionOptions) (*Report, error) {
	if opts == nil {
		opts = &CollectionOptions{}
	}
	slots, err := slotsOf(to)
	if err != nil {
		return nil, fmt.Errorf("load and assign: %w", err)
	}
	for i := range slots {
		slots[i].optional = true
	}
	want, err := cs.wanted(slots)
	if err != nil {
		return nil, fmt.Errorf("load and assign: %w", err)
	}
	return cs.loadSlots(slots, want, opts)
}

func (cs *CollectionSpec) loadSlots(slots []slot, want selection, opts *CollectionOptions) (*Report, error) {
	coll, err := load(cs, want, opts)
	if err != nil {
		return nil, err
	}
	report := newReport(cs, coll)
	defer coll.closeUnassigned(slots)
	if err := coll.assign(slots); err != nil {
		return nil, fmt.Errorf("load and assign: %w", err)
	}
	return report, nil
}

// wanted is what the slots name.
func (cs *CollectionSpec) wanted(slots []slot) (selection, error) {
	var want selection
	for _, s := range slots {
		kinds := cs.kindsNamed(s.name)
		switch {
		case s.wantsMap():
			if !kinds["map"] {
				return want, fmt.Errorf("field %s: %w", s.field, missing("map", s.name, kinds))
			}
			if !s.optional || !cs.Maps[s.name].Optional {
				want.maps = append(want.maps, s.name)
			}
		case s.wantsProgram():
			if !kinds["program"] {
				return want, fmt.Errorf("field %s: %w", s.field, missing("program", s.name, kinds))
			}
			want.addProgram(s, cs.Programs[s.name])
		case s.wantsVariable():
			if !kinds["variable"] {
				return want, fmt.Errorf("field %s: %w", s.field, missing("variable", s.name, kinds))
			}
			want.maps = append(want.maps, cs.Variables[s.name].SectionName)
		default:
			return want, fmt.Errorf("field %s: %w", s.field, wrongType(s, "*ebpf.Map", "*ebpf.Program", "*ebpf.Variable"))
		}
	}
	return want, nil
}

// addProgram adds what a field asks for.
func (want *selection) addProgram(s slot, ps *ProgramSpec) {
	switch {
	case !s.optional:
		want.programs = append(want.programs, s.name)
	case ps.Optional, ps.Type == StructOps && (ps.member || ps.AttachTo == ""):
		// Only if something needs it: of struct_ops, their maps do.
	case ps.Alternative != "":
		want.addAlternative(s.name, ps.Alternative)
	default:
		want.programs = append(want.programs, s.name)
	}
}

// Assign moves objects to the fields of a struct, as LoadAndAssign does. They
// are then the caller's to Close, and no longer part of the collection. After
// an error neither to nor the collection has changed.
func (coll *Collection) Assign(to any) error {
	slots, err := slotsOf(to)
	if err == nil {
		err = coll.assign(slots)
	}
	if err != nil {
		return fmt.Errorf("assign objects: %w", err)
	}
	return nil
}

func (coll *Collection) assign(slots []slot) error {
	if err := assign(slots, coll.objectFor); err != nil {
		return err
	}
	for _, s := range slots {
		switch {
		case s.wantsMap():
			delete(coll.Maps, s.name)
		case s.wantsProgram():
			delete(coll.Programs, s.name)
		case s.wantsVariable():
			delete(coll.Variables, s.name)
		}
	}
	return nil
}

func (coll *Collection) objectFor(s slot) (any, error) {
	kinds := map[string]bool{
		"map":      coll.Maps[s.name] != nil,
		"program":  coll.Programs[s.name] != nil,
		"variable": coll.Variables[s.name] != nil,
	}
	switch {
	case s.wantsMap() && kinds["map"]:
		return coll.Maps[s.name], nil
	case s.wantsMap():
		return nil, missing("map", s.name, kinds)
	case s.wantsProgram() && kinds["program"]:
		return coll.Programs[s.name], nil
	case s.wantsProgram():
		return nil, missing("program", s.name, kinds)
	case s.wantsVariable() && kinds["variable"]:
		return coll.Variables[s.name], nil
	case s.wantsVariable():
		return nil, missing("variable", s.name, kinds)
	}
	return nil, wrongType(s, "*ebpf.Map", "*ebpf.Program", "*ebpf.Variable")
}
