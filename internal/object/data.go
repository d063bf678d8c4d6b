package object

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// readVariables makes variables of the symbols in data sections. They get
// their types, if there are any, by readTypes.
func (p *parser) readVariables() error {
	n := int(p.counts.variables)
	if n == 0 {
		return nil
	}
	vars := make([]Variable, 0, n)
	for i := range p.file.Decoded {
		sym := &p.file.Decoded[i]
		if !p.isVariable(sym) {
			continue
		}
		s := p.inSection(sym)
		if sym.Value > s.Size || sym.Size > s.Size-sym.Value || sym.Value+sym.Size > math.MaxUint32 {
			return errorAt(s.Name, sym.Name, sym.Value, "variable of %d bytes exceeds the section's %d bytes", sym.Size, s.Size)
		}
		vars = append(vars, Variable{
			Name: sym.Name, Section: s.Name,
			Offset: uint32(sym.Value), Size: uint32(sym.Size),
			Weak: sym.Bind == elf.STB_WEAK, ReadOnly: p.roleAt(sym) == roleRodata,
			section: s.Index,
		})
	}
	p.obj.Variables = make([]*Variable, n)
	for i := range vars {
		p.obj.Variables[i] = &vars[i]
	}
	sorting.Stable(p.obj.Variables, func(a, b **Variable) int { return (*a).comparePlace((*b).section, (*b).Offset, (*b).Name) })
	return nil
}

// comparePlace orders by place in the file.
func (v *Variable) comparePlace(section int32, offset uint32, name string) int {
	return cmp.Or(cmp.Compare(v.section, section), cmp.Compare(v.Offset, offset), strings.Compare(v.Name, name))
}

// variable returns the variable of a symbol, or nil if it isn't one.
func (p *parser) variable(section int32, sym *elf.Symbol) *Variable {
	vars := p.obj.Variables
	i := sort.Search(len(vars), func(i int) bool {
		v := vars[i]
		return v.comparePlace(section, uint32(sym.Value), sym.Name) >= 0
	})
	if i == len(vars) || vars[i].comparePlace(section, uint32(sym.Value), sym.Name) != 0 {
		return nil
	}
	return vars[i]
}

// isVariable leaves out what is local to a function or a file, and constants
// that old compilers give names with dots.
func (p *parser) isVariable(sym *elf.Symbol) bool {
	role := p.roleAt(sym)
	return (sym.Type == elf.STT_OBJECT || sym.Type == elf.STT_NOTYPE) && (role.isVariables() || role == roleArena) &&
		isGlobal(sym) && !isHidden(sym) && sym.Name != "" && sym.Name[0] != '.'
}

// readDataMaps makes a map of each section with variables, and one of the
// kconfig externs.
func (p *parser) readDataMaps() error {
	if p.has(roleData) || p.has(roleRodata) || p.has(roleBSS) {
		if err := p.mapVariables(); err != nil {
			return err
		}
	}
	p.addKconfigMap()
	p.obj.Maps = sized(p.obj.Maps[:cap(p.obj.Maps)], len(p.maps))
	for i := range p.maps {
		p.obj.Maps[i] = &p.maps[i]
	}
	return nil
}

// mapVariables makes a map of each section with variables.
func (p *parser) mapVariables() error {
	p.maps = slices.Grow(p.maps, p.countDataMaps())
	for i := range p.sections {
		if !p.sections[i].role.isVariables() {
			continue
		}
		s := &p.file.Sections[i]
		data, err := p.file.Data(s)
		if err != nil {
			return err
		}
		if s.Size > math.MaxUint32 {
			return errorAt(s.Name, "", 0, "%d bytes are more than a map can hold", s.Size)
		}
		p.sections[i].item, p.sections[i].count = int32(len(p.maps)), 1
		m := Map{Name: s.Name, Section: s.Name, Kind: DataMap, Data: data}
		p.describeDataMap(&m, uint32(s.Size), p.types.datasec(s.Name))
		if p.sections[i].role == roleRodata {
			m.Flags |= uapi.MapFlagRdonlyProg
			m.Freeze = true
		}
		p.maps = append(p.maps, m)
	}
	return nil
}

// describeDataMap makes m an array whose only element is the whole section.
// User space may map it into memory if something in it is visible to others.
func (p *parser) describeDataMap(m *Map, size uint32, sec *datasec) {
	m.Type = uapi.MapTypeArray
	m.KeySize, m.ValueSize, m.MaxEntries = 4, size, 1
	if sec == nil {
		return
	}
	m.Value = p.types.spec.Ref(btf.TypeID(sec.record.ID()))
	if sec.visible {
		m.Flags |= uapi.MapFlagMmapable
	}
}

func (p *parser) addKconfigMap() {
	if p.externs == nil || p.externs.kconfigSize == 0 {
		return
	}
	sec := p.types.datasec(kconfigSection)
	m := Map{Name: kconfigSection, Section: kconfigSection, Kind: KconfigMap, Freeze: true}
	p.describeDataMap(&m, p.externs.kconfigSize, sec)
	m.Flags |= uapi.MapFlagRdonlyProg
	p.maps = append(p.maps, m)
}
