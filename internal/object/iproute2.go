package object

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// elfMapSize is the size of iproute2's struct bpf_elf_map, which shares its
// first five fields with bpf_map_def (iproute2, include/bpf_elf.h).
const elfMapSize = 36

// elfMap is what iproute2's definition of a map has besides the shared fields.
type elfMap struct {
	id       uint32 // other definitions refer to it by this
	pinning  uint32 // 0 not, 1 for this object, 2 for all objects; others by folders of the user's
	innerID  uint32 // the ID of the map that describes inner maps
	innerIdx uint32 // the element of the outer map that this map goes to
}

// elfMapOf reads iproute2's fields of a map; ok is false for definitions of
// other sizes.
func elfMapOf(m *Map, bo binary.ByteOrder) (def elfMap, ok bool) {
	if m.size != elfMapSize {
		return elfMap{}, false
	}
	word := func(i int) uint32 { return bo.Uint32(m.Extra[4*i:]) }
	return elfMap{word(0), word(1), word(2), word(3)}, true
}

// readIproute2 does what iproute2 does with its own fields: a map of maps takes
// its inner map's definition from the map whose ID it names, and that map goes
// to the element that it asks for. Without such a map, somebody has to say what
// the inner map is before loading. Pinned maps are pinned by name.
func (p *parser) readIproute2(s *elf.Section) {
	first, n := p.sections[s.Index].item, p.sections[s.Index].count
	maps := p.maps[first : first+n]
	for i := range maps {
		outer := &maps[i]
		def, ok := elfMapOf(outer, p.file.ByteOrder())
		if !ok {
			continue
		}
		if def.pinning != 0 {
			outer.Pinning = uapi.PinByName
		}
		if !outer.Type.HoldsMaps() {
			continue
		}
		outer.ValueSize = 4 // of a descriptor, whatever the definition says
		inner, place, ok := innerByID(maps, def.innerID, p.file.ByteOrder())
		if !ok || inner == outer {
			continue
		}
		outer.Inner = templateOf(inner, outer)
		if outer.Type == uapi.MapTypeArrayOfMaps {
			outer.Values = []MapValue{{Index: place, Kind: MapReference, Name: inner.Name}}
		}
	}
}

// innerByID finds a map by its ID, and the element it wants to go to.
func innerByID(maps []Map, id uint32, bo binary.ByteOrder) (m *Map, place uint32, ok bool) {
	for i := range maps {
		if def, ok := elfMapOf(&maps[i], bo); ok && def.id == id && id != 0 {
			return &maps[i], def.innerIdx, true
		}
	}
	return nil, 0, false
}

// fillTailCalls puts programs where the names of their sections say, "1/0" for
// element 0 of the program array with the ID 1, if there is such an array. Of
// several programs in a section, it takes the first.
func (p *parser) fillTailCalls() error {
	last := ""
	for _, prog := range p.obj.Programs {
		if prog.Def != nil || prog.Section == last {
			continue
		}
		last = prog.Section
		id, index, ok := tailCall(prog.Section)
		if !ok {
			continue
		}
		if m := p.programArray(id); m != nil {
			m.Values = append(slices.Clip(m.Values), MapValue{Index: index, Kind: ProgramReference, Name: prog.Name})
		}
	}
	return nil
}

// tailCall splits a section name into two numbers, which may be decimal,
// hexadecimal or octal.
func tailCall(section string) (id, index uint32, ok bool) {
	first, second, ok := strings.Cut(section, "/")
	if !ok {
		return 0, 0, false
	}
	a, errA := strconv.ParseUint(first, 0, 32)
	b, errB := strconv.ParseUint(second, 0, 32)
	return uint32(a), uint32(b), errA == nil && errB == nil
}

// programArray finds iproute2's program array with an ID, or nil.
func (p *parser) programArray(id uint32) *Map {
	for i := range p.maps {
		m := &p.maps[i]
		if m.Kind != LegacyMap || m.Type != uapi.MapTypeProgramArray {
			continue
		}
		if def, ok := elfMapOf(m, p.file.ByteOrder()); ok && def.id == id {
			return m
		}
	}
	return nil
}
