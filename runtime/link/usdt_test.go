package link

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/executable"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
)

// note is that of a probe of provider "test".
func note(name string, address, counter uint64, args string) []byte {
	var desc bytes.Buffer
	put(&desc, []uint64{address, 0, counter})
	desc.WriteString("test\x00" + name + "\x00" + args + "\x00")
	return rawNote(usdtNoteName, desc.Bytes())
}

func rawNote(name string, desc []byte) []byte {
	var b bytes.Buffer
	put(&b, []uint32{uint32(len(name)), uint32(len(desc)), usdtNoteType})
	b.WriteString(name)
	b.Write(make([]byte, -b.Len()&3))
	b.Write(desc)
	b.Write(make([]byte, -b.Len()&3))
	return b.Bytes()
}

func TestUSDTArguments(t *testing.T) {
	tests := []struct {
		machine uint16
		text    string
		want    []usdtArg // nil: not understood
	}{
		{executable.MachineX86_64, "-4@$-9", []usdtArg{{size: -4, kind: usdtConst, value: -9}}},
		{executable.MachineX86_64, "8@%rax -4@%edi 1@%r8b", []usdtArg{
			{size: 8, kind: usdtRegister, register: 80}, {size: -4, kind: usdtRegister, register: 112}, {size: 1, kind: usdtRegister, register: 72},
		}},
		{executable.MachineX86_64, "-4@-1204(%rbp) 8@(%rsp)", []usdtArg{
			{size: -4, kind: usdtMemory, value: -1204, register: 32}, {size: 8, kind: usdtMemory, register: 152},
		}},
		{executable.MachineX86_64, "2@0x10(%rax,%rcx,8) 1@(%rdi, %rsi)", []usdtArg{
			{size: 2, kind: usdtIndexedMem, value: 16, register: 80, index: 88, scale: 3},
			{size: 1, kind: usdtIndexedMem, register: 112, index: 104},
		}},
		{executable.MachineAArch64, "-4@5 8@x30 4@w1 -1@[sp] 8@[x2, -16]", []usdtArg{
			{size: -4, kind: usdtConst, value: 5}, {size: 8, kind: usdtRegister, register: 240}, {size: 4, kind: usdtRegister, register: 8},
			{size: -1, kind: usdtMemory, register: 248}, {size: 8, kind: usdtMemory, value: -16, register: 16},
		}},
		{executable.MachineX86_64, "", []usdtArg{}},
		{executable.MachineX86_64, "4@%xmm0", nil},
		{executable.MachineX86_64, "3@%eax", nil},
		{executable.MachineX86_64, "16@%eax", nil},
		{executable.MachineX86_64, "%eax", nil},
		{executable.MachineX86_64, "4@symbol(%rip", nil},
		{executable.MachineX86_64, "4@(%rax,%rbx,3)", nil},
		{executable.MachineX86_64, "4@", nil},
		{executable.MachineX86_64, strings.Repeat("4@%eax ", usdtMaxArgs+1), nil},
		{executable.MachineAArch64, "4@x31", nil},
		{executable.MachineAArch64, "4@[x1, 8", nil},
		{8, "4@$1", nil},
	}
	for _, test := range tests {
		got, err := parseUSDTArgs(test.machine, test.text)
		if test.want == nil {
			if !errors.Is(err, ErrNotSupported) {
				t.Errorf("%q: %+v, %v", test.text, got, err)
			}
			continue
		}
		if err != nil || len(got) != len(test.want) {
			t.Errorf("%q: %+v, %v", test.text, got, err)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%q: argument %d is %+v, want %+v", test.text, i, got[i], test.want[i])
			}
		}
	}
}

// The bytes are what C has for the struct, before and since libbpf 1.7.
func TestUSDTSpec(t *testing.T) {
	p := usdtProbe{machine: executable.MachineX86_64, args: "-4@16(%rbp)"}
	old, err := p.spec(usdtLayouts[0], 7)
	if err != nil || !bytes.Equal(old[:16], []byte{16, 0, 0, 0, 0, 0, 0, 0, usdtMemory, 0, 0, 0, 32, 0, 1, 32}) {
		t.Errorf("% x, %v", old, err)
	}
	if len(old) != 208 || old[192] != 7 || old[200] != 1 {
		t.Errorf("% x", old)
	}
	p.args = "1@16(%rbp,%rax,4)"
	indexed, err := p.spec(usdtLayouts[1], 0)
	want := []byte{16, 0, 0, 0, 0, 0, 0, 0, usdtIndexedMem, 0, 80, 0x20, 0, 0, 32, 0, 0, 56}
	if err != nil || len(indexed) != 304 || !bytes.Equal(indexed[:len(want)], want) {
		t.Errorf("% x, %v", indexed, err)
	}
	if _, err := p.spec(usdtLayouts[0], 0); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "libbpf 1.7") {
		t.Errorf("got %v", err)
	}
}

func TestFindProbes(t *testing.T) {
	m := machines[runtime.GOARCH]
	notes := bytes.Join([][]byte{
		rawNote("other\x00\x00", []byte{1, 2, 3}),
		note("one", codeAddress+m.target, 0, "4@%eax"),
		note("two", codeAddress+m.second, dataAddress+8, ""),
		note("one", codeAddress+m.second, 0, ""),
	}, nil)
	path := writeExecutable(t, notes...)
	probes, err := findProbes(path, "test", "one")
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "little-endian") {
			t.Errorf("of a big-endian program: %+v, %v", probes, err)
		}
		return
	}
	if err != nil || len(probes) != 2 || probes[0].offset != codeOffset+m.target || probes[1].offset != codeOffset+m.second || probes[0].args != "4@%eax" {
		t.Errorf("one: %+v, %v", probes, err)
	}
	probes, err = findProbes(path, "test", "two")
	if err != nil || len(probes) != 1 || probes[0].counter != counterOffset {
		t.Errorf("two: %+v, %v", probes, err)
	}
	if _, err := findProbes(path, "test", "three"); !errors.Is(err, ErrNoSymbol) {
		t.Errorf("three: %v", err)
	}
	for name, notes := range map[string][]byte{
		"cut header": {1, 2, 3},
		"cut":        notes[:len(notes)-4],
		"huge":       bytes.Repeat([]byte{0xff}, 12),
		"short":      rawNote(usdtNoteName, []byte("too short")),
		"no strings": rawNote(usdtNoteName, bytes.Repeat([]byte{1}, 40)),
		"no code":    note("one", 1, 0, ""),
		"no counter": note("one", codeAddress, 1, ""),
	} {
		if probes, err := findProbes(writeExecutable(t, notes...), "test", "one"); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, probes, err)
		}
	}
}

const usdtSource = `
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
typedef _Bool bool;
#include <bpf/usdt.bpf.h>
long count, constant, memory, reg, cookie, calls;
SEC("usdt")
int probe(struct pt_regs *ctx)
{
	calls++;
	count = bpf_usdt_arg_cnt(ctx);
	bpf_usdt_arg(ctx, 0, &constant);
	bpf_usdt_arg(ctx, 1, &memory);
	bpf_usdt_arg(ctx, 2, &reg);
	cookie = bpf_usdt_cookie(ctx);
	return 0;
}
char _license[] SEC("license") = "GPL";
`

// A program reads what the arguments of a probe were.
func TestUSDT(t *testing.T) {
	testutil.Needs(t, testutil.Uprobe, testutil.PerfEventLink)
	if runtime.GOARCH != "amd64" {
		t.Skip("needs amd64: the arguments are in its registers")
	}
	object := testutil.Compile(t, usdtSource, "-D__TARGET_ARCH_x86", "-idirafter", "/usr/include/x86_64-linux-gnu", "-Wno-unused-function")
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	testutil.CheckFDs(t)
	prog, many := coll.Programs["probe"], kernel.HasUprobeMulti()
	if at := prog.AttachType(); (at == ebpf.AttachTraceUprobeMulti) != many {
		t.Errorf("loaded with attach type %v; the kernel can attach to many places at once: %v", at, many)
	}
	m := machines[runtime.GOARCH]
	args := "-4@$-9 8@(%rsp) 8@%rax"
	ex, err := OpenExecutable(writeExecutable(t, append(
		note("hit", codeAddress+m.second, dataAddress+8, args), note("hit", codeAddress+m.target, dataAddress+8, args)...)...))
	if err != nil {
		t.Fatal(err)
	}
	usdt, err := NewUSDT(coll)
	if err != nil {
		t.Fatal(err)
	}
	l, err := usdt.Attach(ex, "test", "hit", coll.Programs["probe"], &USDTOptions{Cookie: testCookie})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n := len(l.(*usdtLink).probes); n == 1 != many {
		t.Errorf("%d links for two places; the kernel can attach to many places at once: %v", n, many)
	}
	if n := run(t, ex.path); n != 2 {
		t.Errorf("%d probes in the process", n)
	}
	for name, want := range map[string]int64{
		"calls": 2, "count": 3, "constant": -9, "memory": codeAddress + 10, "reg": 0, "cookie": testCookie,
	} {
		var got int64
		if err := coll.Variables[name].Get(&got); err != nil || got != want {
			t.Errorf("%s is %#x, want %#x: %v", name, got, want, err)
		}
	}
	slots := usdt.specs.Slots()
	if next, err := slots.Take(); err != nil || next != 1 {
		t.Errorf("probes with the same arguments need one element; the next free is %d: %v", next, err)
	}
	_, errInfo := l.Info()
	for what, err := range map[string]error{"pin": l.Pin("x"), "unpin": l.Unpin(), "info": errInfo, "detach": l.Detach(), "update": l.Update(nil)} {
		if !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := run(t, ex.path); n != 0 {
		t.Errorf("after close: %d probes", n)
	}
	if free, err := slots.Take(); err != nil || free != 0 {
		t.Errorf("close didn't free the element: got %d: %v", free, err)
	}
	if _, err := usdt.Attach(ex, "test", "miss", coll.Programs["probe"], nil); !errors.Is(err, ErrNoSymbol) {
		t.Errorf("no such probe: %v", err)
	}
	for err == nil {
		_, err = slots.Take()
	}
	if _, err := usdt.Attach(ex, "test", "hit", coll.Programs["probe"], nil); !errors.Is(err, os.ErrInvalid) || !strings.Contains(err.Error(), "BPF_USDT_MAX_SPEC_CNT") {
		t.Errorf("full: %v", err)
	}
	if _, err := NewUSDT(&ebpf.Collection{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no map: %v", err)
	}
}

func FuzzUSDTNotes(f *testing.F) {
	f.Add(note("one", 1, 2, "4@%eax"))
	f.Add(rawNote("other\x00", nil))
	f.Fuzz(func(t *testing.T, notes []byte) {
		for len(notes) > 0 {
			desc, rest, err := nextNote(binary.LittleEndian, notes)
			if err != nil {
				return
			}
			if n, err := parseUSDTNote(binary.LittleEndian, desc); err == nil {
				_, _ = parseUSDTArgs(executable.MachineX86_64, n.args)
				_, _ = parseUSDTArgs(executable.MachineAArch64, n.args)
			}
			notes = rest
		}
	})
}
