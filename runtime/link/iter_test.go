package link

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

// countIterations tells how often an iterator's program sees an object.
func countIterations(t *testing.T, over string, opts IterOptions) uint64 {
	t.Helper()
	testutil.CheckFDs(t)
	c := newCounter(t)
	insns := asm.Instructions{
		asm.LoadMem(asm.R3, asm.R1, 8, asm.DWord), // the object, nil at the end
		asm.JEq.Imm(asm.R3, 0, "out"),
	}
	insns = append(insns, c.increment()...)
	insns = append(insns, asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return())
	opts.Program = load(t, ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: over}, insns)
	it, err := AttachIter(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	pass, err := it.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer pass.Close()
	if _, err := io.ReadAll(pass); err != nil {
		t.Error(err)
	}
	return c.value(t)
}

func TestIteratorOverOneThread(t *testing.T) {
	testutil.Needs(t, testutil.IterTarget)
	if n := countIterations(t, "task", IterOptions{Task: &IterTask{TID: uint32(os.Getpid())}}); n != 1 {
		t.Errorf("%d threads", n)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if n := countIterations(t, "task", IterOptions{Task: &IterTask{PID: uint32(os.Getpid())}}); n < uint64(len(threads)) || n < 2 {
		t.Errorf("%d threads in this process, which had %d", n, len(threads))
	}
}

func TestIteratorOverCgroups(t *testing.T) {
	testutil.Needs(t, testutil.IterTarget)
	path := testutil.Cgroup(t)
	below := filepath.Join(path, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(below)
	for order, want := range map[IterCgroupOrder]uint64{IterCgroupDefault: 2, IterCgroupSelf: 1, IterCgroupPreOrder: 2, IterCgroupPostOrder: 2} {
		if n := countIterations(t, "cgroup", IterOptions{Cgroup: &IterCgroup{Path: path, Order: order}}); n != want {
			t.Errorf("order %d: %d control groups, want %d", order, n, want)
		}
	}
	if n := countIterations(t, "cgroup", IterOptions{Cgroup: &IterCgroup{Path: below, Order: IterCgroupUp}}); n < 3 {
		t.Errorf("upwards: %d control groups", n)
	}
}

func TestIteratorThatCannotBe(t *testing.T) {
	if _, err := AttachIter(IterOptions{Task: &IterTask{}, Cgroup: &IterCgroup{}}); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := AttachIter(IterOptions{Cgroup: &IterCgroup{Path: "/no/such/folder"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
