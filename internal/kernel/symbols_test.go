package kernel

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

func TestSymbolsAreReadLineByLine(t *testing.T) {
	type symbol struct {
		Addr uint64
		Type string
		Name string
	}
	for _, test := range []struct {
		name, text string
		want       []symbol
		err        string
	}{
		{name: "nothing"},
		{
			name: "kernel, module and BPF symbols",
			text: "ffffffff81000000 T _text\n0000000000000000 A fixed_percpu_data\nffffffffc0000000 t veth_open\t[veth]\nffffffffc0001000 t bpf_prog_1_x\t[bpf]\n",
			want: []symbol{
				{0xffffffff81000000, "T", "_text"}, {0, "A", "fixed_percpu_data"},
				{0xffffffffc0000000, "t", "veth_open"}, {0xffffffffc0001000, "t", "bpf_prog_1_x"},
			},
		},
		{name: "32 bits, no newline at the end", text: "c0100000 t start", want: []symbol{{0xc0100000, "t", "start"}}},
		{name: "no address", text: " t start\n", err: `malformed line " t start" in /proc/kallsyms`},
		{name: "address too long", text: "00000000000000001 t start\n", err: "malformed line"},
		{name: "no name", text: "ffffffff81000000 T\n", err: "malformed line"},
		{name: "endless line", text: "ff t " + strings.Repeat("x", 1<<20), err: "longer than 65536 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []symbol
			err := eachSymbol(strings.NewReader(test.text), func(addr uint64, typ byte, name []byte) bool {
				got = append(got, symbol{addr, string(typ), string(name)})
				return true
			})
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Fatalf("error %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSymbolsAreFoundByName(t *testing.T) {
	const text = `ffffffff81000000 T one
ffffffff81000010 d two.llvm.123456
ffffffff81000020 T three.llvm.123456
ffffffff81000030 t four
ffffffff81000040 t four	[module]
ffffffff81000050 T five
ffffffff81000050 T five
`
	got, err := findSymbols(strings.NewReader(text), []string{"one", "two", "three", "four", "five", "six"})
	if err != nil {
		t.Fatal(err)
	}
	want := []Symbol{
		{Addr: 0xffffffff81000000, Found: true},
		{Addr: 0xffffffff81000010, Found: true}, // a static variable after link-time optimisation
		{},                                      // but not a function
		{Addr: 0xffffffff81000030, Found: true, Other: 0xffffffff81000040},
		{Addr: 0xffffffff81000050, Found: true}, // twice the same isn't ambiguous
		{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHiddenSymbolsAreAnError(t *testing.T) {
	const text = "0000000000000000 T one\n0000000000000000 T two\n"
	if _, err := findSymbols(strings.NewReader(text), []string{"one"}); !errors.Is(err, ErrSymbolsHidden) {
		t.Errorf("got %v", err)
	}
}

func TestFindSymbolsOnThisKernel(t *testing.T) {
	found, err := FindSymbols([]string{"_text", "no_such_symbol_anywhere"})
	if errors.Is(err, ErrSymbolsHidden) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !found[0].Found || found[0].Addr == 0 || found[1] != (Symbol{}) {
		t.Errorf("got %+v", found)
	}
}

func TestConfigIsTheFirstFileThatOpens(t *testing.T) {
	dir := t.TempDir()
	missing, there := filepath.Join(dir, "missing"), filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("CONFIG_X=y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openFirst(missing, there)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != "CONFIG_X=y\n" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := openFirst(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v", err)
	}
}

func TestSyscallWrapperOnThisKernel(t *testing.T) {
	got, err := HasSyscallWrapper()
	if err != nil {
		t.Fatal(err)
	}
	_, noKprobes := os.Stat(kprobePMU)
	want := noKprobes == nil && AtLeast(uapi.KernelVersion{Major: 4, Minor: 19})
	if got != want { // of the architectures that these tests run on, all have wrappers
		t.Errorf("got %t, want %t", got, want)
	}
}

func TestCookieOnThisKernel(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	if got, want := HasCookie(), AtLeast(uapi.KernelVersion{Major: 5, Minor: 15}); got != want {
		t.Errorf("got %t, want %t", got, want)
	}
}
