package ebpf

import (
	"errors"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// handleID closes a handle and identifies what it stood for.
func handleID(t *testing.T, h *btf.Handle, err error) btf.ID {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	info, err := h.Info()
	if err != nil {
		t.Fatal(err)
	}
	return info.ID
}

func TestHandles(t *testing.T) {
	testutil.Needs(t, testutil.BTF)
	testutil.CheckFDs(t)
	coll := collection(t, "minimal")
	p, m := coll.Programs["my_prog"], coll.Maps["my_map"]

	h, err := p.Handle()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	types, err := h.Spec(nil)
	if err != nil {
		t.Fatal(err)
	}
	var fn *btf.Func
	if err := types.TypeByName("my_prog", &fn); err != nil {
		t.Error(err)
	}
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	want, _ := info.BTFID()
	if got := handleID(t, h, nil); got != want {
		t.Errorf("program: got types with ID %d, want %d", got, want)
	}
	mapInfo, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	want, _ = mapInfo.BTFID()
	mh, err := m.Handle()
	if got := handleID(t, mh, err); got != want {
		t.Errorf("map: got types with ID %d, want %d", got, want)
	}
}

func TestHandlesWithoutTypes(t *testing.T) {
	p := newTestProgram(t, returning(0), ProgramOptions{})
	if h, err := p.Handle(); !errors.Is(err, ErrNotSupported) || h != nil {
		t.Errorf("program: got %v, %v, want ErrNotSupported", h, err)
	}
	m := newTestMap(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if h, err := m.Handle(); !errors.Is(err, ErrNotSupported) || h != nil {
		t.Errorf("map: got %v, %v, want ErrNotSupported", h, err)
	}
}

func TestSetHandle(t *testing.T) {
	testutil.Needs(t, testutil.BTF)
	testutil.CheckFDs(t)
	coll := collection(t, "minimal")
	p, err := coll.Programs["my_prog"].Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.SetHandle(nil); err == nil {
		t.Error("nil handle: want an error")
	}
	other, err := btf.NewHandle(new(btf.Builder))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := p.SetHandle(other); err == nil {
		t.Error("types of something else: want an error")
	}

	h, err := p.Handle()
	if err != nil {
		t.Fatal(err)
	}
	want := handleID(t, h, nil)
	h, err = btf.NewHandleFromID(want)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.SetHandle(h); err != nil {
			t.Error(err)
		}
	}
	h.Close()
	again, err := p.Handle()
	if got := handleID(t, again, err); got != want {
		t.Errorf("remembered types: got ID %d, want %d", got, want)
	}
	clone, err := p.Clone()
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	again, err = clone.Handle()
	if got := handleID(t, again, err); got != want {
		t.Errorf("types of a clone: got ID %d, want %d", got, want)
	}
	clone.Close()
	if _, err := clone.Handle(); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
}

func TestProgramDetails(t *testing.T) {
	testutil.Needs(t, testutil.BPFToBPFCalls)
	testutil.Needs(t, testutil.GlobalFunctions)
	testutil.CheckFDs(t)
	p := collection(t, "calls").Programs["constant"]
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := info.Memlock(); !ok || n == 0 {
		t.Errorf("memlock: %d, %v", n, ok)
	}

	wantFuncs := []string{"constant", "shared", "replaceable", "hidden", "middle", "leaf"}
	funcs, err := info.FuncInfos()
	if err != nil || len(funcs) != len(wantFuncs) {
		t.Fatalf("functions: %v, %v", funcs, err)
	}
	seen := make(map[string]bool)
	for _, fn := range funcs {
		seen[fn.Func.Name()] = true
	}
	for _, name := range wantFuncs {
		if !seen[name] {
			t.Errorf("no info about function %s in %v", name, funcs)
		}
	}

	lines, err := info.LineInfos()
	if err != nil || len(lines) == 0 || lines[0].Line.LineNumber() == 0 {
		t.Errorf("lines: %v, %v", lines, err)
	}
}

// TestProgramMachineCode: the parts of machine code fit together.
func TestProgramMachineCode(t *testing.T) {
	testutil.Needs(t, testutil.BPFToBPFCalls, testutil.GlobalFunctions, testutil.JIT)
	info, err := collection(t, "calls").Programs["constant"].Info()
	if err != nil {
		t.Fatal(err)
	}
	funcs, err := info.FuncInfos()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := info.LineInfos()
	if err != nil {
		t.Fatal(err)
	}
	code, ok := info.JitedInsns()
	if size, err := info.JitedSize(); !ok || err != nil || len(code) != int(size) {
		t.Errorf("machine code: %d bytes, %v, %v", len(code), ok, err)
	}
	lens, ok := info.JitedFuncLens()
	sum := 0
	for _, n := range lens {
		sum += int(n)
	}
	if !ok || len(lens) != len(funcs) || sum != len(code) {
		t.Errorf("machine code of functions: %v, want %d that make up %d bytes", lens, len(funcs), len(code))
	}
	addrs, ok := info.JitedKsymAddrs()
	if !ok || len(addrs) != len(funcs) {
		t.Errorf("addresses: %x, want %d", addrs, len(funcs))
	}
	if jited, ok := info.JitedLineInfos(); !ok || len(jited) != len(lines) || uintptr(jited[0]) < addrs[0] {
		t.Errorf("addresses of lines: %d, want %d, from %x on: %x", len(jited), len(lines), addrs[0], jited)
	}
}

// TestProgramInstructions: what runs in the kernel says where it comes from.
func TestProgramInstructions(t *testing.T) {
	testutil.Needs(t, testutil.BPFToBPFCalls)
	testutil.Needs(t, testutil.GlobalFunctions)
	info, err := collection(t, "calls").Programs["constant"].Info()
	if err != nil {
		t.Fatal(err)
	}
	insns, err := info.Instructions()
	if err != nil {
		t.Fatal(err)
	}
	symbols := make(map[string]bool)
	lines := 0
	for i := range insns {
		if name := insns[i].Symbol(); name != "" {
			symbols[name] = true
			if fn := insns[i].Func(); fn.Name() != name {
				t.Errorf("function at symbol %s is %s", name, fn.Name())
			}
		}
		if insns[i].Source() != nil {
			lines++
		}
	}
	if lines == 0 {
		t.Error("no source lines")
	}
	calls := 0
	for i := range insns {
		if !insns[i].IsFunctionCall() {
			continue
		}
		calls++
		if callee := insns[i].Reference(); !symbols[callee] {
			t.Errorf("%v calls %q, which is none of %v", insns[i], callee, symbols)
		}
	}
	if calls == 0 {
		t.Error("no calls")
	}
}

// TestProgramInfoWithoutTypes: nothing to say is no reason to fail.
func TestProgramInfoWithoutTypes(t *testing.T) {
	info, err := newTestProgram(t, returning(7), ProgramOptions{}).Info()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := info.FuncInfos(); !errors.Is(err, ErrNotSupported) {
		t.Errorf("functions: got %v, want ErrNotSupported", err)
	}
	if _, err := info.LineInfos(); !errors.Is(err, ErrNotSupported) {
		t.Errorf("lines: got %v, want ErrNotSupported", err)
	}
	if lines, ok := info.JitedLineInfos(); ok {
		t.Errorf("addresses of lines: %v, want none", lines)
	}
	insns, err := info.Instructions()
	if err != nil || len(insns) == 0 || insns[len(insns)-1].OpCode != asm.Return().OpCode {
		t.Errorf("instructions: %v, %v", insns, err)
	}
}
