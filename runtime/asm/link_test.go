package asm_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/bpfgen/bpfgen/runtime/asm"
)

// fakeMap is a map as far as instructions care.
type fakeMap struct {
	name string
	fd   int
}

func (m *fakeMap) FD() int        { return m.fd }
func (m *fakeMap) String() string { return m.name }

// linked encodes insns and shows the result, where distances are resolved.
func linked(t *testing.T, insns Instructions) string {
	t.Helper()
	before := slices.Clone(insns)
	code := encode(t, insns, binary.LittleEndian)
	if diff := cmp.Diff(fmt.Sprint(before), fmt.Sprint(insns)); diff != "" {
		t.Errorf("encoding modified the instructions:\n%s", diff)
	}
	return fmt.Sprintf("%.0v", decode(t, code, binary.LittleEndian))
}

// Distances count slots, from the one after the instruction. What an
// instruction had as its distance doesn't matter once it has a reference.
func TestEncodeReferences(t *testing.T) {
	got := linked(t, Instructions{
		LoadFunc(R2, "callback").WithSymbol("main"),
		Call.Label("function"),
		JEq.Imm(R0, 0, "out"),
		LoadImm(R1, 1, DWord),
		Instruction{OpCode: Ja.Op(ImmSource), Offset: 77}.WithReference("main"),
		LongJump("main"),
		JCOND.Label("out"),
		Return().WithSymbol("out"),
		Mov.Imm(R0, 1).WithSymbol("function"),
		Return(),
		Call.Label("function").WithSymbol("callback"),
		Return(),
	})
	want := ` 0: r2 = func +11
 2: call +7
 3: if r0 == 0 goto +5 <9>
 4: r1 = 1 ll
 6: goto -7 <0>
 7: gotol -8 <0>
 8: may_goto +0 <9>
 9: exit
10: r0 = 1
11: exit
12: call -3
13: exit
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A function pointer that points back doesn't spill into the second slot.
func TestEncodeFunctionPointerBackwards(t *testing.T) {
	insns := Instructions{Return().WithSymbol("f"), LoadFunc(R1, "f")}
	got := decode(t, encode(t, insns, binary.LittleEndian), binary.LittleEndian)
	if got[1].Constant != 0xfffffffe {
		t.Errorf("constant is %#x", got[1].Constant)
	}
}

func TestEncodeMaps(t *testing.T) {
	events := &fakeMap{"events", 7}
	ptr, value := LoadMapPtr(R1, 0).WithReference("events"), LoadMapValue(R2, 0, 16).WithReference("events")

	associated := Instructions{ptr, value, LoadMapPtr(R3, 9)}
	if err := associated.AssociateMap("events", events); err != nil {
		t.Fatal(err)
	}
	if ref := associated[0].Reference(); ref != "" || associated[0].Map() != events {
		t.Errorf("after associating, the reference is %q and the map %v", ref, associated[0].Map())
	}
	want := "0: r1 = map fd 7\n2: r2 = map_value fd 7 + 16\n4: r3 = map fd 9\n"
	if diff := cmp.Diff(want, linked(t, associated)); diff != "" {
		t.Error(diff)
	}

	// The same without modifying the program.
	code, err := Instructions{ptr, value, LoadMapPtr(R3, 9)}.EncodeWith(nil, binary.LittleEndian, func(name string) (int, bool) {
		return 7, name == "events"
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, fmt.Sprintf("%.0v", decode(t, code, binary.LittleEndian))); diff != "" {
		t.Error(diff)
	}
}

// Errors name the instruction, what it refers to, and why that doesn't work.
func TestEncodeErrors(t *testing.T) {
	far := make(Instructions, 0, 1<<15+2)
	far = append(far, Ja.Label("far"))
	for range 1 << 15 {
		far = append(far, Mov.Imm(R0, 0))
	}
	far = append(far, Return().WithSymbol("far"))
	near := slices.Delete(slices.Clone(far), 1, 2)

	for name, test := range map[string]struct {
		insns Instructions
		is    error
		want  string
	}{
		"missing label": {
			Instructions{Mov.Imm(R0, 0), JEq.Imm(R0, 0, "nowhere"), Return()}, ErrUnsatisfiedProgramReference,
			"instruction 1 (if r0 == 0 goto <nowhere>): symbol nowhere: unsatisfied program reference",
		},
		"missing function": {
			Instructions{Call.Label("f"), Return()}, ErrUnsatisfiedProgramReference,
			"instruction 0 (call <f>): symbol f: unsatisfied program reference",
		},
		"missing callback": {
			Instructions{LoadFunc(R1, "f"), Return()}, ErrUnsatisfiedProgramReference,
			"instruction 0 (r1 = func <f>): symbol f: unsatisfied program reference",
		},
		"missing map": {
			Instructions{LoadMapPtr(R1, 0).WithReference("m")}, ErrUnsatisfiedMapReference,
			"instruction 0 (r1 = map <m>): map m: unsatisfied map reference",
		},
		"closed map": {
			Instructions{LoadMapPtr(R1, 0).WithReference("m")}, nil,
			"instruction 0 (r1 = map <events>): map events: descriptor -1 isn't open",
		},
		"duplicate symbol": {
			Instructions{Return().WithSymbol("f"), LoadImm(R0, 0, DWord), Return().WithSymbol("f")}, nil,
			"duplicate symbol f, at slots 0 and 3",
		},
		"short jump": {far, nil, "instruction 0 (goto <far>): symbol far: 32768 slots away: distance doesn't fit the 16 bits of a jump, use LongJump"},
		"register": {
			Instructions{Mov.Imm(16, 0)}, nil, "no such register: dst 16, src 0",
		},
		"large constant": {
			Instructions{{OpCode: Add.Op(ImmSource), Constant: 1 << 32}}, nil, "constant 4294967296 doesn't fit 32 bits",
		},
		"small constant": {
			Instructions{{OpCode: Add.Op(ImmSource), Constant: -1<<31 - 1}}, nil, "constant -2147483649 doesn't fit 32 bits",
		},
		"extended with offset": {
			Instructions{{OpCode: SDiv.Op(ImmSource), Offset: 2}}, nil, "offset 2 of SDivImm should be zero",
		},
		"atomic with constant": {
			Instructions{{OpCode: FetchAdd.OpCode(DWord), Constant: 2}}, nil, "constant 2 of an atomic should be zero",
		},
		"no opcode":      {Instructions{{OpCode: InvalidOpCode}}, nil, "instruction 0 (invalid): invalid opcode 0xffff"},
		"no such opcode": {Instructions{{OpCode: Mov.Op(RegSource) | 0x2000}}, nil, "invalid opcode"},
		"sign extending a constant": {
			Instructions{MovSX8.Imm(R1, 2)}, nil, "invalid opcode",
		},
	} {
		if name == "closed map" {
			if err := test.insns.AssociateMap("m", &fakeMap{"events", -1}); err != nil {
				t.Fatal(err)
			}
		}
		for _, bo := range byteOrders {
			prefix := []byte("prefix")
			code, err := test.insns.Encode(prefix, bo)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s:\nerror %v\nwant  %s", name, err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%s: error isn't %q", name, test.is)
			}
			if string(code) != "prefix" {
				t.Errorf("%s: returned %q", name, code)
			}
		}
	}

	if _, err := near.Encode(nil, binary.LittleEndian); err != nil {
		t.Errorf("jump by 32767: %v", err)
	}
	far[0] = LongJump("far")
	if got := decode(t, encode(t, far, binary.LittleEndian), binary.LittleEndian)[0]; got.Constant != 1<<15 {
		t.Errorf("long jump goes %d far", got.Constant)
	}
}

// Marshal, unlike Encode, writes programs whose maps are missing.
func TestMarshalWithoutMaps(t *testing.T) {
	insns := Instructions{LoadMapPtr(R1, 3).WithReference("m"), Return()}
	var buf strings.Builder
	if err := insns.Marshal(&buf, binary.BigEndian); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, []byte(buf.String()), binary.BigEndian); got[0].Constant != 3 {
		t.Errorf("constant is %d", got[0].Constant)
	}
	if err := (Instructions{Call.Label("f")}).Marshal(&buf, binary.BigEndian); !errors.Is(err, ErrUnsatisfiedProgramReference) {
		t.Errorf("missing function: %v", err)
	}
}

func TestAssociateMapErrors(t *testing.T) {
	insns := Instructions{Call.Label("f"), LoadMapPtr(R1, 0).WithReference("m")}
	if err := insns.AssociateMap("x", &fakeMap{}); !errors.Is(err, ErrUnreferencedSymbol) {
		t.Errorf("unknown map: %v", err)
	}
	if err := insns.AssociateMap("f", &fakeMap{}); err == nil || errors.Is(err, ErrUnreferencedSymbol) {
		t.Errorf("a function: %v", err)
	}
	if err := insns.AssociateMap("", &fakeMap{}); err == nil {
		t.Error("no error without a name")
	}
}

func TestRewriteMapOffset(t *testing.T) {
	ins := LoadMapValue(R1, 5, 8)
	if err := ins.RewriteMapOffset(1 << 31); err != nil || ins != LoadMapValue(R1, 5, 1<<31) {
		t.Errorf("%v, error %v", ins, err)
	}
	for _, ins := range []Instruction{LoadMapPtr(R1, 5), Mov.Imm(R1, 5)} {
		if err := ins.RewriteMapOffset(1); err == nil {
			t.Errorf("%v has an offset", ins)
		}
	}
}

func TestAssociateBTFID(t *testing.T) {
	ins := LoadImm(R1, 0, DWord)
	if err := ins.AssociateBTFID(7, 9); err != nil || !ins.IsLoadOfBTFID() || ins.Constant != 9<<32|7 {
		t.Errorf("%v, error %v", ins, err)
	}
	if err := ins.AssociateBTFID(7, -1); err == nil {
		t.Error("negative descriptors are no error")
	}
	mov := Mov.Imm(R1, 0)
	if err := mov.AssociateBTFID(7, 0); err == nil {
		t.Error("other instructions are no error")
	}
}

func TestSymbolsAndReferences(t *testing.T) {
	insns := Instructions{
		LoadMapPtr(R1, 0).WithReference("m").WithSymbol("main"),
		Call.Label("g"), Call.Label("f"), LoadFunc(R1, "f"), Ja.Label("f"),
		LoadMapValue(R1, 0, 4).WithReference("m"),
		Return().WithSymbol("f"), Return().WithSymbol("g"),
	}
	symbols, err := insns.SymbolOffsets()
	if diff := cmp.Diff(map[string]int{"main": 0, "f": 6, "g": 7}, symbols); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff(map[string][]int{"m": {0, 5}, "f": {2, 3, 4}, "g": {1}}, insns.ReferenceOffsets()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"f", "g"}, insns.FunctionReferences()); diff != "" {
		t.Error(diff)
	}
	if insns.Name() != "main" || insns[1:].Name() != "" || (Instructions{}).Name() != "" {
		t.Error("the name isn't that of the first instruction")
	}
	if insns.Size() != (8+3)*InstructionSize {
		t.Errorf("size is %d", insns.Size())
	}
	if _, err := append(insns, insns...).SymbolOffsets(); err == nil {
		t.Error("duplicate symbols are no error")
	}
	var slots []RawInstructionOffset
	for iter := insns.Iterate(); iter.Next(); {
		if iter.Ins != &insns[iter.Index] {
			t.Errorf("instruction %d isn't the one of the slice", iter.Index)
		}
		slots = append(slots, iter.Offset)
	}
	if diff := cmp.Diff([]RawInstructionOffset{0, 2, 3, 4, 6, 7, 9, 10}, slots); diff != "" {
		t.Error(diff)
	}
}

func TestPredicates(t *testing.T) {
	kfunc := Instruction{OpCode: Call.Op(ImmSource), Src: PseudoKfuncCall}
	for _, test := range []struct {
		ins  Instruction
		want string
	}{
		{FnMapLookupElem.Call(), "builtin"},
		{Call.Label("f"), "call reference"},
		{kfunc, "kfunc"},
		{CallReg(R0), ""},
		{LoadFunc(R1, "f"), "pointer reference"},
		{LoadMapPtr(R1, 1), "map"},
		{LoadMapValue(R1, 1, 1), "map"},
		{LoadImm(R1, 1, DWord), "constant"},
		{Mov.Imm(R1, 1), ""},
		{Return(), ""},
	} {
		var got []string
		for _, p := range []struct {
			name string
			is   bool
		}{
			{"builtin", test.ins.IsBuiltinCall()}, {"call", test.ins.IsFunctionCall()}, {"kfunc", test.ins.IsKfuncCall()},
			{"pointer", test.ins.IsLoadOfFunctionPointer()}, {"reference", test.ins.IsFunctionReference()},
			{"map", test.ins.IsLoadFromMap()}, {"constant", test.ins.IsConstantLoad(DWord)}, {"btf", test.ins.IsLoadOfBTFID()},
		} {
			if p.is {
				got = append(got, p.name)
			}
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%v is %q, want %q", test.ins, got, test.want)
		}
	}
}
