package trial_test

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/trial"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// A program that loads has what the verifier counted; one that the verifier
// rejects, or that never reaches it, has the reason. The order is that of names.
func TestPrograms(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	program := func(insns ...asm.Instruction) *ebpf.ProgramSpec {
		return &ebpf.ProgramSpec{Type: ebpf.SocketFilter, SectionName: "socket", License: "MIT", Instructions: insns}
	}
	spec := &ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{
		"good": program(asm.StoreImm(asm.RFP, -8, 1, asm.DWord), asm.Mov.Imm(asm.R0, 0), asm.Return()),
		"bad":  program(asm.Return()),
		"none": program(asm.LoadMapPtr(asm.R1, 0).WithReference("missing"), asm.Return()),
	}}
	for name, p := range spec.Programs {
		p.Name = name
	}
	var got []trial.Result
	for r := range trial.Programs("test.o", spec, nil) {
		got = append(got, r)
	}
	if len(got) != 3 || got[0].Program != "bad" || got[1].Program != "good" || got[2].Program != "none" {
		t.Fatalf("%+v", got)
	}
	var rejection *ebpf.VerifierError
	if bad := got[0]; bad.Verdict != trial.Rejected || !errors.As(bad.Err, &rejection) || bad.Error == "" {
		t.Errorf("%+v", bad)
	}
	if good := got[1]; good.Verdict != trial.OK || good.Sent != 3 || good.Processed != 3 || !slices.Equal(good.Stack, []int{8}) || good.Err != nil {
		t.Errorf("%+v", good)
	}
	if none := got[2]; none.Verdict != trial.Failed || none.Err == nil {
		t.Errorf("%+v", none)
	}
}

// Programs are chosen by name, and nothing is left out or loaded twice.
func TestProgramsOfAnObject(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	spec, err := ebpf.LoadCollectionSpec(filepath.Join("..", "..", "testdata", "maps-el.o"))
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(spec.Programs))
	var got []string
	for r := range trial.Programs("maps-el.o", spec, nil) {
		got = append(got, r.Program)
		if r.Object != "maps-el.o" || r.Section != spec.Programs[r.Program].SectionName {
			t.Errorf("%+v", r)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("tried %v, there are %v", got, names)
	}
	for r := range trial.Programs("maps-el.o", spec, func(name string) bool { return name == names[0] }) {
		if r.Program != names[0] {
			t.Errorf("tried %s", r.Program)
		}
	}
}
