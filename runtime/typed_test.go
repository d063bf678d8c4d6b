package ebpf

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// view is a view of a new map.
func view[T any, P viewOf[T]](t testing.TB, spec *MapSpec) T {
	t.Helper()
	v, err := View[T, P](newTestMap(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// is fails the test unless err wraps want.
func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func equal[T any](t testing.TB, what string, got T, err error, want T) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, %v, want %v", what, got, err, want)
	}
}

func TestHashMap(t *testing.T) {
	for _, typ := range []MapType{Hash, LRUHash} {
		t.Run(typ.String(), func(t *testing.T) {
			m := view[HashMap[uint32, uint64]](t, &MapSpec{Type: typ, KeySize: 4, ValueSize: 8, MaxEntries: 100})
			is(t, "Set", m.Set(1, 10), nil)
			is(t, "Insert what is there", m.Insert(1, 10), ErrKeyExist)
			is(t, "Replace nothing", m.Replace(2, 10), ErrKeyNotExist)
			is(t, "Replace", m.Replace(1, 11), nil)
			v, err := m.Get(1)
			equal(t, "Get", v, err, 11)
			_, err = m.Get(2)
			is(t, "Get nothing", err, ErrKeyNotExist)
			is(t, "Insert", m.Insert(2, 20), nil)
			var failed error
			equal(t, "Entries", maps.Collect(m.Entries(&failed)), failed, map[uint32]uint64{1: 11, 2: 20})
			if kernel.AtLeast(uapi.KernelVersion{Major: 5, Minor: 14}) {
				v, err = m.Take(2)
				equal(t, "Take", v, err, 20)
			} else {
				_, err = m.Take(2)
				is(t, "Take", err, ErrNotSupported)
				is(t, "Delete", m.Delete(2), nil)
			}
			is(t, "Delete", m.Delete(1), nil)
			is(t, "Delete nothing", m.Delete(1), ErrKeyNotExist)
			equal(t, "Entries of nothing", maps.Collect(m.Entries(&failed)), failed, map[uint32]uint64{})
		})
	}
}

func TestArrayMap(t *testing.T) {
	m := view[ArrayMap[uint32, uint16]](t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 2, MaxEntries: 3})
	is(t, "Set", m.Set(2, 7), nil)
	v, err := m.Get(2)
	equal(t, "Get", v, err, 7)
	_, err = m.Get(3)
	is(t, "Get behind the end", err, ErrKeyNotExist)
	var failed error
	equal(t, "Entries", maps.Collect(m.Entries(&failed)), failed, map[uint32]uint16{0: 0, 1: 0, 2: 7})
	equal(t, "Len", m.Len(), nil, 3)
}

func TestPerCPUMaps(t *testing.T) {
	cpus := MustPossibleCPU()
	want := make([]uint32, cpus)
	total := uint32(0)
	for i := range want {
		want[i] = uint32(i + 1)
		total += want[i]
	}
	add := func(a, b uint32) uint32 { return a + b }

	hash := view[PerCPUHashMap[uint64, uint32]](t, &MapSpec{Type: PerCPUHash, KeySize: 8, ValueSize: 4, MaxEntries: 10})
	is(t, "Set", hash.Set(5, want), nil)
	got, err := hash.Get(5)
	equal(t, "Get", got, err, want)
	equal(t, "Sum", Sum(got), nil, total)
	sum, err := hash.Reduce(5, add)
	equal(t, "Reduce", sum, err, total)
	_, err = hash.Reduce(6, add)
	is(t, "Reduce nothing", err, ErrKeyNotExist)
	var failed error
	n := 0
	for key, values := range hash.Entries(&failed) {
		n++
		equal(t, "Entries", values, failed, want)
		equal(t, "Entries", key, failed, 5)
	}
	equal(t, "Entries", n, failed, 1)
	if err := hash.Set(5, make([]uint32, cpus+1)); err == nil || !strings.Contains(err.Error(), "more than the") {
		t.Error("too many values:", err)
	}
	is(t, "Delete", hash.Delete(5), nil)

	array := view[PerCPUArrayMap[uint32, uint32]](t, &MapSpec{Type: PerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	is(t, "Set", array.Set(1, want), nil)
	sum, err = array.Reduce(1, add)
	equal(t, "Reduce", sum, err, total)
	is(t, "Set of the first CPU", array.Set(1, want[:1]), nil)
	sum, err = array.Reduce(1, add)
	equal(t, "Reduce", sum, err, 1)
	equal(t, "Len", array.Len(), nil, 2)
}

type prefix4 struct {
	Len  uint32
	Addr [4]byte
}

func TestLPMTrieMap(t *testing.T) {
	m := view[LPMTrieMap[prefix4, uint32]](t, &MapSpec{Type: LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 10, Flags: unix.BPF_F_NO_PREALLOC})
	is(t, "Set", m.Set(prefix4{8, [4]byte{10}}, 1), nil)
	is(t, "Set", m.Set(prefix4{16, [4]byte{10, 1}}, 2), nil)
	v, err := m.Get(prefix4{32, [4]byte{10, 1, 2, 3}})
	equal(t, "longest match", v, err, 2)
	v, err = m.Get(prefix4{32, [4]byte{10, 2, 2, 3}})
	equal(t, "shorter match", v, err, 1)
	_, err = m.Get(prefix4{32, [4]byte{11}})
	is(t, "no match", err, ErrKeyNotExist)
	var failed error
	equal(t, "Entries", maps.Collect(m.Entries(&failed)), failed, map[prefix4]uint32{{8, [4]byte{10}}: 1, {16, [4]byte{10, 1}}: 2})
	is(t, "Delete", m.Delete(prefix4{8, [4]byte{10}}), nil)
}

func TestQueueMap(t *testing.T) {
	queue := view[QueueMap[uint32]](t, &MapSpec{Type: Queue, ValueSize: 4, MaxEntries: 2})
	is(t, "Push", errors.Join(queue.Push(1), queue.Push(2)), nil)
	is(t, "Push to a full queue", queue.Push(3), unix.E2BIG)
	is(t, "PushEvict", queue.PushEvict(3), nil)
	v, err := queue.Peek()
	equal(t, "Peek", v, err, 2)
	v, err = queue.Pop()
	equal(t, "Pop", v, err, 2)

	stack := view[QueueMap[uint32]](t, &MapSpec{Type: Stack, ValueSize: 4, MaxEntries: 2})
	is(t, "Push", errors.Join(stack.Push(1), stack.Push(2)), nil)
	v, err = stack.Pop()
	equal(t, "Pop", v, err, 2)
	_, _ = stack.Pop()
	_, err = stack.Pop()
	is(t, "Pop of an empty stack", err, ErrKeyNotExist)
}

func TestBloomFilterMap(t *testing.T) {
	testutil.NeedsLinux(t, "bloom filters", 5, 16)
	m := view[BloomFilterMap[uint64]](t, &MapSpec{Type: BloomFilter, ValueSize: 8, MaxEntries: 100})
	is(t, "Add", m.Add(7), nil)
	has, err := m.Has(7)
	equal(t, "Has", has, err, true)
	has, err = m.Has(8)
	equal(t, "Has not", has, err, false)
}

func TestProgramArrayMap(t *testing.T) {
	m := view[ProgramArrayMap[uint32]](t, &MapSpec{Type: ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	prog, err := NewProgram(returning(1))
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	is(t, "Set", m.Set(1, prog), nil)
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	want, _ := info.ID()
	id, err := m.ID(1)
	equal(t, "ID", id, err, want)
	is(t, "Delete", m.Delete(1), nil)
	_, err = m.ID(1)
	is(t, "ID of none", err, ErrKeyNotExist)
}

func TestMapOfMaps(t *testing.T) {
	inner := &MapSpec{Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	outer := view[MapOfMaps[uint32, HashMap[uint32, uint64]]](t, &MapSpec{Type: HashOfMaps, KeySize: 4, MaxEntries: 4, InnerMap: inner})
	m := view[HashMap[uint32, uint64]](t, inner)
	is(t, "Set of inner", m.Set(1, 10), nil)
	is(t, "Set", outer.Set(5, m), nil)
	again, err := outer.Get(5)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	v, err := again.Get(1)
	equal(t, "Get of Get", v, err, 10)
	is(t, "Delete", outer.Delete(5), nil)
	_, err = outer.Get(5)
	is(t, "Get of nothing", err, ErrKeyNotExist)
}

func TestSocketMap(t *testing.T) {
	m := view[SocketMap[uint32]](t, &MapSpec{Type: SockMap, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	is(t, "Set", m.Set(0, fd), nil)
	is(t, "Set of a bad descriptor", m.Set(0, -1), unix.EBADF)
	is(t, "Delete", m.Delete(0), nil)
}

func TestStorageMap(t *testing.T) {
	spec := &MapSpec{
		Type: SkStorage, KeySize: 4, ValueSize: 4, Flags: unix.BPF_F_NO_PREALLOC,
		Key: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Value: &btf.Int{Name: "unsigned int", Size: 4},
	}
	m := view[StorageMap[uint32]](t, spec)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	_, err = m.Get(fd)
	is(t, "Get of nothing", err, ErrKeyNotExist)
	is(t, "Set", m.Set(fd, 7), nil)
	v, err := m.Get(fd)
	equal(t, "Get", v, err, 7)
	is(t, "Delete", m.Delete(fd), nil)
}

func TestSharedArrayMap(t *testing.T) {
	spec := &MapSpec{Type: Array, KeySize: 4, ValueSize: 16, MaxEntries: 10, Flags: unix.BPF_F_MMAPABLE}
	type pair struct{ A, B uint64 }
	m := view[SharedArrayMap[uint32, pair]](t, spec)
	m.Values()[9].B = 7
	v, err := m.Get(9)
	equal(t, "Get", v, err, pair{0, 7})
	equal(t, "Values", len(m.Values()), nil, 10)

	spec.ValueSize = 4
	_, err = View[SharedArrayMap[uint32, uint32]](newTestMap(t, spec))
	is(t, "small elements", err, ErrInvalidType)
}

// Every element of a big map is there, batch after batch, and the walk ends
// when the loop does.
func TestEntriesOfManyBatches(t *testing.T) {
	const n = 20000
	m := view[HashMap[uint32, uint64]](t, &MapSpec{Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: n})
	keys, values := make([]uint32, n), make([]uint64, n)
	for i := range keys {
		keys[i], values[i] = uint32(i), uint64(i)*3
	}
	if _, err := m.BatchUpdate(keys, values, nil); err != nil {
		t.Fatal(err)
	}
	seen := make([]bool, n)
	var failed error
	for k, v := range m.Entries(&failed) {
		if seen[k] || v != uint64(k)*3 {
			t.Fatal(k, v, seen[k])
		}
		seen[k] = true
	}
	if failed != nil || slices.Contains(seen, false) {
		t.Error("an element is missing", failed)
	}
	count := 0
	for range m.Entries() {
		if count++; count == 5 {
			break
		}
	}
	equal(t, "elements before break", count, nil, 5)

	oneByOne := 0
	err := m.readOneByOne(func(k, v []byte) bool { oneByOne++; return true })
	equal(t, "without batches", oneByOne, err, n)
}

// A bucket that doesn't fit a batch makes the batch grow.
func TestEntriesOfCrowdedBuckets(t *testing.T) {
	m := view[HashMap[uint32, [4096]byte]](t, &MapSpec{Type: Hash, KeySize: 4, ValueSize: 4096, MaxEntries: 4096, Flags: unix.BPF_F_NO_PREALLOC})
	for i := range uint32(4096) {
		err := m.Set(i, [4096]byte{byte(i)})
		// The kernel takes large elements from a cache of three, which it refills
		// later: when it comes to that.
		for end := time.Now().Add(time.Minute); errors.Is(err, unix.ENOMEM) && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
			err = m.Set(i, [4096]byte{byte(i)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	var failed error
	for range m.Entries(&failed) {
		n++
	}
	equal(t, "elements", n, failed, 4096)
}

func TestEntriesOfClosedMap(t *testing.T) {
	m := view[HashMap[uint32, uint64]](t, hashSpec())
	m.Close()
	var failed error
	for range m.Entries(&failed) {
		t.Error("an element of a closed map")
	}
	is(t, "Entries", failed, ErrClosed)
}

// Padding of keys and values is zero for the kernel, whatever Go has in it.
func TestViewsCleanPadding(t *testing.T) {
	type key struct {
		A uint8
		B uint32
	}
	m := view[HashMap[key, uint32]](t, &MapSpec{Type: Hash, KeySize: 8, ValueSize: 4, MaxEntries: 4})
	dirty := key{1, 2}
	copy(memoryAt(&dirty)[1:4], "abc")
	is(t, "Set", m.Set(dirty, 1), nil)
	b, err := m.NextKeyBytes(nil)
	if err != nil || b[1]|b[2]|b[3] != 0 {
		t.Errorf("key in the kernel: %x, %v", b, err)
	}
	if dirty.A != 1 {
		t.Error("the caller's key has changed")
	}
}

// A bool that C has set to something else is true, not trouble.
func TestViewsRepairBools(t *testing.T) {
	m := newTestMap(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 1, MaxEntries: 1})
	is(t, "Put", m.Put(uint32(0), uint8(2)), nil)
	typed, err := View[ArrayMap[uint32, bool]](m)
	if err != nil {
		t.Fatal(err)
	}
	v, err := typed.Get(0)
	if memoryAt(&v)[0] != 1 {
		t.Errorf("bool is %v, %v", memoryAt(&v), err)
	}
}

func TestViewErrors(t *testing.T) {
	hash := newTestMap(t, hashSpec())
	queue := newTestMap(t, &MapSpec{Name: "queue", Type: Queue, ValueSize: 4, MaxEntries: 1})
	for _, c := range []struct{ name, got, want string }{
		{"type of map", errorText(errorOf(View[HashMap[uint32, uint64]](queue))), `map "queue": a Queue is no HashMap: its types are [Hash LRUHash RHash StackTrace DevMap DevMapHash CPUMap]`},
		{"key", errorText(errorOf(View[HashMap[uint64, uint64]](hash))), `map "test": invalid type: key: uint64 has 8 bytes, in C it has 4`},
		{"value", errorText(errorOf(View[HashMap[uint32, uint32]](hash))), `map "test": invalid type: value: uint32 has 4 bytes, in C it has 8`},
		{"no fixed size", errorText(errorOf(View[HashMap[int, uint64]](hash))), `map "test": invalid type: key: int: the size of int depends on the machine: use a type with a size in its name`},
		{"Go pointer", errorText(errorOf(View[HashMap[uint32, *byte]](hash))), `map "test": invalid type: value: *uint8: *uint8 has no fixed size`},
		{"nil", errorText(errorOf(View[HashMap[uint32, uint64]](nil))), `view of a map: value is nil`},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

// The first field that differs from C is named.
func TestSameLayout(t *testing.T) {
	u8, u16, u32, u64 := &btf.Int{Name: "__u8", Size: 1}, &btf.Int{Name: "__u16", Size: 2}, &btf.Int{Name: "__u32", Size: 4}, &btf.Int{Name: "__u64", Size: 8}
	inner := &btf.Struct{Name: "inner", Size: 4, Members: []btf.Member{{Name: "a", Type: u16}, {Name: "b", Type: u16, Offset: 16}}}
	c := &btf.Struct{Name: "event", Size: 24, Members: []btf.Member{
		{Name: "pid", Type: u32},
		{Name: "in", Type: &btf.Const{Type: inner}, Offset: 32},
		{Name: "comm", Type: &btf.Array{Type: u8, Nelems: 8, Index: u32}, Offset: 64},
		{Name: "at", Type: &btf.Typedef{Name: "at_t", Type: u64}, Offset: 128},
	}}
	type in struct{ A, B uint16 }
	for _, test := range []struct {
		name string
		typ  any
		want string
	}{
		{"same", struct {
			Pid  uint32
			In   in
			Comm [8]byte
			At   uint64
		}{}, ""},
		{"bytes for a member", struct {
			Pid  uint32
			In   [4]byte
			Comm [8]uint8
			At   int64
		}{}, ""},
		{"inner fields swapped for one", struct {
			Pid  uint32
			In   struct{ A uint32 }
			Comm [8]byte
			At   uint64
		}{}, "field In.A: uint32 has 4 bytes, C's __u16 has 2"},
		{"other size", struct {
			Pid uint64
			In  [16]byte
		}{}, "field Pid: uint64 has 8 bytes, C's __u32 has 4"},
		{"moved", struct {
			Pid  uint32
			In   in
			Comm [4]byte
			At   [3]uint32
		}{}, "field Comm: [4]uint8 has 4 bytes, C's array has 8"},
		{"missing", struct {
			Pid uint32
			In  in
		}{}, "struct { Pid uint32; In ebpf.in } has no field at offset 8, where C's struct event has comm"},
		{"too long", struct {
			Pid  uint32
			In   in
			Comm [8]byte
			At   uint64
			More uint64
		}{}, "has 32 bytes, C's struct event has 24"},
		{"scalar", uint64(0), "uint64 has 8 bytes, C's struct event has 24"},
	} {
		typ := reflect.TypeOf(test.typ)
		got := errorText(sameLayout(typ, c, ""))
		if (test.want == "") != (got == "") || !strings.HasSuffix(got, test.want) {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestViewAllocs(t *testing.T) {
	type pair struct{ A, B uint32 }
	hash := view[HashMap[pair, pair]](t, &MapSpec{Type: Hash, KeySize: 8, ValueSize: 8, MaxEntries: 100})
	for i := range uint32(50) {
		_ = hash.Set(pair{i, i}, pair{i, i})
	}
	array := view[ArrayMap[uint32, [64]byte]](t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 64, MaxEntries: 4})
	percpu := view[PerCPUArrayMap[uint32, uint64]](t, &MapSpec{Type: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 4})
	queue := view[QueueMap[uint64]](t, &MapSpec{Type: Queue, ValueSize: 8, MaxEntries: 4})
	values := make([]uint64, percpu.cpus)
	var sum uint32
	for name, f := range map[string]func() error{
		"Get": func() error { _, err := hash.Get(pair{sum % 50, sum % 50}); return err },
		"Get of nothing": func() error {
			if _, err := hash.Get(pair{99, 99}); !errors.Is(err, ErrKeyNotExist) {
				return err
			}
			return nil
		},
		"Set":       func() error { return hash.Set(pair{sum % 50, 1}, pair{sum, 1}) },
		"array Get": func() error { _, err := array.Get(sum % 4); return err },
		"array Set": func() error { return array.Set(sum%4, [64]byte{1}) },
		"GetInto":   func() error { return percpu.GetInto(sum%4, values) },
		"Reduce": func() error {
			_, err := percpu.Reduce(sum%4, func(a, b uint64) uint64 { return a + b })
			return err
		},
		"Push and Pop": func() error {
			if err := queue.Push(uint64(sum)); err != nil {
				return err
			}
			_, err := queue.Pop()
			return err
		},
		"Pop of nothing": func() error {
			if _, err := queue.Pop(); !errors.Is(err, ErrKeyNotExist) {
				return err
			}
			return nil
		},
		"Entries": func() error {
			var failed error
			for k, v := range hash.Entries(&failed) {
				sum += k.A + v.B
			}
			return failed
		},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Allocs(t, 0, func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
