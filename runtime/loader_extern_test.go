package ebpf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// configValues is struct values of kconfig.bpf.c.
type configValues struct {
	Bool, Tristate, Char, U8, S8, U16, S16, U32, S32, U64, S64 uint64
	String                                                     [16]byte
	Letter                                                     byte
	_                                                          [7]byte
	Version, Cookie, Wrapper, Whatever                         uint64
}

// readConfig is what a program finds in its kconfig externs if the user gives text.
func readConfig(t *testing.T, text string) configValues {
	t.Helper()
	testutil.Needs(t, testutil.BPF, testutil.MapFreeze)
	testutil.CheckFDs(t)
	coll, err := NewCollectionWithOptions(parse(t, objectFile("kconfig")), CollectionOptions{Kconfig: text})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if _, _, err := coll.Programs["read_all"].Test(make([]byte, 14)); err != nil {
		t.Fatal(err)
	}
	var values configValues
	if err := coll.Variables["values"].Get(&values); err != nil {
		t.Fatal(err)
	}
	config := coll.Maps[".kconfig"]
	if err := config.Put(uint32(0), make([]byte, config.ValueSize())); !errors.Is(err, unix.EPERM) {
		t.Error("the configuration can be changed:", err)
	}
	return values
}

// virtual are the values that don't come from a configuration.
func virtual(t *testing.T, v *configValues) {
	t.Helper()
	version, err := kernel.VersionCode()
	if err != nil {
		t.Fatal(err)
	}
	wrapper, err := kernel.HasSyscallWrapper()
	if err != nil {
		t.Fatal(err)
	}
	v.Version, v.Cookie, v.Wrapper = uint64(version), truth(kernel.HasCookie()), truth(wrapper)
}

func TestKconfigOfEveryType(t *testing.T) {
	got := readConfig(t, `
CONFIG_BOOL=y
CONFIG_TRISTATE=m
CONFIG_CHAR=m
CONFIG_U8=200
CONFIG_S8=-100
CONFIG_U16=60000
CONFIG_S16=-30000
CONFIG_U32=0xfffffff0
CONFIG_S32=-2000000000
CONFIG_U64=0xfffffffffffffff0
CONFIG_S64=-9000000000000000000
CONFIG_STRING="longer than 16 letters"
CONFIG_LETTER="x"
`)
	signed := func(n int64) uint64 { return uint64(n) }
	want := configValues{
		Bool: 1, Tristate: 2, Char: 'm', U8: 200, S8: signed(-100), U16: 60000, S16: signed(-30000),
		U32: 0xfffffff0, S32: signed(-2000000000), U64: 0xfffffffffffffff0, S64: signed(-9000000000000000000),
		String: [16]byte([]byte("longer than 16 \x00")),
	}
	virtual(t, &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The first value counts, what isn't set is zero, and nothing else matters.
func TestKconfigOfWeakExterns(t *testing.T) {
	got := readConfig(t, "# CONFIG_BOOL is not set\nCONFIG_U8=1\nCONFIG_U8=2\nCONFIG_OTHER=\"5\"\n")
	want := configValues{U8: 1}
	virtual(t, &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKconfigOfThisKernel(t *testing.T) {
	f, err := kernel.OpenConfig()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	testutil.Needs(t, testutil.BPF)
	coll, err := load(parse(t, objectFile("externs")), selection{programs: []string{"configuration"}}, &CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	value, err := coll.Maps[".kconfig"].LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	version, err := kernel.VersionCode()
	if err != nil {
		t.Fatal(err)
	}
	// CONFIG_NO_SUCH_OPTION, LINUX_KERNEL_VERSION, CONFIG_BPF_SYSCALL, CONFIG_DEFAULT_HOSTNAME
	want := binary.NativeEndian.AppendUint32(make([]byte, 8), version)
	want = append(want, 1)
	if string(value[:len(want)]) != string(want) || value[len(want)] == 0 {
		t.Errorf("% x, want % x and a host name", value, want)
	}
	info, err := coll.Maps[".kconfig"].Info()
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := info.BTFID(); !ok || id == 0 {
		t.Error("the kernel doesn't know the types of the options")
	}
}

func TestKconfigErrors(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for _, test := range []struct{ program, text, want string }{
		{"read_all", "CONFIG_BOOL=m", `map ".kconfig": the given configuration: CONFIG_BOOL=m: value m doesn't go into a bool: it takes an enum libbpf_tristate or a char`},
		{"read_all", "CONFIG_U16=65536", "CONFIG_U16=65536: 65536 doesn't fit an unsigned integer of 2 bytes"},
		{"read_all", "CONFIG_STRING=5", "value 5 doesn't go into an array of 16 chars"},
		{"read_all", "CONFIG_S32", "line 1: \"CONFIG_S32\" has no value"},
		{"read_mistyped", "CONFIG_BFP_SYSCALL=1", "value 1 doesn't go into a bool"},
	} {
		testutil.CheckFDs(t)
		_, err := load(parse(t, objectFile("kconfig")), selection{programs: []string{test.program}}, &CollectionOptions{Kconfig: test.text})
		if !strings.Contains(errorText(err), test.want) {
			t.Errorf("%s with %s: %v, want %q", test.program, test.text, err, test.want)
		}
	}
}

// A strong extern has to be set, if a program that is loaded refers to it.
func TestKconfigMissing(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	f, err := kernel.OpenConfig()
	if err != nil {
		t.Skip(err)
	}
	f.Close()
	spec := parse(t, objectFile("kconfig"))
	_, err = load(spec, selection{programs: []string{"read_mistyped"}}, &CollectionOptions{})
	if want := "CONFIG_BFP_SYSCALL isn't in the configuration of this kernel (did you mean CONFIG_BPF_SYSCALL"; !strings.Contains(errorText(err), want) {
		t.Errorf("%v, want %q", err, want)
	}
	coll, err := load(spec, selection{programs: []string{"read_mistyped"}}, &CollectionOptions{Kconfig: "CONFIG_BFP_SYSCALL=y"})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if ret, _, err := coll.Programs["read_mistyped"].Test(make([]byte, 14)); err != nil || ret != 1 {
		t.Error(ret, err)
	}
}

// Contents of the spec replace the configuration of the kernel.
// A program that isn't loaded with its collection brings its own options along.
func TestKconfigOfOneProgram(t *testing.T) {
	testutil.Needs(t, testutil.RawTracepoint, testutil.KernelBTF)
	testutil.CheckFDs(t)
	_, err := NewProgram(parse(t, objectFile("minimal")).Programs["my_prog"])
	wantError(t, err, "map my_map", "NewCollection")

	spec := parse(t, objectFile("externs"))
	ps := spec.Programs["configuration"]
	_, err = NewProgram(ps)
	wantError(t, err, `map ".bss"`, "NewCollection")
	bss := newTestMap(t, spec.Maps[".bss"])
	for i := range ps.Instructions {
		if ins := &ps.Instructions[i]; ins.Reference() == ".bss" {
			if err := ins.AssociateMap(bss); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := NewProgram(ps)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	ids, _ := info.MapIDs()
	if len(ids) != 2 {
		t.Fatalf("the program has maps %v", ids)
	}
	m, err := NewMapFromID(slices.Max(ids)) // the newer one
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	value, err := m.LookupBytes(uint32(0))
	if err != nil {
		t.Fatal(err)
	}
	version, err := kernel.VersionCode()
	if err != nil {
		t.Fatal(err)
	}
	if got := binary.NativeEndian.Uint32(value[8:]); got != version {
		t.Errorf("LINUX_KERNEL_VERSION is %#x, want %#x", got, version)
	}
}

func TestKconfigContents(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	spec := parse(t, objectFile("kconfig")).Copy()
	config := spec.Maps[".kconfig"]
	value := make([]byte, config.ValueSize)
	for i := range value {
		value[i] = 1
	}
	config.Contents = []MapKV{{Key: uint32(0), Value: value}}
	coll, err := load(spec, selection{programs: []string{"read_mistyped"}}, &CollectionOptions{Kconfig: "CONFIG_BFP_SYSCALL=n"})
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if ret, _, err := coll.Programs["read_mistyped"].Test(make([]byte, 14)); err != nil || ret != 1 {
		t.Error(ret, err)
	}
}

func TestVirtualKconfigThatDoesNotExist(t *testing.T) {
	spec := parse(t, objectFile("kconfig"))
	externs := spec.Maps[".kconfig"].kconfig
	for _, e := range externs {
		if e.Name != "LINUX_KERNEL_VERSION" {
			continue
		}
		renamed := *e
		renamed.Name = "LINUX_KERNEL_NAME"
		k := kconfigReader{data: make([]byte, 256)}
		if err := k.putVirtual(&renamed); err == nil || !strings.Contains(err.Error(), "there is no such extern") {
			t.Error(err)
		}
		if renamed.Weak = true; k.putVirtual(&renamed) != nil {
			t.Error("a newer loader may know it")
		}
		return
	}
	t.Error("no extern LINUX_KERNEL_VERSION")
}

// runSyscall runs a program of ksyms.bpf.c, and returns what it left in a variable.
func runSyscall(t *testing.T, program, variable string) uint64 {
	t.Helper()
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("ksyms"))
	coll, err := load(spec, selection{programs: []string{program}}, &CollectionOptions{})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	if ret, err := coll.Programs[program].Run(&RunOptions{}); err != nil || ret != 0 {
		t.Fatal(ret, err)
	}
	var v uint64
	if err := coll.Variables[variable].Get(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// needKfuncs is for tests of functions that Linux 6.8 has. Calls of them are
// only for the JIT compiler.
func needKfuncs(t *testing.T) {
	t.Helper()
	testutil.Needs(t, testutil.Kfuncs)
	testutil.NeedsLinux(t, "the kfuncs of this test", 6, 8)
	testutil.Needs(t, testutil.KernelBTF)
}

func TestKfuncs(t *testing.T) {
	needKfuncs(t)
	if first := runSyscall(t, "cpumask", "result"); first != 1 {
		t.Errorf("the first CPU in a mask of CPU 0 is %d", int64(first)-1)
	}
}

func TestFlavoursOfKfuncs(t *testing.T) {
	needKfuncs(t)
	if flavour := runSyscall(t, "flavours", "result"); flavour != 1 {
		t.Errorf("the program took flavour %d", flavour)
	}
}

func TestAddressesOfKernelSymbols(t *testing.T) {
	needKfuncs(t)
	symbols, err := kernel.FindSymbols([]string{"bpf_rcu_read_lock", "bpf_link_free"})
	if errors.Is(err, kernel.ErrSymbolsHidden) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := runSyscall(t, "addresses", "address"); got != symbols[0].Addr {
		t.Errorf("bpf_rcu_read_lock is at %#x, not %#x", got, symbols[0].Addr)
	}
	if got := runSyscall(t, "addresses", "result"); got != symbols[1].Addr {
		t.Errorf("bpf_link_free is at %#x, not %#x", got, symbols[1].Addr)
	}
}

func TestKsymErrors(t *testing.T) {
	needKfuncs(t)
	const undeclared = "(if the program can do without, declare it __weak)"
	for _, test := range []struct{ program, want string }{
		{"missing_function", "kfunc no_such_function isn't in the types of this kernel and its modules " + undeclared},
		{"missing_variable", "kernel variable no_such_variable isn't in the types of this kernel and its modules " + undeclared},
		{"missing_symbol", "kernel symbol no_such_symbol isn't in /proc/kallsyms " + undeclared},
		{"more_parameters", "kfunc bpf_task_release of this kernel isn't what the program expects: declared with 2 parameters, but it has 1"},
		{"another_parameter", "parameter 1 declared as int, but it is struct task_struct *"},
		{"another_result", "declared to return int, but it returns struct task_struct *"},
		{"another_variable", "kernel variable runqueues of this kernel isn't what the program expects: declared as int *, but it is struct rq"},
		{"no_members", "parameter 1 declared as struct cgroup * (without members), but it is struct cgroup *"},
		{"unguarded", "it calls no_such_function, which this kernel doesn't have as it is declared"},
	} {
		testutil.CheckFDs(t)
		_, err := load(parse(t, objectFile("ksyms")), selection{programs: []string{test.program}}, &CollectionOptions{})
		if !strings.Contains(errorText(err), test.want) || !errors.Is(err, ErrNotSupported) {
			t.Errorf("%s: %v, want %q", test.program, err, test.want)
		}
		if !strings.Contains(errorText(err), "ksyms.bpf.c:") {
			t.Errorf("%s: no line in %v", test.program, err)
		}
	}
}

// What programs look like when they reach the kernel.
func TestLinkKsyms(t *testing.T) {
	needKfuncs(t)
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var fn *btf.Func
	if err := types.TypeByName("bpf_task_from_pid", &fn); err != nil {
		t.Fatal(err)
	}
	id, err := types.TypeID(fn)
	if err != nil {
		t.Fatal(err)
	}
	spec := parse(t, objectFile("ksyms"))
	ps := spec.Programs["flavours"]
	codes, err := relocate([]*ProgramSpec{ps}, newKernelTypes(&ProgramOptions{}, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	var modules moduleTable
	if err := linkKsyms([]*ProgramSpec{ps}, codes, newKernelTypes(&ProgramOptions{}, nil), &modules); err != nil {
		t.Fatal(err)
	}
	if modules.array() != nil {
		t.Error("modules:", modules.names)
	}
	seen := make(map[string]string)
	for i := range codes[0].insns {
		ins, before := &codes[0].insns[i], &ps.Instructions[i]
		e := ins.Extern()
		if e == nil {
			continue
		}
		if before.Constant != 0 || before.Extern() != e {
			t.Error("the spec was changed:", before)
		}
		what := "load"
		if before.IsKfuncCall() {
			what = "call"
		}
		seen[what+" "+e.Name] = fmt.Sprint(ins.Src, " ", ins.Offset, " ", ins.Constant)
		if e.Name == "bpf_task_from_pid___tomorrow" && e.Index != externIndex(spec, e.Name) {
			t.Errorf("%s has index %d", e.Name, e.Index)
		}
	}
	poison := int64(poisonedCall + externIndex(spec, "bpf_task_from_pid___tomorrow"))
	want := map[string]string{
		"load bpf_task_from_pid___tomorrow": fmt.Sprint(asm.R0, " 0 0"),
		"call bpf_task_from_pid___tomorrow": fmt.Sprint(asm.R0, " 0 ", poison),
		"load bpf_task_from_pid___today":    fmt.Sprint(asm.PseudoBtfId, " 0 ", id),
		"call bpf_task_from_pid___today":    fmt.Sprint(asm.PseudoKfuncCall, " 0 ", id),
	}
	delete(seen, "call bpf_task_release___any")
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

// externIndex is the place of a name among the externs that programs refer to.
func externIndex(spec *CollectionSpec, name string) uint32 {
	before := make(map[string]bool)
	for _, ps := range spec.Programs {
		for i := range ps.Instructions {
			if e := ps.Instructions[i].Extern(); e != nil && e.Name < name {
				before[e.Name] = true
			}
		}
	}
	return uint32(len(before))
}

// A function of a module: run with the module fou loaded to see it called.
func TestKfuncOfModule(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("ksyms"))
	want := uint32(1)
	if types, err := btf.LoadKernelModuleSpec("fou"); err == nil {
		var fn *btf.Func
		if types.TypeByName("bpf_skb_get_fou_encap", &fn) == nil {
			testutil.Needs(t, testutil.Kfuncs)
			want = 0
		}
	}
	t.Log("the module fou is loaded:", want == 0)
	coll, err := load(spec, selection{programs: []string{"module_function"}}, &CollectionOptions{})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer coll.Close()
	if ret, _, err := coll.Programs["module_function"].Test(make([]byte, 64)); err != nil || ret != want {
		t.Errorf("returned %d, want %d: %v", ret, want, err)
	}
}

func TestUndefinedSymbols(t *testing.T) {
	spec := parse(t, objectFile("ksyms"))
	ps := spec.Programs["missing_function"].Copy()
	for i := range ps.Instructions {
		if e := ps.Instructions[i].Extern(); e != nil {
			ps.Instructions[i] = ps.Instructions[i].WithExtern(&asm.Extern{Name: e.Name})
		}
	}
	_, err := NewProgram(ps)
	if want := "it uses no_such_function, which isn't defined"; !strings.Contains(errorText(err), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

// What inline assembly names without defining is a constant, which callers can
// set: it is no reason not to load.
func TestUndefinedConstant(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.TestRun)
	insns := asm.Instructions{
		asm.LoadImm(asm.R0, 5, asm.DWord).WithReference("MY_CONST").WithExtern(&asm.Extern{Name: "MY_CONST"}),
		asm.Return(),
	}
	prog, err := NewProgram(&ProgramSpec{Type: SocketFilter, License: "MIT", Instructions: insns})
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	if ret, _, err := prog.Test(make([]byte, 14)); err != nil || ret != 5 {
		t.Error(ret, err)
	}
}

// A symbol that this kernel doesn't have may be mistyped.
func TestKsymNearest(t *testing.T) {
	testutil.NeedsLinux(t, "bpf_rcu_read_lock", 6, 2)
	testutil.Needs(t, testutil.KernelBTF)
	for _, c := range []struct{ program, name, want string }{
		{"missing_function", "vfs_raed", `kfunc vfs_raed isn't in the types of this kernel and its modules (did you mean "vfs_read"?) (if`},
		{"missing_symbol", "vfs_raed", `kernel symbol vfs_raed isn't in /proc/kallsyms (did you mean "vfs_read"?) (if`},
	} {
		spec := parse(t, objectFile("ksyms")).Programs[c.program]
		for i := range spec.Instructions {
			if e := spec.Instructions[i].Extern(); e != nil {
				e.Name = c.name
			}
		}
		_, err := NewProgram(spec)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrNotSupported) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}
