package digest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// Examples that NIST publishes with FIPS 180-4.
func TestPublished(t *testing.T) {
	for _, test := range []struct{ text, sha1, sha256 string }{
		{"", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{strings.Repeat("a", 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
			"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	} {
		old, now := SHA1([]byte(test.text)), SHA256([]byte(test.text))
		if got := hex.EncodeToString(old[:]); got != test.sha1 {
			t.Errorf("SHA-1 of %.60q (%d bytes): %s, want %s", test.text, len(test.text), got, test.sha1)
		}
		if got := hex.EncodeToString(now[:]); got != test.sha256 {
			t.Errorf("SHA-256 of %.60q (%d bytes): %s, want %s", test.text, len(test.text), got, test.sha256)
		}
	}
}

// Every length around the ends of blocks, as the standard library has it.
func TestLikeTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 4*blockSize)
	for n := range data {
		for i := range data[:n] {
			data[i] = byte(random.Uint32())
		}
		compare(t, data[:n])
	}
}

func FuzzLikeTheStandardLibrary(f *testing.F) {
	f.Add([]byte("a program"))
	f.Add(make([]byte, 119))
	f.Fuzz(func(t *testing.T, data []byte) { compare(t, data) })
}

func compare(t *testing.T, data []byte) {
	t.Helper()
	if got, want := SHA1(data), sha1.Sum(data); got != want {
		t.Errorf("SHA-1 of %x: %x, want %x", data, got, want)
	}
	if got, want := SHA256(data), sha256.Sum256(data); got != want {
		t.Errorf("SHA-256 of %x: %x, want %x", data, got, want)
	}
}
