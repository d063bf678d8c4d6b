package gunzip

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// texts are of kinds that make the compressor choose different blocks.
func texts() map[string][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	skewed := make([]byte, 200_000) // codes of all lengths
	for i := range skewed {
		skewed[i] = byte(random.ExpFloat64() * 12)
	}
	return map[string][]byte{
		"empty":          nil,
		"one byte":       {'x'},
		"short":          []byte("CONFIG_BPF=y\n"),
		"one letter":     bytes.Repeat([]byte{'a'}, 300_000),
		"configuration":  []byte(strings.Repeat("# CONFIG_X is not set\nCONFIG_BPF_SYSCALL=y\nCONFIG_HZ=250\n", 9_000)),
		"far apart":      bytes.Repeat(noise[:windowSize], 5),
		"noise":          noise,
		"skewed":         skewed,
		"noise and text": append(noise[:5000:5000], strings.Repeat("text", 5000)...),
	}
}

func compress(t testing.TB, text []byte, level int, header gzip.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Header = header
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func expand(data []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestEveryLevel(t *testing.T) {
	for name, text := range texts() {
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			got, err := expand(compress(t, text, level, gzip.Header{}))
			if !bytes.Equal(got, text) || err != nil {
				t.Errorf("%s, level %d: %d bytes, want %d, error %v", name, level, len(got), len(text), err)
			}
		}
	}
}

func TestHeaderAndMembers(t *testing.T) {
	one := compress(t, []byte("one, "), 9, gzip.Header{Name: "a name", Comment: "a comment", Extra: []byte("extra")})
	two := compress(t, []byte("two"), 9, gzip.Header{})
	if got, err := expand(append(one, two...)); string(got) != "one, two" || err != nil {
		t.Errorf("got %q, error %v", got, err)
	}
}

// Reading and being read byte by byte.
func TestPieces(t *testing.T) {
	text := texts()["noise and text"]
	r, err := NewReader(iotest.OneByteReader(bytes.NewReader(compress(t, text, 6, gzip.Header{}))))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(iotest.OneByteReader(r)); !bytes.Equal(got, text) || err != nil {
		t.Errorf("%d bytes, want %d, error %v", len(got), len(text), err)
	}
}

func TestDamage(t *testing.T) {
	data := compress(t, []byte(strings.Repeat("CONFIG_BPF=y\n", 50)), 9, gzip.Header{})
	for n := range data {
		if _, err := expand(data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x10
		got, err := expand(damaged)
		if want, wantErr := standard(damaged); (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("damage at %d: got %d bytes, error %v, but compress/gzip %d bytes, error %v", i, len(got), err, len(want), wantErr)
		}
	}
	broken := errors.New("broken")
	r, err := NewReader(io.MultiReader(bytes.NewReader(data[:30]), iotest.ErrReader(broken)))
	if err == nil {
		_, err = io.ReadAll(r)
	}
	if !errors.Is(err, broken) {
		t.Errorf("an error of what is read: got %v", err)
	}
}

func standard(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Whatever compress/gzip can read is read the same way.
func BenchmarkRead(b *testing.B) {
	data := compress(b, texts()["configuration"], 9, gzip.Header{})
	for b.Loop() {
		if _, err := expand(data); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzLikeTheStandardLibrary(f *testing.F) {
	f.Add(compress(f, []byte("CONFIG_BPF=y\n"), 9, gzip.Header{Name: "config"}))
	f.Add(compress(f, []byte(strings.Repeat("CONFIG_BPF=y\n", 50)), 1, gzip.Header{}))
	f.Add(compress(f, texts()["skewed"][:5000], 9, gzip.Header{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, errWant := standard(data)
		got, err := expand(data)
		if errWant == nil && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("got %d bytes, error %v, want %d bytes", len(got), err, len(want))
		}
	})
}
