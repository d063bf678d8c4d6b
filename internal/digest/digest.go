// Package digest has the two hashes that kernels make tags of programs with.
//
// They are not crypto/sha1 and crypto/sha256 because those bring 28 packages, a
// quarter of a megabyte and work at start into every program that loads BPF, few
// of which ever compare a tag. A tag is no proof of anything: it is 64 bits of
// the hash of a program that the kernel has.
package digest

import (
	"encoding/binary"
	"math/bits"
)

const blockSize = 64

// sum hashes data as both functions do (FIPS 180-4, 5.1.1): in blocks, of which
// the last ends in how many bits data has.
func sum(data []byte, mix func(block []byte)) {
	rest := data
	for ; len(rest) >= blockSize; rest = rest[blockSize:] {
		mix(rest[:blockSize])
	}
	var last [2 * blockSize]byte
	n := copy(last[:], rest)
	last[n] = 0x80
	end := blockSize
	if n+1+8 > blockSize {
		end = 2 * blockSize
	}
	binary.BigEndian.PutUint64(last[end-8:], uint64(len(data))*8)
	for at := 0; at < end; at += blockSize {
		mix(last[at : at+blockSize])
	}
}

// SHA1 is the SHA-1 of data, for kernels before 6.18.
func SHA1(data []byte) (hash [20]byte) {
	h := [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	sum(data, func(block []byte) { mix1(&h, block) })
	for i, word := range h {
		binary.BigEndian.PutUint32(hash[i*4:], word)
	}
	return hash
}

// mix1 is one block of SHA-1 (FIPS 180-4, 6.1.2).
func mix1(h *[5]uint32, block []byte) {
	var w [80]uint32
	for t := range 16 {
		w[t] = binary.BigEndian.Uint32(block[t*4:])
	}
	for t := 16; t < len(w); t++ {
		w[t] = bits.RotateLeft32(w[t-3]^w[t-8]^w[t-14]^w[t-16], 1)
	}
	a, b, c, d, e := h[0], h[1], h[2], h[3], h[4]
	for t, word := range w {
		var f, k uint32
		switch t / 20 {
		case 0:
			f, k = b&c|^b&d, 0x5a827999
		case 1:
			f, k = b^c^d, 0x6ed9eba1
		case 2:
			f, k = b&c|b&d|c&d, 0x8f1bbcdc
		case 3:
			f, k = b^c^d, 0xca62c1d6
		}
		a, b, c, d, e = bits.RotateLeft32(a, 5)+f+e+k+word, a, bits.RotateLeft32(b, 30), c, d
	}
	for i, v := range [...]uint32{a, b, c, d, e} {
		h[i] += v
	}
}

// SHA256 is the SHA-256 of data, for Linux 6.18 and later.
func SHA256(data []byte) (hash [32]byte) {
	h := [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}
	sum(data, func(block []byte) { mix256(&h, block) })
	for i, word := range h {
		binary.BigEndian.PutUint32(hash[i*4:], word)
	}
	return hash
}

// mix256 is one block of SHA-256 (FIPS 180-4, 6.2.2).
func mix256(h *[8]uint32, block []byte) {
	var w [64]uint32
	for t := range 16 {
		w[t] = binary.BigEndian.Uint32(block[t*4:])
	}
	for t := 16; t < len(w); t++ {
		x, y := w[t-15], w[t-2]
		w[t] = w[t-16] + w[t-7] +
			(bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3) +
			(bits.RotateLeft32(y, -17) ^ bits.RotateLeft32(y, -19) ^ y>>10)
	}
	v := *h
	for t, word := range w {
		a, b, c, e, f, g := v[0], v[1], v[2], v[4], v[5], v[6]
		t1 := v[7] + word + constants[t] + (e&f ^ ^e&g) +
			(bits.RotateLeft32(e, -6) ^ bits.RotateLeft32(e, -11) ^ bits.RotateLeft32(e, -25))
		t2 := (a&b ^ a&c ^ b&c) +
			(bits.RotateLeft32(a, -2) ^ bits.RotateLeft32(a, -13) ^ bits.RotateLeft32(a, -22))
		v = [8]uint32{t1 + t2, a, b, c, v[3] + t1, e, f, g}
	}
	for i := range h {
		h[i] += v[i]
	}
}

// constants are parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
var constants = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
