package object

import (
	"errors"
	"fmt"
	"math"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// readMaps reads the BTF-defined maps: variables in .maps, whose types encode
// the attributes of the map.
func (p *parser) readMaps() error {
	s := p.section(p.named.maps)
	if s == nil || s.Size == 0 {
		return p.fillArena()
	}
	if p.types.spec == nil {
		return errorAt(s.Name, "", 0, "BTF-defined maps, but the file has no BTF: compile with -g")
	}
	sec := p.types.datasec(s.Name)
	if sec == nil {
		return errorAt(s.Name, "", 0, "the file's BTF doesn't describe the section")
	}
	if n := sec.record.Vlen() + p.countDataMaps(); n == 1 {
		own := new(ownMap)
		p.maps, p.obj.Maps = own.maps[:0], own.list[:0]
	} else {
		p.maps = make([]Map, 0, n)
	}
	for i := range sec.record.Vlen() {
		p.maps = append(p.maps, Map{})
		m := &p.maps[len(p.maps)-1]
		if err := p.readMap(s, sec.record.VarSecinfo(i), m); err != nil {
			return errorAt(s.Name, m.Name, uint64(m.offset), "%w", err)
		}
		if m.Type == uapi.MapTypeArena && p.arena < 0 {
			p.arena = int32(len(p.maps)) - 1
		} else if m.Type == uapi.MapTypeArena {
			return errorAt(s.Name, m.Name, uint64(m.offset), "a second arena, besides %s: an object can have one", p.maps[p.arena].Name)
		}
	}
	if sec := &p.sections[s.Index]; sec.role == roleMaps { // it may have functions instead
		sec.item, sec.count = 0, int32(len(p.maps))
	}
	return p.fillArena()
}

// ownMap is the map of an object that has one.
type ownMap struct {
	maps [1]Map
	list [1]*Map
}

// countDataMaps is how many maps of variables there will be, or one more.
func (p *parser) countDataMaps() int {
	n := 0
	if p.counts.externs > 0 { // of which some may be kconfig options
		n++
	}
	for i := range p.sections {
		if p.sections[i].role.isVariables() {
			n++
		}
	}
	return n
}

// fillArena makes the section of arena variables the contents of the arena.
func (p *parser) fillArena() error {
	if !p.has(roleArena) {
		return nil
	}
	for i := range p.sections {
		if p.sections[i].role != roleArena {
			continue
		}
		s := &p.file.Sections[i]
		if p.arena < 0 {
			return errorAt(s.Name, "", 0, "variables in arena memory, but no map of type BPF_MAP_TYPE_ARENA in SEC(\".maps\")")
		}
		data, err := p.file.Data(s)
		if err != nil {
			return err
		}
		m := &p.maps[p.arena]
		m.Data = data
		for _, v := range p.obj.Variables {
			if v.section == int32(i) {
				v.Section = m.Name
			}
		}
	}
	return nil
}

// readMap reads one definition. m has a name even if there is an error.
func (p *parser) readMap(s *elf.Section, info rawbtf.VarSecinfo, m *Map) error {
	*m = Map{Section: s.Name, Kind: BTFMap, offset: info.Offset, size: info.Size}
	v, err := p.types.raw.Type(info.Type)
	if err != nil {
		return err
	}
	if m.Name, err = v.Name(); err != nil {
		return err
	}
	switch {
	case v.Kind() != rawbtf.KindVar:
		return fmt.Errorf("not a variable, but a %v", v.Kind())
	case m.Name == "":
		return errors.New("a map without a name")
	case uint64(info.Offset)+uint64(info.Size) > s.Size:
		return fmt.Errorf("%d bytes exceed the section's %d", info.Size, s.Size)
	case v.Linkage() == linkExtern:
		return errors.New("an extern map: link the file that defines it, as bpfgen Ident a.bpf.c b.bpf.c does")
	}
	def, err := p.types.raw.Resolve(v.TypeID())
	if err != nil {
		return err
	}
	if def.Kind() != rawbtf.KindStruct {
		return fmt.Errorf("a map is defined by a struct, this is a %v", def.Kind())
	}
	if def.Size() > info.Size {
		return fmt.Errorf("a definition of %d bytes in a variable of %d", def.Size(), info.Size)
	}
	m.Tags = p.types.tagsOf(info.Type)
	d := mapDef{p: &p.types, m: m}
	return d.read(def)
}

// mapDef reads the members of a map definition into m.
type mapDef struct {
	p     *typeTable
	m     *Map
	inner bool // m is the inner map of another
	has   struct{ keySize, valueSize bool }
}

func (d *mapDef) read(def rawbtf.Type) error {
	for i := range def.Vlen() {
		member := def.Member(i)
		if err := d.readMember(def, i, member); err != nil {
			name, _ := d.p.raw.Name(member.NameOff)
			return fmt.Errorf("member %q: %w", name, err)
		}
	}
	if d.m.Type == uapi.MapTypeUnspec {
		return errors.New("no type: it wants __uint(type, BPF_MAP_TYPE_...)")
	}
	return nil
}

func (d *mapDef) readMember(def rawbtf.Type, i int, member rawbtf.Member) error {
	name, err := d.p.raw.Name(member.NameOff)
	if err != nil {
		return err
	}
	if name == "values" {
		if i != def.Vlen()-1 {
			return errors.New("has to be the last member")
		}
		d.m.values = member.Offset / 8
		return d.readValues(member.Type)
	}
	return d.readField(name, member.Type)
}

// readField reads a member other than `values`, which needs to be last.
func (d *mapDef) readField(name string, t uint32) error {
	switch name {
	case "type":
		return d.p.uint32(t, (*uint32)(&d.m.Type))
	case "max_entries":
		return d.p.uint32(t, &d.m.MaxEntries)
	case "map_flags":
		return d.p.uint32(t, &d.m.Flags)
	case "numa_node":
		return d.p.uint32(t, &d.m.NUMANode)
	case "map_extra":
		return d.p.uint64(t, &d.m.MapExtra)
	case "key_size":
		return d.readKeySize(t)
	case "value_size":
		return d.readValueSize(t)
	case "key":
		return d.readKey(t)
	case "value":
		return d.readValue(t)
	case "pinning":
		return d.readPinning(t)
	}
	return errors.New("no such attribute of maps")
}

// setSize sets a size that may be given twice, as a number and as a type.
func setSize(what string, size *uint32, has *bool, v uint32) error {
	if *has && *size != v {
		return fmt.Errorf("%s size %d contradicts %d", what, v, *size)
	}
	*size, *has = v, true
	return nil
}

func (d *mapDef) readKeySize(t uint32) error {
	var size uint32
	if err := d.p.uint32(t, &size); err != nil {
		return err
	}
	return setSize("key", &d.m.KeySize, &d.has.keySize, size)
}

func (d *mapDef) readValueSize(t uint32) error {
	var size uint32
	if err := d.p.uint32(t, &size); err != nil {
		return err
	}
	return setSize("value", &d.m.ValueSize, &d.has.valueSize, size)
}

func (d *mapDef) readKey(t uint32) error {
	ref, size, err := d.p.pointee(t)
	if err != nil {
		return err
	}
	d.m.Key = ref
	return setSize("key", &d.m.KeySize, &d.has.keySize, size)
}

func (d *mapDef) readValue(t uint32) error {
	ref, size, err := d.p.pointee(t)
	if err != nil {
		return err
	}
	d.m.Value = ref
	return setSize("value", &d.m.ValueSize, &d.has.valueSize, size)
}

func (d *mapDef) readPinning(t uint32) error {
	if d.inner {
		return errors.New("an inner map can't be pinned")
	}
	var v uint32
	if err := d.p.uint32(t, &v); err != nil {
		return err
	}
	d.m.Pinning = uapi.Pinning(v) // an unknown one matters only where the map is pinned
	return nil
}

// readValues reads the type of the initial contents: an array of pointers to
// inner maps or to programs.
func (d *mapDef) readValues(t uint32) error {
	ofMaps := d.m.Type.HoldsMaps()
	switch {
	case d.inner:
		return errors.New("the inner map of a map of maps can't have values of its own")
	case !ofMaps && d.m.Type != uapi.MapTypeProgramArray:
		return fmt.Errorf("only maps of maps and program arrays have initial values, this is %s", d.m.Type.UAPI())
	}
	if err := setSize("value", &d.m.ValueSize, &d.has.valueSize, 4); err != nil {
		return err
	}
	r, err := d.p.raw.Type(t)
	if err != nil {
		return err
	}
	elem, _, n := r.Array()
	if r.Kind() != rawbtf.KindArray || n != 0 {
		return errors.New("wants an array without length, as by __array")
	}
	if r, err = d.p.raw.Resolve(elem); err != nil {
		return err
	}
	if r.Kind() != rawbtf.KindPointer {
		return fmt.Errorf("wants pointers, as by __array, these are of kind %v", r.Kind())
	}
	if r, err = d.p.raw.Resolve(r.TypeID()); err != nil {
		return err
	}
	if ofMaps {
		return d.readInner(r)
	}
	if r.Kind() != rawbtf.KindFuncProto {
		return fmt.Errorf("a program array wants pointers to functions, these are to a %v", r.Kind())
	}
	return nil
}

func (d *mapDef) readInner(def rawbtf.Type) error {
	if def.Kind() != rawbtf.KindStruct {
		return fmt.Errorf("an inner map is defined by a struct, this is a %v", def.Kind())
	}
	d.m.Inner = &Map{Name: d.m.Name + ".inner", Section: d.m.Section, Kind: BTFMap}
	inner := mapDef{p: d.p, m: d.m.Inner, inner: true}
	if err := inner.read(def); err != nil {
		return fmt.Errorf("inner map: %w", err)
	}
	return nil
}

// uint32 reads what __uint(name, v) makes: a pointer to an array of v elements.
// What __ulong makes is accepted too.
func (t *typeTable) uint32(id uint32, dst *uint32) error {
	var v uint64
	if err := t.uint64(id, &v); err != nil {
		return err
	}
	if v > math.MaxUint32 {
		return fmt.Errorf("%d doesn't fit 32 bits", v)
	}
	*dst = uint32(v)
	return nil
}

// uint64 reads what __ulong(name, v) makes, an enum with one value, or what
// __uint makes.
func (t *typeTable) uint64(id uint32, dst *uint64) error {
	r, err := t.raw.Resolve(id)
	if err != nil {
		return err
	}
	switch r.Kind() {
	case rawbtf.KindEnum, rawbtf.KindEnum64:
		if r.Vlen() != 1 {
			return fmt.Errorf("wants an enum of one value, as by __ulong, this one has %d", r.Vlen())
		}
		*dst = r.EnumValue(0).Value
		return nil
	case rawbtf.KindPointer:
		if r, err = t.raw.Type(r.TypeID()); err != nil {
			return err
		}
		if r.Kind() == rawbtf.KindArray {
			_, _, n := r.Array()
			*dst = uint64(n)
			return nil
		}
		return fmt.Errorf("wants a pointer to an array, as by __uint, this is to a %v", r.Kind())
	}
	return fmt.Errorf("wants a number, as by __uint or __ulong, this is a %v", r.Kind())
}

// pointee reads what __type(name, v) makes: a pointer to v.
func (t *typeTable) pointee(id uint32) (btf.TypeRef, uint32, error) {
	r, err := t.raw.Type(id)
	if err != nil {
		return btf.TypeRef{}, 0, err
	}
	if r.Kind() != rawbtf.KindPointer {
		return btf.TypeRef{}, 0, fmt.Errorf("wants a pointer to the type, as by __type, this is a %v", r.Kind())
	}
	size, _, err := t.sizeof(r.TypeID())
	if err != nil {
		return btf.TypeRef{}, 0, fmt.Errorf("size of type: %w", err)
	}
	return t.spec.Ref(btf.TypeID(r.TypeID())), size, nil
}
