package ebpf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

func hashSpec() *MapSpec {
	return &MapSpec{Name: "test", Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4}
}

func TestMapElements(t *testing.T) {
	m := newTestMap(t, hashSpec())

	if err := m.Put(uint32(1), uint64(10)); err != nil {
		t.Fatal(err)
	}
	if err := m.Update(uint32(1), uint64(11), UpdateNoExist); !errors.Is(err, ErrKeyExist) {
		t.Error("UpdateNoExist:", err)
	}
	if err := m.Update(uint32(2), uint64(11), UpdateExist); !errors.Is(err, ErrKeyNotExist) {
		t.Error("UpdateExist:", err)
	}
	var v uint64
	if err := m.Lookup(uint32(1), &v); err != nil || v != 10 {
		t.Error("Lookup:", v, err)
	}
	if b, err := m.LookupBytes(uint32(1)); err != nil || len(b) != 8 {
		t.Error("LookupBytes:", b, err)
	}
	if b, err := m.LookupBytes(uint32(2)); err != nil || b != nil {
		t.Error("LookupBytes of nothing:", b, err)
	}
	var key uint32
	if err := m.NextKey(nil, &key); err != nil || key != 1 {
		t.Error("NextKey:", key, err)
	}
	if err := m.NextKey(uint32(1), &key); !errors.Is(err, ErrKeyNotExist) {
		t.Error("NextKey of the last:", err)
	}
	if b, err := m.NextKeyBytes(key); err != nil || b != nil {
		t.Error("NextKeyBytes of the last:", b, err)
	}
	if err := m.Delete(uint32(1)); err != nil {
		t.Error("Delete:", err)
	}
	if err := m.Delete(uint32(1)); !errors.Is(err, ErrKeyNotExist) {
		t.Error("Delete of nothing:", err)
	}
	if err := m.Lookup(uint32(1), &v); !errors.Is(err, ErrKeyNotExist) {
		t.Error("Lookup of nothing:", err)
	}
}

// What a map knows of the types it has seen must not let others pass.
func TestMapTypesTakeTurns(t *testing.T) {
	m := newTestMap(t, hashSpec())
	type number struct{ N uint64 }
	key, value := uint32(1), uint64(10)
	for range 3 {
		for i, put := range []struct{ key, value any }{
			{key, value}, {&key, &value}, {unsafe.Pointer(&key), unsafe.Pointer(&value)},
			{int32(key), number{value}}, {[]byte{0: 1, 3: 0}, &number{value}},
		} {
			if err := m.Put(put.key, put.value); err != nil {
				t.Error("put", i, err)
			}
			for _, out := range []any{new(uint64), new(number), new([8]byte), make([]byte, 8), unsafe.Pointer(new(uint64))} {
				if err := m.Lookup(put.key, out); err != nil {
					t.Errorf("lookup %d into %T: %v", i, out, err)
				}
			}
		}
		for _, bad := range []any{nil, (*uint64)(nil), (*number)(nil), uint32(1), []byte{1}, unsafe.Pointer(nil), m} {
			if err := m.Put(key, bad); err == nil {
				t.Errorf("put %T %v: no error", bad, bad)
			}
			if err := m.Lookup(key, bad); err == nil {
				t.Errorf("lookup into %T %v: no error", bad, bad)
			}
		}
	}

	perCPU := newTestMap(t, &MapSpec{Name: "test", Type: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	values := make([]number, MustPossibleCPU())
	for range 3 {
		if err := errors.Join(perCPU.Put(uint32(0), values), perCPU.Lookup(uint32(0), &values), perCPU.Lookup(uint32(0), values)); err != nil {
			t.Error(err)
		}
		if err := perCPU.Put(uint32(0), number{1}); err == nil {
			t.Error("a per-CPU map took one value")
		}
		if err := perCPU.Lookup(uint32(0), new(number)); err == nil {
			t.Error("a per-CPU map gave one value")
		}
	}
}

func TestMapLookupAndDelete(t *testing.T) {
	testutil.NeedsLinux(t, "hash maps with lookup and delete", 5, 14)
	m := newTestMap(t, &MapSpec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 2})
	if err := m.Put(uint32(1), uint32(10)); err != nil {
		t.Fatal(err)
	}
	var v uint32
	if err := m.LookupAndDelete(uint32(1), &v); err != nil || v != 10 {
		t.Error("LookupAndDelete:", v, err)
	}
	if err := m.LookupAndDelete(uint32(1), &v); !errors.Is(err, ErrKeyNotExist) {
		t.Error("LookupAndDelete of nothing:", err)
	}
}

// Errors name the map, the operation, and what is wrong with what.
func TestMapErrors(t *testing.T) {
	m := newTestMap(t, hashSpec())
	queue := newTestMap(t, &MapSpec{Name: "queue", Type: Queue, ValueSize: 4, MaxEntries: 1})
	percpu := newTestMap(t, &MapSpec{Name: "percpu", Type: PerCPUArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	var v uint64
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"missing", m.Lookup(uint32(1), &v), `map "test": lookup: key does not exist`},
		{"key size", m.Lookup(uint64(1), &v), `map "test": lookup: key: uint64 has 8 bytes, needed are 4`},
		{"value size", m.Put(uint32(1), uint32(1)), `map "test": update: value: uint32 has 4 bytes, needed are 8`},
		{"into a value", m.Lookup(uint32(1), v), `map "test": lookup: value: can't decode into uint64: it is not a pointer`},
		{"no key", m.Lookup(nil, &v), `map "test": lookup: key: value is nil`},
		{"key for none", queue.Put(uint32(1), uint32(1)), `map "queue": update: key: uint32 has 4 bytes, needed are 0`},
		{"map in a hash", m.Put(uint32(1), m), `map "test": update: value: a Hash can't hold that`},
		{"program in a hash", m.Put(uint32(1), (*Program)(nil)), `map "test": update: value: a Hash can't hold that`},
		{"map from a hash", m.Lookup(uint32(1), new(*Map)), `map "test": lookup: key does not exist`},
		{"per CPU", percpu.Put(uint32(0), uint32(1)), fmt.Sprintf(`map "percpu": update: value: uint32 is not a slice: each of the %d possible CPUs has a value of its own`, percpu.cpus)},
		{"too many CPUs", percpu.Put(uint32(0), make([]uint32, percpu.cpus+1)), fmt.Sprintf(`map "percpu": update: value: %d values are more than the %d possible CPUs`, percpu.cpus+1, percpu.cpus)},
		{"too few CPUs", percpu.Lookup(uint32(0), []uint32{}), fmt.Sprintf(`map "percpu": lookup: value: 0 values don't fit the %d possible CPUs`, percpu.cpus)},
		{"index", percpu.Put(uint32(1), []uint32{}), `map "percpu": update: the map is full (1 elements, MaxEntries): BPF_MAP_UPDATE_ELEM: argument list too long`},
		{"memory", second(m.Memory()), `memory of map "test": made without BPF_F_MMAPABLE: unsupported operation`},
	} {
		if got := errorText(c.err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestMapFull(t *testing.T) {
	m := newTestMap(t, hashSpec())
	var err error
	for i := uint32(0); err == nil && i < 100; i++ {
		err = m.Put(i, uint64(i))
	}
	if !errors.Is(err, unix.E2BIG) {
		t.Error(err)
	}
}

func TestMapKeyless(t *testing.T) {
	queue := newTestMap(t, &MapSpec{Type: Queue, ValueSize: 4, MaxEntries: 2})
	for _, v := range []uint32{1, 2} {
		if err := queue.Put(nil, v); err != nil {
			t.Fatal(err)
		}
	}
	var v uint32
	if err := queue.LookupAndDelete(nil, &v); err != nil || v != 1 {
		t.Error(v, err)
	}
	if err := queue.Lookup(nil, &v); err != nil || v != 2 {
		t.Error(v, err)
	}
}

func TestMapBloomFilter(t *testing.T) {
	testutil.NeedsLinux(t, "bloom filters", 5, 16)
	bloom := newTestMap(t, &MapSpec{Type: BloomFilter, ValueSize: 4, MaxEntries: 8})
	if err := bloom.Put(nil, uint32(7)); err != nil {
		t.Error(err)
	}
	if err := bloom.Lookup(nil, ptr(uint32(7))); err != nil {
		t.Error(err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestMapIterate(t *testing.T) {
	m := newTestMap(t, &MapSpec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 100})
	want := make(map[uint32]uint32)
	for i := range uint32(50) {
		want[i] = i * 2
		if err := m.Put(i, i*2); err != nil {
			t.Fatal(err)
		}
	}
	got := make(map[uint32]uint32)
	var k, v uint32
	it := m.Iterate()
	for it.Next(&k, &v) {
		got[k] = v
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if it.Next(&k, &v) {
		t.Error("there is more after the end")
	}
	it = m.Iterate()
	if it.Next(&k, new(uint64)) || it.Err() == nil {
		t.Error("a value of another size is no error")
	}
}

// More elements than a batch has: nothing is missed or seen twice, whatever is
// deleted meanwhile, and what this Map has deleted isn't seen.
func TestMapIterateWhileDeleting(t *testing.T) {
	const n = 5000
	for _, typ := range []MapType{Hash, LRUHash, PerCPUHash, LPMTrie} {
		t.Run(typ.String(), func(t *testing.T) {
			spec := &MapSpec{Type: typ, KeySize: 8, ValueSize: 8, MaxEntries: 2 * n}
			if typ == LPMTrie {
				spec.Flags = uapi.MapFlagNoPrealloc
			}
			m := newTestMap(t, spec)
			key := func(i uint32) [2]uint32 { return [2]uint32{32, i} }
			for i := range uint32(n) {
				value := any(uint64(i))
				if m.cpus > 0 {
					value = []uint64{uint64(i)}
				}
				if err := m.Put(key(i), value); err != nil {
					t.Fatal(err)
				}
			}
			gone, seen := map[uint32]bool{}, map[uint32]bool{}
			var k [2]uint32
			out := any(new(uint64))
			if m.cpus > 0 {
				out = make([]uint64, m.cpus)
			}
			it := m.Iterate()
			for it.Next(&k, out) {
				i := k[1]
				if gone[i] || seen[i] {
					t.Fatalf("key %d: deleted %v, seen before %v", i, gone[i], seen[i])
				}
				seen[i] = true
				if other := (i + 1) % n; typ != LPMTrie && !seen[other] && i%3 == 0 {
					if err := m.Delete(key(other)); err != nil && !errors.Is(err, ErrKeyNotExist) {
						t.Fatal(err)
					}
					gone[other] = true
				}
			}
			if err := it.Err(); err != nil || len(seen)+len(gone) != n {
				t.Errorf("%d seen, %d deleted, of %d: %v", len(seen), len(gone), n, err)
			}
		})
	}
}

func TestMapIterateAllocates(t *testing.T) {
	m := newTestMap(t, &MapSpec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 2000})
	for i := range uint32(2000) {
		if err := m.Put(i, i); err != nil {
			t.Fatal(err)
		}
	}
	var k, v uint32
	testutil.Allocs(t, 8, func() { // the iterator, its buffers, and learning of the end: nothing an element
		for it := m.Iterate(); it.Next(&k, &v); {
		}
	})
}

// An array of file descriptors has keys without values.
func TestMapIterateSkipsHoles(t *testing.T) {
	m := newTestMap(t, &MapSpec{Type: ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	p, err := NewProgram(returning(3))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := m.Put(uint32(2), p); err != nil {
		t.Fatal(err)
	}
	var k uint32
	var got *Program
	it := m.Iterate()
	n := 0
	for ; it.Next(&k, &got); n++ {
		defer got.Close()
	}
	if it.Err() != nil || n != 1 || k != 2 || got.Type() != SocketFilter {
		t.Error(n, k, got, it.Err())
	}
}

func TestMapPerCPU(t *testing.T) {
	for _, typ := range []MapType{PerCPUHash, PerCPUArray, LRUCPUHash} {
		t.Run(typ.String(), func(t *testing.T) {
			m := newTestMap(t, &MapSpec{Type: typ, KeySize: 4, ValueSize: 4, MaxEntries: 2})
			cpus := MustPossibleCPU()
			want := make([]uint32, cpus)
			for i := range want {
				want[i] = uint32(i + 1)
			}
			if err := m.Put(uint32(0), want); err != nil {
				t.Fatal(err)
			}
			var fresh []uint32
			sized := make([]uint32, cpus)
			named := make([]number, cpus)
			arrays := make([][2]uint16, cpus)
			for _, out := range []any{&fresh, sized, &named, arrays} {
				if err := m.Lookup(uint32(0), out); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(fresh, want) || !slices.Equal(sized, want) || named[cpus-1] != number(cpus) {
				t.Error(fresh, sized, named, want)
			}
			raw, err := m.LookupBytes(uint32(0))
			if err != nil || len(raw) != cpus*8 {
				t.Error(raw, err)
			}
			if err := m.Put(uint32(1), []uint32{7}); err != nil {
				t.Fatal(err)
			}
			var k uint32
			seen := 0
			for it := m.Iterate(); it.Next(&k, &fresh); seen++ {
				if k == 1 && (fresh[0] != 7 || cpus > 1 && fresh[1] != 0) {
					t.Error("values of CPUs that weren't given:", fresh)
				}
			}
			if seen != 2 {
				t.Error(seen)
			}
		})
	}
}

func TestMapPerCPUCustom(t *testing.T) {
	m := newTestMap(t, &MapSpec{Type: PerCPUArray, KeySize: 4, ValueSize: 3, MaxEntries: 1})
	in := make([]custom, m.cpus)
	for i := range in {
		in[i].text = fmt.Sprintf("%03d", i)
	}
	if err := m.Put(uint32(0), in); err != nil {
		t.Fatal(err)
	}
	out := make([]custom, m.cpus)
	if err := m.Lookup(uint32(0), out); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(in, out) {
		t.Error(out)
	}
}

func TestMapInMap(t *testing.T) {
	inner := &MapSpec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	outer := newTestMap(t, &MapSpec{Type: HashOfMaps, KeySize: 4, MaxEntries: 2, InnerMap: inner})
	in := newTestMap(t, inner)
	if err := in.Put(uint32(0), uint64(5)); err != nil {
		t.Fatal(err)
	}
	if err := outer.Put(uint32(1), in); err != nil {
		t.Fatal(err)
	}
	var got *Map
	for range 2 { // the second time, what was there is closed
		if err := outer.Lookup(uint32(1), &got); err != nil {
			t.Fatal(err)
		}
	}
	defer got.Close()
	var v uint64
	if err := got.Lookup(uint32(0), &v); err != nil || v != 5 {
		t.Error(v, err)
	}
	if err := outer.Put(uint32(0), outer); err == nil {
		t.Error("a map can contain itself")
	}
}

// Batches work on every type of map with keys and values to list, whether or not
// the kernel has them.
func TestMapBatch(t *testing.T) {
	for _, spec := range []*MapSpec{
		{Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 64},
		{Type: LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 4096},
		{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 32},
		{Type: LPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 64, Flags: uapi.MapFlagNoPrealloc},
		{Type: DevMapHash, KeySize: 4, ValueSize: 4, MaxEntries: 64}, // no kernel has batches for it
	} {
		t.Run(spec.Type.String(), func(t *testing.T) { testBatch(t, newTestMap(t, spec)) })
	}
}

func testBatch(t *testing.T, m *Map) {
	const n = 32
	key := func(i uint32) []byte {
		if m.typ == LPMTrie {
			return append(u32(32), u32(i)...)
		}
		return u32(i)
	}
	value := func(i uint32) uint64 {
		if m.typ == DevMapHash {
			return testutil.Loopback
		}
		return uint64(i) * 3
	}
	var keys, values [][]byte
	want := make(map[string]string)
	for i := range uint32(n) {
		v := make([]byte, m.valueSize)
		copy(v, u32(uint32(value(i))))
		keys, values = append(keys, key(i)), append(values, v)
		want[string(key(i))] = string(v)
	}
	if n, err := m.BatchUpdate(keys, values, nil); err != nil || n != len(keys) {
		t.Fatal(n, err)
	}
	got := make(map[string]string)
	var cursor MapBatchCursor
	k, v := make([][]byte, 20), make([][]byte, 20)
	for batches := 0; ; batches++ {
		for i := range k {
			k[i], v[i] = make([]byte, m.keySize), make([]byte, m.valueSize)
		}
		n, err := m.BatchLookup(&cursor, k, v, nil)
		for i := range n {
			got[string(k[i])] = string(v[i])
		}
		if errors.Is(err, ErrKeyNotExist) {
			break
		}
		if err != nil || batches > n {
			t.Fatal(n, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	switch n, err := m.BatchDelete(keys[:10], nil); {
	case m.typ == Array:
		if err == nil {
			t.Error("deleted from an array", n)
		}
		return
	case err != nil || n != 10:
		t.Error(n, err)
	}
	if n, err := m.BatchDelete(keys[8:12], nil); n != 0 || !errors.Is(err, ErrKeyNotExist) {
		t.Error("deleted what is gone:", n, err)
	}
	all, rest := make([][]byte, 64), make([][]byte, 64)
	for i := range all {
		all[i], rest[i] = make([]byte, m.keySize), make([]byte, m.valueSize)
	}
	if left, err := m.BatchLookupAndDelete(new(MapBatchCursor), all, rest, nil); !errors.Is(err, ErrKeyNotExist) || left != n-10 {
		t.Error(left, err)
	}
	if _, err := m.NextKeyBytes(nil); err != nil {
		t.Error("there is more:", err)
	}
}

func TestMapBatchPerCPU(t *testing.T) {
	testutil.Needs(t, testutil.MapBatch)
	m := newTestMap(t, &MapSpec{Type: PerCPUHash, KeySize: 4, ValueSize: 4, MaxEntries: 8})
	keys := []uint32{1, 2}
	values := make([]uint32, 2*m.cpus)
	for i := range values {
		values[i] = uint32(100 + i)
	}
	if _, err := m.BatchUpdate(keys, values, nil); err != nil {
		t.Fatal(err)
	}
	var one []uint32
	if err := m.Lookup(uint32(2), &one); err != nil || !slices.Equal(one, values[m.cpus:]) {
		t.Error(one, values, err)
	}
	k, v := make([]uint32, 4), make([]uint32, 4*m.cpus)
	n, err := m.BatchLookup(new(MapBatchCursor), k, v, nil)
	if !errors.Is(err, ErrKeyNotExist) || n != 2 {
		t.Fatal(n, err)
	}
	for i := range n {
		if v[i*m.cpus] != 100+(k[i]-1)*uint32(m.cpus) {
			t.Error(k, v)
		}
	}
}

func TestMapBatchErrors(t *testing.T) {
	m := newTestMap(t, hashSpec())
	other := newTestMap(t, hashSpec())
	var cursor MapBatchCursor
	_, _ = other.BatchLookup(&cursor, make([]uint32, 4), make([]uint64, 4), nil)
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"keys", second(m.BatchDelete(uint32(1), nil)), `map "test": batch operation: keys: uint32 is not a slice`},
		{"values", second(m.BatchUpdate([]uint32{1}, []uint64{1, 2}, nil)), `map "test": batch operation: 2 values for 1 keys: needed are 1`},
		{"size", second(m.BatchUpdate([]uint32{1}, []uint32{1}, nil)), `map "test": batch operation: values: element 0: uint32 has 4 bytes, needed are 8`},
		{"cursor", second(m.BatchLookup(nil, []uint32{}, []uint64{}, nil)), `map "test": batch operation: no cursor`},
		{"cursor of another map", second(m.BatchLookup(&cursor, []uint32{}, []uint64{}, nil)), `map "test": batch operation: the cursor is of map "test"`},
		{"missing", second(m.BatchDelete([]uint32{1}, nil)), `map "test": batch operation: key does not exist`},
	} {
		if got := errorText(c.err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestMapFreeze(t *testing.T) {
	testutil.Needs(t, testutil.MapFreeze)
	m := newTestMap(t, &MapSpec{Name: "frozen", Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	err := m.Put(uint32(0), uint32(1))
	if want := `map "frozen": update: BPF_MAP_UPDATE_ELEM: operation not permitted: the map is frozen, or was opened or made without write access`; errorText(err) != want || !errors.Is(err, unix.EPERM) {
		t.Error(err)
	}
	info, err := m.Info()
	if err != nil || !info.Frozen() {
		t.Error(info, err)
	}
}

func TestMapMemory(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	m := newTestMap(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 3, Flags: uapi.MapFlagMmapable})
	mm, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.Memory(); err != nil || again != mm {
		t.Error("not the same again:", err)
	}
	if mm.ReadOnly() || int(mm.Size()) != os.Getpagesize() {
		t.Error(mm.ReadOnly(), mm.Size())
	}
	if _, err := mm.WriteAt(u32(7), 8); err != nil {
		t.Fatal(err)
	}
	var v uint32
	if err := m.Lookup(uint32(1), &v); err != nil || v != 7 {
		t.Error(v, err)
	}
	if _, err := mm.WriteAt(u32(7), int64(mm.Size())-2); err == nil {
		t.Error("wrote beyond the end")
	}
	if _, err := mm.ReadAt(make([]byte, 1), int64(mm.Size())); err == nil {
		t.Error("read beyond the end")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := mm.ReadAt(make([]byte, 4), 0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := mm.WriteAt(make([]byte, 4), 0); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := m.Memory(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestMapMemoryOfFrozen(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable, testutil.MapFreeze)
	m := newTestMap(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 3, Flags: uapi.MapFlagMmapable})
	if err := m.Freeze(); err != nil {
		t.Fatal(err)
	}
	mm, err := m.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mm.WriteAt(make([]byte, 4), 0); !mm.ReadOnly() || !errors.Is(err, ErrReadOnly) {
		t.Error(mm.ReadOnly(), err)
	}
}

func TestMapClose(t *testing.T) {
	m, err := NewMap(hashSpec())
	if err != nil {
		testutil.Needs(t, testutil.BPF)
		t.Fatal(err)
	}
	clone, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	defer clone.Close()
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := (*Map)(nil).Close(); err != nil {
		t.Error(err)
	}
	var v uint64
	for name, err := range map[string]error{
		"Lookup":  m.Lookup(uint32(1), &v),
		"Put":     m.Put(uint32(1), uint64(1)),
		"Delete":  m.Delete(uint32(1)),
		"NextKey": m.NextKey(nil, new(uint32)),
		"Freeze":  m.Freeze(),
		"Pin":     m.Pin("/sys/fs/bpf/never"),
		"Info":    second(m.Info()),
		"Clone":   second(m.Clone()),
		"Batch":   second(m.BatchDelete([]uint32{1}, nil)),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m.FD() != -1 {
		t.Error(m.FD())
	}
	if err := clone.Put(uint32(1), uint64(1)); err != nil {
		t.Error("the clone is closed, too:", err)
	}
}

// Closing a map while others use it gives them ErrClosed and nothing else.
func TestMapCloseWhileInUse(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	for range 50 {
		m, err := NewMap(&MapSpec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: uapi.MapFlagMmapable})
		if err != nil {
			t.Fatal(err)
		}
		mm, err := m.Memory()
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		use := func(op func() error) {
			wg.Go(func() {
				for {
					if err := op(); err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		use(func() error { return m.Lookup(uint32(0), new(uint64)) })
		use(func() error { return m.Put(uint32(0), uint64(1)) })
		use(func() error { _, err := mm.ReadAt(make([]byte, 8), 0); return err })
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

func TestMapFromIDAndFD(t *testing.T) {
	m := newTestMap(t, hashSpec())
	info, err := m.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Name != "test" || info.Type != Hash || info.KeySize != 4 || info.ValueSize != 8 || info.MaxEntries != 4 {
		t.Error(info)
	}
	id, _ := info.ID()
	same, err := NewMapFromID(id)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	if err := hashSpec().Compatible(same); err != nil {
		t.Error(err)
	}
	if next, err := MapGetNextID(id - 1); err != nil || next != id {
		t.Error(next, err)
	}
	if _, err := NewMapFromID(1 << 31); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	raw, err := unix.Dup(m.FD())
	if err != nil {
		t.Fatal(err)
	}
	dup, err := NewMapFromFD(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer dup.Close()
	if dup.Type() != Hash || dup.String() == "" {
		t.Error(dup)
	}
	if _, err := NewMapFromFD(-1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestMapPin(t *testing.T) {
	dir := testutil.BPFFS(t)
	m := newTestMap(t, hashSpec())
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := m.Pin(a); err != nil || !m.IsPinned() {
		t.Fatal(err)
	}
	if err := m.Pin(b); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(a); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the pin was copied:", err)
	}
	same, err := LoadPinnedMap(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer same.Close()
	if !same.IsPinned() || same.Type() != Hash {
		t.Error(same)
	}
	readOnly, err := LoadPinnedMap(b, &LoadPinOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	if err := readOnly.Put(uint32(1), uint64(1)); !errors.Is(err, unix.EPERM) {
		t.Error(err)
	}
	if _, err := LoadPinnedProgram(b, nil); err == nil {
		t.Error("a map is taken for a program")
	} else if want := fmt.Sprintf("pinned program %s: it is a bpf-map, not a bpf-prog", b); err.Error() != want {
		t.Error(err)
	}
	for range 2 {
		if err := m.Unpin(); err != nil || m.IsPinned() {
			t.Error(err)
		}
	}
	if _, err := LoadPinnedMap(b, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	tmp := filepath.Join(t.TempDir(), "pin")
	if err := m.Pin(tmp); err == nil || m.IsPinned() {
		t.Error("pinned outside of a BPF file system")
	} else if want := fmt.Sprintf(`pin map "test" to %s: BPF_OBJ_PIN: operation not permitted: %s isn't in a BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf)`, tmp, filepath.Dir(tmp)); err.Error() != want {
		t.Errorf("\n got %s\nwant %s", err, want)
	}
}

func TestMapAllocs(t *testing.T) {
	type pair struct{ A, B uint32 }
	m := newTestMap(t, hashSpec())
	percpu := newTestMap(t, &MapSpec{Type: PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err := m.Put(uint32(1000), uint64(1)); err != nil {
		t.Fatal(err)
	}
	sums := make([]uint64, percpu.cpus)
	key := uint32(1000)
	for name, f := range map[string]func() error{
		"lookup by value":   func() error { var v uint64; return m.Lookup(key, &v) },
		"lookup by pointer": func() error { k, v := key, uint64(0); return m.Lookup(&k, &v) },
		"lookup of struct":  func() error { var v pair; return m.Lookup(key, &v) },
		"update by value":   func() error { return m.Put(key, uint64(key)<<32) },
		"update of struct":  func() error { return m.Put(key, pair{key, 1}) },
		"next key":          func() error { var k uint32; return m.NextKey(nil, &k) },
		"per-CPU lookup":    func() error { return percpu.Lookup(uint32(0), sums) },
		"per-CPU update":    func() error { return percpu.Put(uint32(0), sums) },
		"unsafe.Pointer":    func() error { v := uint64(1); return m.Put(unsafe.Pointer(&key), unsafe.Pointer(&v)) },
		"miss": func() error {
			var v uint64
			if err := m.Lookup(key+1, &v); err != nil && !errors.Is(err, ErrKeyNotExist) {
				return err
			}
			return nil
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

func BenchmarkMapLookup(b *testing.B) {
	m := newTestMap(b, hashSpec())
	if err := m.Put(uint32(1), uint64(1)); err != nil {
		b.Fatal(err)
	}
	key := uint32(1)
	b.Run("by value", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v uint64
			if err := m.Lookup(key, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		floor := floorLookup(m)
		for b.Loop() {
			if floor() != 0 {
				b.Fatal("failed")
			}
		}
	})
}

// floorLookup is the bare system call.
func floorLookup(m *Map) func() unix.Errno {
	key, value := uint32(1), uint64(0)
	attr := struct {
		fd         uint32
		_          uint32
		key, value unsafe.Pointer
		flags      uint64
	}{fd: uint32(m.FD()), key: unsafe.Pointer(&key), value: unsafe.Pointer(&value)}
	return func() unix.Errno {
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_MAP_LOOKUP_ELEM, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		return errno
	}
}
