// Command maps uses a map of every kind by its typed view, and prints what it
// finds in it: a phrase book.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/bpfgen/bpfgen/runtime/rlimit"
)

//go:generate go run github.com/bpfgen/bpfgen/cmd/bpfgen -event perf_events=event Maps maps.bpf.c

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "maps:", err)
		os.Exit(1)
	}
}

// phrases is what can be said of each map, and what is to be printed of it.
var phrases = []struct {
	name string
	say  func(context.Context, *MapsObjects) (any, error)
}{
	{"tail calls, hash, per-CPU array, queue", programs},
	{"hash", hash},
	{"LRU hash", lruHash},
	{"per-CPU hash", perCPUHash},
	{"LRU per-CPU hash", lruPerCPUHash},
	{"array", array},
	{"shared array", sharedArray},
	{"LPM trie", routes},
	{"stack traces", stackTraces},
	{"queue", queue},
	{"stack", stack},
	{"bloom filter", bloom},
	{"ring buffer", ring},
	{"ring buffer with a tag", taggedRing},
	{"perf event array", perfEvents},
	{"user ring buffer", userRing},
	{"array of maps", arrayOfMaps},
	{"hash of maps", hashOfMaps},
	{"device map", devices},
	{"device hash", devicesHash},
	{"CPU map", cpus},
	{"socket map", sockets},
	{"socket hash", socketsHash},
	{"sockets that share an address", listeners},
	{"XDP sockets", xsks},
	{"control groups", cgroups},
	{"storage of a socket", ofSocket},
	{"storage of a task", ofTask},
	{"storage of a file", ofInode},
	{"storage of a control group", ofCgroup},
}

func run(ctx context.Context, out io.Writer) error {
	// Kernels before 5.11 charge BPF memory against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	spec, err := NewMapsSpecs()
	if err != nil {
		return err
	}
	objs, err := spec.Load(nil)
	if err != nil {
		return err
	}
	defer objs.Close()
	for _, p := range phrases {
		result, err := p.say(ctx, objs)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(out, "%s: %v\n", p.name, result)
	}
	return nil
}

// xy is a point without the marker that generated types have for their layout.
func xy(p MapsPoint) [2]uint32 { return [2]uint32{p.X, p.Y} }

// programs lets tail calls to a stage run a program, which is set by an enum.
func programs(_ context.Context, objs *MapsObjects) (any, error) {
	before, err := runStart(objs)
	if err != nil {
		return nil, err
	}
	if err := objs.Stages.Set(MapsStageSTAGE_COUNT, objs.Count); err != nil {
		return nil, err
	}
	after, err := runStart(objs)
	return fmt.Sprintf("%d without program, %d with it", before, after), err
}

func runStart(objs *MapsObjects) (uint32, error) {
	result, _, err := objs.Start.Test(make([]byte, 64))
	return result, err
}
