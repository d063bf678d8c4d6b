package btf

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Writer encodes type records and their strings. IDs are up to the caller: the
// first record is type 1.
type Writer struct {
	buf   []byte
	start int // of the header in buf
	big   bool
	strs  *Strings
	count uint32
	err   error
}

// NewWriter returns a Writer which appends to buf. Strings are added to strs.
func NewWriter(buf []byte, order binary.ByteOrder, strs *Strings) *Writer {
	w := &Writer{start: len(buf), big: isBig(order), strs: strs}
	w.buf = append(buf, make([]byte, headerLen)...)
	return w
}

// isBig also knows what binary.NativeEndian stands for.
func isBig(order binary.ByteOrder) bool { return order.Uint16([]byte{0, 1}) == 1 }

// String returns the offset of s.
func (w *Writer) String(s string) uint32 {
	if strings.IndexByte(s, 0) >= 0 {
		w.err = fmt.Errorf("name %q contains a NUL", s)
		return 0
	}
	return w.strs.Add(s)
}

// U32 appends words to the current record.
func (w *Writer) U32(words ...uint32) {
	for _, v := range words {
		if w.big {
			w.buf = binary.BigEndian.AppendUint32(w.buf, v)
		} else {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, v)
		}
	}
}

// Type starts a record. vlen is the linkage for a func. The kind's further
// words are appended with U32.
func (w *Writer) Type(kind Kind, flag bool, vlen int, name string, sizeOrType uint32) {
	if vlen < 0 || vlen > maxVlen {
		w.err = fmt.Errorf("%v %q: %d elements can't be encoded", kind, name, vlen)
		vlen = 0
	}
	info := uint32(kind)<<24 | uint32(vlen)
	if flag {
		info |= 1 << 31
	}
	w.count++
	w.U32(w.String(name), info, sizeOrType)
}

// Copy appends t with its type IDs and string offsets exchanged.
func (w *Writer) Copy(t Type, id func(uint32) uint32, str func(uint32) (uint32, error)) error {
	var err error
	name := func(off uint32) uint32 {
		off, e := str(off)
		if e != nil && err == nil {
			err = e
		}
		return off
	}
	word := t.word(-1)
	if hasType.Has(t.Kind()) {
		word = id(word)
	}
	w.count++
	w.U32(name(t.NameOff()), t.info, word)
	switch t.Kind() {
	case KindInt, KindVar, KindDeclTag:
		w.U32(t.word(0))
	case KindArray:
		w.U32(id(t.word(0)), id(t.word(1)), t.word(2))
	case KindStruct, KindUnion:
		for i := range t.Vlen() {
			w.U32(name(t.word(3*i)), id(t.word(3*i+1)), t.word(3*i+2))
		}
	case KindEnum:
		for i := range t.Vlen() {
			w.U32(name(t.word(2*i)), t.word(2*i+1))
		}
	case KindFuncProto:
		for i := range t.Vlen() {
			w.U32(name(t.word(2*i)), id(t.word(2*i+1)))
		}
	case KindDatasec:
		for i := range t.Vlen() {
			w.U32(id(t.word(3*i)), t.word(3*i+1), t.word(3*i+2))
		}
	case KindEnum64:
		for i := range t.Vlen() {
			w.U32(name(t.word(3*i)), t.word(3*i+1), t.word(3*i+2))
		}
	default:
		if t.Kind() >= numKinds {
			return fmt.Errorf("type ID %d: unknown %v", t.id, t.Kind())
		}
	}
	return err
}

// Finish writes header and strings and returns the buffer.
func (w *Writer) Finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	types := len(w.buf) - w.start - headerLen
	strs := w.strs.Bytes()
	if uint64(types) > 1<<32-1 || uint64(len(strs)) > 1<<32-1 {
		return nil, fmt.Errorf("BTF of %d bytes is too large", types+len(strs))
	}
	h := &Writer{buf: w.buf[w.start:w.start], big: w.big}
	if w.big {
		h.buf = append(binary.BigEndian.AppendUint16(h.buf, magic), 1, 0)
	} else {
		h.buf = append(binary.LittleEndian.AppendUint16(h.buf, magic), 1, 0)
	}
	h.U32(headerLen, 0, uint32(types), uint32(types), uint32(len(strs)))
	return append(w.buf, strs...), nil
}
