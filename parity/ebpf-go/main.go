// Command ebpf-go loads BPF objects with ebpf-go, whole and then program by
// program, and prints what internal/cmd/loadobj prints: a line of JSON for each
// attempt.
//
//	ebpf-go OBJ...
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

type attempt struct {
	Object   string            `json:"object"`
	Program  string            `json:"program,omitempty"`
	Mode     string            `json:"mode"`
	Phase    string            `json:"phase"`
	Error    string            `json:"error,omitempty"`
	LeftOut  int               `json:"leftOut,omitempty"` // programs that are silently not loaded
	Maps     int               `json:"maps"`
	Programs int               `json:"programs"`
	Loaded   map[string]string `json:"loaded,omitempty"`
}

func main() {
	if err := rlimit.RemoveMemlock(); err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, object := range os.Args[1:] {
		for a := range attempts(object) {
			if err := out.Encode(a); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func attempts(object string) func(yield func(attempt) bool) {
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
		whole.load(spec.Copy())
		if !yield(whole) {
			return
		}
		for name := range spec.Programs {
			alone := spec.Copy()
			for other := range alone.Programs {
				if other != name {
					delete(alone.Programs, other)
				}
			}
			a := attempt{Object: object, Program: name, Mode: "program"}
			a.load(alone)
			if !yield(a) {
				return
			}
		}
	}
}

func (a *attempt) load(spec *ebpf.CollectionSpec) {
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		a.Phase, a.Error = "load", err.Error()
		return
	}
	defer coll.Close()
	a.Phase, a.Maps, a.Programs = "ok", len(coll.Maps), len(coll.Programs)
	a.LeftOut = len(spec.Programs) - len(coll.Programs)
	a.Loaded = make(map[string]string, len(coll.Maps)+len(coll.Programs))
	for name, m := range coll.Maps {
		about := fdinfo(m.FD(), "map_type", "key_size", "value_size", "max_entries", "map_flags", "map_extra", "frozen")
		if strings.HasPrefix(name, ".") {
			if value, err := m.LookupBytes(uint32(0)); err == nil && value != nil {
				h := fnv.New64a()
				h.Write(value)
				about += fmt.Sprintf(" contents=%016x", h.Sum64())
			}
		}
		a.Loaded["map "+name] = about
	}
	for name, p := range coll.Programs {
		a.Loaded["program "+name] = fdinfo(p.FD(), "prog_type", "prog_tag")
	}
}

// fdinfo is what the kernel tells about a descriptor, as far as it is wanted.
func fdinfo(fd int, wanted ...string) string {
	f, err := os.Open(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return ""
	}
	defer f.Close()
	var about strings.Builder
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if slices.Contains(wanted, name) {
			fmt.Fprintf(&about, " %s=%s", name, strings.TrimSpace(value))
		}
	}
	return about.String()
}
