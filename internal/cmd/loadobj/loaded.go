package main

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"os"
	"slices"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// describeLoaded is what reached the kernel: attributes of maps, the contents of
// those that hold global variables, and the hash of each program's instructions.
func describeLoaded(coll *ebpf.Collection) map[string]string {
	loaded := make(map[string]string, len(coll.Maps)+len(coll.Programs))
	for name, m := range coll.Maps {
		about := fdinfo(m.FD(), "map_type", "key_size", "value_size", "max_entries", "map_flags", "map_extra", "frozen")
		if strings.HasPrefix(name, ".") {
			if value, err := m.LookupBytes(uint32(0)); err == nil && value != nil {
				h := fnv.New64a()
				h.Write(value)
				about += fmt.Sprintf(" contents=%016x", h.Sum64())
			}
		}
		loaded["map "+name] = about
	}
	for name, p := range coll.Programs {
		loaded["program "+name] = fdinfo(p.FD(), "prog_type", "prog_tag")
	}
	return loaded
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
