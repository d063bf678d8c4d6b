package ebpf

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// sizes are what some attribute of a map may be: one of a few numbers, or a
// range, perhaps of multiples of something.
type sizes struct {
	oneOf       []uint32
	least, most uint32 // most is unlimited if zero
	multiple    uint32
}

func exactly(n ...uint32) sizes       { return sizes{oneOf: n} }
func atLeast(n uint32) sizes          { return sizes{least: n} }
func from(least, most uint32) sizes   { return sizes{least: least, most: most} }
func multipleOf(n, most uint32) sizes { return sizes{least: n, most: most, multiple: n} }

func (s sizes) allow(n uint32) bool {
	for _, one := range s.oneOf {
		if n == one {
			return true
		}
	}
	return s.oneOf == nil && n >= s.least && (s.most == 0 || n <= s.most) && (s.multiple == 0 || n%s.multiple == 0)
}

func (s sizes) String() string {
	text := fmt.Sprintf("at least %d", s.least)
	switch {
	case s.oneOf != nil:
		choices := make([]string, len(s.oneOf))
		for i, n := range s.oneOf {
			choices[i] = strconv.FormatUint(uint64(n), 10)
		}
		text = strings.Join(choices, " or ")
	case s.most != 0:
		text = fmt.Sprintf("%d to %d", s.least, s.most)
	}
	if s.multiple != 0 {
		text += fmt.Sprintf(", in steps of %d", s.multiple)
	}
	return text
}

// mapShape is what the kernel insists on for maps of some types.
type mapShape struct {
	types               []MapType
	key, value, entries sizes
	flags               uint32 // that have to be set
	typed               bool   // key and value need BTF
}

// Largest values that per-CPU memory and stack traces have room for.
const (
	maxPerCPUValue = 32 << 10
	maxStackValue  = 127 * 8
)

var mapShapes = []mapShape{
	{types: []MapType{Hash, LRUHash}, key: atLeast(1), value: atLeast(1), entries: atLeast(1)},
	{types: []MapType{PerCPUHash, LRUCPUHash}, key: atLeast(1), value: from(1, maxPerCPUValue), entries: atLeast(1)},
	{types: []MapType{Array}, key: exactly(4), value: atLeast(1), entries: atLeast(1)},
	{types: []MapType{PerCPUArray}, key: exactly(4), value: from(1, maxPerCPUValue), entries: atLeast(1)},
	{types: []MapType{ProgramArray, PerfEventArray, CGroupArray, ArrayOfMaps, XSKMap}, key: exactly(4), value: exactly(4), entries: atLeast(1)},
	{types: []MapType{HashOfMaps}, key: atLeast(1), value: exactly(4), entries: atLeast(1)},
	{types: []MapType{DevMap, DevMapHash, CPUMap}, key: exactly(4), value: exactly(4, 8), entries: atLeast(1)},
	{types: []MapType{SockMap, ReusePortSockArray}, key: exactly(4), value: exactly(4, 8), entries: atLeast(1)},
	{types: []MapType{SockHash}, key: from(1, 512), value: exactly(4, 8), entries: atLeast(1)},
	{types: []MapType{StackTrace}, key: exactly(4), value: multipleOf(8, maxStackValue), entries: atLeast(1)},
	{types: []MapType{LPMTrie}, key: from(5, 260), value: atLeast(1), entries: atLeast(1), flags: uapi.MapFlagNoPrealloc},
	{types: []MapType{Queue, Stack, BloomFilter}, key: exactly(0), value: atLeast(1), entries: atLeast(1)},
	{types: []MapType{RingBuf, UserRingbuf}, key: exactly(0), value: exactly(0), entries: atLeast(1)},
	{types: []MapType{Arena}, key: exactly(0), value: exactly(0), entries: atLeast(1), flags: uapi.MapFlagMmapable},
	{types: []MapType{SkStorage, InodeStorage, TaskStorage, CgroupStorage}, key: exactly(4), value: atLeast(1), entries: exactly(0), flags: uapi.MapFlagNoPrealloc, typed: true},
	{types: []MapType{CGroupStorage, PerCPUCGroupStorage}, key: exactly(8, 16), value: atLeast(1), entries: exactly(0)},
}

func mapShapeOf(t MapType) *mapShape {
	for i := range mapShapes {
		for _, typ := range mapShapes[i].types {
			if typ == t {
				return &mapShapes[i]
			}
		}
	}
	return nil
}

// faultList is what is wrong with something.
type faultList []string

// add isn't inlined: it has a dozen callers, and that would be 2 KB of code.
//
//go:noinline
func (l *faultList) add(format string, args ...any) { *l = append(*l, fmt.Sprintf(format, args...)) }

// faults are what is wrong with the attributes of a map that the kernel has
// refused. attr is what it was asked for.
func (ms *MapSpec) faults(attr *kernel.MapCreateAttr) []string {
	var faults faultList
	if shape := mapShapeOf(ms.Type); shape != nil {
		if !shape.key.allow(ms.KeySize) {
			faults.add("KeySize is %d; maps of type %s have keys of %s bytes", ms.KeySize, ms.Type, shape.key)
		}
		if !shape.value.allow(ms.ValueSize) {
			faults.add("ValueSize is %d; maps of type %s have values of %s bytes", ms.ValueSize, ms.Type, shape.value)
		}
		if !shape.entries.allow(ms.MaxEntries) {
			faults.add("MaxEntries is %d; maps of type %s need %s", ms.MaxEntries, ms.Type, shape.entries)
		}
		if missing := shape.flags &^ ms.Flags; missing != 0 {
			faults.add("maps of type %s need flag %s", ms.Type, flagNames(missing))
		}
		if shape.typed && ms.Value == nil {
			faults.add("maps of type %s need BTF: declare key and value with __type in C, or set Key and Value", ms.Type)
		}
	}
	if page := uint32(os.Getpagesize()); ms.Type == RingBuf && ms.MaxEntries%page != 0 {
		faults.add("MaxEntries is %d; maps of type %s have a power of two of pages (%d bytes)", ms.MaxEntries, ms.Type, page)
	}
	if ms.MapExtra != 0 && ms.Type != BloomFilter && ms.Type != Arena {
		faults.add("MapExtra is %#x; only maps of type %s and %s have any", ms.MapExtra, BloomFilter, Arena)
	}
	if ms.Type == BloomFilter && ms.MapExtra > 15 {
		faults.add("MapExtra is %d; maps of type %s have at most 15 hash functions", ms.MapExtra, ms.Type)
	}
	if len(faults) > 0 {
		return faults
	}
	return flagFaults(ms, attr)
}

// flagFaults finds flags that the kernel doesn't know, or doesn't take for maps
// of this type: those without which it makes the map.
func flagFaults(ms *MapSpec, attr *kernel.MapCreateAttr) []string {
	var faults faultList
	for _, flag := range uapi.MapFlags() {
		if attr.MapFlags&flag.Value == 0 {
			continue
		}
		lesser := *attr
		lesser.MapFlags &^= flag.Value
		if flag.Value == uapi.MapFlagNUMANode {
			lesser.NumaNode = 0
		}
		switch {
		case !kernel.AtLeast(flag.Since):
			faults.add("flag %s needs Linux %s", flag.Name, flag.Since)
		case !makes(&lesser):
		case flag.Value == uapi.MapFlagNUMANode:
			faults.add("there is no NUMA node %d, or none for maps of type %s", ms.NumaNode, ms.Type)
		default:
			faults.add("flag %s isn't for maps of type %s on this kernel", flag.Name, ms.Type)
		}
	}
	known := uint32(0)
	for _, flag := range uapi.MapFlags() {
		known |= flag.Value
	}
	if unknown := attr.MapFlags &^ known; unknown != 0 {
		faults.add("flags %#x are none that BPF_MAP_CREATE has", unknown)
	}
	return faults
}

// makes tells whether the kernel makes such a map, and unmakes it.
func makes(attr *kernel.MapCreateAttr) bool {
	fd, err := kernel.MapCreate(attr)
	if err == nil {
		_ = fd.Close()
	}
	return err == nil
}

func flagNames(flags uint32) string {
	var names []string
	for _, flag := range uapi.MapFlags() {
		if flags&flag.Value != 0 {
			names = append(names, flag.Name)
		}
	}
	return strings.Join(names, "|")
}
