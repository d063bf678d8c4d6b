//go:build unix

package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// files of this machine: this test, a program and a library with versions, where
// they are.
func machineFiles(t testing.TB) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	found := []string{self, "/bin/sh"}
	for _, pattern := range []string{"/lib/*/libc.so.6", "/lib64/libc.so.6", "/lib/*/ld-linux*", "/lib/ld-musl*"} {
		names, _ := filepath.Glob(pattern)
		found = append(found, names...)
	}
	return found
}

// What debug/elf reads of the files of this machine is read the same way.
func TestLikeTheStandardLibrary(t *testing.T) {
	for _, path := range machineFiles(t) {
		compare(t, path)
	}
}

func compare(t *testing.T, path string) {
	t.Helper()
	want, err := elf.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return // no shell
	}
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got, err := Open(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer got.Close()
	if got.Type != uint16(want.Type) || got.Machine != uint16(want.Machine) || got.Order != want.ByteOrder || got.Is64 != (want.Class == elf.ELFCLASS64) {
		t.Errorf("%s: got %+v, want %+v", path, got, want.FileHeader)
	}
	var segments []Segment
	for _, p := range want.Progs {
		if p.Type == elf.PT_LOAD {
			segments = append(segments, Segment{p.Flags&elf.PF_W != 0, p.Flags&elf.PF_X != 0, p.Off, p.Vaddr, p.Memsz})
		}
	}
	if !slices.Equal(got.Segments, segments) {
		t.Errorf("%s: segments %v, want %v", path, got.Segments, segments)
	}
	compareSections(t, path, got, want)
	compareSymbols(t, path, got, want)
}

func compareSections(t *testing.T, path string, got *File, want *elf.File) {
	t.Helper()
	if len(got.Sections) != len(want.Sections) {
		t.Fatalf("%s: %d sections, want %d", path, len(got.Sections), len(want.Sections))
	}
	for i, w := range want.Sections {
		g := &got.Sections[i]
		if g.Name != w.Name || g.Address != w.Addr || g.Size != w.FileSize || g.Offset != w.Offset || g.Type != uint32(w.Type) {
			t.Errorf("%s: section %d: got %+v, want %+v", path, i, g, w.SectionHeader)
		}
		if w.Type == elf.SHT_NOBITS || w.Flags&elf.SHF_COMPRESSED != 0 {
			continue
		}
		data, err := got.Data(g)
		wanted, _ := w.Data()
		if !bytes.Equal(data, wanted) || err != nil {
			t.Errorf("%s: section %s: %d bytes, want %d, error %v", path, g.Name, len(data), len(wanted), err)
		}
	}
}

func compareSymbols(t *testing.T, path string, got *File, want *elf.File) {
	t.Helper()
	symbols, err := got.Symbols()
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	var wanted []Symbol
	for _, section := range want.Sections {
		read := want.Symbols
		if section.Type == elf.SHT_DYNSYM {
			read = want.DynamicSymbols
		} else if section.Type != elf.SHT_SYMTAB {
			continue
		}
		list, _ := read()
		for _, s := range list {
			wanted = append(wanted, Symbol{
				s.Name, s.Version, s.HasVersion && s.VersionIndex.IsHidden(), s.Value, s.Size,
				uint8(elf.ST_BIND(s.Info)), uint8(elf.ST_TYPE(s.Info)), uint16(s.Section),
			})
		}
	}
	if len(symbols) != len(wanted) {
		t.Fatalf("%s: %d symbols, want %d", path, len(symbols), len(wanted))
	}
	for i, w := range wanted {
		if symbols[i] != w {
			t.Fatalf("%s: symbol %d: got %+v, want %+v", path, i, symbols[i], w)
		}
	}
}

// executables has a small file of each class and order.
func executables() map[string][]byte {
	files := make(map[string][]byte)
	for _, class := range []byte{1, 2} {
		for _, order := range []byte{1, 2} {
			name := map[byte]string{1: "32 bits", 2: "64 bits"}[class] + map[byte]string{1: ", little", 2: ", big"}[order]
			files[name] = build(class, order)
		}
	}
	return files
}

func TestClassesAndOrders(t *testing.T) {
	for name, data := range executables() {
		t.Run(name, func(t *testing.T) {
			path := write(t, data)
			compare(t, path)
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			symbols, err := f.Symbols()
			if len(symbols) != 1 || symbols[0].Name != "name" || symbols[0].Value != 0x1010 || err != nil {
				t.Errorf("symbols %+v, error %v", symbols, err)
			}
			offset, ok := f.FileOffset(0x1010, func(s *Segment) bool { return s.Executable && !s.Writable })
			if offset != 0x10 || !ok {
				t.Errorf("it is at %#x, %v", offset, ok)
			}
			if _, ok := f.FileOffset(0x1010, func(s *Segment) bool { return s.Writable }); ok {
				t.Error("it is said to be writable")
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	for what, data := range map[string][]byte{
		"nothing": nil, "text": []byte("#!/bin/sh\necho a text that is longer than the header of an ELF file is\n"),
		"the beginning": executables()["64 bits, little"][:60],
	} {
		if _, err := Open(write(t, data)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Open("/no/such/file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Nothing that a file says of itself makes reading it panic, or take more than
// in proportion.
// Thousands of tables that share the file's bytes cost what one of them costs.
func TestManyTables(t *testing.T) {
	const sections = 2000
	file := slices.Clone(executables()["64 bits, little"])
	binary.LittleEndian.PutUint64(file[40:], uint64(len(file))) // where sections are
	binary.LittleEndian.PutUint16(file[60:], sections)
	for range sections {
		var s bytes.Buffer
		if err := binary.Write(&s, binary.LittleEndian, elf.Section64{Type: uint32(elf.SHT_DYNSYM), Size: sections * 64, Link: 1}); err != nil {
			t.Fatal(err)
		}
		file = append(file, s.Bytes()...)
	}
	f, err := Open(write(t, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if symbols, err := f.Symbols(); err != nil || len(symbols) != sections*64/24-1 {
		t.Errorf("%d symbols: %v", len(symbols), err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 100*uint64(len(file)) {
		t.Errorf("%d bytes for a file of %d", used, len(file))
	}
}

func FuzzRead(f *testing.F) {
	for _, data := range executables() {
		f.Add(data)
	}
	path := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		_, _ = file.Symbols()
		for i := range file.Sections {
			_, _ = file.Data(&file.Sections[i])
		}
	})
}

func write(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
