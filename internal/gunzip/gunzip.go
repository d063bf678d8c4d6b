// Package gunzip reads what gzip has compressed, for the configuration of a
// kernel in /proc/config.gz.
//
// compress/gzip keeps compressing in a program as well, and all of package time,
// for the date in the header: 130 KB for a file that few BPF programs ask for.
package gunzip

import (
	"errors"
	"io"
	"math/bits"
)

// ErrCorrupt is in errors about what gzip hasn't written.
var ErrCorrupt = errors.New("not compressed by gzip, or damaged")

// windowSize is how far back in the text a copy may come from.
const windowSize = 32 << 10

// maxCopy is the longest copy.
const maxCopy = 258

// Reader is the text behind compressed data (RFC 1952).
type Reader struct {
	bitReader
	inMember bool
	inBlock  bool
	last     bool // block of a member
	stored   int  // bytes to come as they are
	literals huffman
	copies   huffman // distances

	text     []byte // of the member, at least the window
	taken    int    // bytes of text that Read has returned
	checksum uint32
	length   uint32 // of a member's text
	table    [256]uint32
}

// NewReader checks the header.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{text: make([]byte, 0, 2*windowSize)}
	r.from = from
	for i := range r.table {
		r.table[i] = checksumOf(uint32(i))
	}
	if r.header(); r.err != nil {
		return nil, r.err
	}
	return r, nil
}

// Read implements io.Reader. It returns ErrCorrupt or io.ErrUnexpectedEOF if the
// data isn't all it should be, at the latest instead of io.EOF.
func (r *Reader) Read(b []byte) (int, error) {
	for r.taken == len(r.text) && r.err == nil {
		r.step()
	}
	n := copy(b, r.text[r.taken:])
	r.taken += n
	if n == 0 && len(b) > 0 {
		return 0, r.err
	}
	return n, nil
}

// step adds to text, or gets further to where there is something to add.
func (r *Reader) step() {
	if len(r.text) > cap(r.text)-maxCopy {
		r.text = r.text[:copy(r.text, r.text[len(r.text)-windowSize:])]
		r.taken = len(r.text)
	}
	if !r.inMember {
		r.header()
		return
	}
	start := len(r.text)
	switch {
	case r.stored > 0:
		r.copyStored()
	case r.inBlock:
		r.inflate()
	case r.last:
		r.trailer()
	default:
		r.block()
	}
	for _, c := range r.text[start:] {
		r.checksum = r.table[byte(r.checksum)^c] ^ r.checksum>>8
	}
	r.length += uint32(len(r.text) - start)
}

// Flags of a header, for the fields that follow it.
const (
	flagChecksum = 1 << 1
	flagExtra    = 1 << 2
	flagName     = 1 << 3
	flagComment  = 1 << 4
)

// header begins a member, of which there are several if files are put one behind
// the other.
func (r *Reader) header() {
	if id, method := r.take(16), r.take(8); id != 0x8b1f || method != 8 {
		r.fail(ErrCorrupt)
	}
	flags := r.take(8)
	r.skip(6) // when and where
	if flags&flagExtra != 0 {
		r.skip(int(r.take(16)))
	}
	for _, flag := range [...]uint32{flagName, flagComment} {
		for flags&flag != 0 && r.take(8) != 0 {
		}
	}
	if flags&flagChecksum != 0 {
		r.skip(2)
	}
	r.text, r.taken = r.text[:0], 0 // which has been returned, and no copy may reach
	r.inMember, r.last, r.checksum, r.length = true, false, ^uint32(0), 0
}

func (r *Reader) trailer() {
	r.align()
	if sum, length := r.take(32), r.take(32); sum != ^r.checksum || length != r.length {
		r.fail(ErrCorrupt)
	}
	if r.fill(1); r.err == nil && r.n == 0 {
		r.err = io.EOF
	}
	r.inMember = false
}

// block begins a block (RFC 1951).
func (r *Reader) block() {
	r.last = r.take(1) == 1
	switch r.take(2) {
	case 0:
		r.align()
		length, inverse := r.take(16), r.take(16)
		if length != inverse^0xffff {
			r.fail(ErrCorrupt)
		}
		r.stored = int(length)
	case 1:
		r.fixedCodes()
		r.inBlock = true
	case 2:
		r.readCodes()
		r.inBlock = true
	default:
		r.fail(ErrCorrupt)
	}
}

func (r *Reader) copyStored() {
	for r.stored > 0 && len(r.text) < cap(r.text) {
		c := byte(r.take(8))
		if r.err != nil {
			return
		}
		r.text = append(r.text, c)
		r.stored--
	}
}

// Lengths and distances of copies: each code stands for a base and that many
// more bits.
var (
	lengthBase = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}

	distanceBase = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distanceBits = [...]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// Symbols of literals and lengths.
const (
	endOfBlock  = 256
	firstLength = 257
)

// inflate adds to text until the block ends or there is no room.
func (r *Reader) inflate() {
	for len(r.text) <= cap(r.text)-maxCopy {
		symbol := r.symbol(&r.literals)
		switch {
		case r.err != nil:
			return
		case symbol < endOfBlock:
			r.text = append(r.text, byte(symbol))
		case symbol == endOfBlock:
			r.inBlock = false
			return
		default:
			r.copy(symbol - firstLength)
		}
	}
}

func (r *Reader) copy(symbol int) {
	if symbol >= len(lengthBase) {
		r.fail(ErrCorrupt)
		return
	}
	length := int(lengthBase[symbol]) + int(r.take(uint(lengthBits[symbol])))
	code := r.symbol(&r.copies)
	if code >= len(distanceBase) {
		r.fail(ErrCorrupt)
		return
	}
	distance := int(distanceBase[code]) + int(r.take(uint(distanceBits[code])))
	if distance > len(r.text) {
		r.fail(ErrCorrupt)
	}
	if r.err != nil {
		return
	}
	for range length {
		r.text = append(r.text, r.text[len(r.text)-distance])
	}
}

// checksumOf is a step of CRC-32, for eight bits.
func checksumOf(c uint32) uint32 {
	for range 8 {
		c = c>>1 ^ -(c&1)&0xedb88320
	}
	return c
}

// bitReader reads bits, lowest first. It stops at the first error; whoever reads
// on gets zeros.
type bitReader struct {
	from  io.Reader
	room  [4096]byte
	bytes []byte // of room, not read yet
	bits  uint64
	n     uint // of bits
	err   error
}

func (r *bitReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// fill tries to have n bits.
func (r *bitReader) fill(n uint) {
	for r.n < n {
		if len(r.bytes) == 0 {
			read, err := r.from.Read(r.room[:])
			r.bytes = r.room[:read]
			if read == 0 && err != nil {
				if err != io.EOF {
					r.fail(err)
				}
				return
			}
			continue
		}
		r.bits |= uint64(r.bytes[0]) << r.n
		r.bytes = r.bytes[1:]
		r.n += 8
	}
}

// take reads up to 32 bits.
func (r *bitReader) take(n uint) uint32 {
	if r.n < n {
		r.fill(n)
	}
	if r.n < n {
		r.fail(io.ErrUnexpectedEOF)
	}
	if r.err != nil {
		return 0
	}
	v := uint32(r.bits & (1<<n - 1))
	r.bits >>= n
	r.n -= n
	return v
}

func (r *bitReader) skip(bytes int) {
	for ; bytes > 0 && r.err == nil; bytes-- {
		r.take(8)
	}
}

// align goes to the next byte.
func (r *bitReader) align() { r.take(r.n % 8) }

// symbol reads a code.
func (r *bitReader) symbol(h *huffman) int {
	if r.n < maxBits {
		r.fill(maxBits)
	}
	if short := h.short[r.bits&(1<<shortBits-1)]; short != 0 {
		r.take(uint(short & 0xf))
		return int(short >> 4)
	}
	code, first, index := 0, 0, 0
	for n := uint(1); n <= maxBits; n++ {
		code |= int(r.bits >> (n - 1) & 1)
		count := int(h.count[n])
		if code-first < count {
			r.take(n)
			return int(h.symbols[index+code-first])
		}
		index, first, code = index+count, (first+count)<<1, code<<1
	}
	r.fail(ErrCorrupt)
	return 0
}

// reversed has the n bits of a code in the order in which they are written.
func reversed(code uint16, n uint) int { return int(bits.Reverse16(code) >> (16 - n)) }
