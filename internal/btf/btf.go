package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
)

// ErrNotFound is wrapped by errors about a type or name that doesn't exist.
var ErrNotFound = errors.New("not found")

const (
	magic uint16 = 0xeb9f

	headerLen     = 24 // up to and including str_len
	fullHeaderLen = 32 // with the layout section
	recordLen     = 12 // head of a type record
	maxVlen       = 0xffffff
)

// Error is malformed BTF: where and why.
type Error struct {
	Where  string // "header", "types", "strings", "ext"
	Offset uint64 // bytes from the start of Where
	Reason string
}

// Error names the part, the offset in it and the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("BTF %s at offset %d: %s", e.Where, e.Offset, e.Reason)
}

func malformed(where string, off uint64, format string, args ...any) error {
	return &Error{where, off, fmt.Sprintf(format, args...)}
}

// BTF is a blob of type records and the strings they name. It is immutable and
// safe for concurrent use.
type BTF struct {
	big     bool // big endian
	types   []byte
	strs    []byte
	str     string // strs as a string; empty if names are copied one by one
	base    *BTF   // what a split BTF refers to, or nil
	strBase uint32 // offset of the first own string
	firstID uint32 // ID of the first own type
	sizes   *sizes // of records
	mapping *mapping

	mu    sync.Mutex // held while the index is built
	idx   atomic.Pointer[index]
	first index      // what idx points to
	room  [16]uint32 // for its offsets, if they are few

	searches atomic.Uint32             // by name, so far
	table    atomic.Pointer[nameTable] // see rareNames
}

// Parse reads the header of blob, validates its bounds and indexes its type
// records. The byte order is detected. The result aliases blob.
//
// base is what a split BTF, such as a kernel module's, refers to; nil for BTF
// that stands alone.
func Parse(blob []byte, base *BTF) (*BTF, error) {
	b := new(BTF)
	if err := b.Init(blob, "", base); err != nil {
		return nil, err
	}
	return b, nil
}

// manyStrings is how many bytes of strings aren't copied before somebody wants
// them. Who opens the types of a kernel needs a few of a hundred thousand names.
const manyStrings = 1 << 16

// Init is Parse into b, which must be zero. text is the same bytes once more, as
// a string that names can be parts of; or empty, then names are copied.
func (b *BTF) Init(blob []byte, text string, base *BTF) error {
	b.base, b.firstID = base, 1
	err := b.open(blob, text)
	if err == nil {
		err = b.indexAll()
	}
	if err == nil && b.str == "" && len(b.strs) < manyStrings {
		b.str = string(b.strs)
	}
	return err
}

// OwnTypes makes b use a copy of its type records, which it appends to room:
// whoever has just made b can then fill in what compilers leave open, with
// [Type.SetWord].
func (b *BTF) OwnTypes(room []byte) { b.types = append(room, b.types...) }

// ParseMapped is Parse for a memory mapping of types that the kernel vouches
// for. It doesn't look at the records; whoever needs them first pays for the
// index. Should one be malformed after all, then the blob ends in front of it.
//
// release is called with blob once neither the result nor a [Type] from it is
// reachable; after an error it is called before ParseMapped returns.
func ParseMapped(blob []byte, base *BTF, release func([]byte)) (*BTF, error) {
	b := &BTF{base: base, firstID: 1}
	if err := b.open(blob, ""); err != nil {
		release(blob)
		return nil, err
	}
	b.mapping = &mapping{blob, release}
	runtime.SetFinalizer(b.mapping, (*mapping).done)
	return b, nil
}

// mapping is what a BTF has to give back. It is an object of its own since what has
// a finalizer must not lead to itself, as a BTF does. It isn't runtime.AddCleanup,
// whose first use starts a goroutine, and a thread for that: the one for finalizers
// is there in each program with package os. This takes some percent of the time and
// of the memory of a process that loads one object.
type mapping struct {
	blob    []byte
	release func([]byte)
}

func (m *mapping) done() { m.release(m.blob) }

func (b *BTF) open(blob []byte, text string) error {
	if err := b.sections(blob, text); err != nil {
		return err
	}
	if b.base != nil {
		if b.base.big != b.big {
			return malformed("header", 0, "byte order differs from the base's")
		}
		b.firstID = b.base.EndID()
		b.strBase = b.base.strBase + uint32(len(b.base.strs))
	}
	if uint64(len(b.types)/recordLen)+uint64(b.firstID) > 1<<32-1 {
		return malformed("types", 0, "too many types")
	}
	return b.checkStrings()
}

// sections finds the parts of blob, and those of text, if it is blob as a string.
func (b *BTF) sections(blob []byte, text string) error {
	if len(blob) < headerLen {
		return malformed("header", 0, "%d bytes are too few for a header", len(blob))
	}
	switch magic {
	case binary.LittleEndian.Uint16(blob):
	case binary.BigEndian.Uint16(blob):
		b.big = true
	default:
		return malformed("header", 0, "magic %#x is not BTF", blob[:2])
	}
	if blob[2] != 1 {
		return malformed("header", 2, "unknown version %d", blob[2])
	}
	hdrLen := b.u32(blob[4:])
	if hdrLen < headerLen || uint64(hdrLen) > uint64(len(blob)) {
		return malformed("header", 4, "header length %d is out of range", hdrLen)
	}
	types, typesOff, err := b.part(blob, hdrLen, 8, "type")
	if err != nil {
		return err
	}
	strs, strsOff, err := b.part(blob, hdrLen, 16, "string")
	if err != nil {
		return err
	}
	var layouts []byte
	if hdrLen >= fullHeaderLen {
		if layouts, _, err = b.part(blob, hdrLen, 24, "layout"); err != nil {
			return err
		}
	}
	if typesOff%4 != 0 {
		return malformed("header", 8, "type section is not aligned")
	}
	if typesOff < strsOff+uint64(len(strs)) && strsOff < typesOff+uint64(len(types)) {
		return malformed("header", 16, "string section overlaps the type section")
	}
	b.types, b.strs = types, strs
	if len(text) == len(blob) {
		b.str = text[uint64(hdrLen)+strsOff:][:len(strs)]
	}
	b.sizes = readSizes(layouts)
	return nil
}

// part returns the part of blob whose place, behind the header, is in the header.
func (b *BTF) part(blob []byte, hdrLen uint32, at int, name string) (data []byte, off uint64, err error) {
	body, place := blob[hdrLen:], blob[at:at+8]
	off, length := uint64(b.u32(place)), uint64(b.u32(place[4:]))
	if off+length > uint64(len(body)) {
		return nil, 0, malformed("header", uint64(at), "%s section %d+%d is larger than the %d bytes there are", name, off, length, len(body))
	}
	return body[off : off+length : off+length], off, nil
}

// u32 reads the first four bytes of p.
func (b *BTF) u32(p []byte) uint32 { return load(p, b.big) }

// load reads the first four bytes of p.
func load(p []byte, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(p)
	}
	return binary.LittleEndian.Uint32(p)
}

// ByteOrder returns the byte order of the blob.
func (b *BTF) ByteOrder() binary.ByteOrder {
	if b.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Base returns what this BTF was split from, or nil.
func (b *BTF) Base() *BTF { return b.base }

// FirstID returns the ID of the first own type: 1 without a base.
func (b *BTF) FirstID() uint32 { return b.firstID }

// NumTypes returns how many types the blob has, not counting void and the
// base's types.
func (b *BTF) NumTypes() int { return int(b.indexed().count) }

// EndID returns the first ID after the last type.
func (b *BTF) EndID() uint32 { return b.firstID + b.indexed().count }

// EndString returns the first offset after the last string.
func (b *BTF) EndString() uint32 { return b.strBase + uint32(len(b.strs)) }

// Type returns the record with the given ID, which may be one of the base's.
// ID zero is void.
func (b *BTF) Type(id uint32) (Type, error) {
	n := id - b.firstID // huge for void and the base's
	if idx := b.idx.Load(); idx != nil && n < uint32(len(idx.offsets)) && idx.stride == 1 {
		return b.at(id, idx.offsets[n]), nil
	}
	return b.find(id)
}

// find is Type for types of the base, in a large blob, or before there is an index.
func (b *BTF) find(id uint32) (Type, error) {
	if id == 0 {
		return Type{b: b}, nil
	}
	for owner := b; owner != nil; owner = owner.base {
		if id < owner.firstID {
			continue
		}
		if off, ok := owner.offset(id - owner.firstID); ok {
			return owner.at(id, off), nil
		}
		break
	}
	return Type{}, fmt.Errorf("type ID %d: %w", id, ErrNotFound)
}

func (b *BTF) at(id, off uint32) Type {
	t := Type{b: b, id: id, off: off, info: b.u32(b.types[off+4:])}
	runtime.KeepAlive(b)
	return t
}

// All iterates over the blob's own records in order of their IDs.
func (b *BTF) All() iter.Seq[Type] {
	return func(yield func(Type) bool) {
		types, off := b.types, 0
		for id := b.firstID; len(types)-off >= recordLen; id++ {
			p := types[off : off+recordLen : off+recordLen]
			t := Type{b: b, id: id, off: uint32(off), info: b.u32(p[4:])}
			size := b.sizes.of(t.info)
			if uint(size-1) >= uint(len(types)-off) { // none, or too much
				break
			}
			if off += size; !yield(t) {
				return
			}
		}
		runtime.KeepAlive(b)
	}
}
