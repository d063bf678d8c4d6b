package link

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// The test's executable is two pages: code, and data that begins with a counter
// of probes. In memory they don't lie where they do in the file.
const (
	codeOffset, codeAddress = 0x1000, 0x401000
	dataPage, dataAddress   = 0x2000, 0x403000
	counterOffset           = dataPage + 8
)

// machine is the program for one architecture: it calls its function target and
// exits with the value of the counter. It has a frame of its own on the stack: the
// kernel tells by the stack which functions have returned to probes of returns.
type machine struct {
	number         elf.Machine
	code           []byte
	target, second uint64 // of code, where functions begin
}

var machines = map[string]machine{
	"amd64": {
		number: elf.EM_X86_64,
		code: []byte{
			0xe8, 0x1b, 0x00, 0x00, 0x00, // call target
			0xe8, 0x26, 0x00, 0x00, 0x00, // call second
			0x0f, 0xb7, 0x3c, 0x25, 0x08, 0x30, 0x40, 0x00, // movzwl counter, %edi
			0xb8, 0x3c, 0x00, 0x00, 0x00, // mov $exit, %eax
			0x0f, 0x05, // syscall
			0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
			0x55,             // target: push %rbp
			0x48, 0x89, 0xe5, // mov %rsp, %rbp
			0x31, 0xc0, // xor %eax, %eax
			0x5d, // pop %rbp
			0xc3, // ret
			0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
			0x55, // second: push %rbp
			0x5d, // pop %rbp
			0xc3, // ret
		},
		target: 0x20, second: 0x30,
	},
	"arm64": {
		number: elf.EM_AARCH64,
		code: []byte{
			0xff, 0x43, 0x00, 0xd1, // sub sp, sp, #16
			0x07, 0x00, 0x00, 0x94, // bl target
			0x08, 0x00, 0x00, 0x94, // bl second
			0x01, 0x01, 0x86, 0xd2, // mov x1, #0x3008
			0x01, 0x08, 0xa0, 0xf2, // movk x1, #0x40, lsl #16
			0x20, 0x00, 0x40, 0x79, // ldrh w0, [x1]: the counter
			0xa8, 0x0b, 0x80, 0xd2, // mov x8, #exit
			0x01, 0x00, 0x00, 0xd4, // svc #0
			0xe0, 0x03, 0x1f, 0x2a, // target: mov w0, wzr
			0xc0, 0x03, 0x5f, 0xd6, // ret
			0xe0, 0x03, 0x1f, 0x2a, // second: mov w0, wzr
			0xc0, 0x03, 0x5f, 0xd6, // ret
		},
		target: 0x20, second: 0x28,
	},
	"s390x": {
		number: elf.EM_S390,
		code: []byte{
			0xa7, 0xfb, 0xff, 0x60, // aghi %r15, -160
			0xc0, 0xe5, 0x00, 0x00, 0x00, 0x0d, // brasl %r14, target
			0xc0, 0xe5, 0x00, 0x00, 0x00, 0x0e, // brasl %r14, second
			0xc0, 0x1f, 0x00, 0x40, 0x30, 0x08, // llilf %r1, counter
			0xe3, 0x20, 0x10, 0x00, 0x00, 0x91, // llgh %r2, 0(%r1)
			0x0a, 0x01, // svc exit
			0xa7, 0x28, 0x00, 0x00, // target: lhi %r2, 0
			0x07, 0x00, // nopr
			0x07, 0xfe, // br %r14
			0xa7, 0x28, 0x00, 0x00, // second: lhi %r2, 0
			0x07, 0xfe, // br %r14
		},
		target: 0x1e, second: 0x26,
	},
}

// testSymbols are those of the test's executable.
func (m machine) symbols() []testSymbol {
	rest := uint64(len(m.code)) - m.second
	return []testSymbol{
		{"_start", codeAddress, m.target, elf.STB_GLOBAL, 1},
		{"target", codeAddress + m.target, 8, elf.STB_GLOBAL, 1},
		{"second", codeAddress + m.second, rest, elf.STB_LOCAL, 1},
		{"alias", codeAddress + m.target, 8, elf.STB_WEAK, 1},
		{"versioned@V1", codeAddress + m.target, 8, elf.STB_GLOBAL, 1},
		{"versioned@@V2", codeAddress + m.second, rest, elf.STB_GLOBAL, 1},
		{"twice", codeAddress + m.target, 8, elf.STB_LOCAL, 1},
		{"twice", codeAddress + m.second, rest, elf.STB_LOCAL, 1},
		{"preferred", codeAddress + m.target, 8, elf.STB_LOCAL, 1},
		{"preferred", codeAddress + m.second, rest, elf.STB_GLOBAL, 1},
		{"elsewhere", 0, 0, elf.STB_GLOBAL, elf.SHN_UNDEF},
		{"nowhere", 0x10, 8, elf.STB_GLOBAL, 1},
	}
}

type testSymbol struct {
	name        string
	value, size uint64
	bind        elf.SymBind
	section     elf.SectionIndex
}

// writeExecutable writes a program to probe, and returns its path.
func writeExecutable(t testing.TB, notes ...byte) string {
	t.Helper()
	m, ok := machines[runtime.GOARCH]
	if !ok {
		t.Skipf("needs a program to probe, of which there is none for %s", runtime.GOARCH)
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, m.executable(notes), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// executable is an ELF file with the symbols, and notes for probes if any.
func (m machine) executable(notes []byte) []byte {
	var table, names bytes.Buffer
	names.WriteByte(0)
	put(&table, elf.Sym64{})
	for _, s := range m.symbols() {
		put(&table, elf.Sym64{
			Name: uint32(names.Len()), Info: elf.ST_INFO(s.bind, elf.STT_FUNC), Shndx: uint16(s.section),
			Value: s.value, Size: s.size,
		})
		names.WriteString(s.name + "\x00")
	}
	const sectionNames = "\x00.text\x00.data\x00.symtab\x00.strtab\x00.shstrtab\x00.note.stapsdt\x00"
	nameOf := func(s string) uint32 { return uint32(strings.Index(sectionNames, s)) }
	tableOffset := uint64(dataPage + 0x1000)
	namesOffset := tableOffset + uint64(table.Len())
	sectionNamesOffset := namesOffset + uint64(names.Len())
	notesOffset := (sectionNamesOffset + uint64(len(sectionNames)) + 7) &^ 7
	sections := []elf.Section64{
		{},
		{Name: nameOf(".text"), Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR), Addr: codeAddress, Off: codeOffset, Size: uint64(len(m.code))},
		{Name: nameOf(".data"), Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_WRITE), Addr: dataAddress, Off: dataPage, Size: 0x1000},
		{Name: nameOf(".symtab"), Type: uint32(elf.SHT_SYMTAB), Off: tableOffset, Size: uint64(table.Len()), Link: 4, Entsize: 24},
		{Name: nameOf(".strtab"), Type: uint32(elf.SHT_STRTAB), Off: namesOffset, Size: uint64(names.Len())},
		{Name: nameOf(".shstrtab"), Type: uint32(elf.SHT_STRTAB), Off: sectionNamesOffset, Size: uint64(len(sectionNames))},
		{Name: nameOf(".note.stapsdt"), Type: uint32(elf.SHT_NOTE), Off: notesOffset, Size: uint64(len(notes)), Addralign: 4},
	}
	var file bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(m.number), Version: 1, Entry: codeAddress,
		Phoff: 64, Shoff: (notesOffset + uint64(len(notes)) + 7) &^ 7, Ehsize: 64, Phentsize: 56, Phnum: 2,
		Shentsize: 64, Shnum: uint16(len(sections)), Shstrndx: 5,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), 1
	header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	put(&file, header)
	put(&file, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: codeOffset, Vaddr: codeAddress, Filesz: 0x1000, Memsz: 0x1000, Align: 0x1000})
	put(&file, elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: dataPage, Vaddr: dataAddress, Filesz: 0x1000, Memsz: 0x1000, Align: 0x1000})
	putAt(&file, codeOffset, m.code)
	putAt(&file, tableOffset, table.Bytes())
	putAt(&file, namesOffset, names.Bytes())
	putAt(&file, sectionNamesOffset, []byte(sectionNames))
	putAt(&file, notesOffset, notes)
	putAt(&file, header.Shoff, nil)
	put(&file, sections)
	return file.Bytes()
}

func put(b *bytes.Buffer, v any) {
	if err := binary.Write(b, binary.NativeEndian, v); err != nil {
		panic(err)
	}
}

// putAt pads b up to offset, and adds data.
func putAt(b *bytes.Buffer, offset uint64, data []byte) {
	b.Write(make([]byte, offset-uint64(b.Len())))
	b.Write(data)
}

// run runs the executable, and returns what it exits with: how many probes with
// a counter there are.
func run(t testing.TB, path string) int {
	t.Helper()
	cmd := exec.Command(path)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || !cmd.ProcessState.Exited() {
		t.Fatalf("%s: %v", path, err)
	}
	return cmd.ProcessState.ExitCode()
}

func openTestExecutable(t testing.TB) *Executable {
	t.Helper()
	ex, err := OpenExecutable(writeExecutable(t))
	if err != nil {
		t.Fatal(err)
	}
	return ex
}

func TestExecutableSymbols(t *testing.T) {
	ex := openTestExecutable(t)
	m := machines[runtime.GOARCH]
	target, second := codeOffset+m.target, codeOffset+m.second
	tests := map[string]struct {
		symbol          string
		address, offset uint64
		want            uint64
		err             error
		text            string
	}{
		"global":              {symbol: "target", want: target},
		"local":               {symbol: "second", want: second},
		"weak":                {symbol: "alias", want: target},
		"offset":              {symbol: "target", offset: 4, want: target + 4},
		"address":             {symbol: "no such", address: 0x1234, offset: 1, want: 0x1235},
		"default version":     {symbol: "versioned", want: second},
		"old version":         {symbol: "versioned@V1", want: target},
		"new version":         {symbol: "versioned@@V2", want: second},
		"no such version":     {symbol: "versioned@V3", err: ErrNoSymbol, text: `"versioned@V3"`},
		"missing":             {symbol: "no such", err: ErrNoSymbol, text: `"no such"`},
		"empty":               {symbol: "", err: ErrNoSymbol},
		"ambiguous":           {symbol: "twice", err: os.ErrInvalid, text: "several functions"},
		"global before local": {symbol: "preferred", want: second},
		"in a library":        {symbol: "elsewhere", err: ErrNotSupported, text: "shared library"},
		"not in memory":       {symbol: "nowhere", err: ErrNoSymbol},
		"behind the end":      {symbol: "target", offset: 8, err: os.ErrInvalid, text: "behind the 8 bytes of target"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ex.address(test.symbol, test.address, test.offset)
			if got != test.want || !errors.Is(err, test.err) {
				t.Fatalf("got %#x, %v", got, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q doesn't say %q", err, test.text)
			}
		})
	}
}

func TestExecutableSymbol(t *testing.T) {
	ex := openTestExecutable(t)
	m := machines[runtime.GOARCH]
	got, err := ex.Symbol(codeOffset + 5)
	if want := (SymbolOffset{"_start", 5}); got != want || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = ex.Symbol(codeOffset + m.target + 3)
	if got.Offset != 3 || got.Symbol == "alias" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := ex.Symbol(0x7fffffff); !errors.Is(err, ErrNoSymbol) {
		t.Errorf("got %v", err)
	}
}

func TestOpenExecutable(t *testing.T) {
	path := writeExecutable(t)
	t.Run("in the search path", func(t *testing.T) {
		t.Setenv("PATH", filepath.Dir(path))
		ex, err := OpenExecutable(filepath.Base(path))
		if err != nil || ex.path != path {
			t.Errorf("got %+v, %v", ex, err)
		}
	})
	t.Run("in the library path", func(t *testing.T) {
		library := filepath.Join(t.TempDir(), "libtest.so.1")
		if err := os.Symlink(path, library); err != nil {
			t.Fatal(err)
		}
		t.Setenv("LD_LIBRARY_PATH", "/no/such/folder:"+filepath.Dir(library))
		ex, err := OpenExecutable("libtest.so.1")
		if err != nil || ex.path != library {
			t.Errorf("got %+v, %v", ex, err)
		}
	})
	for name, want := range map[string]error{"": os.ErrInvalid, "/no/such/file": os.ErrNotExist, "no-such-program": os.ErrNotExist} {
		if _, err := OpenExecutable(name); !errors.Is(err, want) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// What is no executable says so when it is asked for symbols; addresses need none.
func TestExecutableThatIsNone(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ex, err := OpenExecutable(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ex.Symbol(1); err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v", err)
	}
	if got, err := ex.address("", 42, 0); got != 42 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	object := filepath.Join(t.TempDir(), "object.o")
	m := machines[runtime.GOARCH]
	file := m.executable(nil)
	binary.NativeEndian.PutUint16(file[16:], uint16(elf.ET_REL))
	if err := os.WriteFile(object, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if ex, err = OpenExecutable(object); err != nil {
		t.Fatal(err)
	}
	if _, err := ex.address("target", 0, 0); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "neither a program nor a shared library") {
		t.Errorf("got %v", err)
	}
}

// A library of this system, if it has one that isn't static.
func TestExecutableSystemLibrary(t *testing.T) {
	ex, err := OpenExecutable("libc.so.6")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs a libc.so.6")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"malloc", "pthread_create", "pthread_cond_wait"} {
		address, err := ex.address(name, 0, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		if at, err := ex.Symbol(address); err != nil || at.Offset != 0 {
			t.Errorf("%s at %#x is %v, %v", name, address, at, err)
		}
	}
	testutil.Needs(t, testutil.Uprobe)
	testutil.CheckFDs(t)
	prog := load(t, kprobeSpec, exitZero)
	l, err := ex.Uprobe("malloc", prog, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
