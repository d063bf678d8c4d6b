package ebpf

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

type padded struct {
	A uint8
	B uint32
	C uint16
}

type withBool struct {
	On bool
	N  uint8
}

type number uint32

type custom struct{ text string }

func (c custom) MarshalBinary() ([]byte, error) { return []byte(c.text), nil }
func (c *custom) UnmarshalBinary(b []byte) error {
	c.text = string(b)
	return nil
}

var (
	_ encoding.BinaryMarshaler   = custom{}
	_ encoding.BinaryUnmarshaler = (*custom)(nil)
)

func u32(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

func u16(v uint16) []byte { return binary.NativeEndian.AppendUint16(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// What Go values are for the kernel, and what is read back from that.
func TestCodecRoundTrip(t *testing.T) {
	value := uint32(0x01020304)
	pad := padded{1, 2, 3}
	for _, c := range []struct {
		name string
		in   any
		want []byte
		out  any // a new pointer to fill
	}{
		{"uint8", uint8(7), []byte{7}, new(uint8)},
		{"int16", int16(-2), u16(0xfffe), new(int16)},
		{"uint32", value, u32(value), new(uint32)},
		{"pointer", &value, u32(value), new(uint32)},
		{"named number", number(5), u32(5), new(number)},
		{"bool", true, []byte{1}, new(bool)},
		{"array", [2]uint32{1, 2}, u32(1, 2), new([2]uint32)},
		{"slice", []uint32{1, 2}, u32(1, 2), []uint32{0, 0}},
		{"bytes", []byte("abc"), []byte("abc"), []byte("xyz")},
		{"string", "abc", []byte("abc"), new(string)},
		{"struct as in C", pad, join([]byte{1, 0, 0, 0}, u32(2), u16(3), []byte{0, 0}), new(padded)},
		{"pointer to struct", &pad, join([]byte{1, 0, 0, 0}, u32(2), u16(3), []byte{0, 0}), new(padded)},
		{"struct packed in C", pad, join([]byte{1}, u32(2), u16(3)), new(padded)},
		{"slice of structs packed in C", []padded{pad, pad}, join([]byte{1}, u32(2), u16(3), []byte{1}, u32(2), u16(3)), make([]padded, 2)},
		{"struct with bool", withBool{true, 2}, []byte{1, 2}, new(withBool)},
		{"marshaler", custom{"hello"}, []byte("hello"), new(custom)},
		{"pointer to marshaler", &custom{"hello"}, []byte("hello"), new(custom)},
		{"unsafe.Pointer", unsafe.Pointer(&value), u32(value), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			codec := codec{size: len(c.want)}
			for range 2 { // the second time, types are remembered
				got := make([]byte, len(c.want))
				if err := codec.marshal(got, c.in); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, c.want) {
					t.Fatalf("got % x, want % x", got, c.want)
				}
			}
			if c.out == nil {
				return
			}
			for range 2 {
				if err := codec.unmarshal(c.out, c.want); err != nil {
					t.Fatal(err)
				}
				want := reflect.Indirect(reflect.ValueOf(c.in)).Interface()
				got := reflect.Indirect(reflect.ValueOf(c.out)).Interface()
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(custom{})); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

// Whatever is in memory, a Go bool is true or false.
func TestCodecBools(t *testing.T) {
	var b bool
	if err := (&codec{size: 1}).unmarshal(&b, []byte{2}); err != nil || !b {
		t.Error(b, err)
	}
	var s withBool
	if err := (&codec{size: 2}).unmarshal(&s, []byte{0x80, 3}); err != nil || s != (withBool{true, 3}) {
		t.Error(s, err)
	}
}

// A new []byte takes the place of the old one: somebody else may hold that.
func TestCodecReplacesSlice(t *testing.T) {
	old := []byte("old")
	out := old
	if err := (&codec{size: 3}).unmarshal(&out, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if string(out) != "new" || string(old) != "old" {
		t.Errorf("%s, %s", out, old)
	}
}

func TestCodecErrors(t *testing.T) {
	var nilNumber *uint32
	var nilStruct *padded
	var nilCustom *custom
	for _, c := range []struct {
		name     string
		in       any
		size     int
		encode   string
		decoding string // "" if the same value can be decoded into
	}{
		{"nil", nil, 4, "value is nil", "value is nil"},
		{"nil pointer to number", nilNumber, 4, "value is nil", "value is nil"},
		{"nil pointer to struct", nilStruct, 12, "value is nil", "value is nil"},
		{"nil pointer to marshaler", nilCustom, 4, "value is nil", "value is nil"},
		{"too big", new(uint64), 4, "uint64 has 8 bytes, needed are 4", "uint64 has 8 bytes, needed are 4"},
		{"too small", uint16(1), 4, "uint16 has 2 bytes, needed are 4", "can't decode into uint16: it is not a pointer"},
		{"number by value", uint32(1), 4, "", "can't decode into uint32: it is not a pointer"},
		{"padded", &padded{}, 5, "ebpf.padded has 12 bytes (7 without padding), needed are 5", "ebpf.padded has 12 bytes (7 without padding), needed are 5"},
		{"bytes", []byte{1}, 4, "[]byte has 1 bytes, needed are 4", "[]byte has 1 bytes, needed are 4"},
		{"string", "a", 4, "string has 1 bytes, needed are 4", "can't decode into string: it is not a pointer"},
		{"slice", []uint16{1}, 4, "1 elements of uint16 have 2 bytes, needed are 4", "1 elements of uint16 have 2 bytes, needed are 4"},
		{"int", new(int), 8, "can't encode *int: the size of int depends on the machine: use a type with a size in its name",
			"can't decode into *int: the size of int depends on the machine: use a type with a size in its name"},
		{"pointer in struct", &struct{ P *int }{}, 8, "can't encode *struct { P *int }: field P: *int has no fixed size",
			"can't decode into *struct { P *int }: field P: *int has no fixed size"},
		{"map", map[int]int{}, 8, "can't encode map[int]int: it has no fixed size", "can't decode into map[int]int: it is not a pointer"},
		{"marshaler of another size", &custom{"abc"}, 4, "*ebpf.custom marshals to 3 bytes, needed are 4", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(what string, err error, want string) {
				t.Helper()
				if got := errorText(err); got != want {
					t.Errorf("%s: got %q, want %q", what, got, want)
				}
			}
			codec := codec{size: c.size}
			check("encode", codec.marshal(make([]byte, c.size), c.in), c.encode)
			check("decode", codec.unmarshal(c.in, make([]byte, c.size)), c.decoding)
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

type failing struct{}

var errFailing = errors.New("failing")

func (failing) MarshalBinary() ([]byte, error) { return nil, errFailing }
func (*failing) UnmarshalBinary([]byte) error  { return errFailing }

func TestCodecPassesOnErrors(t *testing.T) {
	c := codec{size: 1}
	if err := c.marshal(make([]byte, 1), failing{}); !errors.Is(err, errFailing) {
		t.Error(err)
	}
	if err := c.unmarshal(new(failing), make([]byte, 1)); !errors.Is(err, errFailing) || !strings.Contains(err.Error(), "*ebpf.failing") {
		t.Error(err)
	}
}

// Values without padding aren't copied, nor do they move to the heap.
func TestCodecAllocs(t *testing.T) {
	type pair struct{ A, B uint32 }
	c := codec{size: 8}
	dst := make([]byte, 8)
	for name, f := range map[string]func() error{
		"number by value":   func() error { return c.marshal(dst, uint64(dst[0])<<20) },
		"number by pointer": func() error { v := uint64(dst[0]); return c.marshal(dst, &v) },
		"struct by value":   func() error { return c.marshal(dst, pair{uint32(dst[0]), 2}) },
		"struct by pointer": func() error { v := pair{uint32(dst[0]), 2}; return c.marshal(dst, &v) },
		"bytes":             func() error { var b [8]byte; return c.marshal(dst, b[:]) },
		"into number":       func() error { var v uint64; return c.unmarshal(&v, dst) },
		"into struct":       func() error { var v pair; return c.unmarshal(&v, dst) },
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Allocs(t, 0, func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
