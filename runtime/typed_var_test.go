package ebpf

import (
	"errors"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

type dataSpecs struct {
	TargetPid VarSpec[uint32]  `ebpf:"target_pid"`
	Verbose   VarSpec[bool]    `ebpf:"verbose"`
	Config    VarSpec[cConfig] `ebpf:"config"`
	Counter   VarSpec[uint64]  `ebpf:"counter"`
}

type dataVars struct {
	TargetPid Const[uint32]  `ebpf:"target_pid"`
	Verbose   Const[bool]    `ebpf:"verbose"`
	Config    Const[cConfig] `ebpf:"config"`
	Counter   IntVar[uint64] `ebpf:"counter"`
	Negative  IntVar[int32]  `ebpf:"negative"`
	Bytes     Var[[5]byte]   `ebpf:"bytes"`
	Current   Var[cConfig]   `ebpf:"current"`
	Dropped   IntVar[uint64] `ebpf:"dropped"`
	Histogram Var[[8]uint32] `ebpf:"histogram"`
	Map       ArrayMap[uint32, [96]byte]
}

// Variables are set before load, read and changed after, all typed.
func TestTypedVariables(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	spec := parse(t, objectFile("data"))
	var specs dataSpecs
	if err := spec.Assign(&specs); err != nil {
		t.Fatal(err)
	}
	equal(t, "initial value", specs.Counter.Get(), nil, 1000)
	specs.TargetPid.Set(5)
	specs.Verbose.Set(false)
	config := specs.Config.Get()
	config.Hi = 99
	specs.Config.Set(config)

	var vars dataVars
	if err := spec.LoadAndAssign(&vars, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "target_pid", vars.TargetPid.Get(), nil, 5)
	equal(t, "verbose", vars.Verbose.Get(), nil, false)
	equal(t, "config", vars.Config.Get(), nil, config)
	equal(t, "counter", vars.Counter.Get(), nil, 1000)
	equal(t, "Add", vars.Counter.Add(5), nil, 1005)
	equal(t, "Add to a negative number", vars.Negative.Add(-3), nil, -5)
	vars.Dropped.Set(7)
	equal(t, "dropped", vars.Dropped.Get(), nil, 7)
	equal(t, "bytes", vars.Bytes.Get(), nil, [5]byte{1, 2, 3, 4, 5})
	vars.Bytes.Set([5]byte{9})
	var untyped [5]byte
	is(t, "Get of the variable itself", vars.Bytes.Untyped().Get(&untyped), nil)
	equal(t, "bytes", untyped, nil, [5]byte{9})
	current := vars.Current.Get()
	current.Level = 3
	vars.Current.Set(current)
	equal(t, "current", vars.Current.Get(), nil, current)

	testutil.Allocs(t, 0, func() {
		vars.Counter.Add(1)
		vars.Current.Set(vars.Current.Get())
		vars.Dropped.Set(vars.Dropped.Get() + 1)
		_ = vars.Config.Get()
	})
	vars.Counter.Untyped().m.Close()
	vars.Counter.Set(3) // seen by nobody, and no crash
	_ = vars.Counter.Get()
}

func TestTypedVariableErrors(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	for _, c := range []struct {
		name string
		to   any
		want error
		text string
	}{
		{"variable for a constant", &struct {
			A Var[uint32] `ebpf:"target_pid"`
		}{}, ErrReadOnly, `load and assign: field A: variable "target_pid": it is a constant, which a Const is for: resource is read-only`},
		{"size", &struct {
			A Var[uint32] `ebpf:"counter"`
		}{}, ErrInvalidType, `load and assign: field A: variable "counter": invalid type: uint32 has 4 bytes, C's __u64 has 8`},
		{"field", &struct {
			A Const[struct {
				ID    uint32
				Level uint16
				More  [22]byte
			}] `ebpf:"config"`
		}{}, ErrInvalidType, `load and assign: field A: variable "config": invalid type: field Level: uint16 has 2 bytes, C's enum level has 4`},
		{"map", &struct {
			A HashMap[uint32, uint32] `ebpf:"counter"`
		}{}, errNotThere, ""},
		{"twice", &struct {
			A Var[uint64] `ebpf:"counter"`
			B *Variable   `ebpf:"counter"`
		}{}, nil, `load and assign: field B: "counter" is already assigned to field A`},
	} {
		err := parse(t, objectFile("data")).LoadAndAssign(c.to, nil)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || c.text != "" && err.Error() != c.text {
			t.Errorf("%s:\n got %v\nwant %s", c.name, err, c.text)
		}
	}
}

// One object with maps of many kinds, all of which get their views.
func TestLoadTypedMaps(t *testing.T) {
	testutil.NeedsLinux(t, "bloom filters", 5, 16)
	type pair struct {
		A uint32
		B uint16
		C [2]uint8
	}
	var objs struct {
		Hash        HashMap[pair, uint64]          `ebpf:"hash"`
		Array       SharedArrayMap[uint32, pair]   `ebpf:"array"`
		PerCPUHash  PerCPUHashMap[uint32, pair]    `ebpf:"percpu_hash"`
		PerCPUArray PerCPUArrayMap[uint32, uint64] `ebpf:"percpu_array"`
		LRU         HashMap[uint64, uint32]        `ebpf:"lru_on_node"`
		LPM         LPMTrieMap[prefix4, uint32]    `ebpf:"lpm"`
		Bloom       BloomFilterMap[uint32]         `ebpf:"bloom"`
		Queue       QueueMap[pair]                 `ebpf:"queue"`
		Stack       QueueMap[uint32]               `ebpf:"stack"`
		Ring        RingBufMap[pair]               `ebpf:"ringbuf"`
		UserRing    *Map                           `ebpf:"user_ringbuf"`
		Perf        PerfEventMap[pair]             `ebpf:"perf_events"`
		StackTraces HashMap[uint32, [20]uint64]    `ebpf:"stack_traces"`
		Sockets     StorageMap[pair]               `ebpf:"sk_storage"`
		Devices     HashMap[uint32, [8]byte]       `ebpf:"devmap"`
		CPUs        HashMap[uint32, [8]byte]       `ebpf:"cpumap"`
		SockHash    SocketMap[uint64]              `ebpf:"sockhash"`
		Cgroups     SocketMap[uint32]              `ebpf:"cgroups"`
		Program     *Program                       `ebpf:"use_maps"`
	}
	if err := parse(t, objectFile("maps")).LoadAndAssign(&objs, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []interface{ Close() error }{
		objs.Hash, objs.Array, objs.PerCPUHash, objs.PerCPUArray, objs.LRU, objs.LPM, objs.Bloom, objs.Queue, objs.Stack,
		objs.Ring, objs.UserRing, objs.Perf, objs.StackTraces, objs.Sockets, objs.Devices, objs.CPUs, objs.SockHash,
		objs.Cgroups, objs.Program,
	} {
		defer c.Close()
	}
	is(t, "PerCPUArray", objs.PerCPUArray.Set(0, []uint64{1}), nil)
	_, _, err := objs.Program.Test(make([]byte, 64))
	is(t, "Test", err, nil)
	n, err := objs.PerCPUArray.Get(0)
	equal(t, "what the program counted", Sum(n), err, 2)
	var failed error
	for _, v := range objs.Array.Entries(&failed) {
		equal(t, "Array", v, failed, pair{})
	}

	var wrong struct {
		Hash HashMap[struct {
			A uint16
			B [6]byte
		}, uint64] `ebpf:"hash"`
	}
	err = parse(t, objectFile("maps")).LoadAndAssign(&wrong, nil)
	want := `load and assign: field Hash: map "hash": invalid type: key: field A: uint16 has 2 bytes, C's __u32 has 4`
	if errorText(err) != want || !errors.Is(err, ErrInvalidType) {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
