// Package trial loads the programs of an object into the running kernel, each by
// itself, and tells what the kernel says about them. Nothing stays behind.
package trial

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// Verdict is what became of a program.
type Verdict string

// The verdicts.
const (
	OK       Verdict = "ok"
	Rejected Verdict = "rejected" // by the verifier
	Failed   Verdict = "failed"   // before that: a map, a type, a privilege
)

// Result is what loading one program told.
type Result struct {
	Object  string  `json:"object"`
	Program string  `json:"program"`
	Section string  `json:"section"`
	Type    string  `json:"type"`
	Verdict Verdict `json:"verdict"`

	// Sent is the length of the program as it reached the kernel, in
	// instructions of 8 bytes.
	Sent int `json:"sent"`

	// What the verifier counts: instructions that it looked at on all paths,
	// the states that it kept, in all and at most at once, the bytes of stack
	// that the program and each function that it calls take. Zero for
	// programs that aren't accepted.
	Processed   int   `json:"processed,omitempty"`
	TotalStates int   `json:"totalStates,omitempty"`
	PeakStates  int   `json:"peakStates,omitempty"`
	Stack       []int `json:"stack,omitempty"`

	// Time is how long the verifier took, by its own account.
	Time time.Duration `json:"nanoseconds,omitempty"`

	// Error is why it wasn't accepted, for people.
	Error string `json:"error,omitempty"`

	// Err is the same, for programs.
	Err error `json:"-"`
}

// Programs loads each program of spec that want accepts, by itself, in the order
// of their names. A nil want accepts all. It yields each result as soon as it
// is there.
func Programs(object string, spec *ebpf.CollectionSpec, want func(name string) bool) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
			if want != nil && !want(name) {
				continue
			}
			if !yield(program(object, spec, name)) {
				return
			}
		}
	}
}

func program(object string, spec *ebpf.CollectionSpec, name string) Result {
	p := spec.Programs[name]
	r := Result{Object: object, Program: name, Section: p.SectionName, Type: p.Type.String()}
	prog, err := loadOnly(spec, name, ebpf.LogLevelStats)
	if err != nil {
		// Statistics take the place of what the verifier says by default.
		if again, err2 := loadOnly(spec, name, 0); err2 != nil {
			err = err2
		} else {
			again.Close()
		}
		r.fail(err)
		return r
	}
	defer prog.Close()
	sent := p.Copy()
	if err := sent.Decode(); err != nil {
		r.fail(err)
		return r
	}
	r.Verdict = OK
	r.Sent = int(sent.Instructions.Size() / 8)
	r.count(prog.VerifierLog)
	return r
}

func (r *Result) fail(err error) {
	r.Verdict, r.Err, r.Error = Failed, err, err.Error()
	var rejection *ebpf.VerifierError
	if errors.As(err, &rejection) {
		r.Verdict = Rejected
	}
}

// loadOnly loads one program with the maps that it needs. Maps aren't pinned.
func loadOnly(spec *ebpf.CollectionSpec, name string, level ebpf.LogLevel) (*ebpf.Program, error) {
	spec = spec.Copy()
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	wanted := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Program", Type: reflect.TypeFor[*ebpf.Program](), Tag: reflect.StructTag(fmt.Sprintf("ebpf:%q", name)),
	}}))
	opts := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: level}}
	if err := spec.LoadAndAssign(wanted.Interface(), &opts); err != nil {
		return nil, err
	}
	return wanted.Elem().Field(0).Interface().(*ebpf.Program), nil
}

// count reads the statistics at the end of the verifier's log:
//
//	verification time 120 usec
//	stack depth 16+0
//	processed 27 insns (limit 1000000) max_states_per_insn 0 total_states 2 peak_states 2 mark_read 1
//
// The kernel promises nothing about it: what isn't found stays zero.
func (r *Result) count(log string) {
	for line := range strings.Lines(log) {
		words := strings.Fields(line)
		for i := range len(words) - 1 {
			value := words[i+1]
			switch words[i] {
			case "time":
				if words[0] == "verification" {
					r.Time = time.Duration(number(value)) * time.Microsecond
				}
			case "depth":
				r.Stack = depths(words[0], value)
			case "processed":
				r.Processed = number(value)
			case "total_states":
				r.TotalStates = number(value)
			case "peak_states":
				r.PeakStates = number(value)
			}
		}
	}
}

func depths(first, value string) (stack []int) {
	if first != "stack" {
		return nil
	}
	for depth := range strings.SplitSeq(value, "+") {
		stack = append(stack, number(depth))
	}
	return stack
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
