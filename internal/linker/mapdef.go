package linker

import (
	"errors"
	"fmt"

	"github.com/bpfgen/bpfgen/internal/btf"
)

// maps returns how two definitions of a BTF map differ, nil if not. A
// declaration of a map repeats the whole definition, in whatever order.
func (c *comparison) maps(x, y uint32) error {
	xdef, err := readMap(c.x, x)
	if err != nil {
		return err
	}
	ydef, err := readMap(c.y, y)
	if err != nil {
		return err
	}
	return c.mapDefs(xdef, ydef)
}

// mapDef is a definition of a BTF map: a struct whose members have values in
// their types.
type mapDef struct {
	numbers map[string]uint32
	key     uint32 // type ID, 0 if there is only a size
	value   uint32
	inner   *mapDef // of a map of maps
}

// mapNumbers are attributes that have to be the same.
func mapNumbers() []string {
	return []string{"type", "key_size", "value_size", "max_entries", "map_flags", "numa_node", "pinning"}
}

func (c *comparison) mapDefs(x, y *mapDef) error {
	for _, name := range mapNumbers() {
		if x.numbers[name] != y.numbers[name] {
			return fmt.Errorf("the map's %s is %d here, %d there", name, x.numbers[name], y.numbers[name])
		}
	}
	for _, t := range []struct {
		what string
		x, y uint32
	}{{"key", x.key, y.key}, {"value", x.value, y.value}} {
		if (t.x == 0) != (t.y == 0) {
			return fmt.Errorf("the map's %s has a type in one file only", t.what)
		}
		if t.x == 0 {
			continue
		}
		if err := c.types(t.x, t.y, true); err != nil {
			return fmt.Errorf("the map's %s: %w", t.what, err)
		}
	}
	if (x.inner == nil) != (y.inner == nil) {
		return errors.New("the map has an inner map in one file only")
	}
	if x.inner == nil {
		return nil
	}
	if err := c.mapDefs(x.inner, y.inner); err != nil {
		return fmt.Errorf("inner map: %w", err)
	}
	return nil
}

// readMap reads the definition of a variable.
func readMap(types *btf.BTF, id uint32) (*mapDef, error) {
	v, err := types.Type(id)
	if err != nil {
		return nil, err
	}
	if v.Kind() != btf.KindVar {
		return nil, fmt.Errorf("a map is a variable, not a %v", v.Kind())
	}
	return readMapStruct(types, v.TypeID(), true)
}

func readMapStruct(types *btf.BTF, id uint32, outer bool) (*mapDef, error) {
	def, err := types.Resolve(id)
	if err != nil {
		return nil, err
	}
	if def.Kind() != btf.KindStruct {
		return nil, fmt.Errorf("a map is defined by a struct, not a %v", def.Kind())
	}
	m := &mapDef{numbers: map[string]uint32{}}
	for i := range def.Vlen() {
		member := def.Member(i)
		name, err := types.Name(member.NameOff)
		if err != nil {
			return nil, err
		}
		if err := m.read(types, name, member.Type, outer); err != nil {
			return nil, fmt.Errorf("map attribute %s: %w", name, err)
		}
	}
	return m, nil
}

// read reads one attribute. Those that no rule compares are skipped.
func (m *mapDef) read(types *btf.BTF, name string, id uint32, outer bool) (err error) {
	switch name {
	case "key":
		m.key, m.numbers["key_size"], err = pointee(types, id)
	case "value":
		m.value, m.numbers["value_size"], err = pointee(types, id)
	case "values":
		return m.readValues(types, id, outer)
	case "type", "key_size", "value_size", "max_entries", "map_flags", "numa_node", "pinning":
		m.numbers[name], err = number(types, id)
	}
	return err
}

// pointee reads what __type(name, T) makes: a pointer to T.
func pointee(types *btf.BTF, id uint32) (target, size uint32, err error) {
	p, err := pointer(types, id)
	if err != nil {
		return 0, 0, err
	}
	size, err = types.Sizeof(p)
	return p, size, err
}

func pointer(types *btf.BTF, id uint32) (target uint32, err error) {
	p, err := types.Resolve(id)
	if err != nil {
		return 0, err
	}
	if p.Kind() != btf.KindPointer {
		return 0, fmt.Errorf("a %v, not a pointer", p.Kind())
	}
	return p.TypeID(), nil
}

// number reads what __uint(name, n) makes: a pointer to an array of n integers.
func number(types *btf.BTF, id uint32) (uint32, error) {
	p, err := pointer(types, id)
	if err != nil {
		return 0, err
	}
	array, err := types.Resolve(p)
	if err != nil {
		return 0, err
	}
	if array.Kind() != btf.KindArray {
		return 0, fmt.Errorf("a pointer to a %v, not to an array", array.Kind())
	}
	_, _, n := array.Array()
	return n, nil
}

// readValues reads what __array(values, T) makes: an array of pointers to T,
// which is a struct that defines the inner map, or a function.
func (m *mapDef) readValues(types *btf.BTF, id uint32, outer bool) error {
	array, err := types.Resolve(id)
	if err != nil {
		return err
	}
	if array.Kind() != btf.KindArray {
		return fmt.Errorf("a %v, not an array", array.Kind())
	}
	elem, _, _ := array.Array()
	p, err := pointer(types, elem)
	if err != nil {
		return err
	}
	target, err := types.Resolve(p)
	if err != nil || target.Kind() != btf.KindStruct {
		return err
	}
	if !outer {
		return errors.New("an inner map has no inner map")
	}
	m.inner, err = readMapStruct(types, p, false)
	return err
}
