package ebpf

import (
	"slices"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// A CPU goes offline: per-CPU maps keep its value, which can be read and set, and
// from which it goes on when it is back. Those made meanwhile have a place for it.
func TestPerCPUMapWithoutCPU(t *testing.T) {
	online := testutil.SecondCPU(t)
	testutil.Needs(t, testutil.TestRun)
	testutil.CheckFDs(t)
	m := newTestMap(t, &MapSpec{Type: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	p := newTestProgram(t, counting(m), ProgramOptions{})
	count := func(cpu int) {
		t.Helper()
		testutil.OnCPU(t, cpu)
		if _, _, err := p.Test(make([]byte, 14)); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(m *Map, first, second uint64) {
		t.Helper()
		var got []uint64
		if err := m.Lookup(uint32(0), &got); err != nil || len(got) != m.cpus || !slices.Equal(got[:2], []uint64{first, second}) {
			t.Errorf("got %v, %v, want %d and %d", got, err, first, second)
		}
	}
	count(1)
	count(0)
	online(false)
	count(0)
	expect(m, 2, 1)
	young := newTestMap(t, &MapSpec{Type: PerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	for _, m := range []*Map{m, young} {
		if err := m.Put(uint32(0), []uint64{10, 20}); err != nil {
			t.Fatal(err)
		}
		expect(m, 10, 20)
	}
	online(true)
	count(1)
	expect(m, 10, 21)
	expect(young, 10, 20)
}

// counting is a program that counts its runs in an array.
func counting(m *Map) *ProgramSpec {
	return &ProgramSpec{Type: SocketFilter, License: "GPL", Instructions: asm.Instructions{
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.LoadMapPtr(asm.R1, m.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R0, 0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	}}
}
