package linker

import (
	"fmt"

	"github.com/bpfgen/bpfgen/internal/btf"
)

// mergeExt makes .BTF.ext. Its strings are those of w. ids are the final IDs of
// all types.
func (l *linker) mergeExt(w *btf.Writer, ids []uint32) error {
	m := extMerger{linker: l, w: w, ids: ids}
	funcs := merge(&m, (*btf.Ext).Funcs, m.function)
	lines := merge(&m, (*btf.Ext).Lines, m.line)
	relos := merge(&m, (*btf.Ext).CORERelos, m.relo)
	if m.err != nil {
		return m.err
	}
	l.ext = btf.MarshalExt(l.order, funcs, lines, relos)
	return nil
}

// extMerger keeps the first error.
type extMerger struct {
	*linker
	w   *btf.Writer
	ids []uint32
	err error
}

// merge collects the records of one kind by section of the output.
func merge[R btf.FuncInfo | btf.LineInfo | btf.CORERelo](m *extMerger, kind func(*btf.Ext) []btf.ExtSection, read func(in *input, sec *btf.ExtSection, i int, by uint32) R) []btf.ExtRecords[R] {
	bySection := map[*section][]R{}
	for _, in := range m.inputs {
		if in.ext == nil {
			continue
		}
		for _, sec := range kind(in.ext) {
			s, p := in.partOf(sec.NameOff)
			if s == nil || p.out == nil {
				m.fail(in, "its .BTF.ext is about a section that isn't linked")
				return nil
			}
			if p.copied {
				continue
			}
			for i := range sec.Len() {
				bySection[p.out] = append(bySection[p.out], read(in, &sec, i, uint32(p.offset)))
			}
		}
	}
	var all []btf.ExtRecords[R]
	for _, out := range m.sections {
		if records := bySection[out]; records != nil {
			all = append(all, btf.ExtRecords[R]{NameOff: m.w.String(out.name), Records: records})
		}
	}
	return all
}

func (m *extMerger) function(in *input, sec *btf.ExtSection, i int, by uint32) btf.FuncInfo {
	r := sec.Func(i)
	r.InsnOff += by
	r.TypeID = m.id(in, r.TypeID)
	return r
}

func (m *extMerger) line(in *input, sec *btf.ExtSection, i int, by uint32) btf.LineInfo {
	r := sec.Line(i)
	r.InsnOff += by
	r.FileNameOff = m.text(in, r.FileNameOff)
	r.LineOff = m.text(in, r.LineOff)
	return r
}

func (m *extMerger) relo(in *input, sec *btf.ExtSection, i int, by uint32) btf.CORERelo {
	r := sec.CORERelo(i)
	r.InsnOff += by
	r.TypeID = m.id(in, r.TypeID)
	r.AccessOff = m.text(in, r.AccessOff)
	return r
}

// id returns the final ID of a type.
func (m *extMerger) id(in *input, id uint32) uint32 {
	if uint64(id) >= uint64(len(in.ids)) {
		m.fail(in, "its .BTF.ext refers to type %d of %d", id, len(in.ids))
		return 0
	}
	final := m.ids[in.ids[id]]
	if final == 0 && id != 0 {
		m.fail(in, "its .BTF.ext refers to type %d, which isn't linked", id)
	}
	return final
}

func (m *extMerger) text(in *input, off uint32) uint32 {
	moved, err := moveString(m.w, in, off)
	if err != nil {
		m.fail(in, ".BTF.ext: %w", err)
	}
	return moved
}

func (m *extMerger) fail(in *input, format string, args ...any) {
	if m.err == nil {
		m.err = &Error{File: in.name, Err: fmt.Errorf(format, args...)}
	}
}
