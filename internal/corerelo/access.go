package corerelo

import (
	"errors"
	"math"
)

// maxAccess is how many indices an access string may have; libbpf and the kernel draw the line at the same place.
const maxAccess = 64

var (
	errAccessEmpty  = errors.New("it is empty")
	errAccessLong   = errors.New("it has more than 64 indices") // maxAccess
	errAccessDigits = errors.New("an index is not a decimal number")
	errAccessRange  = errors.New("an index exceeds 2147483647") // 31 bits
)

// parseAccess appends the indices of an access string such as "0:1:2" to dst.
//
// The compiler writes nothing but decimal numbers separated by single colons, and so nothing else is taken: no sign, no blank,
// no empty index.
func parseAccess(dst []uint32, s string) ([]uint32, error) {
	if s == "" {
		return nil, errAccessEmpty
	}
	for n := 0; ; n++ {
		if n == maxAccess {
			return nil, errAccessLong
		}
		index, digits := uint64(0), 0
		for digits < len(s) && s[digits] != ':' {
			c := s[digits] - '0'
			if c > 9 {
				return nil, errAccessDigits
			}
			if index = index*10 + uint64(c); index > math.MaxInt32 {
				return nil, errAccessRange
			}
			digits++
		}
		if digits == 0 {
			return nil, errAccessDigits
		}
		dst = append(dst, uint32(index))
		if digits == len(s) {
			return dst, nil
		}
		s = s[digits+1:]
	}
}
