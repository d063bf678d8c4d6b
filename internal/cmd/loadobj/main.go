// Command loadobj loads BPF objects into the running kernel, whole and program
// by program, and prints a line of JSON for each attempt, so that any harness
// can compare what loads.
//
//	loadobj [-programs] [-loaded] OBJ...
//
// Pinning is left out: nothing stays behind.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"iter"
	"maps"
	"os"
	"slices"

	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

// attempt is what became of one load.
type attempt struct {
	Object   string `json:"object"`
	Program  string `json:"program,omitempty"`
	Mode     string `json:"mode"`  // object or program
	Phase    string `json:"phase"` // how far it came: open, load or ok
	Error    string `json:"error,omitempty"`
	Maps     int    `json:"maps"`
	Programs int    `json:"programs"`

	// Loaded is what the kernel tells about maps and programs, by "map NAME"
	// and "program NAME", if -loaded asks for it.
	Loaded map[string]string `json:"loaded,omitempty"`
}

// options say what to do with each object.
type options struct {
	single   bool // then load each program alone, too
	describe bool // tell what reached the kernel
}

func main() {
	var opts options
	flag.BoolVar(&opts.single, "programs", false, "then load each program alone, too")
	flag.BoolVar(&opts.describe, "loaded", false, "tell what the kernel has of each map and program")
	flag.Parse()
	os.Exit(run(flag.Args(), opts, os.Stdout, os.Stderr))
}

func run(objects []string, opts options, stdout, stderr io.Writer) int {
	if err := rlimit.RemoveMemlock(); err != nil {
		io.WriteString(stderr, err.Error()+"\n")
		return 1
	}
	out := json.NewEncoder(stdout)
	for _, object := range objects {
		for a := range opts.attempts(object) {
			if err := out.Encode(a); err != nil {
				io.WriteString(stderr, err.Error()+"\n")
				return 1
			}
		}
	}
	return 0
}

// attempts yields each result as soon as it is there, so that those before a
// crash aren't lost.
func (o options) attempts(object string) iter.Seq[attempt] {
	return func(yield func(attempt) bool) {
		spec, err := ebpf.LoadCollectionSpec(object)
		if err != nil {
			yield(attempt{Object: object, Mode: "object", Phase: "open", Error: err.Error()})
			return
		}
		for _, m := range spec.Maps {
			m.Pinning = ebpf.PinNone
		}
		whole := attempt{Object: object, Mode: "object"}
		whole.load(spec, o.describe)
		if !yield(whole) || !o.single {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
			a := attempt{Object: object, Program: name, Mode: "program"}
			a.load(only(spec, name), o.describe)
			if !yield(a) {
				return
			}
		}
	}
}

// only is a copy of spec with one program, which it loads even if it is optional.
func only(spec *ebpf.CollectionSpec, program string) *ebpf.CollectionSpec {
	alone := spec.Copy()
	maps.DeleteFunc(alone.Programs, func(name string, _ *ebpf.ProgramSpec) bool { return name != program })
	alone.Programs[program].Optional = false
	return alone
}

func (a *attempt) load(spec *ebpf.CollectionSpec, describe bool) {
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		a.Phase, a.Error = "load", err.Error()
		return
	}
	defer coll.Close()
	a.Phase, a.Maps, a.Programs = "ok", len(coll.Maps), len(coll.Programs)
	if describe {
		a.Loaded = describeLoaded(coll)
	}
}
