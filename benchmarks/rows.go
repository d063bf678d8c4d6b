package main

// Contestants, in the order of the table's columns.
const (
	ours   = "bpfgen"
	ebpfGo = "ebpf-go"
	libbpf = "libbpf"
	floor  = "floor"
)

var contestants = []string{ours, ebpfGo, libbpf, floor}

// A metric is one of the numbers that a run gives.
type metric string

const (
	cpu      metric = "cpu"      // nanoseconds of CPU time
	allocs   metric = "allocs"   // allocations
	rss      metric = "rss"      // peak memory in bytes
	calls    metric = "calls"    // bpf(2) system calls
	size     metric = "size"     // bytes of the stripped binary
	packages metric = "packages" // packages linked

	// What some tasks of ours measure besides: the floor, in the same process,
	// and how much cpu is above it.
	underneath metric = "floor"
	excess     metric = "above"
)

// A bar is what ours is to keep to.
type bar struct {
	against string // a contestant; none: limit is absolute
	times   bool   // limit is a ratio
	limit   float64
}

func ratio(of string, limit float64) bar { return bar{of, true, limit} }
func above(by float64) bar               { return bar{against: floor, limit: by} } // excess
func most(limit float64) bar             { return bar{limit: limit} }

// A row is a line of the table: one metric of one task. The rows of a task
// share its runs.
type row struct {
	section string
	name    string
	kind    string   // how it is run: "loop", "process", "generate" or "build"
	task    []string // for kind loop and process; names that end in .o are of objects
	metric  metric
	bars    []bar
}

var rows = []row{
	{"Parsing ELF to a spec", "tiny: one program, as generated loaders do", "loop", []string{"parse", "tiny.o"}, cpu, []bar{ratio(ebpfGo, 0.10), ratio(libbpf, 0.8)}},
	{"Parsing ELF to a spec", "10 programs, 10 maps, as generated loaders do", "loop", []string{"parse", "ten.o"}, cpu, []bar{ratio(ebpfGo, 0.10), ratio(libbpf, 0.8)}},
	{"Parsing ELF to a spec", "90 programs, 90 maps, 280 KB, as generated loaders do", "loop", []string{"parse", "big.o"}, cpu, []bar{ratio(ebpfGo, 0.10), ratio(libbpf, 0.8)}},
	{"Parsing ELF to a spec", "90 programs, 90 maps, 1 MB, as generated loaders do", "loop", []string{"parse", "huge.o"}, cpu, []bar{ratio(ebpfGo, 0.10), ratio(libbpf, 0.8)}},
	{"Parsing ELF to a spec", "allocations, tiny", "loop", []string{"parse", "tiny.o"}, allocs, []bar{ratio(ebpfGo, 0.05)}},
	{"Parsing ELF to a spec", "allocations, 10 programs, 10 maps", "loop", []string{"parse", "ten.o"}, allocs, []bar{ratio(ebpfGo, 0.05)}},
	{"Parsing ELF to a spec", "allocations, 280 KB", "loop", []string{"parse", "big.o"}, allocs, []bar{ratio(ebpfGo, 0.05)}},
	{"Parsing ELF to a spec", "allocations, 1 MB", "loop", []string{"parse", "huge.o"}, allocs, []bar{ratio(ebpfGo, 0.05)}},
	{"Parsing ELF to a spec", "tiny: one program, decoded", "loop", []string{"parse-decoded", "tiny.o"}, cpu, nil},
	{"Parsing ELF to a spec", "10 programs, 10 maps, decoded", "loop", []string{"parse-decoded", "ten.o"}, cpu, nil},
	{"Parsing ELF to a spec", "90 programs, 90 maps, 280 KB, decoded", "loop", []string{"parse-decoded", "big.o"}, cpu, nil},
	{"Parsing ELF to a spec", "90 programs, 90 maps, 1 MB, decoded", "loop", []string{"parse-decoded", "huge.o"}, cpu, nil},
	{"Parsing ELF to a spec", "allocations, decoded, tiny", "loop", []string{"parse-decoded", "tiny.o"}, allocs, nil},
	{"Parsing ELF to a spec", "allocations, decoded, 10 programs, 10 maps", "loop", []string{"parse-decoded", "ten.o"}, allocs, nil},
	{"Parsing ELF to a spec", "allocations, decoded, 280 KB", "loop", []string{"parse-decoded", "big.o"}, allocs, nil},
	{"Parsing ELF to a spec", "allocations, decoded, 1 MB", "loop", []string{"parse-decoded", "huge.o"}, allocs, nil},

	{"Loading in a cold process", "CO-RE object, CPU", "process", []string{"load", "core.o"}, cpu, []bar{ratio(ebpfGo, 0.2), ratio(libbpf, 0.5)}},
	{"Loading in a cold process", "tp_btf object, CPU", "process", []string{"load", "tpbtf.o"}, cpu, []bar{ratio(ebpfGo, 0.2), ratio(libbpf, 1)}},
	{"Loading in a cold process", "one program, no types of the kernel, CPU", "process", []string{"load", "tiny.o"}, cpu, nil},
	{"Loading in a cold process", "CO-RE object, peak memory", "process", []string{"load", "core.o"}, rss, []bar{ratio(ebpfGo, 0.4)}},
	{"Loading in a cold process", "bpf(2) calls, one program", "process", []string{"load", "tiny.o"}, calls, []bar{most(2)}},
	{"Loading in a cold process", "bpf(2) calls, CO-RE object with one map", "process", []string{"load", "core.o"}, calls, nil},

	{"Types of the kernel", "open, find one struct", "loop", []string{"btf-find"}, cpu, []bar{ratio(ebpfGo, 0.07), ratio(libbpf, 0.5)}},
	{"Types of the kernel", "open, find one struct, allocations", "loop", []string{"btf-find"}, allocs, nil},
	{"Types of the kernel", "open, find and decode one struct", "loop", []string{"btf-decode"}, cpu, nil},
	{"Types of the kernel", "open, visit all", "loop", []string{"btf-all"}, cpu, []bar{ratio(ebpfGo, 0.02), ratio(libbpf, 0.5)}},
	{"Types of the kernel", "open, visit all, allocations", "loop", []string{"btf-all"}, allocs, nil},
	{"Types of the kernel", "open, decode all", "loop", []string{"btf-inflate"}, cpu, nil},

	{"Maps and variables", "lookup, by value", "loop", []string{"lookup", "maps.o"}, cpu, []bar{above(30)}},
	{"Maps and variables", "lookup, by pointer", "loop", []string{"lookup-ptr", "maps.o"}, cpu, []bar{above(30)}},
	{"Maps and variables", "lookup, typed map", "loop", []string{"lookup-typed", "maps.o"}, cpu, []bar{above(30)}},
	{"Maps and variables", "update, by value", "loop", []string{"update", "maps.o"}, cpu, []bar{above(30)}},
	{"Maps and variables", "update, by pointer", "loop", []string{"update-ptr", "maps.o"}, cpu, []bar{above(30)}},
	{"Maps and variables", "update, typed map", "loop", []string{"update-typed", "maps.o"}, cpu, []bar{above(30)}},
	{"Maps and variables", "per-CPU lookup", "loop", []string{"percpu", "maps.o"}, cpu, []bar{above(50)}},
	{"Maps and variables", "iterate over 10,000, each", "loop", []string{"iterate", "maps.o", "10000"}, cpu, []bar{ratio(ebpfGo, 0.15)}},
	{"Maps and variables", "iterate over 10,000, typed map, each", "loop", []string{"iterate-typed", "maps.o", "10000"}, cpu, []bar{ratio(ebpfGo, 0.15)}},
	{"Maps and variables", "variable, Get", "loop", []string{"variable", "maps.o"}, cpu, nil},
	{"Maps and variables", "variable, shared memory", "loop", []string{"variable-view", "maps.o"}, cpu, []bar{most(2)}},
	{"Maps and variables", "variable, typed", "loop", []string{"variable-typed", "maps.o"}, cpu, []bar{most(2)}},
	{"Maps and variables", "variable, typed, atomic add", "loop", []string{"variable-add", "maps.o"}, cpu, nil},
	{"Maps and variables", "per-CPU sum, typed map", "loop", []string{"percpu-typed", "maps.o"}, cpu, []bar{above(50)}},
	{"Maps and variables", "allocations of a lookup, typed map", "loop", []string{"lookup-typed", "maps.o"}, allocs, []bar{most(0)}},
	{"Maps and variables", "allocations of an update, typed map", "loop", []string{"update-typed", "maps.o"}, allocs, []bar{most(0)}},
	{"Maps and variables", "allocations of a per-CPU sum, typed map", "loop", []string{"percpu-typed", "maps.o"}, allocs, []bar{most(0)}},
	{"Maps and variables", "allocations of a lookup by value", "loop", []string{"lookup", "maps.o"}, allocs, []bar{most(0)}},
	{"Maps and variables", "allocations of an update by value", "loop", []string{"update", "maps.o"}, allocs, []bar{most(0)}},
	{"Maps and variables", "allocations of a per-CPU lookup", "loop", []string{"percpu", "maps.o"}, allocs, []bar{most(0)}},

	{"Events and test runs", "ring buffer, 64 bytes, quickest way", "loop", []string{"ring", "maps.o"}, cpu, []bar{most(8), ratio(libbpf, 1)}},
	{"Events and test runs", "ring buffer, 64 bytes, event by event", "loop", []string{"ring-each", "maps.o"}, cpu, []bar{most(8)}},
	{"Events and test runs", "allocations of an event in a typed ring buffer", "loop", []string{"ring", "maps.o"}, allocs, []bar{most(0)}},
	{"Events and test runs", "ring buffer, 64 bytes, ReadInto", "loop", []string{"ring-read-into", "maps.o"}, cpu, nil},
	{"Events and test runs", "ring buffer, 64 bytes, Read", "loop", []string{"ring-read", "maps.o"}, cpu, nil},
	{"Events and test runs", "perf ring, 64 bytes", "loop", []string{"perf", "maps.o"}, cpu, []bar{most(15)}},
	{"Events and test runs", "test run", "loop", []string{"testrun", "maps.o"}, cpu, []bar{ratio(libbpf, 1.15)}},

	{"Generating", "two targets, CPU with clang's", "generate", []string{"fresh"}, cpu, []bar{ratio(ebpfGo, 0.75)}},
	{"Generating", "again, nothing changed", "generate", []string{"again"}, cpu, []bar{ratio(ebpfGo, 0.1)}},

	{"Size", "minimal loader, stripped", "build", []string{"minimal"}, size, []bar{ratio(ebpfGo, 0.6)}},
	{"Size", "minimal loader, packages linked", "build", []string{"minimal"}, packages, []bar{ratio(ebpfGo, 0.6)}},
}
