package btf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"sort"
	"strings"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
	"github.com/bpfgen/bpfgen/internal/sorting"
)

// ExtInfos is what the .BTF.ext section of an object says about instructions.
type ExtInfos struct {
	spec *Spec
	raw  rawbtf.Ext
}

// FuncOffset says which function starts at an instruction.
type FuncOffset struct {
	Offset uint32 // in bytes
	Func   TypeRef
}

// LineOffset says which line an instruction, and those after it, come from.
type LineOffset struct {
	Offset uint32 // in bytes
	Line   Line
}

// CORERelocationOffset says which instruction to relocate.
type CORERelocationOffset struct {
	Offset uint32 // in bytes
	Relo   CORERelocation
}

// Infos about the instructions of an ELF section, sorted by offset.
type (
	FuncOffsets           = []FuncOffset
	LineOffsets           = []LineOffset
	CORERelocationOffsets = []CORERelocationOffset
)

// Sizes in bytes of a record that [LoadFuncInfos] and [LoadLineInfos] read.
const (
	FuncInfoSize uint32 = rawbtf.FuncInfoSize
	LineInfoSize uint32 = rawbtf.LineInfoSize
)

// insnSize is what offsets of instructions are a multiple of.
const insnSize = 8

// LoadExtInfos parses a .BTF.ext section, which refers to types and strings of
// spec. Everything it refers to is validated here, but decoded only later. The
// bytes must not be modified afterwards.
func LoadExtInfos(ext []byte, spec *Spec) (*ExtInfos, error) {
	ei := new(ExtInfos)
	if err := ei.Open(ext, spec); err != nil {
		return nil, err
	}
	for _, part := range ei.parts() {
		if err := ei.checkPart(part, part.sections); err != nil {
			return nil, fmt.Errorf("parse .BTF.ext: %w", err)
		}
	}
	return ei, nil
}

// Open is LoadExtInfos into ei, which must be zero, without looking at records:
// those of an ELF section must be checked before anything else is done with them.
func (ei *ExtInfos) Open(ext []byte, spec *Spec) error {
	ei.spec = spec
	if err := ei.raw.Init(ext); err != nil {
		return fmt.Errorf("parse .BTF.ext: %w", err)
	}
	for _, part := range ei.parts() {
		for i := range part.sections {
			if off := part.sections[i].NameOff; off >= spec.raw.EndString() {
				return fmt.Errorf("parse .BTF.ext: name of a section: string offset %d is out of range", off)
			}
		}
		ei.sortByName(part.sections)
	}
	return nil
}

// Check makes sure that decoding what there is about the ELF section with the
// given name can't fail.
func (ei *ExtInfos) Check(name string) error {
	if ei == nil || ei.spec == nil {
		return nil
	}
	for _, part := range ei.parts() {
		if err := ei.checkPart(part, ei.named(part.sections, name)); err != nil {
			return fmt.Errorf("parse .BTF.ext: %w", err)
		}
	}
	return nil
}

// extPart is one kind of infos.
type extPart struct {
	what     string
	sections []rawbtf.ExtSection
	typed    bool // the second word is a type ID, else a string
	third    bool // the third word is a string, else there may be none
}

func (ei *ExtInfos) parts() [3]extPart {
	return [...]extPart{
		{"func info", ei.raw.Funcs(), true, false},
		{"line info", ei.raw.Lines(), false, true},
		{"CO-RE relocation", ei.raw.CORERelos(), true, true},
	}
}

func (ei *ExtInfos) checkPart(part extPart, sections []rawbtf.ExtSection) error {
	second, third := ei.spec.raw.EndString(), uint32(0)
	if part.typed {
		second = ei.spec.raw.EndID()
	}
	if part.third {
		third = ei.spec.raw.EndString()
	}
	for i := range sections {
		s := &sections[i]
		bad := s.Check(second, third)
		if bad < 0 {
			continue
		}
		words := [3]uint32{s.Func(bad).InsnOff, s.Func(bad).TypeID}
		if part.third {
			words[2] = s.CORERelo(bad).AccessOff
		}
		return fmt.Errorf("%s %d: %w", part.what, bad, explainExt(words, part.typed, second))
	}
	return nil
}

// explainExt says why the first words of a record aren't valid.
func explainExt(words [3]uint32, typed bool, endID uint32) error {
	str := words[2]
	switch {
	case words[0]%insnSize != 0:
		return fmt.Errorf("offset %d is not that of an instruction", words[0])
	case typed && words[1] >= endID:
		return fmt.Errorf("type ID %d: %w", words[1], ErrNotFound)
	case !typed:
		str = max(str, words[1])
	}
	return fmt.Errorf("string offset %d is out of range", str)
}

// Section returns the infos about instructions of the ELF section with the
// given name, nil where there are none. It decodes anew on each call. A nil
// receiver has none.
func (ei *ExtInfos) Section(name string) (FuncOffsets, LineOffsets, CORERelocationOffsets) {
	funcs, lines := ei.Funcs(name), ei.Lines(name)
	return collect(funcs.Len(), func(i int) FuncOffset { return FuncOffset{funcs.Offset(i), funcs.Func(i)} }),
		collect(lines.Len(), func(i int) LineOffset { return LineOffset{lines.Offset(i), lines.Line(i)} }),
		ei.CORERelocations(name)
}

// collect allocates once.
func collect[T any](n int, decode func(int) T) []T {
	if n == 0 {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = decode(i)
	}
	return out
}

// CORERelocations is the part of Section about CO-RE.
func (ei *ExtInfos) CORERelocations(name string) CORERelocationOffsets {
	if ei == nil || ei.spec == nil {
		return nil
	}
	s := ei.records(ei.raw.CORERelos(), name)
	return collect(s.Len(), func(i int) CORERelocationOffset {
		r := s.CORERelo(i)
		accessor, _ := ei.spec.raw.Name(r.AccessOff) // validated by Check
		return CORERelocationOffset{r.InsnOff, CORERelocation{ei.spec.Ref(TypeID(r.TypeID)), accessor, COREKind(r.Kind)}}
	})
}

// FuncTable is the functions of an ELF section, by offset. They are decoded one
// by one, when they are asked for.
type FuncTable struct {
	spec    *Spec
	records rawbtf.ExtSection
}

// Funcs returns which functions the ELF section with the given name has. A nil
// receiver knows none.
func (ei *ExtInfos) Funcs(name string) FuncTable {
	if ei == nil || ei.spec == nil {
		return FuncTable{}
	}
	return FuncTable{ei.spec, ei.records(ei.raw.Funcs(), name)}
}

// Len returns how many functions there are.
func (t *FuncTable) Len() int { return t.records.Len() }

// Offset returns where function i starts, in bytes.
func (t *FuncTable) Offset(i int) uint32 { return t.records.InsnOff(i) }

// Func returns function i.
func (t *FuncTable) Func(i int) TypeRef { return t.spec.Ref(TypeID(t.records.Func(i).TypeID)) }

// LineTable is the source lines of the instructions of an ELF section, by offset.
// They are decoded one by one, when they are asked for.
type LineTable struct {
	types   *rawbtf.BTF
	records rawbtf.ExtSection
}

// Lines returns which lines the instructions of the ELF section with the given
// name come from. A nil receiver knows none.
func (ei *ExtInfos) Lines(name string) LineTable {
	if ei == nil || ei.spec == nil {
		return LineTable{}
	}
	return LineTable{ei.spec.raw, ei.records(ei.raw.Lines(), name)}
}

// Len returns how many lines there are.
func (t *LineTable) Len() int { return t.records.Len() }

// Offset returns the offset of the first instruction of line i, in bytes.
func (t *LineTable) Offset(i int) uint32 { return t.records.InsnOff(i) }

// Line returns line i.
func (t *LineTable) Line(i int) Line {
	l := t.records.Line(i)
	return Line{t.types, l.FileNameOff, l.LineOff, l.LineCol}
}

// sortByName orders sections for records.
func (ei *ExtInfos) sortByName(sections []rawbtf.ExtSection) {
	for i := 1; i < len(sections); i++ {
		if ei.compareNames(&sections[i-1], &sections[i]) > 0 {
			sorting.Stable(sections, ei.compareNames) // which allocates
			return
		}
	}
}

func (ei *ExtInfos) compareNames(a, b *rawbtf.ExtSection) int {
	if a.NameOff == b.NameOff {
		return 0
	}
	return bytes.Compare(ei.spec.raw.NameBytes(a.NameOff), ei.spec.raw.NameBytes(b.NameOff))
}

// records returns those of the section with a name: a view of the file, unless
// they are scattered or out of order.
func (ei *ExtInfos) records(sections []rawbtf.ExtSection, name string) rawbtf.ExtSection {
	named := ei.named(sections, name)
	switch {
	case len(named) == 0:
		return rawbtf.ExtSection{}
	case len(named) == 1 && named[0].InOrder():
		return named[0]
	}
	return rawbtf.Merge(named)
}

// named returns the part of sections, sorted, that is about one ELF section.
func (ei *ExtInfos) named(sections []rawbtf.ExtSection, name string) []rawbtf.ExtSection {
	first, ok := sort.Find(len(sections), func(i int) int {
		own, _ := ei.spec.raw.Name(sections[i].NameOff) // validated by Open
		return strings.Compare(name, own)
	})
	if !ok {
		return nil
	}
	end := first + 1
	for end < len(sections) && ei.spec.raw.NameIs(sections[end].NameOff, name) {
		end++
	}
	return sections[first:end]
}

// LoadFuncInfos parses recordNum func infos as the kernel reports them for a
// loaded program, whose types are spec. Offsets in the result are in bytes.
func LoadFuncInfos(reader io.Reader, bo binary.ByteOrder, recordNum uint32, spec *Spec) (FuncOffsets, error) {
	data, err := readRecords(reader, recordNum, rawbtf.FuncInfoSize)
	if err != nil {
		return nil, fmt.Errorf("read func infos: %w", err)
	}
	s := rawbtf.FuncInfos(data, bo)
	out := make(FuncOffsets, 0, s.Len())
	for i := range s.Len() {
		f := s.Func(i)
		if spec.owner(TypeID(f.TypeID)) == nil {
			return nil, fmt.Errorf("func info %d: type ID %d: %w", i, f.TypeID, ErrNotFound)
		}
		out = append(out, FuncOffset{f.InsnOff * insnSize, spec.Ref(TypeID(f.TypeID))})
	}
	sorting.Stable(out, func(a, b *FuncOffset) int { return cmp.Compare(a.Offset, b.Offset) })
	return out, nil
}

// LoadLineInfos parses recordNum line infos as the kernel reports them for a
// loaded program, whose types are spec. Offsets in the result are in bytes.
func LoadLineInfos(reader io.Reader, bo binary.ByteOrder, recordNum uint32, spec *Spec) (LineOffsets, error) {
	data, err := readRecords(reader, recordNum, rawbtf.LineInfoSize)
	if err != nil {
		return nil, fmt.Errorf("read line infos: %w", err)
	}
	s := rawbtf.LineInfos(data, bo)
	out := make(LineOffsets, 0, s.Len())
	for i := range s.Len() {
		l := s.Line(i)
		if l.FileNameOff >= spec.raw.EndString() || l.LineOff >= spec.raw.EndString() {
			return nil, fmt.Errorf("line info %d: string offset is out of range", i)
		}
		out = append(out, LineOffset{l.InsnOff * insnSize, Line{spec.raw, l.FileNameOff, l.LineOff, l.LineCol}})
	}
	sorting.Stable(out, func(a, b *LineOffset) int { return cmp.Compare(a.Offset, b.Offset) })
	return out, nil
}

func readRecords(r io.Reader, n uint32, size int64) ([]byte, error) {
	want := int64(n) * size
	data, err := io.ReadAll(io.LimitReader(r, want)) // a wrong n costs no memory
	if err == nil && int64(len(data)) != want {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}
