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
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"reflect"
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
			a.loadOnly(spec.Copy(), o.describe)
			if !yield(a) {
				return
			}
		}
	}
}

func (a *attempt) load(spec *ebpf.CollectionSpec, describe bool) {
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		a.Phase, a.Error = "load", err.Error()
		return
	}
	defer coll.Close()
	a.succeed(coll, describe)
}

func (a *attempt) succeed(coll *ebpf.Collection, describe bool) {
	a.Phase, a.Maps, a.Programs = "ok", len(coll.Maps), len(coll.Programs)
	if describe {
		a.Loaded = describeLoaded(coll)
	}
}

// loadOnly loads one program, and the maps that it refers to.
func (a *attempt) loadOnly(spec *ebpf.CollectionSpec, describe bool) {
	names := referredMaps(spec.Programs[a.Program])
	wanted := reflect.New(wantedType(a.Program, names)).Elem()
	if err := spec.LoadAndAssign(wanted.Addr().Interface(), nil); err != nil {
		a.Phase, a.Error = "load", err.Error()
		return
	}
	coll := &ebpf.Collection{
		Programs: map[string]*ebpf.Program{a.Program: wanted.Field(0).Interface().(*ebpf.Program)},
		Maps:     make(map[string]*ebpf.Map, len(names)),
	}
	for i, name := range names {
		coll.Maps[name] = wanted.Field(i + 1).Interface().(*ebpf.Map)
	}
	defer coll.Close()
	a.succeed(coll, describe)
}

// referredMaps are the maps that a program's instructions name.
func referredMaps(spec *ebpf.ProgramSpec) []string {
	names := make(map[string]bool)
	for i := range spec.Instructions {
		if ins := &spec.Instructions[i]; ins.IsLoadFromMap() && ins.Reference() != "" {
			names[ins.Reference()] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// wantedType is the struct that a user of LoadAndAssign would have written.
func wantedType(program string, maps []string) reflect.Type {
	field := func(i int, v any, name string) reflect.StructField {
		return reflect.StructField{Name: fmt.Sprint("F", i), Type: reflect.TypeOf(v), Tag: reflect.StructTag(fmt.Sprintf("ebpf:%q", name))}
	}
	fields := []reflect.StructField{field(0, (*ebpf.Program)(nil), program)}
	for i, name := range maps {
		fields = append(fields, field(i+1, (*ebpf.Map)(nil), name))
	}
	return reflect.StructOf(fields)
}
