package ebpf

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/internal/verifierlog"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

var recordLogs = flag.String("record", "", "file to write the logs of rejected programs to: testdata/rejected/<kernel>.txt")

// rejection is a program of testdata/rejected.bpf.c, and what is wrong with it.
type rejection struct {
	name, rule string
	program    string             // in the object, if not name
	since      uapi.KernelVersion // that rejects it so; older kernels use other words, or fail earlier
	until      uapi.KernelVersion // that takes it
	change     func(*ProgramSpec)
	withoutJIT string // the rule of kernels without a JIT compiler, which use other words
	nobody     bool   // loaded without privileges
	heavy      bool   // takes minutes where the others take long
}

var (
	v512 = uapi.KernelVersion{Major: 5, Minor: 12}
	v61  = uapi.KernelVersion{Major: 6, Minor: 1}
	v612 = uapi.KernelVersion{Major: 6, Minor: 12}
	v618 = uapi.KernelVersion{Major: 6, Minor: 18}
	v72  = uapi.KernelVersion{Major: 7, Minor: 2}
)

// jitRule is for what only machine code can do.
const jitRule = "JIT compiler"

func strictly(ps *ProgramSpec)    { ps.Flags |= 1 << 0 } // BPF_F_STRICT_ALIGNMENT
func sleepable(ps *ProgramSpec)   { ps.Flags |= 1 << 4 } // BPF_F_SLEEPABLE
func proprietary(ps *ProgramSpec) { ps.License = "Proprietary" }

// branching makes more branches than the verifier remembers.
func branching(ps *ProgramSpec) {
	insns := asm.Instructions{asm.FnGetPrandomU32.Call().WithSymbol(ps.Name)}
	for range 8200 {
		insns = append(insns, asm.JEq.Imm(asm.R0, 7, "out"))
	}
	ps.Instructions = append(insns, asm.LoadImm(asm.R0, 0, asm.DWord).WithSymbol("out"), asm.Return())
}

var rejections = []rejection{
	{name: "back_edge", rule: "back-edge", nobody: true},
	{name: "pointer_result", rule: "pointer leak", nobody: true},
	{name: "pointer_compared", rule: "pointer comparison", nobody: true},
	{name: "stack_unwritten", rule: "stack read", nobody: true},
	{name: "null_check", rule: "null check"},
	{name: "null_arithmetic", rule: "null arithmetic"},
	{name: "kfunc_null", rule: "null argument", since: v612, withoutJIT: jitRule},
	{name: "scalar_as_pointer", rule: "scalar as pointer"},
	{name: "packet_end_read", rule: "kernel pointer access"},
	{name: "pointer_plus_pointer", rule: "pointer plus pointer"},
	{name: "pointer_bits", rule: "pointer bits"},
	{name: "pointer_shift", rule: "pointer operator"},
	{name: "pointer_half", rule: "pointer half"},
	{name: "pointer_from_number", rule: "pointer from scalar"},
	{name: "packet_end_arithmetic", rule: "pointer kind arithmetic"},
	{name: "unbounded_arithmetic", rule: "pointer unbounded arithmetic"},
	{name: "stack_variable", rule: "pointer unbounded arithmetic"},
	{name: "far_index", rule: "pointer far off"},
	{name: "different_pointers", rule: "same instruction"},
	{name: "negative_size", rule: "negative size"},
	{name: "negative_index", rule: "negative index", since: v61},
	{name: "unbounded_size", rule: "unbounded size"},
	{name: "unbounded_index", rule: "unbounded index"},
	{name: "constant_index", rule: "map value bounds"},
	{name: "index_off_by_one", rule: "map value bounds"},
	{name: "behind_branches", rule: "map value bounds"},
	{name: "event_bounds", rule: "memory bounds"},
	{name: "zero_size", rule: "zero size"},
	{name: "unknown_size", rule: "unknown constant"},
	{name: "packet_bounds", rule: "packet bounds"},
	{name: "packet_variable", rule: "packet bounds"},
	{name: "packet_write", rule: "packet write"},
	{name: "packet_in_event", rule: "packet helper"},
	{name: "context_offset", rule: "context access"},
	{name: "context_field", rule: "context access"},
	{name: "missing_argument", rule: "context access"},
	{name: "context_variable", rule: "context offset"},
	{name: "context_modified", rule: "context modified"},
	{name: "context_atomic", rule: "atomic target"},
	{name: "misaligned_packet", rule: "misaligned access", change: strictly},
	{name: "misaligned_stack", rule: "misaligned access", change: strictly},
	{name: "uninitialised_result", rule: "result not set"},
	{name: "uninitialised_register", rule: "register not set"},
	{name: "clobbered_register", rule: "register not set"},
	{name: "callback_result", rule: "callback result", since: v61},
	{name: "timer_result", rule: "callback result", since: v61},
	{name: "return_range", rule: "return range"},
	{name: "frame_pointer", rule: "frame pointer"},
	{name: "stack_above", rule: "stack read"},
	{name: "stack_overflow", rule: "stack write"},
	{name: "stack_argument", rule: "stack write"},
	{name: "size_beyond_buffer", rule: "stack write"},
	{name: "stack_unbounded", rule: "stack variable offset", since: v512},
	{name: "stack_of_calls", rule: "stack of calls", withoutJIT: "stack of calls"},
	{name: "tail_call_with_stack", rule: "tail call stack", withoutJIT: jitRule},
	{name: "infinite_loop", rule: "infinite loop"},
	{name: "too_many_branches", rule: "too complex", until: v72, program: "sleeps", change: branching},
	{name: "unreachable", rule: "unreachable instruction"},
	{name: "no_exit", rule: "no exit"},
	{name: "jump_out", rule: "jump out of range"},
	{name: "recursion", rule: "recursion", since: v612},
	{name: "unknown_helper", rule: "unknown helper"},
	{name: "helper_of_other_type", rule: "helper of other type"},
	{name: "restricted_helper", rule: "GPL only", change: proprietary},
	{name: "map_for_other_helper", rule: "helper and map"},
	{name: "map_of_other_type", rule: "tail call map", since: v618},
	{name: "argument_type", rule: "argument type"},
	{name: "unread_key", rule: "argument type"},
	{name: "released_twice", rule: "argument type"},
	{name: "global_argument", rule: "global function argument", since: v612},
	{name: "global_caller", rule: "global function argument", since: v61},
	{name: "global_result", rule: "global function result", until: v72},
	{name: "write_constant_map", rule: "constant map"},
	{name: "write_rodata", rule: "constant map"},
	{name: "write_kernel_memory", rule: "kernel object write"},
	{name: "beyond_struct", rule: "kernel object bounds"},
	{name: "tail_call_with_reference", rule: "reference at tail call"},
	{name: "throw_with_reference", rule: "exception with resource", since: v618, withoutJIT: jitRule},
	{name: "unreleased", rule: "unreleased reference"},
	{name: "kfunc_leak", rule: "unreleased reference", since: v612, withoutJIT: jitRule},
	{name: "kptr_leak", rule: "unreleased reference", since: v612},
	{name: "dynptr_leak", rule: "unreleased reference", since: v61},
	{name: "iterator_leak", rule: "unreleased reference", since: v612, withoutJIT: jitRule},
	{name: "lock_held_at_exit", rule: "lock at exit"},
	{name: "call_with_lock", rule: "call with lock"},
	{name: "lock_twice", rule: "call with lock"},
	{name: "unlock_alone", rule: "unlock alone"},
	{name: "lock_read", rule: "special field"},
	{name: "write_timer", rule: "special field", since: v61},
	{name: "lock_in_tracing", rule: "lock in tracing"},
	{name: "rcu_held_at_exit", rule: "RCU at exit", since: v612, withoutJIT: jitRule},
	{name: "rcu_unlock_alone", rule: "RCU unlock alone", since: v612, withoutJIT: jitRule},
	{name: "copies_from_user", rule: "sleeping in RCU", since: v612, withoutJIT: jitRule},
	{name: "preemption_off_at_exit", rule: "preemption at exit", since: v612, withoutJIT: jitRule},
	{name: "interrupts_off_at_exit", rule: "interrupts at exit", since: v618, withoutJIT: jitRule},
	{name: "sleeps", rule: "sleepable program", change: sleepable},
	{name: "kfunc_sleepable", rule: "sleepable function", since: v612, withoutJIT: jitRule},
	{name: "kfunc_of_other_type", rule: "kfunc of other type", since: v612, withoutJIT: jitRule},
	{name: "kfunc_unowned", rule: "kfunc ownership", since: v612, withoutJIT: jitRule},
	{name: "kfunc_untrusted", rule: "kfunc argument", since: v612, withoutJIT: jitRule},
	{name: "dynptr_unmade", rule: "dynptr not made", since: v61},
	{name: "dynptr_slice_null", rule: "null check", since: v61},
	{name: "dynptr_twice", rule: "dynptr made twice", since: v61},
	{name: "iterator_unmade", rule: "iterator not made", since: v612, withoutJIT: jitRule},
	{name: "iterator_twice", rule: "iterator made twice", since: v612, withoutJIT: jitRule},
	{name: "kptr_store", rule: "kptr store", since: v612},
	{name: "timer_of_other_map", rule: "timer and map", since: v61},
	{name: "arena_cast", rule: "arena", since: v612},
	{name: "packet_load", rule: "packet load"},
	{name: "division_by_zero", rule: "division by zero"},
	{name: "wide_shift", rule: "shift"},
	{name: "unknown_instruction", rule: "unknown instruction"},
	{name: "relocation", rule: ""},
	// The last one: it takes the verifier a million instructions.
	{name: "too_many_paths", rule: "too large", heavy: true},
}

// load asks the kernel for the program.
func (r *rejection) load(t *testing.T, level LogLevel) *VerifierError {
	t.Helper()
	spec := parse(t, objectFile("rejected"))
	name := r.name
	if r.program != "" {
		name = r.program
	}
	if r.change != nil {
		r.change(spec.Programs[name])
	}
	if r.nobody {
		defer withoutPrivileges(t)()
	}
	coll, err := load(spec, selection{programs: []string{name}}, &CollectionOptions{Programs: ProgramOptions{LogLevel: level}})
	if err == nil {
		coll.Close()
	}
	var ve *VerifierError
	if errors.As(err, &ve) {
		return ve
	}
	if r.known() {
		t.Fatalf("%s: %v", r.name, err)
	}
	return nil
}

func (r *rejection) known() bool {
	return kernel.AtLeast(r.since) && (r.until == uapi.KernelVersion{} || !kernel.AtLeast(r.until))
}

// withoutPrivileges takes the capabilities from this goroutine, and lets those
// without them use BPF, until the function that it returns is called.
func withoutPrivileges(t *testing.T) (restore func()) {
	t.Helper()
	const sysctl = "/proc/sys/kernel/unprivileged_bpf_disabled"
	before, err := os.ReadFile(sysctl)
	if err == nil && strings.TrimSpace(string(before)) != "0" {
		err = os.WriteFile(sysctl, []byte("0"), 0)
	}
	if err != nil {
		t.Skipf("needs a kernel with unprivileged BPF: %v", err)
	}
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var full [2]unix.CapUserData
	if err := unix.Capget(&header, &full[0]); err != nil {
		t.Fatal(err)
	}
	none := full
	none[0].Effective, none[1].Effective = 0, 0
	if err := unix.Capset(&header, &none[0]); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Capset(&header, &full[0]); err != nil {
			t.Fatal(err)
		}
		runtime.UnlockOSThread()
		if err := os.WriteFile(sysctl, before, 0); err != nil {
			t.Error(err)
		}
	}
}

// patience is how long a machine may take that can do what is heavy.
const patience = 8 * time.Second

// Programs are rejected for the reasons that the table of known rejections has,
// at the line that is wrong, and errors say so in the words of a golden file.
func TestRejections(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	golden := goldenErrors(t, runningSeries(t))
	interpreted := testutil.Lacks(testutil.JIT) != ""
	var logs strings.Builder
	start := time.Now()
	for i := range rejections {
		r := &rejections[i]
		t.Run(r.name, func(t *testing.T) {
			if took := time.Since(start); r.heavy && took > patience && *recordLogs == "" {
				t.Skipf("this machine is too slow for it: the others took %v", took)
			}
			ve := r.load(t, 0)
			if ve == nil {
				return // an older kernel, which has nothing against it
			}
			writeLog(&logs, r.name, LogLevelBranch, ve)
			rule := r.rule
			if interpreted && r.withoutJIT != "" {
				rule = r.withoutJIT
				delete(golden, r.name)
			}
			if r.known() {
				r.check(t, ve, rule)
			}
			if want, ok := golden[r.name]; ok && want != ve.Error() {
				t.Errorf("\n got:\n%s\nwant:\n%s", ve, want)
			}
		})
	}
	if *recordLogs != "" {
		recordDetailed(t, &logs)
		if err := os.WriteFile(*recordLogs, []byte(logs.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// check compares with what every kernel that knows the rejection says.
func (r *rejection) check(t *testing.T, ve *VerifierError, want string) {
	t.Helper()
	rule := ""
	if report := verifierlog.Parse(ve.Log); report.Rule != nil {
		rule = report.Rule.Name
	}
	if want != "" && rule != want {
		t.Errorf("rule %q, want %q, for %q", rule, want, ve.Reason)
	}
	if ve.Hint == "" || ve.Reason == "" || kernel.Errno(ve) == 0 {
		t.Errorf("%+v", ve)
	}
	if r.program == "" && !r.nobody && (!strings.HasSuffix(ve.File, "rejected.bpf.c") || ve.Line == 0) {
		t.Errorf("no line: %s", ve)
	}
	if lines := strings.Split(ve.Error(), "\n"); len(lines) > 24 {
		t.Errorf("%d lines don't fit a terminal:\n%s", len(lines), ve)
	}
}

// Every row of the table has a program.
func TestRejectionsCoverTable(t *testing.T) {
	for _, rule := range verifierlog.Rules() {
		if !slices.ContainsFunc(rejections, func(r rejection) bool { return r.rule == rule.Name || r.withoutJIT == rule.Name }) {
			t.Errorf("no program is rejected by rule %q", rule.Name)
		}
	}
}

// detailed are programs whose logs are recorded instruction by instruction too.
var detailed = []string{"null_check", "index_off_by_one", "callback_result", "packet_variable", "call_with_lock", "behind_branches"}

func recordDetailed(t *testing.T, logs *strings.Builder) {
	for i := range rejections {
		if r := &rejections[i]; slices.Contains(detailed, r.name) {
			if ve := r.load(t, LogLevelInstruction); ve != nil {
				writeLog(logs, r.name, LogLevelInstruction, ve)
			}
		}
	}
}

// writeLog appends to a file of recorded logs, unless it would be most of it.
func writeLog(to *strings.Builder, name string, level LogLevel, ve *VerifierError) {
	if len(ve.Log) < 2000 {
		fmt.Fprintf(to, "=== %s %d %d\n%s\n", name, level, kernel.Errno(ve), strings.Join(ve.Log, "\n"))
	}
}
