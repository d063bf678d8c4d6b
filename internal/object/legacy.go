package object

import (
	"cmp"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// legacySize is the size of struct bpf_map_def as far as all its variants
// agree: type, key size, value size, entries and flags. The first version
// lacked the flags. That of the kernel's samples goes on with the number of the
// inner map and the NUMA node.
const (
	legacySize      = 20
	legacyShortSize = 16
	samplesSize     = 28
)

// readLegacyMaps reads maps that are defined by a struct each, as was usual
// before BTF: variables in a section "maps" or "maps/name".
func (p *parser) readLegacyMaps() error {
	if !p.has(roleLegacy) {
		return nil
	}
	for i := range p.sections {
		if p.sections[i].role != roleLegacy {
			continue
		}
		if err := p.readLegacySection(&p.file.Sections[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) readLegacySection(s *elf.Section) error {
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	syms := p.legacySymbols(s)
	if len(syms) == 0 {
		return errorAt(s.Name, "", 0, "no symbols: nothing says what its maps are called")
	}
	p.sections[s.Index].item, p.sections[s.Index].count = int32(len(p.maps)), int32(len(syms))
	for i, sym := range syms {
		end := uint64(len(data))
		if i+1 < len(syms) {
			end = syms[i+1].Value
		}
		if sym.Size != 0 && sym.Size < end-min(sym.Value, end) {
			end = sym.Value + sym.Size
		}
		if sym.Value > end || end > uint64(len(data)) || end-sym.Value < legacyShortSize {
			return errorAt(s.Name, sym.Name, sym.Value, "a map definition has %d bytes or more, here is less", legacyShortSize)
		}
		p.maps = append(p.maps, p.readLegacyMap(s, sym, data[sym.Value:end]))
	}
	p.readIproute2(s)
	p.readSamples(s)
	return p.tagLegacyMaps(s)
}

// tagLegacyMaps adds the tags of variables, which is all that BTF knows about
// these maps.
func (p *parser) tagLegacyMaps(s *elf.Section) error {
	types := p.types.datasec(s.Name)
	if types == nil || !p.types.tags {
		return nil
	}
	for i := range types.record.Vlen() {
		id := types.record.VarSecinfo(i).Type
		r, err := p.types.raw.Type(id)
		if err != nil {
			return errorAt(s.Name, "", 0, "type of variable %d: %w", i, err)
		}
		name, err := r.Name()
		if err != nil {
			return errorAt(s.Name, "", 0, "name of variable %d: %w", i, err)
		}
		n, ok := p.symbol(name)
		if !ok || int32(p.file.Decoded[n].Section) != s.Index {
			continue
		}
		if m, err := p.mapAt(&p.file.Decoded[n], 0); err == nil {
			m.Tags = p.types.tagsOf(id)
		}
	}
	return nil
}

// legacySymbols returns the names of the section's maps, by offset.
func (p *parser) legacySymbols(s *elf.Section) []*elf.Symbol {
	var syms []*elf.Symbol
	for i := range p.file.Decoded {
		sym := &p.file.Decoded[i]
		if int32(sym.Section) == s.Index && sym.Name != "" && (sym.Type == elf.STT_OBJECT || sym.Type == elf.STT_NOTYPE) {
			syms = append(syms, sym)
		}
	}
	sorting.Stable(syms, func(a, b **elf.Symbol) int { return cmp.Compare((*a).Value, (*b).Value) })
	return syms
}

func (p *parser) readLegacyMap(s *elf.Section, sym *elf.Symbol, def []byte) Map {
	word := func(i int) uint32 { return p.file.ByteOrder().Uint32(def[4*i:]) }
	m := Map{
		Name: sym.Name, Section: s.Name, Kind: LegacyMap,
		Type: uapi.MapType(word(0)), KeySize: word(1), ValueSize: word(2), MaxEntries: word(3),
		offset: uint32(sym.Value), size: uint32(len(def)),
	}
	if len(def) >= legacySize {
		m.Flags = word(4)
	}
	if len(def) > legacySize {
		m.Extra = def[legacySize:]
	}
	return m
}

// readSamples does what the loader of the kernel's samples did with its own
// fields: the inner map of a map of maps is like the map with that number in
// the section, and the NUMA node counts if the flags say so.
func (p *parser) readSamples(s *elf.Section) {
	first, n := p.sections[s.Index].item, p.sections[s.Index].count
	maps := p.maps[first : first+n]
	for i := range maps {
		m := &maps[i]
		if m.size != samplesSize {
			continue
		}
		inner, node := p.file.ByteOrder().Uint32(m.Extra), p.file.ByteOrder().Uint32(m.Extra[4:])
		if m.Flags&uapi.MapFlagNUMANode != 0 {
			m.NUMANode = node
		}
		if m.Type.HoldsMaps() && inner < uint32(n) && int(inner) != i {
			m.ValueSize = 4 // of a descriptor, whatever the definition says
			m.Inner = templateOf(&maps[inner], m)
		}
	}
}

// templateOf is the definition of inner maps of outer, which are like m.
func templateOf(m, outer *Map) *Map {
	template := *m
	template.Name, template.Pinning, template.Extra = outer.Name+".inner", uapi.PinNone, nil
	return &template
}
