package ebpf

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

func parseEncoded(t testing.TB, name string) *CollectionSpec {
	t.Helper()
	spec, err := LoadEncodedSpec(objectFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// describeSpec is all that can be encoded, as text.
func describeSpec(cs *CollectionSpec) map[string]string {
	text := make(map[string]string)
	for name, ps := range cs.Programs {
		text["program "+name] = fmt.Sprint(ps.Instructions)
	}
	for name, ms := range cs.Maps {
		text["map "+name] = fmt.Sprint(ms.Key, ms.Value)
		if ms.InnerMap != nil {
			text["map "+name+".inner"] = fmt.Sprint(ms.InnerMap.Key, ms.InnerMap.Value)
		}
	}
	for name, vs := range cs.Variables {
		text["variable "+name] = fmt.Sprint(vs.Type)
	}
	return text
}

// An encoded spec has no instructions, and no types that aren't needed; decoded,
// it is like any other. So is its copy, which is decoded by itself.
func TestEncodedSpec(t *testing.T) {
	for _, name := range []string{"calls", "core", "data", "maps", "nested", "programs", "structops", "externs", "tables"} {
		t.Run(name, func(t *testing.T) {
			spec := parseEncoded(t, name)
			for _, ps := range spec.Programs {
				if ps.Instructions != nil {
					t.Errorf("program %s has instructions", ps.Name)
				}
			}
			for _, ms := range spec.Maps {
				if (ms.Key != nil || ms.Value != nil) && ms.Type != StructOpsMap {
					t.Errorf("map %s has types", ms.Name)
				}
			}
			for _, vs := range spec.Variables {
				if vs.Type != nil {
					t.Errorf("variable %s has a type", vs.Name)
				}
			}
			dup := spec.Copy()
			want := describeSpec(parse(t, objectFile(name)))
			for _, cs := range []*CollectionSpec{spec, dup} {
				if err := cs.Decode(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, describeSpec(cs)); diff != "" {
					t.Errorf("- decoded at once, + later:\n%s", diff)
				}
			}
			for _, ps := range spec.Programs {
				clear(ps.Instructions)
			}
			if diff := cmp.Diff(want, describeSpec(dup)); diff != "" {
				t.Errorf("a copy shares instructions:\n%s", diff)
			}
		})
	}
}

// AssignEncoded decodes what typed fields are compared with, Assign everything.
func TestAssignEncoded(t *testing.T) {
	type specs struct {
		Typed VarSpec[uint32] `ebpf:"target_pid"`
		Plain *VariableSpec   `ebpf:"last_level"`
		Map   *MapSpec        `ebpf:".bss"`
		Prog  *ProgramSpec    `ebpf:"sum"`
	}
	decoded := func(s *specs) map[string]bool {
		return map[string]bool{"typed": s.Typed.Type != nil, "plain": s.Plain.Type != nil, "map": s.Map.Value != nil, "program": s.Prog.Instructions != nil}
	}
	var some, all specs
	if err := parseEncoded(t, "data").AssignEncoded(&some); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"typed": true, "plain": false, "map": false, "program": false}, decoded(&some)); diff != "" {
		t.Errorf("- wanted, + decoded by AssignEncoded:\n%s", diff)
	}
	if err := parseEncoded(t, "data").Assign(&all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"typed": true, "plain": true, "map": true, "program": true}, decoded(&all)); diff != "" {
		t.Errorf("- wanted, + decoded by Assign:\n%s", diff)
	}
}

// Methods give the same answers before and after Decode.
func TestEncodedMethods(t *testing.T) {
	encoded, decoded := parseEncoded(t, "data"), parse(t, objectFile("data"))
	for name, ps := range decoded.Programs {
		want, err := ps.Tag()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := encoded.Programs[name].Tag(); err != nil || got != want {
			t.Errorf("tag of %s: %s, %v, want %s", name, got, err, want)
		}
		if err := encoded.Programs[name].Compatible(&ProgramInfo{Tag: want}); err != nil {
			t.Error(err)
		}
	}
	for name, vs := range decoded.Variables {
		if got, want := encoded.Variables[name].String(), vs.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		encoded.Variables[name].Value, vs.Value = nil, nil
		if got, want := encoded.Variables[name].Size(), vs.Size(); got != want {
			t.Errorf("variable %s: %d bytes, want %d", name, got, want)
		}
	}
	if diff := cmp.Diff(describeSpec(parseEncoded(t, "data")), describeSpec(encoded)); diff != "" {
		t.Errorf("asking has decoded something:\n%s", diff)
	}
}

// What somebody sets counts, rather than what is encoded.
func TestEncodedChanged(t *testing.T) {
	spec := parseEncoded(t, "data")
	own := &btf.Int{Name: "own", Size: 4}
	insns := asm.Instructions{asm.LoadImm(asm.R0, 1, asm.DWord), asm.Return()}
	for _, ps := range spec.Programs {
		ps.Instructions = insns
	}
	for _, ms := range spec.Maps {
		ms.Value = own
	}
	for _, vs := range spec.Variables {
		vs.Type = &btf.Var{Name: "own", Type: own}
	}
	if err := spec.Decode(); err != nil {
		t.Fatal(err)
	}
	for name, ps := range spec.Programs {
		if len(ps.Instructions) != len(insns) {
			t.Errorf("program %s: %v", name, ps.Instructions)
		}
	}
	for name, ms := range spec.Maps {
		if ms.Value != own || ms.data && ms.Key != nil {
			t.Errorf("map %s: %v, %v", name, ms.Key, ms.Value)
		}
	}
	for name, vs := range spec.Variables {
		if vs.Type.Type != own {
			t.Errorf("variable %s: %v", name, vs.Type)
		}
	}
}

// Assign decodes what it assigns, and nothing else.
func TestEncodedAssign(t *testing.T) {
	spec := parseEncoded(t, "data")
	var want struct {
		Sum *ProgramSpec    `ebpf:"sum"`
		BSS *MapSpec        `ebpf:".bss"`
		Pid VarSpec[uint32] `ebpf:"target_pid"`
	}
	if err := spec.Assign(&want); err != nil {
		t.Fatal(err)
	}
	if len(want.Sum.Instructions) == 0 || want.BSS.Value == nil || want.Pid.Type == nil {
		t.Error("not decoded:", want.Sum.Instructions, want.BSS.Value, want.Pid.Type)
	}
	if spec.Maps[".rodata"].Value != nil || spec.Variables["counter"].Type != nil {
		t.Error("what wasn't assigned is decoded")
	}
}

// Loading an encoded spec is loading what it has encoded. The spec stays as it
// is, so that several goroutines can load it.
func TestEncodedLoad(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for _, name := range []string{"calls", "core", "data", "maps", "nested"} {
		t.Run(name, func(t *testing.T) {
			if name == "maps" {
				testutil.NeedsLinux(t, "bloom filters", 5, 16)
			}
			testutil.CheckFDs(t)
			opts := CollectionOptions{Maps: MapOptions{PinPath: testutil.BPFFS(t)}}
			spec := parseEncoded(t, name)
			before := describeSpec(spec)
			want, err := NewCollectionWithOptions(parse(t, objectFile(name)), opts)
			if err != nil {
				t.Fatal(err)
			}
			defer want.Close()
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					got, err := NewCollectionWithOptions(spec, opts)
					if err != nil {
						t.Error(err)
						return
					}
					defer got.Close()
					compareLoaded(t, got, want)
				})
			}
			wg.Wait()
			if diff := cmp.Diff(before, describeSpec(spec)); diff != "" {
				t.Errorf("loading has changed the spec:\n%s", diff)
			}
		})
	}
}

func compareLoaded(t *testing.T, got, want *Collection) {
	if len(got.Programs) != len(want.Programs) || len(got.Maps) != len(want.Maps) || len(got.Variables) != len(want.Variables) {
		t.Errorf("%d programs, %d maps, %d variables, want %d, %d, %d",
			len(got.Programs), len(got.Maps), len(got.Variables), len(want.Programs), len(want.Maps), len(want.Variables))
	}
	for name, p := range want.Programs {
		info, err := p.Info()
		if err != nil {
			t.Error(err)
			continue
		}
		other, err := got.Programs[name].Info()
		if err != nil || other.Tag != info.Tag {
			t.Errorf("program %s: %v, %v, want tag %s", name, other, err, info.Tag)
		}
	}
	for name, m := range want.Maps {
		if g := got.Maps[name]; fmt.Sprint(g.keyType, g.valueType) != fmt.Sprint(m.keyType, m.valueType) {
			t.Errorf("map %s: %v, %v", name, g.keyType, g.valueType)
		}
	}
	for name, v := range want.Variables {
		if got, want := got.Variables[name].String(), v.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Parts of an encoded spec can be loaded by themselves.
func TestEncodedParts(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	spec, decoded := parseEncoded(t, "calls"), parse(t, objectFile("calls"))
	for name, ps := range spec.Programs {
		p, err := NewProgram(ps)
		if err == nil {
			err = p.Close()
		}
		q, want := NewProgram(decoded.Programs[name])
		if want == nil {
			want = q.Close()
		}
		if errorText(err) != errorText(want) {
			t.Errorf("program %s: %v, want %v", name, err, want)
		}
		if ps.Instructions != nil {
			t.Errorf("loading has decoded program %s", name)
		}
	}
	outer := parseEncoded(t, "nested").Maps["outer_array"]
	if outer == nil || outer.InnerMap == nil {
		t.Fatal("testdata has changed")
	}
	outer.Contents = nil
	newTestMap(t, outer)
	if outer.InnerMap.Value != nil {
		t.Error("loading has decoded the inner map")
	}
}

// Parsing without decoding allocates for what is declared, however much code there is.
func TestLoadEncodedSpecAllocs(t *testing.T) {
	for name, most := range map[string]float64{"minimal": 14, "data": 47, "programs": 20} {
		data, err := os.ReadFile(objectFile(name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		t.Run(name, func(t *testing.T) {
			testutil.Allocs(t, most, func() {
				if _, err := LoadEncodedSpecFromReader(strings.NewReader(text)); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A program with a mistake in its code keeps only those from loading that want it.
func TestEncodedMistake(t *testing.T) {
	data, err := os.ReadFile(objectFile("programs"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	section := file.Section("xdp")
	data[section.Offset+section.Size-asm.InstructionSize] = byte(asm.LoadImmOp(asm.DWord))
	spec, err := LoadEncodedSpecFromReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal("opening looks at code:", err)
	}
	broken := 0
	for _, ps := range spec.Programs {
		err := ps.Decode()
		if ps.SectionName == "xdp" && err != nil {
			broken++
			_, err := NewProgram(ps)
			wantError(t, err, ps.Name, "64-bit load")
		} else if err != nil {
			t.Error(err)
		}
	}
	if broken != 1 {
		t.Errorf("%d programs are broken", broken)
	}
	wantError(t, spec.Decode(), "64-bit load")
	if _, err := LoadCollectionSpecFromReader(bytes.NewReader(data)); err == nil {
		t.Error("decoded without an error")
	}
}
