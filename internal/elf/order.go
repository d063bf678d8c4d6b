package elf

import (
	"encoding/binary"
	"math/bits"
)

// byteOrder decodes integers. Unlike a binary.ByteOrder its methods are
// inlined, which matters to symbol tables.
type byteOrder struct{ big bool }

func (o byteOrder) binary() binary.ByteOrder {
	if o.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (o byteOrder) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if o.big {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (o byteOrder) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if o.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (o byteOrder) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if o.big {
		v = bits.ReverseBytes64(v)
	}
	return v
}

func (o byteOrder) putU16(b []byte, v uint16) { o.binary().PutUint16(b, v) }
func (o byteOrder) putU32(b []byte, v uint32) { o.binary().PutUint32(b, v) }
func (o byteOrder) putU64(b []byte, v uint64) { o.binary().PutUint64(b, v) }
