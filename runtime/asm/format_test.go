package asm_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// What an instruction refers to has a name if there is one, and a number
// otherwise.
func TestFormatReferences(t *testing.T) {
	kfunc := Instruction{OpCode: Call.Op(ImmSource), Src: PseudoKfuncCall, Constant: 1234}
	ksym := Instruction{OpCode: LoadImmOp(DWord), Dst: R1, Src: PseudoBtfId, Constant: 5<<32 | 1234}
	index := Instruction{OpCode: LoadImmOp(DWord), Dst: R1, Src: PseudoMapIdx, Constant: 3}
	valueIndex := Instruction{OpCode: LoadImmOp(DWord), Dst: R1, Src: PseudoMapIdxValue, Constant: 16<<32 | 3}
	associated := LoadMapValue(R1, 0, 16)
	if err := associated.AssociateMap(&fakeMap{"Hash(events)#7", 7}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		ins  Instruction
		want string
	}{
		{FnMapLookupElem.Call(), "call bpf_map_lookup_elem"},
		{FnCgrpStorageDelete.Call(), "call bpf_cgrp_storage_delete"},
		{BuiltinFunc(9999).Call(), "call 9999"},
		{Instruction{OpCode: Call.Op(ImmSource), Constant: -1}, "call -1"},
		{BuiltinFunc(btf.COREBadRelocationSentinel).Call(), "call 195896080 <unresolved CO-RE relocation>"},
		{Call.Label("f"), "call <f>"},
		{Call.Label("f").WithReference(""), "call -1"},
		{kfunc, "call kfunc 1234"},
		{kfunc.WithReference("bpf_task_acquire"), "call kfunc 1234 <bpf_task_acquire>"},
		{kfunc.WithExtern(&Extern{Name: "bpf_task_acquire", Kind: ExternKfunc}), "call kfunc <bpf_task_acquire>"},
		{CallReg(R3), "callx r3"},

		{LoadMapPtr(R1, 5), "r1 = map fd 5"},
		{LoadMapPtr(R1, 0).WithReference("events"), "r1 = map <events>"},
		{LoadMapValue(R1, 5, 16), "r1 = map_value fd 5 + 16"},
		{LoadMapValue(R1, 0, 16).WithReference(".rodata"), "r1 = map_value <.rodata> + 16"},
		{
			LoadMapValue(R1, 0, 8).WithReference(".kconfig").WithExtern(&Extern{Name: "CONFIG_HZ", Kind: ExternKconfig}),
			"r1 = map_value <.kconfig> + 8 <CONFIG_HZ>",
		},
		{associated, "r1 = map_value <Hash(events)#7> + 16"},
		{index, "r1 = map index 3"},
		{valueIndex, "r1 = map_value index 3 + 16"},
		{LoadFunc(R1, "callback"), "r1 = func <callback>"},
		{LoadFunc(R1, "callback").WithReference(""), "r1 = func -1"},
		{ksym, "r1 = btf_id 1234 module fd 5"},
		{ksym.WithExtern(&Extern{Name: "bpf_prog_active", Kind: ExternKsym}), "r1 = btf_id <bpf_prog_active>"},
		{LoadImm(R1, 0, DWord).WithExtern(&Extern{Name: "jiffies", Kind: ExternAddress}), "r1 = 0 ll <jiffies>"},
		{Instruction{OpCode: LoadImmOp(DWord), Src: 9, Constant: 7}, "r0 = 7 ll (unknown src 9)"},

		{JEq.Imm(R1, 5, "out"), "if r1 == 5 goto <out>"},
		{Ja.Label("out"), "goto <out>"},
		{Ja.Label("out").WithReference(""), "goto -1"},
		{LongJump("out"), "gotol <out>"},
		{JumpReg(R3), "gotox r3"},
		{JCOND.Label("out"), "may_goto <out>"},

		{Instruction{OpCode: InvalidOpCode}, "invalid"},
		{Instruction{OpCode: 0xff, Dst: 1, Src: 2, Offset: -3, Constant: 4}, "unknown op 0xff dst 1 src 2 off -3 imm 4"},
	} {
		if got := fmt.Sprint(test.ins); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// What has no meaning isn't shown as if it had one.
func TestFormatUnknown(t *testing.T) {
	for name, code := range map[string][8]byte{
		"division of unknown kind":   {0x3f, 0x21, 2},
		"move of unknown kind":       {0xbf, 0x21, 3},
		"addition with offset":       {0x0f, 0x21, 1},
		"arithmetic, first unused":   {0xe7, 0x01},
		"arithmetic, last unused":    {0xff, 0x21},
		"32-bit call":                {0x86},
		"32-bit exit":                {0x96},
		"32-bit jump by register":    {0x0e, 0x01},
		"unused jump":                {0xf5},
		"conditional of other kind":  {0xe5, 0x10},
		"call of unknown kind":       {0x85, 0x30},
		"unknown atomic":             {0xdb, 0x21, 0, 0, 0x20},
		"8-bit atomic addition":      {0xd3, 0x21},
		"load of 32-bit constant":    {0x00},
		"64-bit packet load":         {0x38},
		"sign extended 64-bit load":  {0x99},
		"unused mode of loads":       {0xe1},
		"atomic store of a constant": {0xc2},
	} {
		insns := decode(t, code[:], binary.LittleEndian)
		want := fmt.Sprintf("unknown op %#02x dst %d src %d off %d imm %d", code[0], code[1]&0xf, code[1]>>4, code[2], code[4])
		if got := fmt.Sprint(insns[0]); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// program has one of everything that a listing shows.
func program() Instructions {
	lookup := btf.NewLine("src/count.bpf.c", "\tu64 *n = bpf_map_lookup_elem(&counts, &key);", 20, 11)
	check := btf.NewLine("src/count.bpf.c", "\tif (!n)", 21, 6)
	checkAgain := btf.NewLine("src/count.bpf.c", "\tif (!n)", 21, 7)
	read := btf.NewLine("src/count.bpf.c", "\t*n += weight(task->pid);", 23, 8)
	ret := btf.NewLine("src/count.bpf.c", "\treturn 0;", 24, 2)
	helper := btf.NewLine("src/weight.h", "\treturn pid ? 1 : 2;", 5, 9)
	return Instructions{
		LoadMapPtr(R1, 0).WithReference("counts").WithSymbol("count").WithSource(&lookup),
		Mov.Reg(R2, RFP),
		Add.Imm(R2, -8),
		FnMapLookupElem.Call(),
		JEq.Imm(R0, 0, "out").WithSource(&check),
		Mov.Reg(R6, R0).WithSource(&checkAgain),
		LoadMem(R1, R7, 1256, Word).WithSource(&read).WithCORERelocation(&btf.CORERelocation{Accessor: "0:84"}),
		Call.Label("weight"),
		{OpCode: JNE.Op(ImmSource), Dst: R0, Offset: 1, Constant: 3},
		StoreXAdd(R6, R0, DWord).WithSource(Comment("by hand")),
		Mov.Imm(R0, 0).WithSymbol("out").WithSource(&ret),
		Return(),
		Mov.Imm(R0, 1).WithSymbol("weight").WithSource(&helper),
		Return(),
	}
}

func TestListing(t *testing.T) {
	for _, test := range []struct{ format, want string }{
		// A line for each instruction, after its slot. A map's address takes
		// two slots. The line of C is above the first instruction that it led
		// to; one that follows itself isn't repeated.
		{"%v", `count:
	; u64 *n = bpf_map_lookup_elem(&counts, &key);
	 0: r1 = map <counts>
	 2: r2 = r10
	 3: r2 += -8
	 4: call bpf_map_lookup_elem
	; if (!n)
	 5: if r0 == 0 goto <out>
	 6: r6 = r0
	; *n += weight(task->pid);
	 7: w1 = *(u32 *)(r7 + 1256)  // CO-RE byte_off type 0[0:84]
	 8: call <weight>
	 9: if r0 != 3 goto +1 <11>
	; by hand
	10: lock *(u64 *)(r6 + 0) += r0
out:
	; return 0;
	11: r0 = 0
	12: exit
weight:
	; return pid ? 1 : 2;
	13: r0 = 1
	14: exit
`},
		// The plus flag says where lines are, and repeats them when only the
		// column changes.
		{"%+.0v", `count:
; src/count.bpf.c:20:11  u64 *n = bpf_map_lookup_elem(&counts, &key);
 0: r1 = map <counts>
 2: r2 = r10
 3: r2 += -8
 4: call bpf_map_lookup_elem
; src/count.bpf.c:21:6  if (!n)
 5: if r0 == 0 goto <out>
; src/count.bpf.c:21:7  if (!n)
 6: r6 = r0
; src/count.bpf.c:23:8  *n += weight(task->pid);
 7: w1 = *(u32 *)(r7 + 1256)  // CO-RE byte_off type 0[0:84]
 8: call <weight>
 9: if r0 != 3 goto +1 <11>
; by hand
10: lock *(u64 *)(r6 + 0) += r0
out:
; src/count.bpf.c:24:2  return 0;
11: r0 = 0
12: exit
weight:
; src/weight.h:5:9  return pid ? 1 : 2;
13: r0 = 1
14: exit
`},
	} {
		if diff := cmp.Diff(test.want, fmt.Sprintf(test.format, program())); diff != "" {
			t.Errorf("%s:\n%s", test.format, diff)
		}
	}
	if diff := cmp.Diff(fmt.Sprint(program()), program().String()); diff != "" {
		t.Errorf("String is something else than %%v:\n%s", diff)
	}
	if got := fmt.Sprint(Instructions{}); got != "" {
		t.Errorf("an empty program prints as %q", got)
	}
}

// Width is the indentation of symbols, precision that of instructions, and a
// space asks for spaces.
func TestListingIndentation(t *testing.T) {
	insns := Instructions{Return().WithSymbol("f").WithSource(Comment("done"))}
	for format, want := range map[string]string{
		"%v":     "f:\n\t; done\n\t0: exit\n",
		"%s":     "f:\n\t; done\n\t0: exit\n",
		"%.0v":   "f:\n; done\n0: exit\n",
		"%.3v":   "\t\tf:\n\t\t\t; done\n\t\t\t0: exit\n",
		"%1v":    "\tf:\n\t; done\n\t0: exit\n",
		"%0.2v":  "\tf:\n\t\t; done\n\t\t0: exit\n",
		"%1.2v":  "\tf:\n\t\t; done\n\t\t0: exit\n",
		"% v":    "f:\n ; done\n 0: exit\n",
		"% 2.4v": "  f:\n    ; done\n    0: exit\n",
		"%d":     "%!d(asm.Instructions)",
	} {
		if got := fmt.Sprintf(format, insns); got != want {
			t.Errorf("%q gives %q, want %q", format, got, want)
		}
	}
	if got := fmt.Sprintf("%d", insns[0]); got != "%!d(asm.Instruction)" {
		t.Errorf("an instruction as %%d gives %q", got)
	}
}

// A source of several lines stays a comment.
func TestListingComment(t *testing.T) {
	insns := Instructions{Return().WithSource(Comment("one\ntwo")), Return().WithSource(Comment("  "))}
	if diff := cmp.Diff("; one\n; two\n0: exit\n1: exit\n", fmt.Sprintf("%.0v", insns)); diff != "" {
		t.Error(diff)
	}
}
