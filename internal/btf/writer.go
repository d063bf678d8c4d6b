package btf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
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
		w.buf = binary.LittleEndian.AppendUint32(w.buf, w.swapped(v))
	}
}

// swapped is v, or what a little-endian reader takes for it.
func (w *Writer) swapped(v uint32) uint32 {
	if w.big {
		return bits.ReverseBytes32(v)
	}
	return v
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

// parts says which words are names and which are type IDs, in what follows a
// record's head: in each element, or once. The first word is bit 0.
type parts struct{ names, ids uint8 }

var partsOf = [numKinds]parts{
	KindArray:     {ids: 0b011},
	KindStruct:    {names: 0b001, ids: 0b010},
	KindUnion:     {names: 0b001, ids: 0b010},
	KindEnum:      {names: 0b01},
	KindFuncProto: {names: 0b01, ids: 0b10},
	KindDatasec:   {ids: 0b001},
	KindEnum64:    {names: 0b001},
}

// Copy appends t with its type IDs and string offsets exchanged.
func (w *Writer) Copy(t Type, id func(uint32) uint32, str func(uint32) (uint32, error)) error {
	kind := t.Kind()
	if kind >= numKinds {
		return fmt.Errorf("type ID %d: unknown %v", t.id, kind)
	}
	var err error
	name := func(off uint32) uint32 {
		off, e := str(off)
		if e != nil && err == nil {
			err = e
		}
		return off
	}
	word := t.word(-1)
	if hasType.Has(kind) {
		word = id(word)
	}
	w.count++
	w.U32(name(t.NameOff()), t.info, word)
	has, size := partsOf[kind], knownSizes[kind]
	words, elements := (size.head-recordLen)/4, 1
	if size.elem > 0 {
		words, elements = size.elem/4, t.Vlen()
	}
	for i := range elements {
		for j := range words {
			word := t.word(i*int(words) + int(j))
			switch {
			case has.names>>j&1 != 0:
				word = name(word)
			case has.ids>>j&1 != 0:
				word = id(word)
			}
			w.U32(word)
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
