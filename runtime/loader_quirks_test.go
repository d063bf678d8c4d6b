package ebpf

import (
	"os"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// quirks is what the kernel takes of quirks.bpf.c: older ones don't know all of
// its maps, which only those have who ask for them.
func quirks(t *testing.T, since uapi.KernelVersion, maps ...string) *Collection {
	t.Helper()
	testutil.Needs(t, testutil.BTF, testutil.GlobalData)
	testutil.NeedsLinux(t, "map "+maps[0]+" of quirks.bpf.c", since.Major, since.Minor)
	coll, err := load(parse(t, objectFile("quirks")), selection{maps: maps}, &CollectionOptions{})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(coll.Close)
	return coll
}

// What maps are like in the kernel, which differs from what their definitions say.
func TestMapsAsTheKernelTakesThem(t *testing.T) {
	page := uint32(os.Getpagesize())
	for _, c := range []struct {
		name    string
		since   uapi.KernelVersion
		typ     MapType
		key     uint32
		value   uint32
		entries uint32
		flags   uint32
	}{
		{"of_typedef", uapi.KernelVersion{Major: 4, Minor: 18}, Hash, 4, 8, 3, 0},
		{"small_ring", uapi.KernelVersion{Major: 5, Minor: 8}, RingBuf, 0, 0, max(page, 4096), 0},
		{"large_ring", uapi.KernelVersion{Major: 5, Minor: 8}, RingBuf, 0, 0, max(page, 1<<17), 0},
		{"many_events", uapi.KernelVersion{Major: 4, Minor: 18}, PerfEventArray, 4, 4, 1 << 10, 0},
		{"cgroup_storage", uapi.KernelVersion{Major: 4, Minor: 19}, CGroupStorage, 16, 8, 0, 0},
		{"filter", uapi.KernelVersion{Major: 5, Minor: 16}, BloomFilter, 0, 4, 10, 0},
		{"of_tasks", uapi.KernelVersion{Major: 5, Minor: 11}, TaskStorage, 4, 8, 0, uapi.MapFlagNoPrealloc},
		{"of_inodes", uapi.KernelVersion{Major: 5, Minor: 10}, InodeStorage, 4, 8, 0, uapi.MapFlagNoPrealloc},
		{"of_cgroups", uapi.KernelVersion{Major: 6, Minor: 2}, CgroupStorage, 4, 8, 0, uapi.MapFlagNoPrealloc},
		{".data", uapi.KernelVersion{Major: 5, Minor: 5}, Array, 4, 8, 1, uapi.MapFlagMmapable},
		{".data.private", uapi.KernelVersion{Major: 5, Minor: 5}, Array, 4, 8, 1, 0},
		{".bss.lock", uapi.KernelVersion{Major: 5, Minor: 5}, Array, 4, 4, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.typ == InodeStorage {
				testutil.Needs(t, testutil.InodeStorage)
			}
			info, err := quirks(t, c.since, c.name).Maps[c.name].Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Type != c.typ || info.KeySize != c.key || info.ValueSize != c.value || info.MaxEntries != c.entries || info.Flags != c.flags {
				t.Errorf("the kernel has %+v, want %+v", info, c)
			}
			if extra, _ := info.MapExtra(); c.typ == BloomFilter && extra != 5 {
				t.Errorf("%d hash functions", extra)
			}
		})
	}
}

// Names are cut where the kernel has no room for more; in a collection they stay
// apart.
func TestLongNames(t *testing.T) {
	testutil.NeedsLinux(t, "arguments of global functions that are not NULL", 6, 8)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("quirks"))
	name := "a_program_with_a_long_name"
	coll, err := load(spec, selection{programs: []string{name}}, &CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if got, _, err := coll.Programs[name].Test(make([]byte, 14)); got != 8 || err != nil {
		t.Errorf("returned %d, %v; want 8, one more than the weak variable has", got, err)
	}
	for i, name := range []string{"a_map_with_a_long_name_1", "a_map_with_a_long_name_2"} {
		m := coll.Maps[name]
		var n uint64
		if err := m.Lookup(uint32(0), &n); err != nil || n != uint64(i+1) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if info, err := m.Info(); err != nil || info.Name != name[:15] {
			t.Errorf("the kernel calls it %q, %v", info.Name, err)
		}
	}
}

// A program in a section that means nothing is as good as any other, as soon as
// somebody says what it is. Until then it keeps no other from being loaded.
func TestUnknownSection(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	spec := parse(t, objectFile("quirks"))
	want := selection{programs: []string{"unknown"}}
	_, err := load(spec, want, &CollectionOptions{})
	wantError(t, err, `program "unknown" (section "from-container")`, "set ProgramSpec.Type")
	spec.Programs["unknown"].Type = SchedCLS
	want.programs = append(want.programs, "numbered", "classified", "acts")
	coll, err := load(spec, want, &CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if got, _, err := coll.Programs["unknown"].Test(make([]byte, 14)); got != 2 || err != nil {
		t.Errorf("returned %d, %v", got, err)
	}
	for name, typ := range map[string]ProgramType{"numbered": SkSKB, "classified": SchedCLS, "acts": SchedACT} {
		if got := coll.Programs[name].Type(); got != typ {
			t.Errorf("%s is of type %v, want %v", name, got, typ)
		}
	}
}
