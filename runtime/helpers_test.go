package ebpf

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// objectFile is an object for this machine's byte order.
func objectFile(name string) string {
	if sameOrder(binary.NativeEndian, binary.LittleEndian) {
		return "../testdata/" + name + "-el.o"
	}
	return "../testdata/" + name + "-eb.o"
}

// foreignFile is the same object for the other byte order.
func foreignFile(name string) string {
	if sameOrder(binary.NativeEndian, binary.BigEndian) {
		return "../testdata/" + name + "-el.o"
	}
	return "../testdata/" + name + "-eb.o"
}

func parse(t testing.TB, file string) *CollectionSpec {
	t.Helper()
	spec, err := LoadCollectionSpec(file)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// collection loads all of an object, until the end of the test.
func collection(t testing.TB, name string) *Collection {
	t.Helper()
	testutil.Needs(t, testutil.BPF)
	coll, err := NewCollection(parse(t, objectFile(name)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(coll.Close)
	return coll
}

// newTestMap makes a map, until the end of the test.
func newTestMap(t testing.TB, spec *MapSpec) *Map {
	t.Helper()
	testutil.Needs(t, testutil.BPF)
	m, err := NewMap(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// returning is a program that returns a number.
func returning(n int32) *ProgramSpec {
	return &ProgramSpec{
		Name:         "returning",
		Type:         SocketFilter,
		Instructions: asm.Instructions{asm.LoadImm(asm.R0, int64(n), asm.DWord), asm.Return()},
		License:      "MIT",
	}
}

// wantError checks that an error says all of the parts.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(errorText(err), part) {
			t.Errorf("error %v, want one that says %s", err, part)
		}
	}
}
