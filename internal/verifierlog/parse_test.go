package verifierlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// summary is a report in few lines.
func summary(r Report) string {
	var b strings.Builder
	rule := "-"
	if r.Rule != nil {
		rule = r.Rule.Name
	}
	fmt.Fprintf(&b, "%d %s: %s\n", r.Insn, rule, r.Reason)
	for _, d := range r.Details {
		fmt.Fprintf(&b, "+ %s\n", d)
	}
	for _, reg := range r.Registers {
		fmt.Fprintf(&b, "%s=%s\n", reg.Name, reg.State)
	}
	for _, j := range r.Path {
		fmt.Fprintf(&b, "%d>%d ", j.From, j.To)
	}
	if r.Related >= 0 {
		fmt.Fprintf(&b, "related %d", r.Related)
	}
	if r.Explanation != "" || r.Suggestion != "" {
		fmt.Fprintf(&b, "because %s; so %s", r.Explanation, r.Suggestion)
	}
	return strings.TrimRight(b.String(), "\n ")
}

// Each form that kernels have given their logs is read.
func TestParse(t *testing.T) {
	for _, c := range []struct{ name, log, want string }{
		{"nothing", "", "-1 -:"},
		{"statistics", "processed 3 insns (limit 1000000)\nverification time 5 usec\nstack depth 0\n", "-1 -:"},
		{"before any instruction", "unreachable insn 7\nprocessed 0 insns (limit 1000000)\n", "7 unreachable instruction: unreachable insn 7"},
		{"about the program", "0: (95) exit\ncombined stack size of 2 calls is 640. Too large\n", "-1 stack of calls: combined stack size of 2 calls is 640. Too large"},
		{"complaint without newline", "3: (85) call bpf_tail_call#12\nexpected prog array map for tail callprocessed 3 insns (limit 1000000)\n",
			"3 tail call map: expected prog array map for tail call"},
		{"states before instructions (5.10)", `0: R1=ctx(id=0,off=0,imm=0) R10=fp0
0: (bf) r6 = r1
1: R1=ctx(id=0,off=0,imm=0) R6_w=ctx(id=0,off=0,imm=0) R10=fp0
1: (95) exit
R0 !read_ok`, "1 result not set: R0 !read_ok\nR1=ctx(id=0,off=0,imm=0)\nR10=fp0\nR6=ctx(id=0,off=0,imm=0)"},
		{"states behind instructions", `0: R1=ctx() R10=fp0
; int broken(void *ctx) @ broken.c:4
0: (bf) r6 = r1                       ; R1=ctx() R6_w=ctx()
1: (7b) *(u64 *)(r10 -8) = r6         ; R6_w=ctx() R10=fp0 fp-8_w=ctx()
2: (95) exit
R0 !read_ok`, "2 result not set: R0 !read_ok\nR1=ctx()\nR10=fp0\nR6=ctx()\nfp-8=ctx()"},
		{"arguments are gone after a call", `0: R1=ctx() R10=fp0
0: (85) call bpf_get_prandom_u32#7    ; R0_w=scalar()
1: (bf) r2 = r1
R1 !read_ok`, "1 register not set: R1 !read_ok\nR10=fp0\nR0=scalar()"},
		{"arguments of the call itself", `0: R1=ctx() R10=fp0
0: (85) call bpf_redirect#23
unknown func bpf_redirect#23`, "0 helper of other type: unknown func bpf_redirect#23\nR1=ctx()\nR10=fp0"},
		{"branches", `0: R1=ctx() R10=fp0
0: (15) if r1 == 0x0 goto pc+2        ; R1=ctx()
1: (55) if r2 != 0x0 goto pc+3
5: (95) exit
R0 !read_ok`, "5 result not set: R0 !read_ok\nR1=ctx()\nR10=fp0\n0>1 1>5"},
		{"the other branch", `0: R1=ctx() R10=fp0
0: (15) if r1 == 0x0 goto pc+2        ; R1=ctx()
1: (55) if r2 != 0x0 goto pc+3        ; R2=0
2: (95) exit

from 0 to 3: R1=0 R10=fp0
3: (95) exit
R0 !read_ok`, "3 result not set: R0 !read_ok\nR1=0\nR10=fp0\n0>3"},
		{"state of the next instruction in the same line", `0: (a6) if w7 < 0x65 goto pc+3 4: R0=1 R10=fp0
4: (95) exit
R0 leaks addr as return value`, "4 pointer leak: R0 leaks addr as return value\nR0=1\nR10=fp0\n0>4"},
		{"safe branches are none", "0: (15) if r1 == 0x0 goto pc+2\nfrom 0 to 3: safe\n1: (95) exit\nR0 !read_ok", "1 result not set: R0 !read_ok\n0>1"},
		{"functions", `0: R1=ctx() R10=fp0
0: (85) call pc+3
caller:
 R10=fp0
callee:
 frame1: R1=ctx() R10=fp0
4: frame1: R1=ctx() R10=fp0
4: (b7) r0 = 7                        ; frame1: R0_w=7
5: (95) exit
returning from callee:
 frame1: R0_w=7 R1=ctx() R10=fp0
to caller at 1:
 R0_w=7 R10=fp0
1: (bf) r1 = r6
R6 !read_ok`, "1 register not set: R6 !read_ok\nR0=7\nR10=fp0"},
		{"within a function", "0: R1=ctx() R10=fp0\n4: frame1: R1=1 R10=fp0\n4: (95) exit\nR0 !read_ok", "4 result not set: R0 !read_ok\nR1=1\nR10=fp0"},
		{"precision of level 2", `func#0 @0
0: R1=ctx() R10=fp0
0: (0f) r1 += r2
mark_precise: frame0: last_idx 12 first_idx 11 subseq_idx -1
mark_precise: frame0: parent state regs=r7 stack=:  R0=map_value(map=values,ks=4,vs=32)
last_idx 1 first_idx 0
regs=4 stack=0 before 0: (b7) r2 = 0
parent didn't have regs=4 stack=0 marks
1: (71) r6 = *(u8 *)(r0 +8)
R0 invalid mem access 'inv'`, "1 scalar as pointer: R0 invalid mem access 'inv'\nR1=ctx()\nR10=fp0"},
		{"states of a loop aren't where it is", `0: R1=ctx() R10=fp0
0: (05) goto pc-1
infinite loop detected at insn 0
cur state: R1=5 R10=fp0
old state: R1=6 R10=fp0`, "0 infinite loop: infinite loop detected at insn 0\nR1=ctx()\nR10=fp0"},
		{"more than one line", "7: (79) r1 = *(u64 *)(r0 +28)\ninvalid access to map value, value_size=32 off=28 size=8\nR0 min value is outside of the allowed memory range\n",
			"7 map value bounds: invalid access to map value, value_size=32 off=28 size=8\n+ R0 min value is outside of the allowed memory range"},
		{"what is specific counts", "9: (95) exit\nUnreleased reference id=2 alloc_insn=4\nbpf_throw would lead to reference leak\n",
			"9 exception with resource: bpf_throw would lead to reference leak\n+ Unreleased reference id=2 alloc_insn=4\nrelated 4"},
		{"unknown complaint", "9: (95) exit\nthe moon is in the wrong phase\n", "9 -: the moon is in the wrong phase"},
		{"report of the kernel (7.3)", `0: (95) exit
R0 !read_ok

Verification failed: Register Type Safety: Unreadable register

Reason:
  R0 has never been initialized on this path,
  so there.

At:
  f @ a.c:1:1
  >>> 0 | (95) exit

Suggestion:
  Initialize R0.

one more complaint
processed 1 insns (limit 1000000)`,
			"0 result not set: R0 !read_ok\n+ one more complaint\nbecause R0 has never been initialized on this path, so there.; so Initialize R0."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := summary(Parse(strings.Split(c.log, "\n"))); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		number        int
		ok            bool
	}{
		{"R* !read_ok", "R12 !read_ok", -1, true},
		{"R* !read_ok", "R12 !read", -1, false},
		{"unreachable insn #", "unreachable insn 42 or so", 42, true},
		{"unreachable insn #", "unreachable insn", -1, false},
		{"a * b # c", "a x b y b 7 c", -1, false},
		{"a * b # c", "a x b 7 c", 7, true},
		{"prefix", "prefixed", -1, true},
		{"*", "", -1, true},
	} {
		n, ok := matches(c.pattern, c.text)
		if ok != c.ok || ok && n != c.number {
			t.Errorf("%q, %q: %d, %t", c.pattern, c.text, n, ok)
		}
	}
}

// Rows have names of their own and advice, and those with a number have one.
func TestTable(t *testing.T) {
	names := make(map[string]bool)
	for _, rule := range Rules() {
		if names[rule.Name] || rule.Name == "" {
			t.Errorf("name %q twice", rule.Name)
		}
		names[rule.Name] = true
		if hint := rule.Hint("R3 is bad"); hint == "" || strings.Contains(hint, "$") || !strings.HasSuffix(hint, ".") {
			t.Errorf("%s: hint %q", rule.Name, hint)
		}
		for _, pattern := range rule.patterns {
			text := strings.NewReplacer("*", "some text", "#", "7").Replace(pattern)
			if found := lookUp([]string{text}); found.rule == nil {
				t.Errorf("%s: pattern %q doesn't match %q", rule.Name, pattern, text)
			}
		}
	}
	if len(names) < 40 {
		t.Errorf("%d rows", len(names))
	}
}

func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("../../testdata/rejected/6.18.txt")
	if err != nil {
		b.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	b.ReportAllocs()
	for b.Loop() {
		Parse(lines)
	}
}

// Whatever the kernel writes, the reader comes to an end, and what it says lies
// in what it read.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../testdata/rejected/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("recorded logs: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, log := range strings.Split(string(text), "\n=== ") {
			f.Add(log)
		}
	}
	f.Fuzz(func(t *testing.T, log string) {
		r := Parse(strings.Split(log, "\n"))
		if !strings.Contains(log, r.Reason) {
			t.Errorf("reason %q isn't in the log", r.Reason)
		}
		if r.Rule != nil && r.Rule.Hint(r.Reason) == "" {
			t.Errorf("rule %q without hint", r.Rule.Name)
		}
		for _, reg := range r.Registers {
			if !strings.Contains(log, "="+reg.State) {
				t.Errorf("state %q isn't in the log", reg.State)
			}
		}
		if r.Insn < -1 || r.Related < -1 {
			t.Errorf("instructions %d and %d", r.Insn, r.Related)
		}
	})
}
