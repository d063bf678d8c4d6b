package object

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/elf"
	"github.com/bpfgen/bpfgen/internal/sorting"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Sections of structs with functions that the kernel is to call. Behind a "?",
// they are only for who asks for them.
const (
	structOpsSection     = ".struct_ops"
	structOpsLinkSection = ".struct_ops.link"
)

func isStructOps(section string) bool {
	section = strings.TrimPrefix(section, "?")
	return section == structOpsSection || section == structOpsLinkSection
}

// readStructOps makes a map of each variable in those sections. Which programs
// it refers to is found out when the programs are known.
func (p *parser) readStructOps() error {
	if !p.has(roleStructOps) {
		return nil
	}
	for i := range p.sections {
		if p.sections[i].role != roleStructOps {
			continue
		}
		s := &p.file.Sections[i]
		sec := p.types.datasec(s.Name)
		if sec == nil {
			return errorAt(s.Name, "", 0, "the file's BTF doesn't describe the section: compile with -g")
		}
		p.sections[i].item, p.sections[i].count = int32(len(p.maps)), int32(sec.record.Vlen())
		for n := range sec.record.Vlen() {
			info := sec.record.VarSecinfo(n)
			m := Map{Section: s.Name, Kind: StructOpsMap, offset: info.Offset}
			if err := p.declareStructOps(s, info, &m); err != nil {
				return errorAt(s.Name, m.Name, uint64(m.offset), "%w", err)
			}
			p.maps = append(p.maps, m)
		}
	}
	return nil
}

// declareStructOps reads one variable. m has a name even if there is an error.
func (p *parser) declareStructOps(s *elf.Section, info rawbtf.VarSecinfo, m *Map) error {
	v, err := p.types.raw.Type(info.Type)
	if err != nil {
		return err
	}
	if m.Name, err = v.Name(); err != nil {
		return err
	}
	if v.Kind() != rawbtf.KindVar || m.Name == "" {
		return fmt.Errorf("not a variable with a name, but a %v", v.Kind())
	}
	typ, err := p.types.raw.Resolve(v.TypeID())
	switch {
	case err != nil:
		return err
	case typ.Kind() != rawbtf.KindStruct:
		return fmt.Errorf("wants a struct that the kernel knows, this is a %v", typ.Kind())
	case typ.NameIs(""):
		return errors.New("wants a struct that the kernel knows, this one has no name")
	case uint64(info.Offset)+uint64(typ.Size()) > s.Size:
		return fmt.Errorf("%d bytes exceed the section's %d", typ.Size(), s.Size)
	}
	data, err := p.file.Data(s)
	if err != nil {
		return err
	}
	name, optional := strings.CutPrefix(s.Name, "?")
	m.Optional = optional
	m.Type, m.KeySize, m.ValueSize, m.MaxEntries = uapi.MapTypeStructOps, 4, typ.Size(), 1
	if name == structOpsLinkSection {
		m.Flags = uapi.MapFlagLink
	}
	m.Value = p.types.spec.Ref(btf.TypeID(typ.ID()))
	m.size = typ.Size()
	m.Data = slices.Clone(data[info.Offset:][:m.size]) // pointers to programs will be cleared
	m.Tags = p.types.tagsOf(info.Type)
	return nil
}

// readStructOpsPrograms finds out which programs the variables point to.
func (p *parser) readStructOpsPrograms() error {
	if !p.has(roleStructOps) {
		return nil
	}
	for i := range p.sections {
		sec := p.sections[i]
		if sec.role != roleStructOps || sec.reloc == 0 {
			continue
		}
		s := &p.file.Sections[i]
		relocs, err := p.file.Relocations(&p.file.Sections[sec.reloc])
		if err != nil {
			return err
		}
		sorting.Stable(relocs, relocsByOffset)
		maps := p.maps[sec.item : sec.item+sec.count]
		for j := range relocs {
			r := &relocs[j]
			m := structOpsAt(maps, r.Offset)
			if m == nil {
				return errorAt(s.Name, "", r.Offset, "a pointer to %s outside of any variable", p.symbolName(&p.file.Decoded[r.Symbol]))
			}
			v, err := p.structOpsMember(s, m, r)
			if err != nil {
				return errorAt(s.Name, m.Name, r.Offset, "%w", err)
			}
			m.Values = append(m.Values, v)
		}
	}
	return nil
}

// structOpsAt returns the map that has the byte at an offset, or nil.
func structOpsAt(maps []Map, offset uint64) *Map {
	for i := range maps {
		if m := &maps[i]; uint64(m.offset) <= offset && offset < uint64(m.offset)+uint64(m.size) {
			return m
		}
	}
	return nil
}

// structOpsMember reads the pointer that r relocates, and clears it.
func (p *parser) structOpsMember(s *elf.Section, m *Map, r *elf.Reloc) (MapValue, error) {
	at := r.Offset - uint64(m.offset)
	index, name, err := p.functionMember(uint32(m.Value.ID()), at)
	if err != nil {
		return MapValue{}, err
	}
	v := MapValue{Index: index, Member: name, Kind: ProgramReference}
	if at+pointerSize > uint64(len(m.Data)) {
		return v, fmt.Errorf("member %s exceeds the variable", name)
	}
	field := m.Data[at:][:pointerSize]
	addend := r.Addend + int64(p.file.ByteOrder().Uint64(field))
	if v.Name, err = p.programAt(&p.file.Decoded[r.Symbol], addend); err != nil {
		return v, fmt.Errorf("member %s: %w", name, err)
	}
	clear(field)
	return v, nil
}

// functionMember finds the member of a struct that is at an offset in bytes,
// and is a pointer to a function.
func (p *parser) functionMember(structID uint32, offset uint64) (index uint32, name string, err error) {
	if offset > math.MaxUint32/8 {
		return 0, "", fmt.Errorf("no member is at byte %d of a struct", offset)
	}
	typ, err := p.types.raw.Type(structID)
	if err != nil {
		return 0, "", err
	}
	for i := range typ.Vlen() {
		member := typ.Member(i)
		if member.Offset != uint32(offset)*8 {
			continue
		}
		if name, err = p.types.raw.Name(member.NameOff); err != nil {
			return 0, "", err
		}
		ok, err := p.types.isFunctionPointer(member.Type)
		if err == nil && !ok {
			err = fmt.Errorf("member %s points to something, and isn't a pointer to a function", name)
		}
		return uint32(i), name, err
	}
	return 0, "", fmt.Errorf("a pointer at byte %d of the struct, where no member of its own begins", offset)
}

func (t *typeTable) isFunctionPointer(id uint32) (bool, error) {
	r, err := t.raw.Resolve(id)
	if err != nil || r.Kind() != rawbtf.KindPointer {
		return false, err
	}
	r, err = t.raw.Resolve(r.TypeID())
	return r.Kind() == rawbtf.KindFuncProto, err
}
