package object

import (
	"encoding/binary"

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
	if m.size != elfMapSize || m.Extra == nil {
		return elfMap{}, false
	}
	word := func(i int) uint32 { return bo.Uint32(m.Extra[4*i:]) }
	return elfMap{word(0), word(1), word(2), word(3)}, true
}

// readIproute2 does what iproute2 does with its own fields: a map of maps takes
// its inner map's definition from the map whose ID it names, and that map goes
// to the element that it asks for. Pinned maps are pinned by name.
func (p *parser) readIproute2(s *elf.Section) error {
	first, n := p.sections[s.Index].item, p.sections[s.Index].count
	maps := p.maps[first : first+n]
	for i := range maps {
		outer := &maps[i]
		def, ok := elfMapOf(outer, p.file.ByteOrder)
		if !ok {
			continue
		}
		if def.pinning != 0 {
			outer.Pinning = uapi.PinByName
		}
		if outer.Type != uapi.MapTypeArrayOfMaps && outer.Type != uapi.MapTypeHashOfMaps {
			continue
		}
		inner, place, ok := innerByID(maps, def.innerID, p.file.ByteOrder)
		if !ok || inner == outer {
			return errorAt(s.Name, outer.Name, uint64(outer.offset), "no map has the ID %d of its inner map", def.innerID)
		}
		template := *inner
		template.Name, template.Pinning, template.Extra = outer.Name+".inner", uapi.PinNone, nil
		outer.Inner = &template
		outer.ValueSize = 4 // of a descriptor, whatever the definition says
		if outer.Type == uapi.MapTypeArrayOfMaps {
			outer.Values = []MapValue{{Index: place, Kind: MapReference, Name: inner.Name}}
		}
	}
	return nil
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
