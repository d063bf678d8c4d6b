// Command loadobj loads BPF objects into the running kernel, whole and program
// by program, and prints a line of JSON for each attempt, so that any harness
// can compare what loads.
//
//	loadobj [-programs] OBJ...
//
// Pinning is left out: nothing stays behind.
package main

import (
	"encoding/json"
	"flag"
	"io"
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
}

func main() {
	single := flag.Bool("programs", false, "then load each program alone, too")
	flag.Parse()
	os.Exit(run(flag.Args(), *single, os.Stdout, os.Stderr))
}

func run(objects []string, single bool, stdout, stderr io.Writer) int {
	if err := rlimit.RemoveMemlock(); err != nil {
		io.WriteString(stderr, err.Error()+"\n")
		return 1
	}
	out := json.NewEncoder(stdout)
	for _, object := range objects {
		for _, a := range tryObject(object, single) {
			if err := out.Encode(a); err != nil {
				io.WriteString(stderr, err.Error()+"\n")
				return 1
			}
		}
	}
	return 0
}

func tryObject(object string, single bool) []attempt {
	spec, err := ebpf.LoadCollectionSpec(object)
	if err != nil {
		return []attempt{{Object: object, Mode: "object", Phase: "open", Error: err.Error()}}
	}
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	whole := attempt{Object: object, Mode: "object"}
	whole.load(spec)
	attempts := []attempt{whole}
	if !single {
		return attempts
	}

	names := make([]string, 0, len(spec.Programs))
	for name := range spec.Programs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		alone := spec.Copy()
		for other := range alone.Programs {
			if other != name {
				delete(alone.Programs, other)
			}
		}
		a := attempt{Object: object, Program: name, Mode: "program"}
		a.load(alone)
		attempts = append(attempts, a)
	}
	return attempts
}

func (a *attempt) load(spec *ebpf.CollectionSpec) {
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		a.Phase, a.Error = "load", err.Error()
		return
	}
	defer coll.Close()
	a.Phase, a.Maps, a.Programs = "ok", len(coll.Maps), len(coll.Programs)
}
