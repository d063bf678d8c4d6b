//go:build unix

package executable

import (
	"fmt"
	"strings"
)

// Symbol is a name that the file defines, or that another has to.
type Symbol struct {
	Name    string
	Version string // of the library's interface, in tables for the dynamic linker
	Old     bool   // not what the name means without a version
	Value   uint64 // its address
	Size    uint64 // in bytes
	Bind    uint8
	Type    uint8
	Section uint16 // Undefined if another file defines it
}

// Undefined is the section of symbols of other files.
const Undefined = 0

// Kinds of symbols, and who sees them.
const (
	SymbolFunc = 2

	BindLocal = 0
	BindWeak  = 2
)

// Types of sections with symbols.
const (
	sectionSymbols        = 2
	sectionDynamicSymbols = 11
	sectionVersionOf      = 0x6fffffff
	sectionVersions       = 0x6ffffffd // that the file has
	sectionNeeds          = 0x6ffffffe // that others have
)

// Symbols reads the symbols for people and those for the dynamic linker. Files may
// lack either.
func (f *File) Symbols() ([]Symbol, error) {
	var all []Symbol
	for _, kind := range []uint32{sectionDynamicSymbols, sectionSymbols} {
		s := f.only(kind)
		if s == nil {
			continue
		}
		first := len(all)
		var err error
		if all, err = f.appendSymbols(all, s); err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Name, err)
		}
		if kind == sectionDynamicSymbols {
			if err := f.setVersions(all[first:]); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// only is the section of a type of which files may have one. A hostile one with
// thousands, each as large as the file, costs no more than that.
func (f *File) only(kind uint32) *Section {
	for i := range f.Sections {
		if f.Sections[i].Type == kind {
			return &f.Sections[i]
		}
	}
	return nil
}

// appendSymbols leaves out the first symbol of each table, which is none.
func (f *File) appendSymbols(all []Symbol, s *Section) ([]Symbol, error) {
	size := f.layout().symbol
	data, err := f.Data(s)
	if err != nil {
		return nil, err
	}
	names, err := f.strings(s.Link)
	if err != nil {
		return nil, err
	}
	for i := 1; i < len(data)/size; i++ {
		b := data[i*size:]
		symbol := Symbol{Name: nameAt(names, f.Order.Uint32(b))}
		info, values := b[12:], b[4:]
		if f.Is64 {
			info, values = b[4:], b[8:]
		}
		symbol.Type, symbol.Bind, symbol.Section = info[0]&0xf, info[0]>>4, f.Order.Uint16(info[2:])
		symbol.Value, symbol.Size = f.word(values), f.word(values[f.layout().word:])
		all = append(all, symbol)
	}
	return all, nil
}

// Parts of the number of a version.
const (
	versionOld    = 1 << 15
	versionNumber = versionOld - 1
)

// setVersions says which versions the symbols for the dynamic linker have.
func (f *File) setVersions(symbols []Symbol) error {
	names := make(map[uint16]string)
	var numbers []byte
	for _, kind := range []uint32{sectionVersionOf, sectionVersions, sectionNeeds} {
		s := f.only(kind)
		if s == nil {
			continue
		}
		var err error
		switch kind {
		case sectionVersionOf:
			numbers, err = f.Data(s)
		case sectionVersions:
			err = f.readVersions(names, s)
		case sectionNeeds:
			err = f.readNeeds(names, s)
		}
		if err != nil {
			return fmt.Errorf("section %s: %w", s.Name, err)
		}
	}
	for i := range symbols {
		if 2*i+4 > len(numbers) {
			break
		}
		n := f.Order.Uint16(numbers[2*i+2:]) // the first is of the symbol that is none
		symbols[i].Version, symbols[i].Old = names[n&versionNumber], n&versionOld != 0
	}
	return nil
}

// readVersions reads a chain of records, each with a chain of names, of which the
// first is its own.
func (f *File) readVersions(names map[uint16]string, s *Section) error {
	const size, flagsAt, numberAt, nameAtAt, nextAt = 20, 2, 4, 12, 16
	const isFile = 1 // the record is of the file itself
	data, text, err := f.chain(s)
	if err != nil {
		return err
	}
	for len(data) >= size {
		aux, next := f.Order.Uint32(data[nameAtAt:]), f.Order.Uint32(data[nextAt:])
		if f.Order.Uint16(data[flagsAt:])&isFile == 0 && uint64(aux)+4 <= uint64(len(data)) {
			names[f.Order.Uint16(data[numberAt:])&versionNumber] = nameAt(text, f.Order.Uint32(data[aux:]))
		}
		data = following(data, next)
	}
	return nil
}

// readNeeds reads a chain of libraries, each with a chain of versions.
func (f *File) readNeeds(names map[uint16]string, s *Section) error {
	const size, firstAt, nextAt = 16, 8, 12
	const numberAt, nameAtAt, nextVersionAt = 6, 8, 12
	data, text, err := f.chain(s)
	if err != nil {
		return err
	}
	// No chain can be longer, nor all of them together, since they don't share.
	left := len(data) / size
	for len(data) >= size {
		versions := following(data, f.Order.Uint32(data[firstAt:]))
		for ; len(versions) >= size && left > 0; left-- {
			names[f.Order.Uint16(versions[numberAt:])&versionNumber] = nameAt(text, f.Order.Uint32(versions[nameAtAt:]))
			versions = following(versions, f.Order.Uint32(versions[nextVersionAt:]))
		}
		data = following(data, f.Order.Uint32(data[nextAt:]))
	}
	return nil
}

// chain reads a section of records that say how far the next one is, and the names
// that they have.
func (f *File) chain(s *Section) (data []byte, text string, err error) {
	if data, err = f.Data(s); err == nil {
		text, err = f.strings(s.Link)
	}
	return data, text, err
}

// following is the next record of a chain, nothing after the last.
func following(data []byte, distance uint32) []byte {
	if distance == 0 || uint64(distance) > uint64(len(data)) {
		return nil
	}
	return data[distance:]
}

// longestName is more than compilers make of any name. Without it, a table that is
// one long name would be searched for its end by each symbol.
const longestName = 1 << 16

// nameAt is the name at an offset of a table, "" if there is none.
func nameAt(text string, offset uint32) string {
	if uint64(offset) >= uint64(len(text)) {
		return ""
	}
	text = text[offset:]
	name, _, _ := strings.Cut(text[:min(len(text), longestName)], "\x00")
	return name
}
