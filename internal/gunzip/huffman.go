package gunzip

// How long codes are.
const (
	maxBits   = 15
	shortBits = 9 // of those that are found by looking once
)

// Numbers of symbols.
const (
	numLiterals  = 288
	numDistances = 32
)

// huffman has the symbols of codes. Codes of the same length follow one another,
// and longer ones are greater, so that the lengths tell all.
type huffman struct {
	short   [1 << shortBits]uint16 // symbols and, in the low 4 bits, lengths of codes, by the bits to come
	count   [maxBits + 1]uint16    // of codes of each length
	symbols [numLiterals]uint16    // in order of codes
}

// set takes the lengths of codes, zero for symbols that don't occur, and reports
// whether there are such codes. It lets pass what has too few, which is an error
// only for who reads one that isn't.
func (h *huffman) set(lengths []uint8) bool {
	*h = huffman{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	var code, place [maxBits + 2]uint16
	for n := 1; n <= maxBits; n++ {
		end := int(code[n]) + int(h.count[n])
		if end > 1<<n {
			return false
		}
		code[n+1], place[n+1] = uint16(end<<1), place[n]+h.count[n]
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		h.symbols[place[n]] = uint16(symbol)
		if n <= shortBits {
			for i := reversed(code[n], uint(n)); i < len(h.short); i += 1 << n {
				h.short[i] = uint16(symbol)<<4 | uint16(n)
			}
		}
		place[n]++
		code[n]++
	}
	return true
}

// fixedCodes are those of blocks that don't bring their own.
func (r *Reader) fixedCodes() {
	var lengths [numLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	r.literals.set(lengths[:])
	for i := range numDistances {
		lengths[i] = 5
	}
	r.copies.set(lengths[:numDistances])
}

// lengthOrder is the order in which the lengths of codes for lengths are written.
var lengthOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// Codes for several lengths of codes at once.
const (
	repeatLast  = 16
	repeatZero  = 17
	repeatZeros = 18
)

// readCodes reads the codes of a block, whose lengths are written in codes.
func (r *Reader) readCodes() {
	literals, distances, codes := int(r.take(5))+257, int(r.take(5))+1, int(r.take(4))+4
	var lengths [numLiterals + numDistances]uint8
	for _, i := range lengthOrder[:codes] {
		lengths[i] = uint8(r.take(3))
	}
	// The room for distances serves for the codes of lengths until then.
	if literals > numLiterals || !r.copies.set(lengths[:len(lengthOrder)]) {
		r.fail(ErrCorrupt)
	}
	clear(lengths[:])
	total := literals + distances
	for i := 0; i < total && r.err == nil; {
		length, n := r.symbol(&r.copies), 1
		switch length {
		case repeatLast:
			if i == 0 {
				r.fail(ErrCorrupt)
				return
			}
			length, n = int(lengths[i-1]), 3+int(r.take(2))
		case repeatZero:
			length, n = 0, 3+int(r.take(3))
		case repeatZeros:
			length, n = 0, 11+int(r.take(7))
		}
		if n > total-i {
			r.fail(ErrCorrupt)
			return
		}
		for ; n > 0; n-- {
			lengths[i] = uint8(length)
			i++
		}
	}
	if !r.literals.set(lengths[:literals]) || !r.copies.set(lengths[literals:total]) {
		r.fail(ErrCorrupt)
	}
}
