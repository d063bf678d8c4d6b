package btf

import "encoding/binary"

// ExtRecords are the records of one kind for one ELF section.
type ExtRecords[R FuncInfo | LineInfo | CORERelo] struct {
	NameOff uint32 // name of the section, in the strings of .BTF
	Records []R    // by offset
}

// MarshalExt returns the contents of a .BTF.ext section; nil if there are no
// records.
func MarshalExt(order binary.ByteOrder, funcs []ExtRecords[FuncInfo], lines []ExtRecords[LineInfo], relos []ExtRecords[CORERelo]) []byte {
	w := &Writer{big: isBig(order)} // only for its words
	at := [4]int{1: marshalExt(w, FuncInfoSize, funcs, func(r FuncInfo) { w.U32(r.InsnOff, r.TypeID) })}
	at[2] = marshalExt(w, LineInfoSize, lines, func(r LineInfo) { w.U32(r.InsnOff, r.FileNameOff, r.LineOff, r.LineCol) })
	at[3] = marshalExt(w, COREReloSize, relos, func(r CORERelo) { w.U32(r.InsnOff, r.TypeID, r.AccessOff, r.Kind) })
	if len(w.buf) == 0 {
		return nil
	}
	h := &Writer{big: w.big, buf: make([]byte, 4, extFullHeaderLen+len(w.buf))}
	order.PutUint16(h.buf, magic)
	h.buf[2] = 1 // version
	h.U32(extFullHeaderLen)
	for i := range 3 {
		h.U32(uint32(at[i]), uint32(at[i+1]-at[i]))
	}
	return append(h.buf, w.buf...)
}

// marshalExt appends the records of one kind and returns where they end.
func marshalExt[R FuncInfo | LineInfo | CORERelo](w *Writer, size uint32, sections []ExtRecords[R], put func(R)) int {
	first := true
	for _, s := range sections {
		if len(s.Records) == 0 {
			continue // the kernel and libbpf refuse empty ones
		}
		if first {
			w.U32(size)
			first = false
		}
		w.U32(s.NameOff, uint32(len(s.Records)))
		for _, r := range s.Records {
			put(r)
		}
	}
	return len(w.buf)
}
