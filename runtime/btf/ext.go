package btf

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	rawbtf "github.com/bpfgen/bpfgen/internal/btf"
)

// ExtInfos is what the .BTF.ext section of an object says about instructions.
type ExtInfos struct {
	spec *Spec
	raw  *rawbtf.Ext
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
	raw, err := rawbtf.ParseExt(ext)
	if err != nil {
		return nil, fmt.Errorf("parse .BTF.ext: %w", err)
	}
	if err := checkExt(raw, spec.raw); err != nil {
		return nil, fmt.Errorf("parse .BTF.ext: %w", err)
	}
	return &ExtInfos{spec, raw}, nil
}

// checkExt makes sure that decoding can't fail.
func checkExt(ext *rawbtf.Ext, types *rawbtf.BTF) error {
	c := extChecker{types.EndID(), types.EndString()}
	for _, s := range ext.Funcs() {
		for i := range s.Len() {
			f := s.Func(i)
			if !c.valid(f.InsnOff, f.TypeID, s.NameOff, 0) {
				return c.explain("func info", i, f.InsnOff, f.TypeID, s.NameOff, 0)
			}
		}
	}
	for _, s := range ext.Lines() {
		for i := range s.Len() {
			l := s.Line(i)
			if str := max(l.FileNameOff, l.LineOff); !c.valid(l.InsnOff, 0, s.NameOff, str) {
				return c.explain("line info", i, l.InsnOff, 0, s.NameOff, str)
			}
		}
	}
	for _, s := range ext.CORERelos() {
		for i := range s.Len() {
			r := s.CORERelo(i)
			if !c.valid(r.InsnOff, r.TypeID, s.NameOff, r.AccessOff) {
				return c.explain("CO-RE relocation", i, r.InsnOff, r.TypeID, s.NameOff, r.AccessOff)
			}
		}
	}
	return nil
}

// extChecker knows what records of .BTF.ext may refer to.
type extChecker struct{ endID, endString uint32 }

// valid is what every record goes through, so it costs no more than this.
func (c *extChecker) valid(insnOff, id, section, str uint32) bool {
	return insnOff%insnSize == 0 && id < c.endID && section < c.endString && str < c.endString
}

// explain says why a record isn't valid.
func (c *extChecker) explain(what string, i int, insnOff, id, section, str uint32) error {
	switch {
	case insnOff%insnSize != 0:
		return fmt.Errorf("%s %d: offset %d is not that of an instruction", what, i, insnOff)
	case id >= c.endID:
		return fmt.Errorf("%s %d: type ID %d: %w", what, i, id, ErrNotFound)
	}
	return fmt.Errorf("%s %d: string offset %d is out of range", what, i, max(section, str))
}

// Section returns the infos about instructions of the ELF section with the
// given name, nil where there are none. It decodes anew on each call. A nil
// receiver has none.
func (ei *ExtInfos) Section(name string) (FuncOffsets, LineOffsets, CORERelocationOffsets) {
	if ei == nil {
		return nil, nil, nil
	}
	funcs := decodeExt(ei, ei.raw.Funcs(), name, func(s *rawbtf.ExtSection, i int) FuncOffset {
		f := s.Func(i)
		return FuncOffset{f.InsnOff, ei.spec.Ref(TypeID(f.TypeID))}
	}, func(a, b FuncOffset) int { return cmp.Compare(a.Offset, b.Offset) })
	lines := decodeExt(ei, ei.raw.Lines(), name, func(s *rawbtf.ExtSection, i int) LineOffset {
		l := s.Line(i)
		return LineOffset{l.InsnOff, Line{ei.spec.raw, l.FileNameOff, l.LineOff, l.LineCol}}
	}, func(a, b LineOffset) int { return cmp.Compare(a.Offset, b.Offset) })
	relos := decodeExt(ei, ei.raw.CORERelos(), name, func(s *rawbtf.ExtSection, i int) CORERelocationOffset {
		r := s.CORERelo(i)
		accessor, _ := ei.spec.raw.Name(r.AccessOff) // validated by checkExt
		return CORERelocationOffset{r.InsnOff, CORERelocation{ei.spec.Ref(TypeID(r.TypeID)), accessor, COREKind(r.Kind)}}
	}, func(a, b CORERelocationOffset) int { return cmp.Compare(a.Offset, b.Offset) })
	return funcs, lines, relos
}

// decodeExt collects the records of all sections with a name.
func decodeExt[T any](ei *ExtInfos, sections []rawbtf.ExtSection, name string, decode func(*rawbtf.ExtSection, int) T, compare func(a, b T) int) []T {
	var out []T
	for i := range sections {
		s := &sections[i]
		if !ei.spec.raw.NameIs(s.NameOff, name) {
			continue
		}
		out = slices.Grow(out, s.Len())
		for j := range s.Len() {
			out = append(out, decode(s, j))
		}
	}
	if !slices.IsSortedFunc(out, compare) {
		slices.SortStableFunc(out, compare)
	}
	return out
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
	slices.SortStableFunc(out, func(a, b FuncOffset) int { return cmp.Compare(a.Offset, b.Offset) })
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
	slices.SortStableFunc(out, func(a, b LineOffset) int { return cmp.Compare(a.Offset, b.Offset) })
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
