package ebpf

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

const uninitialised = `func#0 @0
0: R1=ctx() R10=fp0
; int broken(void *ctx) @ broken.c:4
0: (bf) r6 = r1                       ; R1=ctx() R6_w=ctx()
; return *(int *)0; @ broken.c:6
1: (95) exit
R0 !read_ok
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0

`

// The reason comes first, then where: the instruction, and the C line.
func TestVerifierErrorGist(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"complaint", uninitialised,
			"permission denied: R0 !read_ok: 1: (95) exit: ; return *(int *)0; @ broken.c:6 (5 line(s) omitted)"},
		{"without lines", "0: (95) exit\nR0 !read_ok\nprocessed 1 insns\n", "permission denied: R0 !read_ok: 0: (95) exit (1 line(s) omitted)"},
		{"only a complaint", "unknown func bpf_foo#999\n", "permission denied: unknown func bpf_foo#999"},
		{"only statistics", "processed 1 insns\n", "permission denied"},
		{"ends with an instruction", "; x = 1;\n0: (95) exit\n", "permission denied: 0: (95) exit: ; x = 1;"},
		{"nothing", "", "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ve := newVerifierError(unix.EACCES, append([]byte(c.log), 0, 'x'), false)
			if got := ve.Error(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestVerifierErrorFormat(t *testing.T) {
	ve := newVerifierError(unix.EACCES, []byte("one\ntwo\nthree\n"), true)
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
