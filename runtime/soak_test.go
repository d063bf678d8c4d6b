package ebpf_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/link"
	"github.com/bpfgen/bpfgen/runtime/ringbuf"
)

// soak makes the tests of this file long: docs/reliability.md has what they
// then found. Without it they are a sample.
var soak = flag.Bool("soak", false, "run the soak tests at full length (make soak)")

func amount(whole, sample int) int {
	if *soak {
		return whole
	}
	return sample
}

// numberer sends a number for each run and turn, and counts those that find the
// ring full: count has the next number, and the number of losses.
func numberer(t *testing.T, ringSize uint32) (ring, count *ebpf.Map, prog *ebpf.Program) {
	t.Helper()
	testutil.Needs(t, testutil.RingBuf, testutil.TestRun)
	newMap := func(spec ebpf.MapSpec) *ebpf.Map {
		m, err := ebpf.NewMap(&spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	ring = newMap(ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: ringSize})
	count = newMap(ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, License: "MIT", Instructions: asm.Instructions{
		asm.LoadMapValue(asm.R6, count.FD(), 0),
		asm.LoadMem(asm.R7, asm.R6, 0, asm.DWord),
		asm.StoreMem(asm.RFP, -8, asm.R7, asm.DWord),
		asm.Add.Imm(asm.R7, 1),
		asm.StoreMem(asm.R6, 0, asm.R7, asm.DWord),
		asm.LoadMapPtr(asm.R1, ring.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -8),
		asm.Mov.Imm(asm.R3, 8),
		asm.Mov.Imm(asm.R4, 0), // wake the reader up as it needs it
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.LoadMem(asm.R7, asm.R6, 8, asm.DWord),
		asm.Add.Imm(asm.R7, 1),
		asm.StoreMem(asm.R6, 8, asm.R7, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	}})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	return ring, count, prog
}

// Numbers arrive in order, and each that doesn't was counted as lost by the program.
func TestSoakRingBuffer(t *testing.T) {
	for _, size := range []uint32{1 << 16, 1 << 24} { // small enough to lose some, and large enough for nearly all
		t.Run(strconv.Itoa(int(size>>10))+"KiB", func(t *testing.T) { soakRing(t, size) })
	}
}

func soakRing(t *testing.T, size uint32) {
	events := amount(10_000_000, 200_000)
	ring, count, prog := numberer(t, size)
	r, err := ringbuf.NewReader(ring)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	began := time.Now()
	go func() {
		const burst = 5000
		for range events / burst {
			if _, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 14), Repeat: burst}); err != nil {
				t.Error(err)
			}
		}
		if err := r.Flush(); err != nil {
			t.Error(err)
		}
	}()
	var received, missing, next uint64
	var record ringbuf.Record
	for {
		err := r.ReadInto(&record)
		if errors.Is(err, ringbuf.ErrFlushed) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		number := binary.NativeEndian.Uint64(record.RawSample)
		if number < next {
			t.Fatalf("%d arrived after %d", number, next-1)
		}
		missing += number - next
		next = number + 1
		received++
	}
	var counted [2]uint64
	if err := count.Lookup(uint32(0), &counted); err != nil {
		t.Fatal(err)
	}
	missing += counted[0] - next
	if counted[0] != uint64(events) || received+missing != counted[0] || missing != counted[1] {
		t.Errorf("sent %d of %d, received %d, missing %d, of which the program knows %d", counted[0], events, received, missing, counted[1])
	}
	t.Logf("%d events sent, %d received in order, %d dropped and counted, in %.1f s", counted[0], received, missing, time.Since(began).Seconds())
}

// usage is what a process and the kernel hold on to.
type usage struct {
	descriptors, resident       int // number; kilobytes
	percpu, vmalloc, slab, objs int // kilobytes, of the whole machine; objects of BPF
}

func measure(t *testing.T) usage {
	t.Helper()
	debug.FreeOSMemory() // what is nobody's doesn't count
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	u := usage{descriptors: len(fds), resident: field(t, "/proc/self/status", "VmRSS")}
	u.percpu, u.vmalloc, u.slab = field(t, "/proc/meminfo", "Percpu"), field(t, "/proc/meminfo", "VmallocUsed"), field(t, "/proc/meminfo", "SUnreclaim")
	for id := ebpf.ProgramID(0); ; u.objs++ {
		if id, err = ebpf.ProgramGetNextID(id); err != nil {
			break
		}
	}
	for id := ebpf.MapID(0); ; u.objs++ {
		if id, err = ebpf.MapGetNextID(id); err != nil {
			break
		}
	}
	return u
}

// field is a number out of one of the kernel's text files.
func field(t *testing.T, file, name string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			n, _ := strconv.Atoi(strings.Fields(value)[0])
			return n
		}
	}
	return 0
}

// Loading, attaching and closing again and again costs nothing that stays.
func TestSoakCycles(t *testing.T) {
	testutil.Needs(t, testutil.RawTracepoint, testutil.GlobalData)
	cycles := amount(100_000, 300)
	object := "../testdata/minimal-el.o"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		object = "../testdata/minimal-eb.o"
	}
	spec, err := ebpf.LoadCollectionSpec(filepath.FromSlash(object))
	if err != nil {
		t.Fatal(err)
	}
	hook := &ebpf.ProgramSpec{Name: "hook", Type: ebpf.RawTracepoint, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}}
	cycle := func() {
		coll, err := ebpf.NewCollection(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer coll.Close()
		prog, err := ebpf.NewProgram(hook)
		if err != nil {
			t.Fatal(err)
		}
		defer prog.Close()
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_process_exit", Program: prog})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range cycles / 10 {
		cycle()
	}
	before, began := measure(t), time.Now()
	for range cycles {
		cycle()
	}
	took := time.Since(began)
	time.Sleep(100 * time.Millisecond) // the kernel frees after a grace period
	after := measure(t)
	if after.descriptors != before.descriptors {
		t.Errorf("descriptors: %d before, %d after", before.descriptors, after.descriptors)
	}
	if growth := after.resident - before.resident; *soak && growth > 16<<10 { // a few cycles are less than other tests leave
		t.Errorf("resident memory grew by %d KB", growth)
	}
	if *soak && after.percpu-before.percpu > 4<<10 {
		t.Errorf("per-CPU memory of the kernel grew by %d KB", after.percpu-before.percpu)
	}
	t.Logf("%d cycles in %.0f s (%.0f µs each); before %+v, after %+v", cycles, took.Seconds(), float64(took.Microseconds())/float64(cycles), before, after)
}

// Many goroutines share a map; nothing tears, nothing gets lost, and under the
// race detector nothing races.
func TestSoakSharedMap(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	const goroutines = 64
	turns := amount(20_000, 200)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 4, ValueSize: 16, MaxEntries: 4 * goroutines})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	readers.Go(func() { // sees each value whole
		for ctx.Err() == nil {
			var key uint32
			var value [2]uint64
			entries := m.Iterate()
			for entries.Next(&key, &value) {
				if value[1] != value[0]^uint64(key) {
					t.Errorf("torn value %x at %d", value, key)
				}
			}
		}
	})
	for g := range uint32(goroutines) {
		writers.Go(func() {
			for turn := range uint64(turns) {
				value, got := [2]uint64{turn, turn ^ uint64(g)}, [2]uint64{}
				if err := errors.Join(m.Put(g, value), m.Lookup(g, &got)); err != nil || got != value {
					t.Errorf("goroutine %d, turn %d: %x: %v", g, turn, got, err)
					return
				}
				if turn%16 == 15 {
					if err := m.Delete(g); err != nil {
						t.Errorf("goroutine %d, turn %d: %v", g, turn, err)
						return
					}
				}
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	t.Logf("%d goroutines, %d operations", goroutines, goroutines*turns*2+goroutines*turns/16)
}
