package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
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
	mapped  bool // bytes go away with this BTF: strings must be copied
	types   []byte
	strs    []byte
	str     string // strs as a string, empty if mapped
	base    *BTF   // what a split BTF refers to, or nil
	strBase uint32 // offset of the first own string
	firstID uint32 // ID of the first own type
	count   uint32 // own types
	offsets []uint32
	extra   []layout // rows for kinds newer than this package, from the blob itself
	tags    []tag    // decl tags, sorted by what they tag
	oddInts bool     // see HasBitfieldInts
}

// Every stride-th record's offset is remembered. A lookup walks over the few
// records in between, which costs less than the memory of a full index.
const stride = 8

// Parse reads the header of blob, validates its bounds and indexes its type
// records. The byte order is detected. The result aliases blob.
//
// base is what a split BTF, such as a kernel module's, refers to; nil for BTF
// that stands alone.
func Parse(blob []byte, base *BTF) (*BTF, error) {
	b := &BTF{base: base, firstID: 1}
	if err := b.open(blob); err != nil {
		return nil, err
	}
	b.str = string(b.strs)
	return b, nil
}

// ParseMapped is Parse for a memory mapping. release is called with blob once
// neither the result nor a [Type] from it is reachable; after an error it is
// called before ParseMapped returns.
func ParseMapped(blob []byte, base *BTF, release func([]byte)) (*BTF, error) {
	b := &BTF{base: base, firstID: 1, mapped: true}
	if err := b.open(blob); err != nil {
		release(blob)
		return nil, err
	}
	runtime.AddCleanup(b, release, blob)
	return b, nil
}

func (b *BTF) open(blob []byte) error {
	if err := b.sections(blob); err != nil {
		return err
	}
	if b.base != nil {
		if b.base.big != b.big {
			return malformed("header", 0, "byte order differs from the base's")
		}
		b.firstID = b.base.firstID + b.base.count
		b.strBase = b.base.strBase + uint32(len(b.base.strs))
	}
	if err := b.checkStrings(); err != nil {
		return err
	}
	return b.index()
}

// sections finds the parts of blob.
func (b *BTF) sections(blob []byte) error {
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
	bo := b.ByteOrder()
	hdrLen := bo.Uint32(blob[4:])
	if hdrLen < headerLen || uint64(hdrLen) > uint64(len(blob)) {
		return malformed("header", 4, "header length %d is out of range", hdrLen)
	}
	body := blob[hdrLen:]
	var err error
	part := func(name string, at int) (data []byte, off uint64) {
		off, length := uint64(bo.Uint32(blob[at:])), uint64(bo.Uint32(blob[at+4:]))
		if off+length > uint64(len(body)) && err == nil {
			err = malformed("header", uint64(at), "%s section %d+%d is larger than the %d bytes there are", name, off, length, len(body))
		}
		if err != nil {
			return nil, 0
		}
		return body[off : off+length : off+length], off
	}
	types, typesOff := part("type", 8)
	strs, strsOff := part("string", 16)
	var layouts []byte
	if hdrLen >= fullHeaderLen {
		layouts, _ = part("layout", 24)
	}
	if err != nil {
		return err
	}
	if typesOff%4 != 0 {
		return malformed("header", 8, "type section is not aligned")
	}
	if typesOff < strsOff+uint64(len(strs)) && strsOff < typesOff+uint64(len(types)) {
		return malformed("header", 16, "string section overlaps the type section")
	}
	b.types, b.strs = types, strs
	b.readLayouts(layouts)
	return nil
}

// readLayouts remembers the record sizes of kinds this package doesn't know,
// so that BTF from a newer compiler can still be read around them.
func (b *BTF) readLayouts(data []byte) {
	const row = 4
	for i := int(numKinds); i < len(data)/row && i <= 0x7f; i++ {
		b.extra = append(b.extra, layout{fixed: data[i*row], elem: data[i*row+1]})
	}
}

// index walks over all records once.
func (b *BTF) index() error {
	types := b.types
	if uint64(len(types)/recordLen)+uint64(b.firstID) > 1<<32-1 {
		return malformed("types", 0, "too many types")
	}
	// Most records are larger than a head; grow from a guess.
	offsets := make([]uint32, 0, len(types)/(24*stride)+1)
	n := uint32(0)
	for off := uint64(0); off < uint64(len(types)); n++ {
		if n%stride == 0 {
			offsets = append(offsets, uint32(off))
		}
		if uint64(len(types))-off < recordLen {
			return malformed("types", off, "type %d is cut off", b.firstID+n)
		}
		info := b.u32(types[off+4:])
		size := b.recordSize(info)
		if size == 0 {
			return malformed("types", off, "type %d has unknown %v", b.firstID+n, kindOf(info))
		}
		if size > uint64(len(types))-off {
			return malformed("types", off, "type %d of %d bytes extends past the end of the section", b.firstID+n, size)
		}
		switch kindOf(info) {
		case KindInt:
			w := b.u32(types[off+recordLen:])
			b.oddInts = b.oddInts || w>>16&0xff != 0 || w&0xff != 8*b.u32(types[off+8:])
		case KindDeclTag:
			b.tags = append(b.tags, tag{b.u32(types[off+8:]), b.firstID + n})
		}
		off += size
	}
	b.offsets, b.count = offsets, n
	slices.SortFunc(b.tags, tag.compare)
	return nil
}

func kindOf(info uint32) Kind { return Kind(info >> 24 & 0x7f) }

// recordSize returns the size in bytes of a record with the given info word,
// or zero if its kind is unknown.
func (b *BTF) recordSize(info uint32) uint64 {
	kind, vlen := kindOf(info), uint64(info&maxVlen)
	var l layout
	switch {
	case kind == KindVoid:
		return 0
	case kind < numKinds:
		l = layouts[kind]
	case int(kind-numKinds) < len(b.extra):
		l = b.extra[kind-numKinds]
	default:
		return 0
	}
	return recordLen + uint64(l.fixed) + uint64(l.elem)*vlen
}

// u32 reads the first four bytes of p.
func (b *BTF) u32(p []byte) uint32 {
	if b.big {
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
func (b *BTF) NumTypes() int { return int(b.count) }

// EndID returns the first ID after the last type.
func (b *BTF) EndID() uint32 { return b.firstID + b.count }

// EndString returns the first offset after the last string.
func (b *BTF) EndString() uint32 { return b.strBase + uint32(len(b.strs)) }

// Size returns the bytes of type records and of strings.
func (b *BTF) Size() (types, strs int) { return len(b.types), len(b.strs) }

// offset returns where an own type's record starts.
func (b *BTF) offset(n uint32) uint32 {
	off := b.offsets[n/stride]
	for range n % stride {
		off += uint32(b.recordSize(b.u32(b.types[off+4:])))
	}
	return off
}

// Type returns the record with the given ID, which may be one of the base's.
// ID zero is void.
func (b *BTF) Type(id uint32) (Type, error) {
	if id == 0 {
		return Type{b: b}, nil
	}
	for owner := b; owner != nil; owner = owner.base {
		if id >= owner.firstID && id-owner.firstID < owner.count {
			return owner.at(id, owner.offset(id-owner.firstID)), nil
		}
	}
	return Type{}, fmt.Errorf("type ID %d: %w", id, ErrNotFound)
}

func (b *BTF) at(id, off uint32) Type {
	p := b.types[off : off+recordLen]
	t := Type{b: b, id: id, off: off, name: b.u32(p), info: b.u32(p[4:]), size: b.u32(p[8:])}
	runtime.KeepAlive(b)
	return t
}

// All iterates over the blob's own records in order of their IDs.
func (b *BTF) All() func(yield func(Type) bool) {
	return func(yield func(Type) bool) {
		off := uint32(0)
		for n := range b.count {
			t := b.at(b.firstID+n, off)
			if !yield(t) {
				return
			}
			off += uint32(b.recordSize(t.info))
		}
	}
}
