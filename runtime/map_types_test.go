package ebpf

import (
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// mapOps is what elements of maps of a type can have done to them.
type mapOps uint

const (
	canLookup mapOps = 1 << iota
	canDelete
	canList
	canTake // lookup and delete
)

// mapTest is a map with one element, for each type that has any.
type mapTest struct {
	spec  MapSpec
	key   any
	value func(t testing.TB) any // nil: a zero value
	ops   mapOps
}

const everything = canLookup | canDelete | canList

// storageTypes are what maps of local storage have to say about their elements.
func storageTypes(spec MapSpec) MapSpec {
	u32type := &btf.Int{Name: "u32", Size: 4}
	spec.KeySize, spec.ValueSize, spec.Key, spec.Value = 4, 4, u32type, u32type
	spec.Flags |= uapi.MapFlagNoPrealloc
	return spec
}

func mapTests() map[MapType]mapTest {
	four := MapSpec{KeySize: 4, ValueSize: 4, MaxEntries: 2}
	lpm := MapSpec{KeySize: 8, ValueSize: 4, MaxEntries: 2, Flags: uapi.MapFlagNoPrealloc}
	return map[MapType]mapTest{
		Hash:           {spec: four, key: uint32(1), ops: everything | canTake},
		LRUHash:        {spec: four, key: uint32(1), ops: everything | canTake},
		PerCPUHash:     {spec: four, key: uint32(1), value: onEachCPU, ops: everything | canTake},
		LRUCPUHash:     {spec: four, key: uint32(1), value: onEachCPU, ops: everything | canTake},
		Array:          {spec: four, key: uint32(1), ops: canLookup | canList},
		PerCPUArray:    {spec: four, key: uint32(1), value: onEachCPU, ops: canLookup | canList},
		LPMTrie:        {spec: lpm, key: [2]uint32{32, 1}, ops: everything},
		RHash:          {spec: MapSpec{KeySize: 4, ValueSize: 4, MaxEntries: 2, Flags: uapi.MapFlagNoPrealloc}, key: uint32(1), ops: everything},
		ProgramArray:   {spec: four, key: uint32(1), value: aProgram, ops: everything},
		PerfEventArray: {spec: four, key: uint32(1), value: aPerfEvent, ops: canDelete | canList},
		CGroupArray:    {spec: four, key: uint32(1), value: aCgroup, ops: canDelete | canList},
		ArrayOfMaps:    {spec: MapSpec{KeySize: 4, MaxEntries: 2, InnerMap: hashSpec()}, key: uint32(1), value: aMap, ops: everything},
		HashOfMaps:     {spec: MapSpec{KeySize: 4, MaxEntries: 2, InnerMap: hashSpec()}, key: uint32(1), value: aMap, ops: everything},
		DevMap:         {spec: four, key: uint32(1), value: loopback, ops: everything},
		DevMapHash:     {spec: four, key: uint32(1), value: loopback, ops: everything},
		CPUMap:         {spec: four, key: uint32(0), value: aQueue, ops: everything},
		SockMap:        {spec: MapSpec{KeySize: 4, ValueSize: 8, MaxEntries: 2}, key: uint32(1), value: aSocket, ops: everything},
		SockHash:       {spec: MapSpec{KeySize: 4, ValueSize: 8, MaxEntries: 2}, key: uint32(1), value: aSocket, ops: everything},
		Queue:          {spec: MapSpec{ValueSize: 4, MaxEntries: 2}, ops: canLookup | canTake},
		Stack:          {spec: MapSpec{ValueSize: 4, MaxEntries: 2}, ops: canLookup | canTake},
		SkStorage:      {spec: storageTypes(MapSpec{}), key: socketKey, ops: canLookup | canDelete},
		TaskStorage:    {spec: storageTypes(MapSpec{}), key: taskKey, ops: canLookup | canDelete},
		CgroupStorage:  {spec: storageTypes(MapSpec{}), key: cgroupKey, ops: canLookup | canDelete},
		InodeStorage:   {spec: storageTypes(MapSpec{}), key: inodeKey, ops: canLookup | canDelete},
	}
}

func onEachCPU(testing.TB) any   { return make([]uint32, MustPossibleCPU()) }
func loopback(testing.TB) any    { return uint32(testutil.Loopback) }
func aQueue(testing.TB) any      { return uint32(8) } // packets
func aMap(t testing.TB) any      { return newTestMap(t, hashSpec()) }
func aCgroup(t testing.TB) any   { return uint32(cgroupKey(t).(uint32)) }
func aSocket(t testing.TB) any   { return uint64(socketKey(t).(uint32)) }
func cgroupKey(t testing.TB) any { return openFile(t, testutil.Cgroup(t)) }
func inodeKey(t testing.TB) any  { return openFile(t, t.TempDir()) }

func aProgram(t testing.TB) any {
	p, err := NewProgram(returning(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func aPerfEvent(t testing.TB) any {
	event, err := kernel.PerfEventOpen(&unix.PerfEventAttr{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_BPF_OUTPUT, Sample_type: unix.PERF_SAMPLE_RAW}, -1, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { event.Close() })
	return uint32(event.Int())
}

func openFile(t testing.TB, path string) any {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return uint32(f.Fd())
}

// socketKey is one end of a connection.
func socketKey(t testing.TB) any {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	conn, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var number uint32
	if err := raw.Control(func(fd uintptr) { number = uint32(fd) }); err != nil {
		t.Fatal(err)
	}
	return number
}

func taskKey(t testing.TB) any {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return uint32(fd)
}

// takeFromHash is the first kernel with lookup and delete for hash maps.
var takeFromHash = uapi.KernelVersion{Major: 5, Minor: 14}

// Each operation on each type of map does what it should.
func TestEveryMapType(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for typ, test := range mapTests() {
		t.Run(typ.String(), func(t *testing.T) {
			since := uapi.MapType(typ).MinKernel()
			testutil.NeedsLinux(t, "map type "+typ.String(), since.Major, since.Minor)
			if typ == InodeStorage {
				testutil.Needs(t, testutil.InodeStorage)
			}
			test.spec.Type = typ
			m, err := NewMap(&test.spec)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			test.run(t, m)
		})
	}
}

func (test mapTest) run(t *testing.T, m *Map) {
	key := test.key
	if f, ok := key.(func(testing.TB) any); ok {
		key = f(t)
	}
	value := any(uint32(0))
	if test.value != nil {
		value = test.value(t)
	}
	if test.ops&canLookup != 0 && test.ops&canDelete != 0 {
		if b, err := m.LookupBytes(key); b != nil || err != nil {
			t.Errorf("before: %v, %v", b, err)
		}
	}
	if err := m.Put(key, value); err != nil {
		t.Fatal("put:", err)
	}
	if test.ops&canLookup != 0 {
		if b, err := m.LookupBytes(key); b == nil || err != nil {
			t.Errorf("lookup: %v, %v", b, err)
		}
	}
	if test.ops&canList != 0 {
		if b, err := m.NextKeyBytes(nil); b == nil || err != nil {
			t.Errorf("next key: %v, %v", b, err)
		}
	}
	if test.ops&canTake != 0 && (m.keySize == 0 || kernel.AtLeast(takeFromHash)) {
		out := any(new(uint32))
		if m.cpus > 0 {
			out = make([]uint32, m.cpus)
		}
		if err := m.LookupAndDelete(key, out); err != nil {
			t.Error("take:", err)
		}
		if err := m.Put(key, value); err != nil {
			t.Fatal("put again:", err)
		}
	}
	if test.ops&canDelete != 0 {
		if err := m.Delete(key); err != nil {
			t.Error("delete:", err)
		}
		if b, err := m.LookupBytes(key); b != nil || err != nil && test.ops&canLookup != 0 {
			t.Errorf("deleted: %v, %v", b, err)
		}
	} else if err := m.Delete(key); err == nil {
		t.Error("deleted what can't be")
	}
}
