package linker_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/linker"
	"github.com/bpfgen/bpfgen/internal/object"
	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// halves compiles the program of testdata, each half on its own.
func halves(t *testing.T, flags ...string) (inputs []linker.Input) {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if multiarch, _ := filepath.Glob("/usr/include/*-linux-gnu"); len(multiarch) > 0 {
		flags = append(flags, "-idirafter", multiarch[0]) // Debian keeps <asm/types.h> there
	}
	for _, name := range []string{"main.bpf.c", "lib.bpf.c"} {
		source, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, linker.Input{Name: name, Data: testutil.Compile(t, string(source), append(flags, "-I", dir)...)})
	}
	return inputs
}

// results is what the program leaves behind.
type results struct {
	Added, OwnStatic, Chosen, Weak, Limit, Scale, Hidden, Version, TGID, Text, Table uint64
}

// The linked program runs: each half sees the other's functions, variables and
// map, and nobody else's statics.
func TestRun(t *testing.T) {
	testutil.NeedsLinux(t, "programs of type syscall that use functions of the kernel", 6, 2)
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(link(t, halves(t))))
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	if n, err := coll.Programs["run"].Run(nil); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	var got results
	if err := coll.Variables["results"].Get(&got); err != nil {
		t.Fatal(err)
	}
	version, err := kernel.Version()
	if err != nil {
		t.Fatal(err)
	}
	if major := got.Version >> 16; major != uint64(version.Major) {
		t.Errorf("LINUX_KERNEL_VERSION is %#x on Linux %v", got.Version, version)
	}
	want := results{
		Added:     (5*100+5)*1000 + 1 + 1, // lib's helper and counter, lib's sum of IDs, secret(0)
		OwnStatic: 4*10 + 3,               // main's helper and counter
		Chosen:    2,                      // the strong one
		Weak:      3 + 40,                 // the only one, and the strong one
		Limit:     77, Scale: 2, Hidden: 21, Version: got.Version, TGID: uint64(os.Getpid()),
		Text:  'm', // main's
		Table: 105, // main's sum of counts
	}
	if got != want {
		t.Errorf("%+v, want\n%+v", got, want)
	}
	if n, err := coll.Programs["run_lib"].Run(nil); n != 5 || err != nil {
		t.Errorf("run_lib returns lib's counter %d, want 5: %v", n, err)
	}
	for key, atLeast := range []uint64{1 + 'l', 1} { // run_lib adds a thread's ID to its text, run 1
		var total uint64
		if err := coll.Maps["totals"].Lookup(uint32(key), &total); err != nil || total < atLeast {
			t.Errorf("total %d is %d, want %d or more: %v", key, total, atLeast, err)
		}
	}
}

// Both byte orders declare the same.
func TestBigEndian(t *testing.T) {
	little, err := object.Parse(link(t, halves(t)))
	if err != nil {
		t.Fatal(err)
	}
	big, err := object.Parse(link(t, halves(t, "-target", "bpfeb")))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := summary(little), summary(big); !reflect.DeepEqual(a, b) {
		t.Errorf("little endian:\n%v\nbig endian:\n%v", a, b)
	}
}

// summary is what matters of an object, apart from the numbers of types.
func summary(o *object.Object) (lines []string) {
	for _, m := range o.Maps {
		lines = append(lines, m.Name, m.Type.String(), m.Section)
	}
	for _, p := range o.Programs {
		lines = append(lines, p.Name, p.Section)
		for i := range p.Instructions {
			ins := &p.Instructions[i]
			lines = append(lines, ins.OpCode.String()+" "+ins.Reference()+" "+ins.Symbol())
		}
	}
	for _, v := range o.Variables {
		lines = append(lines, v.Name, v.Section)
	}
	return lines
}

// The output depends on the input alone.
func TestDeterministic(t *testing.T) {
	inputs := halves(t)
	first := link(t, inputs)
	for range 5 {
		if !bytes.Equal(first, link(t, inputs)) {
			t.Fatal("two runs, two outputs")
		}
	}
	// What is linked already stays what it is.
	again := link(t, []linker.Input{{Name: "linked.o", Data: first}})
	a, err := object.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := object.Parse(again)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(summary(a), summary(b)) {
		t.Errorf("%v\nlinked again:\n%v", summary(a), summary(b))
	}
}

// bpftool is libbpf's linker. It takes two runs: the first leaves maps that are
// declared before they are defined in the wrong place.
func bpftool(t *testing.T, inputs []linker.Input) []byte {
	t.Helper()
	tool, err := exec.LookPath("bpftool")
	if err != nil {
		t.Skip("needs bpftool, which isn't installed")
	}
	dir := t.TempDir()
	args := []string{"gen", "object", filepath.Join(dir, "once.o")}
	for _, in := range inputs {
		file := filepath.Join(dir, in.Name+".o")
		if err := os.WriteFile(file, in.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	for _, args := range [][]string{args, {"gen", "object", filepath.Join(dir, "twice.o"), filepath.Join(dir, "once.o")}} {
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			t.Fatalf("bpftool %q: %v\n%s", args, err, out)
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "twice.o"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What bpftool links of the same objects declares the same, and the kernel gets
// the same instructions of it.
func TestLikeBpftool(t *testing.T) {
	inputs := halves(t, "-DOLD_LINKER")
	theirs, ours := bpftool(t, inputs), link(t, inputs)
	a, err := object.Parse(theirs)
	if err != nil {
		t.Fatal(err)
	}
	b, err := object.Parse(ours)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(summary(a), summary(b)) {
		t.Errorf("bpftool:\n%v\nbpfgen:\n%v", summary(a), summary(b))
	}
	testutil.NeedsLinux(t, "programs of type syscall that use functions of the kernel", 6, 2)
	if a, b := tags(t, theirs), tags(t, ours); !reflect.DeepEqual(a, b) {
		t.Errorf("what is loaded differs: bpftool %v, bpfgen %v", a, b)
	}
}

// tags returns the kernel's digests of programs.
func tags(t *testing.T, object []byte) map[string]string {
	t.Helper()
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer coll.Close()
	all := map[string]string{}
	for name, p := range coll.Programs {
		info, err := p.Info()
		if err != nil {
			t.Fatal(err)
		}
		all[name] = info.Tag
	}
	return all
}

func TestMain(m *testing.M) { testutil.Main(m) }
