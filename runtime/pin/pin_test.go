package pin_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/link"
	"github.com/bpfgen/bpfgen/runtime/pin"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// pins has a map, a program and a link in a file system of the test's own.
func pins(t *testing.T) string {
	t.Helper()
	testutil.Needs(t, testutil.BPF, testutil.RawTracepoint)
	dir := testutil.BPFFS(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.RawTracepoint, License: "MIT",
		Instructions: asm.Instructions{asm.LoadImm(asm.R0, 0, asm.DWord), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_process_exec", Program: p})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, obj := range map[string]pin.Pinner{"a": m, "b/p": p, "c": l} {
		if err := obj.Pin(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := pins(t)
	for name, is := range map[string]func(pin.Pinner) bool{
		"a":   func(p pin.Pinner) bool { _, ok := p.(*ebpf.Map); return ok },
		"b/p": func(p pin.Pinner) bool { _, ok := p.(*ebpf.Program); return ok },
		"c":   func(p pin.Pinner) bool { _, ok := p.(link.Link); return ok },
	} {
		obj, err := pin.Load(filepath.Join(dir, name), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !is(obj) {
			t.Errorf("%s: %T", name, obj)
		}
		if err := obj.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := pin.Load(filepath.Join(dir, "nope"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if _, err := pin.Load(os.Args[0], nil); err == nil {
		t.Error("a file is an object")
	}
}

func TestWalkDir(t *testing.T) {
	dir := pins(t)
	var paths []string
	var taken io.Closer
	for p, err := range pin.WalkDir(dir, nil) {
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(dir, p.Path)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, rel)
		if m, ok := p.Object.(*ebpf.Map); ok {
			taken = m
			p.Take()
		}
	}
	if !slices.Equal(paths, []string{"a", "b/p", "c"}) {
		t.Error(paths)
	}
	defer taken.Close()
	if err := taken.(*ebpf.Map).Put(uint32(0), uint32(1)); err != nil {
		t.Error("what was taken is closed:", err)
	}
	n := 0
	for range pin.WalkDir(dir, nil) {
		n++
		break
	}
	for _, err := range pin.WalkDir(filepath.Join(dir, "nope"), nil) {
		if errors.Is(err, os.ErrNotExist) {
			n++
		}
	}
	if n != 2 {
		t.Error(n)
	}
}
