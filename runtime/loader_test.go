package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// Objects that load whole, and leave nothing behind when they are closed.
func TestLoadObjects(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for _, name := range []string{
		"beyond", "callbacks", "calls", "calls-nobtf", "core", "data", "isa", "legacy", "maps", "minimal", "nested", "programs", "types",
	} {
		t.Run(name, func(t *testing.T) {
			switch name {
			case "callbacks":
				testutil.Needs(t, testutil.Callbacks)
			case "isa":
				testutil.NeedsLinux(t, "may_goto", 6, 9)
			case "maps":
				testutil.NeedsLinux(t, "bloom filters", 5, 16)
			case "programs":
				testutil.Needs(t, testutil.TCX)
			}
			testutil.CheckFDs(t)
			spec := parse(t, objectFile(name))
			coll, err := NewCollectionWithOptions(spec, CollectionOptions{Maps: MapOptions{PinPath: testutil.BPFFS(t)}})
			if err != nil {
				t.Fatalf("%+v", err)
			}
			defer coll.Close()
			for name, ps := range spec.Programs {
				if (coll.Programs[name] == nil) != ps.Optional {
					t.Errorf("program %s, optional %v: %v", name, ps.Optional, coll.Programs[name])
				}
			}
			if len(coll.Maps) != len(spec.Maps) {
				t.Error("maps:", coll.Maps)
			}
		})
	}
}

// Every program loads by itself, and only the maps it uses with it.
func TestLoadSinglePrograms(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	needs := map[string]testutil.Feature{
		"fentry": testutil.Fentry, "fexit_sleepable": testutil.Fentry, "fmod_ret": testutil.Fentry,
		"lsm": testutil.LSM, "lsm_sleepable": testutil.LSM, "lsm_cgroup": testutil.LSM,
		"tp_btf": testutil.TracingRawTp, "iter_task": testutil.Iter, "iter_sleepable": testutil.Iter,
	}
	since := map[string]uapi.KernelVersion{
		"fexit_sleepable": {Major: 6, Minor: 2}, // on a function that may sleep
		"iter_sleepable":  {Major: 5, Minor: 12},
		"lsm_cgroup":      {Major: 6, Minor: 0}, "on_syscall": {Major: 5, Minor: 14}, "uprobe_sleepable": {Major: 6, Minor: 0},
		"xdp_frags": {Major: 5, Minor: 18}, "xdp_frags_cpumap": {Major: 5, Minor: 18},
	}
	spec := parse(t, objectFile("programs"))
	delete(spec.Programs, "freplace") // extends another program: see TestLoadErrors
	for _, name := range sortedKeys(spec.Programs) {
		t.Run(name, func(t *testing.T) {
			if feature, ok := needs[name]; ok {
				testutil.Needs(t, feature)
			}
			testutil.NeedsLinux(t, "program "+name+" of programs.bpf.c", since[name].Major, since[name].Minor)
			testutil.CheckFDs(t)
			coll, err := load(spec, selection{programs: []string{name}}, &CollectionOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer coll.Close()
			if len(coll.Programs) != 1 || len(coll.Maps) != 0 {
				t.Error(coll.Programs, coll.Maps)
			}
		})
	}
}

func TestLoadContents(t *testing.T) {
	coll := collection(t, "nested")
	ret, _, err := coll.Programs["enter"].Test(make([]byte, 14))
	if err != nil || ret != 1 {
		t.Fatal("tail calls don't end in XDP_DROP:", ret, err)
	}
	var count uint64
	if err := coll.Maps["inner_b"].Lookup(uint32(0), &count); err != nil || count != 1 {
		t.Error("the program didn't find the inner map:", count, err)
	}
	var inner *Map
	if err := coll.Maps["outer_filled"].Lookup(uint32(1), &inner); err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if err := inner.Lookup(uint32(0), &count); err != nil || count != 1 {
		t.Error("it is another inner map:", count, err)
	}
}

// What variables are set to before loading is what programs see; what programs
// write is what variables then are.
func TestLoadVariables(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.MapMmapable)
	spec := parse(t, objectFile("data"))
	pid := spec.Variables["target_pid"]
	if err := pid.Set(uint32(100)); err != nil {
		t.Fatal(err)
	}
	spec.Variables["counter"].Value = binary.NativeEndian.AppendUint64(nil, 5) // not the map's memory
	coll, err := NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if _, _, err := coll.Programs["sum"].Test(make([]byte, 14)); err != nil {
		t.Fatal(err)
	}
	var counter, scratch uint64
	if err := coll.Variables["counter"].Get(&counter); err != nil || counter != 5+100+7+1024 {
		t.Error(counter, err)
	}
	if err := coll.Variables["scratch"].Get(&scratch); err != nil || scratch != counter {
		t.Error(scratch, err)
	}
	histogram := coll.Variables["histogram"]
	var values [8]uint32
	if err := histogram.Get(&values); err != nil || values[0] != 1 || histogram.Size() != 32 || histogram.ReadOnly() {
		t.Error(values, err)
	}
	values[0] = 9
	if err := histogram.Set(values); err != nil {
		t.Error(err)
	}
	if _, _, err := coll.Programs["sum"].Test(make([]byte, 14)); err != nil {
		t.Fatal(err)
	}
	if err := histogram.Get(values[:]); err != nil || values[0] != 10 {
		t.Error("the program doesn't see what was set:", values, err)
	}

	constant := coll.Variables["target_pid"]
	if !constant.ReadOnly() || constant.Type().Name != "target_pid" {
		t.Error(constant)
	}
	var v uint32
	if err := constant.Get(&v); err != nil || v != 100 {
		t.Error(v, err)
	}
	err = constant.Set(uint32(1))
	if want := `set variable "target_pid": it is a constant, to be set in the spec before loading: resource is read-only`; errorText(err) != want || !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	err = histogram.Set(uint64(1))
	if want := `set variable "histogram": uint64 has 8 bytes, needed are 32`; errorText(err) != want {
		t.Error(err)
	}
}

func TestVariableAllocs(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	counter := collection(t, "data").Variables["counter"]
	testutil.Allocs(t, 0, func() {
		var v uint64
		if err := counter.Get(&v); err != nil {
			t.Fatal(err)
		}
		if err := counter.Set(v + 1); err != nil {
			t.Fatal(err)
		}
	})
}

// Constants are frozen before the verifier looks at them, or else it couldn't
// rely on them.
func TestLoadFreezes(t *testing.T) {
	testutil.Needs(t, testutil.MapFreeze)
	coll := collection(t, "data")
	for name, want := range map[string]bool{".rodata": true, ".rodata.tuning": true, ".data": false, ".bss": false} {
		info, err := coll.Maps[name].Info()
		if err != nil || info.Frozen() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// Relocated programs read the fields of this kernel's structs.
func TestLoadRelocates(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	coll := collection(t, "core")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, name := range []string{"read", "fields", "types", "enums", "guarded"} {
		if _, err := coll.Programs[name].Run(&RunOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var seen struct {
		Pid, Tgid, ParentPid                            uint32
		ResetOnFork, PidSize, PidOffset, PidSigned      uint32
		HasPid, HasOldState, HasNewState, HasMissing    uint32
		HasAnonymous, HasTask, HasMissingType, TaskSize uint32
		MissingSize, ListMatches, WrongMatches          uint32
		LocalID, TargetID, HasArray, HasNonsense        uint32
		HasWide                                         uint32
		_                                               [4]byte
		ArrayValue                                      uint64
		Comm                                            [16]byte
	}
	if err := coll.Variables["seen"].Get(&seen); err != nil {
		t.Fatal(err)
	}
	comm, err := os.ReadFile("/proc/thread-self/comm")
	if err != nil {
		t.Fatal(err)
	}
	if int(seen.Pid) != unix.Gettid() || int(seen.Tgid) != os.Getpid() || int(seen.ParentPid) != os.Getppid() || kernel.GoString(seen.Comm[:]) != strings.TrimSpace(string(comm)) {
		t.Errorf("%+v: tid %d, pid %d, ppid %d, comm %s", seen, unix.Gettid(), os.Getpid(), os.Getppid(), comm)
	}
	if seen.HasPid != 1 || seen.HasMissing != 0 || seen.PidSize != 4 || seen.PidSigned != 1 || seen.ArrayValue != 2 || seen.HasNonsense != 0 {
		t.Errorf("%+v", seen)
	}
}

// Types that are given take the place of the running kernel's.
func TestLoadWithGivenTypes(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	builder, err := btf.NewBuilder([]btf.Type{&btf.Struct{Name: "task_struct", Size: 4}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	types, err := builder.Spec()
	if err != nil {
		t.Fatal(err)
	}
	_, err = load(parse(t, objectFile("core")), selection{programs: []string{"read"}}, &CollectionOptions{Programs: ProgramOptions{KernelTypes: types}})
	if err == nil || !strings.Contains(err.Error(), "has no member") {
		t.Error(err)
	}
}

// Several loads can share the types of the kernel.
func TestLoadWithCache(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	opts := CollectionOptions{Cache: btf.NewCache()}
	for range 2 {
		coll, err := NewCollectionWithOptions(parse(t, objectFile("core")), opts)
		if err != nil {
			t.Fatal(err)
		}
		coll.Close()
	}
}

func TestRingSize(t *testing.T) {
	for _, c := range []struct{ size, want uint32 }{
		{0, 0}, {1, 4096}, {4096, 4096}, {4097, 8192}, {5000, 8192}, {1 << 20, 1 << 20}, {1<<20 + 1, 1 << 21}, {1 << 31, 1 << 31}, {1<<31 + 1, 1<<31 + 1},
	} {
		if got := ringSize(c.size, 4096); got != c.want {
			t.Errorf("%d: got %d, want %d", c.size, got, c.want)
		}
	}
}

// What the kernel insists on is put right; the spec stays as it is.
func TestMapFixUps(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.RingBuf)
	cpus := uint32(MustPossibleCPU())
	for _, c := range []struct {
		name                   string
		spec                   MapSpec
		key, value, maxEntries uint32
	}{
		{"ring buffer", MapSpec{Type: RingBuf, ValueSize: 24, MaxEntries: 5}, 0, 0, uint32(os.Getpagesize())},
		{"perf events, all CPUs", MapSpec{Type: PerfEventArray}, 4, 4, cpus},
		{"perf events, more than CPUs", MapSpec{Type: PerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: cpus + 1}, 4, 4, cpus + 1},
		{"program array", MapSpec{Type: ProgramArray, MaxEntries: 2}, 4, 4, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.spec
			m := newTestMap(t, &c.spec)
			info, err := m.Info()
			if err != nil || info.KeySize != c.key || info.ValueSize != c.value || info.MaxEntries != c.maxEntries {
				t.Error(info, err)
			}
			if m.KeySize() != c.key || m.ValueSize() != c.value || m.MaxEntries() != c.maxEntries {
				t.Error(m)
			}
			if diff := cmp.Diff(before.String(), c.spec.String()); diff != "" {
				t.Error("the spec has changed:", diff)
			}
		})
	}
}

// Events beyond the last CPU are only left out if the kernel takes no such map.
func TestLesserMap(t *testing.T) {
	always := func(uapi.KernelVersion) bool { return true }
	for _, c := range []struct {
		typ              MapType
		maxEntries, want uint32
	}{{PerfEventArray, 10_000, 4}, {PerfEventArray, 2, 2}, {Array, 10_000, 10_000}} {
		got := lesserMap(kernel.MapCreateAttr{MapType: uint32(c.typ), MaxEntries: c.maxEntries}, 4, always)
		if got.MaxEntries != c.want {
			t.Errorf("%v of %d: got %d, want %d", c.typ, c.maxEntries, got.MaxEntries, c.want)
		}
	}
}

// The kernel takes letters, digits, '_' and '.' in names, 15 of them.
func TestNames(t *testing.T) {
	spec := hashSpec()
	spec.Name = "a-b/c d:very_long"
	info, err := newTestMap(t, spec).Info()
	if err != nil || info.Name != "a_b_c_d_very_lo" {
		t.Error(info, err)
	}
	ps := returning(0)
	ps.Name = "p.r-o-g"
	p, err := NewProgram(ps)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if info, err := p.Info(); err != nil || info.Name != "p.r_o_g" {
		t.Error(info, err)
	}
}

// Where the kernel takes a map's types, it gets them; a map that can't have
// types is made without.
func TestMapTypes(t *testing.T) {
	testutil.Needs(t, testutil.BTF)
	u32type := &btf.Int{Name: "u32", Size: 4}
	for _, c := range []struct {
		name  string
		spec  MapSpec
		typed bool
	}{
		{"typed", MapSpec{Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Key: u32type, Value: u32type}, true},
		{"of another size", MapSpec{Type: Hash, KeySize: 8, ValueSize: 4, MaxEntries: 1, Key: u32type, Value: u32type}, false},
		{"no key", MapSpec{Type: BloomFilter, ValueSize: 4, MaxEntries: 1, Value: u32type}, true},
		{"programs", MapSpec{Type: ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Key: u32type, Value: u32type}, true},
		{"types for people", MapSpec{Type: RingBuf, MaxEntries: 4096, Value: u32type}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.spec.Type == BloomFilter {
				testutil.NeedsLinux(t, "bloom filters", 5, 16)
			}
			info, err := newTestMap(t, &c.spec).Info()
			if err != nil {
				t.Fatal(err)
			}
			if id, typed := info.BTFID(); typed != c.typed {
				t.Error(id)
			}
		})
	}
}

// All maps and programs of a collection share one BTF.
func TestOneBTF(t *testing.T) {
	testutil.NeedsLinux(t, "bloom filters", 5, 16)
	coll, err := load(parse(t, objectFile("maps")), selection{programs: []string{"use_maps"}}, &CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	prog, err := coll.Programs["use_maps"].Info()
	if err != nil {
		t.Fatal(err)
	}
	want, ok := prog.BTFID()
	if !ok {
		t.Fatal("the program has none")
	}
	info, err := coll.Maps["hash"].Info()
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := info.BTFID(); id != want {
		t.Error(id, want)
	}
}

func TestPinByName(t *testing.T) {
	dir := testutil.BPFFS(t)
	testutil.CheckFDs(t)
	opts := CollectionOptions{Maps: MapOptions{PinPath: dir}}
	spec := parse(t, objectFile("maps"))
	path := filepath.Join(dir, "pinned")
	first, err := load(spec, selection{maps: []string{"pinned"}}, &opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Maps["pinned"].Put(uint32(1), uint64(2)); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}

	second, err := load(spec, selection{maps: []string{"pinned"}}, &opts)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	var v uint64
	if err := second.Maps["pinned"].Lookup(uint32(1), &v); err != nil || v != 2 {
		t.Error("it isn't the same map:", v, err)
	}

	changed := spec.Copy()
	changed.Maps["pinned"].MaxEntries = 5
	changed.Maps["pinned"].KeySize = 8
	changed.Maps["pinned"].Key = nil
	_, err = load(changed, selection{maps: []string{"pinned"}}, &opts)
	want := fmt.Sprintf(`map "pinned": use the map pinned at %s: map spec is incompatible with existing map: key size: the map has 4, the spec 8; max entries: the map has 2, the spec 5`, path)
	if errorText(err) != want || !errors.Is(err, ErrMapIncompatible) {
		t.Errorf("\n got %v\nwant %s", err, want)
	}

}

// Without a path, maps are pinned where libbpf pins them; no name leads out of the
// folder.
func TestPinPath(t *testing.T) {
	spec := MapSpec{Name: "m", Pinning: PinByName}
	for _, test := range []struct{ dir, want string }{{"", "/sys/fs/bpf/m"}, {"/run/bpf", "/run/bpf/m"}} {
		if got, err := spec.pinPath(MapOptions{PinPath: test.dir}); got != test.want || err != nil {
			t.Errorf("pin path %q: got %q, %v; want %q", test.dir, got, err, test.want)
		}
	}
	for _, name := range []string{"../m", "sub/m", "/m", ".", ".."} {
		spec.Name = name
		if got, err := spec.pinPath(MapOptions{}); err == nil {
			t.Errorf("a map called %q would be pinned at %s", name, got)
		}
	}
}

// iproute2's definitions: the inner map is the one whose ID the outer map names,
// and is put where it asks to be. Programs go to where their sections say, and
// have the type of those that call them.
func TestIproute2(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("iproute2"))
	opts := CollectionOptions{Maps: MapOptions{PinPath: testutil.BPFFS(t)}}
	_, err := NewCollectionWithOptions(spec, opts)
	wantError(t, err, `program "stray" (section "6/1")`, "set ProgramSpec.Type")
	spec.Programs["stray"].Type = SchedCLS

	_, err = NewCollectionWithOptions(spec, opts)
	wantError(t, err, `map "later"`, "set MapSpec.InnerMap")
	spec.Maps["later"].InnerMap = &MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}

	coll, err := NewCollectionWithOptions(spec, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if _, _, err := coll.Programs["count"].Test(make([]byte, 14)); err != nil {
		t.Fatal(err)
	}
	var n uint64
	if err := coll.Maps["inner"].Lookup(uint32(0), &n); err != nil || n != 1 {
		t.Errorf("the inner map has %d, %v; want 1: the program found it at index 3", n, err)
	}
	if !coll.Maps["shared"].IsPinned() {
		t.Error("a map with iproute2's global pinning isn't pinned")
	}
	if ret, _, err := coll.Programs["jump"].Test(make([]byte, 14)); ret != 42 || err != nil {
		t.Errorf("three tail calls give %d, %v; want the 42 of the last", ret, err)
	}
	if spec.Programs["third"].Type != UnspecifiedProgram {
		t.Error("loading has changed the spec")
	}
}

// A program array has the same type as its callers, who have to agree about it.
func TestTailCallsOfSeveralTypes(t *testing.T) {
	spec := parse(t, objectFile("iproute2"))
	spec.Programs["count"].Instructions = spec.Programs["jump"].Instructions
	spec.Programs["count"].Type = SocketFilter
	_, err := load(spec, selection{programs: []string{"count", "jump"}}, &CollectionOptions{})
	wantError(t, err, `program "first" (section "5/3")`, "set ProgramSpec.Type")
}

// The kernel's samples have a number for the inner map, and a NUMA node.
func TestSampleMaps(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("samples"))
	if got := spec.Programs["look"].KernelVersion; got != 0x60102 {
		t.Errorf("kernel version %#x", got)
	}
	if n := spec.Maps["outer"].Extra.Len(); n != 8 {
		t.Errorf("%d bytes behind the flags", n)
	}
	coll, err := NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if err := coll.Maps["outer"].Put(uint32(0), coll.Maps["second"]); err != nil {
		t.Fatal("a map like the inner one:", err)
	}
	if ret, _, err := coll.Programs["look"].Test(make([]byte, 14)); ret != 1 || err != nil {
		t.Errorf("the program finds the inner map: %d, %v", ret, err)
	}
	var n uint64
	if err := coll.Maps["shorter"].Lookup(uint32(0), &n); err != nil || n != 1 {
		t.Errorf("the map of the old definition has %d, %v", n, err)
	}
}

// A collection that fails to load takes its new pins away, and leaves others'.
func TestFailureUnpins(t *testing.T) {
	dir := testutil.BPFFS(t)
	testutil.CheckFDs(t)
	opts := CollectionOptions{Maps: MapOptions{PinPath: dir}}
	spec := parse(t, objectFile("maps"))
	spec.Programs["bad"] = rejected()
	want := selection{maps: []string{"pinned"}, programs: []string{"bad"}}
	if _, err := load(spec, want, &opts); err == nil {
		t.Fatal("loaded")
	}
	path := filepath.Join(dir, "pinned")
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("the pin is still there:", err)
	}
	before, err := load(spec, selection{maps: []string{"pinned"}}, &opts)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	if _, err := load(spec, want, &opts); err == nil {
		t.Fatal("loaded")
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("another collection's pin is gone:", err)
	}
}

// rejected is a program that the verifier rejects.
func rejected() *ProgramSpec {
	return &ProgramSpec{Name: "bad", Type: SocketFilter, SectionName: "socket", License: "MIT", Instructions: asm.Instructions{asm.Return()}}
}

func TestMapReplacements(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("minimal"))
	mine := newTestMap(t, spec.Maps["my_map"])
	coll, err := NewCollectionWithOptions(spec, CollectionOptions{MapReplacements: map[string]*Map{"my_map": mine}})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if _, _, err := coll.Programs["my_prog"].Test(make([]byte, 14)); err != nil {
		t.Fatal(err)
	}
	var count uint64
	if err := mine.Lookup(uint32(0), &count); err != nil || count != 1 {
		t.Error("the program doesn't use the replacement:", count, err)
	}
	other := newTestMap(t, hashSpec())
	for name, want := range map[string]string{
		"nope":   `replace map "nope": not in the collection`,
		"my_map": `replace map "my_map": map spec is incompatible with existing map: max entries: the map has 4, the spec 1`,
	} {
		_, err := NewCollectionWithOptions(spec, CollectionOptions{MapReplacements: map[string]*Map{name: other}})
		if errorText(err) != want {
			t.Errorf("\n got %v\nwant %s", err, want)
		}
	}
}

// uninitialized is what newer verifiers add to "R0 !read_ok".
func uninitialized(t *testing.T) string {
	if runningSeries(t).Less(uapi.KernelVersion{Major: 7, Minor: 3}) {
		return ""
	}
	return "  R0 has never been initialized on this path, so the verifier cannot use it as an input.\n"
}

// Errors name the object, the kernel's reason and the way out. Nothing stays
// open.
func TestLoadErrors(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.KernelBTF)
	for _, c := range []struct {
		name, object string
		change       func(*CollectionSpec)
		want         selection
		err          string
	}{
		{"unknown section", "minimal", func(cs *CollectionSpec) {
			p := cs.Programs["my_prog"]
			p.Type, p.SectionName = UnspecifiedProgram, "sockt"
		}, selection{programs: []string{"my_prog"}},
			`program "my_prog" (section "sockt"): its section name says no program type (did you mean "socket"?): set ProgramSpec.Type before loading`},
		{"hopeless section", "minimal", func(cs *CollectionSpec) {
			p := cs.Programs["my_prog"]
			p.Type, p.SectionName = UnspecifiedProgram, "zzzzzzzzzzzzzzzzzzzz"
		}, selection{programs: []string{"my_prog"}},
			`program "my_prog" (section "zzzzzzzzzzzzzzzzzzzz"): its section name says no program type: set ProgramSpec.Type before loading`},
		{"no instructions", "minimal", func(cs *CollectionSpec) { cs.Programs["my_prog"].Instructions = nil }, selection{programs: []string{"my_prog"}},
			`program "my_prog" (section "socket"): it has no instructions`},
		{"map of a program is missing", "minimal", func(cs *CollectionSpec) { delete(cs.Maps, "my_map") }, selection{programs: []string{"my_prog"}},
			`program "my_prog": map "my_map": not in the collection`},
		{"program of a map is missing", "nested", func(cs *CollectionSpec) { delete(cs.Programs, "tail_last") }, selection{maps: []string{"jumps"}},
			`contents of map "jumps": program "tail_last": not in the collection`},
		{"inner map is missing", "nested", func(cs *CollectionSpec) { delete(cs.Maps, "inner_b") }, selection{maps: []string{"outer_array"}},
			`contents of map "outer_array": map "inner_b": not in the collection`},
		{"no template", "nested", func(cs *CollectionSpec) { cs.Maps["outer_hash"].InnerMap = nil }, selection{maps: []string{"outer_hash"}},
			`map "outer_hash": a HashOfMaps needs a template for its values: set MapSpec.InnerMap`},
		{"nested too deeply", "nested", func(cs *CollectionSpec) { cs.Maps["outer_hash"].InnerMap = cs.Maps["outer_array"] }, selection{maps: []string{"outer_hash"}},
			`map "outer_hash": inner map: the kernel takes no map of maps in a map of maps`},
		{"invalid map", "minimal", func(cs *CollectionSpec) { cs.Maps["my_map"].MaxEntries = 0 }, selection{maps: []string{"my_map"}},
			`map "my_map": BPF_MAP_CREATE: invalid argument: MaxEntries is 0; maps of type Hash need at least 1`},
		{"rejected", "minimal", func(cs *CollectionSpec) { cs.Programs["bad"] = rejected() }, selection{programs: []string{"bad"}},
			"program \"bad\": R0 !read_ok\n" + uninitialized(t) + "  in program \"bad\" (section \"socket\"): BPF_PROG_LOAD: permission denied\n" +
				"  at instruction 0: exit\n  hint: The function ends without a value in R0: return something on every path."},
		{"no such tracepoint", "programs", func(cs *CollectionSpec) { cs.Programs["tp_btf"].AttachTo = "nonsense" }, selection{programs: []string{"tp_btf"}},
			`program "tp_btf" (section "?tp_btf/sched_process_exec"): this kernel has no tracepoint "nonsense" (no btf_trace_nonsense in its types): unsupported operation`},
		{"no such function", "programs", func(cs *CollectionSpec) { cs.Programs["fentry"].AttachTo = "nonsense" }, selection{programs: []string{"fentry"}},
			`program "fentry" (section "?fentry/vfs_unlink"): this kernel has no kernel function "nonsense" (no nonsense in its types): unsupported operation`},
		{"no such hook", "programs", func(cs *CollectionSpec) { cs.Programs["lsm"].AttachTo = "nonsense" }, selection{programs: []string{"lsm"}},
			`program "lsm" (section "?lsm/file_open"): this kernel has no LSM hook "nonsense" (no bpf_lsm_nonsense in its types): unsupported operation`},
		{"no attach target", "programs", func(cs *CollectionSpec) { cs.Programs["fentry"].AttachTo = "" }, selection{programs: []string{"fentry"}},
			`program "fentry" (section "?fentry/vfs_unlink"): it says not what to attach to: set ProgramSpec.AttachTo before loading`},
		{"no program to extend", "programs", nil, selection{programs: []string{"freplace"}},
			`program "freplace" (section "?freplace/xdp_plain"): it extends another program: set ProgramSpec.AttachTarget before loading`},
		{"variable outgrows its map", "data", func(cs *CollectionSpec) { cs.Variables["counter"].Value = make([]byte, 1000) }, selection{maps: []string{".data"}},
			`contents of map ".data": variable "counter": 1000 bytes at offset 0 don't fit the 56 bytes of .data`},
		{"impossible contents", "minimal", func(cs *CollectionSpec) { cs.Maps["my_map"].Contents = []MapKV{{uint32(1), "text"}} }, selection{maps: []string{"my_map"}},
			`contents of map "my_map": map "my_map": update: value: string has 4 bytes, needed are 8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			testutil.CheckFDs(t)
			spec := parse(t, objectFile(c.object))
			if c.change != nil {
				c.change(spec)
			}
			coll, err := load(spec, c.want, &CollectionOptions{})
			if err == nil {
				coll.Close()
			}
			if text := errorText(err); text != c.err && !(strings.HasSuffix(c.err, "(") && strings.HasPrefix(text, c.err)) {
				t.Errorf("\n got %s\nwant %s", text, c.err)
			}
		})
	}
}

// unreachableField is the error of a program that reads a field that no kernel has.
const unreachableField = `rejected.bpf.c:1009:22: this kernel has no task->nested.never_had_it (struct task_struct___gone.nested.never_had_it), for a CO-RE relocation of kind byte_off
  struct task_struct of vmlinux has no member nested
 1007 |     struct task_struct___gone *task = (void *)ctx[0];
 1009 |     return task->nested.never_had_it;
      |                         ^
  in program "relocation" (section "?tp_btf/sched_process_exec"): BPF_PROG_LOAD: invalid argument
  hint: Ask bpf_core_field_exists before, so that the verifier sees that this isn't reached; for
        what other kernels call otherwise, declare the type with a flavour (name___old).`

// A field that this kernel doesn't have only matters where it is reached. Then
// the error is about that, and not about the call that took its place.
func TestPoisonedProgram(t *testing.T) {
	testutil.Needs(t, testutil.KernelBTF)
	_, err := load(parse(t, objectFile("rejected")), selection{programs: []string{"relocation"}}, &CollectionOptions{})
	if !errors.Is(err, ErrNotSupported) || kernel.Errno(err) != unix.EINVAL || errorText(err) != unreachableField {
		t.Errorf("got:\n%v\nwant:\n%s", err, unreachableField)
	}
}

// What an old kernel stumbled over is left out, and nothing else.
func TestConcessions(t *testing.T) {
	full := kernel.ProgLoadAttr{
		ProgType: uint32(XDP), ExpectedAttachType: uint32(AttachXDP), ProgBTFFD: 3, FuncInfoCnt: 1, ProgName: kernel.NewObjName("x"),
	}
	for _, c := range []struct {
		name    string
		atLeast func(uapi.KernelVersion) bool
		errno   unix.Errno
		changed bool
		attach  uint32
		btf     uint32
		named   bool
	}{
		{"new", linux(6, 18), unix.EINVAL, false, uint32(AttachXDP), 3, true},
		{"4.19", linux(4, 19), unix.EINVAL, true, uint32(AttachXDP), 0, true},
		{"4.16", linux(4, 16), unix.E2BIG, true, 0, 0, true},
		{"4.9", linux(4, 9), unix.E2BIG, true, 0, 0, false},
		{"not about attributes", linux(4, 9), unix.EACCES, false, uint32(AttachXDP), 3, true},
	} {
		attr := full
		changed := concede(&attr, c.errno, c.atLeast)
		if changed != c.changed || attr.ExpectedAttachType != c.attach || attr.ProgBTFFD != c.btf || (attr.ProgName != kernel.ObjName{}) != c.named {
			t.Errorf("%s: %v, %+v", c.name, changed, attr)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	testutil.Needs(b, testutil.KernelBTF)
	for _, name := range []string{"minimal", "core"} {
		spec := parse(b, objectFile(name))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				coll, err := NewCollection(spec)
				if err != nil {
					b.Fatal(err)
				}
				coll.Close()
			}
		})
	}
}
