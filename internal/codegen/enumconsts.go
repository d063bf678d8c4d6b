package codegen

import (
	"cmp"
	"debug/dwarf"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bpfgen/bpfgen/internal/elf"
)

// looseConstants returns the constants of enums without a name that are no type of
// anything: the integer constants of C. BTF has nothing of them, but debug
// information does, if the program uses one of the enum. Those of system headers
// are left out.
func looseConstants(object []byte) ([]Const, error) {
	data, err := debugInfo(object)
	if data == nil || err != nil {
		return nil, err
	}
	var enums []*looseEnum
	used := map[dwarf.Offset]bool{} // as types
	var files []*dwarf.LineFile
	var open *looseEnum // whose constants come next
	for r := data.Reader(); ; {
		entry, err := r.Next()
		if entry == nil || err != nil {
			return constantsOf(enums, used), err
		}
		if at, ok := entry.Val(dwarf.AttrType).(dwarf.Offset); ok && entry.Tag != dwarf.TagEnumerationType {
			used[at] = true
		}
		switch entry.Tag {
		case dwarf.TagCompileUnit:
			if lines, err := data.LineReader(entry); err == nil && lines != nil {
				files = lines.Files()
			}
		case dwarf.TagEnumerationType:
			open = newLooseEnum(data, entry, files)
			if open != nil {
				enums = append(enums, open)
			}
		case dwarf.TagEnumerator:
			name, _ := entry.Val(dwarf.AttrName).(string)
			value, isInt := entry.Val(dwarf.AttrConstValue).(int64)
			if open != nil && name != "" && isInt {
				open.consts = append(open.consts, Const{C: name, Value: fmt.Sprint(value), Type: open.typ})
			}
		default:
			open = nil
		}
	}
}

// looseEnum is an enum without a name.
type looseEnum struct {
	at     dwarf.Offset
	typ    string // in Go
	consts []Const
}

// newLooseEnum returns nil for an enum that has a name, or is the system's.
func newLooseEnum(data *dwarf.Data, entry *dwarf.Entry, files []*dwarf.LineFile) *looseEnum {
	file, ok := entry.Val(dwarf.AttrDeclFile).(int64)
	if entry.Val(dwarf.AttrName) != nil || !ok || file < 0 || int(file) >= len(files) || files[file] == nil || !isProjectFile(files[file].Name) {
		return nil
	}
	e := &looseEnum{at: entry.Offset, typ: "uint32"}
	size, _ := entry.Val(dwarf.AttrByteSize).(int64)
	signed := false
	if at, ok := entry.Val(dwarf.AttrType).(dwarf.Offset); ok {
		if t, err := data.Type(at); err == nil {
			_, signed = t.(*dwarf.IntType)
		}
	}
	e.typ = cmp.Or(intType(uint32(size), signed).Name, e.typ)
	return e
}

// isProjectFile tells the project's files, and those of modules, from others by how
// prefixMaps names them. vmlinux.h is the kernel's, wherever it is.
func isProjectFile(name string) bool {
	return !filepath.IsAbs(name) && !strings.HasPrefix(name, "bpfgen/") && path.Base(name) != "vmlinux.h"
}

func constantsOf(enums []*looseEnum, used map[dwarf.Offset]bool) []Const {
	var consts []Const
	for _, e := range enums {
		if !used[e.at] {
			consts = append(consts, e.consts...)
		}
	}
	slices.SortFunc(consts, func(a, b Const) int { return strings.Compare(a.C, b.C) })
	return slices.CompactFunc(consts, func(a, b Const) bool { return a.C == b.C })
}

// debugInfo returns the DWARF of an object, nil if it has none. The relocations of
// BPF objects have been applied but for addresses, which nobody asks for here.
func debugInfo(object []byte) (*dwarf.Data, error) {
	file, err := elf.Parse(object)
	if err != nil {
		return nil, err
	}
	sections := map[string][]byte{}
	for _, name := range []string{".debug_abbrev", ".debug_info", ".debug_line", ".debug_str", ".debug_str_offsets", ".debug_line_str", ".debug_addr", ".debug_rnglists", ".debug_loclists"} {
		if section := file.Section(name); section != nil {
			if sections[name], err = file.Data(section); err != nil {
				return nil, err
			}
		}
	}
	if len(sections[".debug_info"]) == 0 {
		return nil, nil
	}
	data, err := dwarf.New(sections[".debug_abbrev"], nil, nil, sections[".debug_info"], sections[".debug_line"], nil, nil, sections[".debug_str"])
	if err != nil {
		return nil, fmt.Errorf("read debug information: %w", err)
	}
	for _, name := range []string{".debug_str_offsets", ".debug_line_str", ".debug_addr", ".debug_rnglists", ".debug_loclists"} {
		if err := data.AddSection(name, sections[name]); err != nil {
			return nil, fmt.Errorf("read debug information: %w", err)
		}
	}
	return data, nil
}

// withLoose adds the constants of enums to those of #defines.
func withLoose(consts, loose []Const) ([]Const, error) {
	for _, c := range loose {
		i := slices.IndexFunc(consts, func(other Const) bool { return other.C == c.C })
		switch {
		case i < 0:
			consts = append(consts, c)
		case consts[i].Value != c.Value:
			return nil, fmt.Errorf("%s is %s in one enum, but %s in another: it can be only one constant in Go", c.C, c.Value, consts[i].Value)
		}
	}
	slices.SortFunc(consts, func(a, b Const) int { return strings.Compare(a.C, b.C) })
	return consts, nil
}
