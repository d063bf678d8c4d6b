package ebpf

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/runtime/asm"
)

// Type information that is refused has no place in a program: the error is one
// line, with the last thing that the kernel says.
func TestRefusedTypes(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"complaint", "magic: 0xeb9f\n[1] INT int size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n[2] PTR (anon) type_id=9 Invalid type_id\n",
			"invalid argument: [2] PTR (anon) type_id=9 Invalid type_id (2 line(s) omitted)"},
		{"one line", "No type found\n", "invalid argument: No type found"},
		{"only statistics", "processed 1 insns\n", "invalid argument"},
		{"nothing", "", "invalid argument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ve := newTypesError(unix.EINVAL, verifierLog{text: append([]byte(c.log), 0, 'x')})
			if got := ve.Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Without line information, and even if the log says nothing, the error names
// the program and what is known.
func TestRejectionWithoutLines(t *testing.T) {
	spec := &ProgramSpec{Name: "bad", SectionName: "xdp", Instructions: asm.Instructions{asm.LoadImm(asm.R1, 1, asm.DWord), asm.Return()}}
	for _, c := range []struct{ name, log, want string }{
		{"complaint", "0: (18) r1 = 0x1\n2: (95) exit\nR0 !read_ok\nprocessed 2 insns (limit 1000000) max_states_per_insn 0\n",
			"program \"bad\": R0 !read_ok\n  in program \"bad\" (section \"xdp\"): permission denied\n  at instruction 2: exit\n" +
				"  hint: The function ends without a value in R0: return something on every path."},
		{"unknown complaint", "2: (95) exit\nno such luck\nor that\n",
			"program \"bad\": no such luck\n  or that\n  in program \"bad\" (section \"xdp\"): permission denied\n  at instruction 2: exit"},
		{"no such instruction", "7: (95) exit\nno such luck\n",
			"program \"bad\": no such luck\n  in program \"bad\" (section \"xdp\"): permission denied"},
		{"nothing", "processed 2 insns (limit 1000000)\n",
			"program \"bad\": the kernel rejects the program without saying why\n  in program \"bad\" (section \"xdp\"): permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ve := newVerifierError(unix.EACCES, []byte(c.log), false)
			ve.explain(spec, spec.Instructions)
			if got := ve.Error(); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestVerifierErrorFormat(t *testing.T) {
	ve := newTypesError(unix.EACCES, verifierLog{text: []byte("one\ntwo\nthree\n"), truncated: true})
	for _, c := range []struct{ format, want string }{
		{"%v", "permission denied: three (2 line(s) omitted)"},
		{"%s", "permission denied: three (2 line(s) omitted)"},
		{"%+v", "permission denied:\n\tone\n\ttwo\n\tthree\n\t(truncated)"},
		{"%+2v", "permission denied:\n\tone\n\ttwo\n\t(1 line(s) omitted)\n\t(truncated)"},
		{"%-1v", "permission denied:\n\t(2 line(s) omitted)\n\tthree\n\t(truncated)"},
		{"%d", "%!d(*ebpf.VerifierError)"},
		{"%-v", "%!v(*ebpf.VerifierError)"},
	} {
		if got := fmt.Sprintf(c.format, ve); got != c.want {
			t.Errorf("%s: got %q, want %q", c.format, got, c.want)
		}
	}
	if !errors.Is(ve, unix.EACCES) {
		t.Error("it doesn't unwrap to its cause")
	}
}

// Programs find what the text says in fields.
func TestVerifierErrorFields(t *testing.T) {
	var behind *recordedLog
	for _, recorded := range recordedLogs(t, "../testdata/rejected/6.12.txt") {
		if recorded.name == "behind_branches" {
			behind = &recorded
		}
	}
	if behind == nil {
		t.Fatal("no such log")
	}
	ve := behind.explained(t, parse(t, objectFile("rejected")))
	if ve.Program != "behind_branches" || ve.File != "rejected.bpf.c" || ve.Line == 0 || ve.Column == 0 || ve.Insn != 28 {
		t.Errorf("program %q, %s:%d:%d, instruction %d", ve.Program, ve.File, ve.Line, ve.Column, ve.Insn)
	}
	if want := "invalid access to map value, value_size=32 off=38 size=1"; ve.Reason != want {
		t.Errorf("reason %q, want %q", ve.Reason, want)
	}
	if len(ve.Registers) != 1 || ve.Registers[0].Name != "R1" || ve.Instruction != "w0 = *(u8 *)(r1 + 8)" || ve.Hint == "" {
		t.Errorf("registers %v of %q, hint %q", ve.Registers, ve.Instruction, ve.Hint)
	}
	last := ve.Branches[len(ve.Branches)-1]
	if want := (VerifierBranch{File: "rejected.bpf.c", Line: last.Line, Source: "if (at > 30)", Insn: 25, Condition: "w2 > 30"}); last != want {
		t.Errorf("branch %+v, want %+v", last, want)
	}
}
