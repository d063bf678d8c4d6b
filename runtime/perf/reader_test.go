package perf

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { testutil.Main(m) }

const maxSample = 64

// producer is a program that sends numbered samples.
type producer struct {
	array, count *ebpf.Map
	prog         *ebpf.Program
}

// sampleLength is how long the sample with a number is: 8 to 64 bytes, and not
// always a multiple of the alignment.
func sampleLength(number uint64) int { return int(number&0x37) + 8 }

// Elements of the count map.
const (
	countSent = iota
	countFailed
)

// newProducer makes a perf event array and a program that tries to send burst
// samples whenever it runs. Samples that aren't accepted don't get a number.
func newProducer(t testing.TB, burst int32) *producer {
	t.Helper()
	testutil.Needs(t, testutil.BPF, testutil.GlobalData)
	array, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerfEventArray})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { array.Close() })
	count, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { count.Close() })

	const stack = -maxSample
	const currentCPU = 0xffffffff
	insns := asm.Instructions{asm.Mov.Reg(asm.R9, asm.R1)}
	for off := int16(stack); off < 0; off += 8 {
		insns = append(insns, asm.StoreImm(asm.RFP, off, 0x5a, asm.DWord))
	}
	insns = append(insns,
		asm.Mov.Imm(asm.R6, burst),
		asm.LoadMapValue(asm.R7, count.FD(), 0),
		asm.LoadMem(asm.R8, asm.R7, 0, asm.DWord).WithSymbol("next"),
		asm.StoreMem(asm.RFP, stack, asm.R8, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R9),
		asm.LoadMapPtr(asm.R2, array.FD()),
		asm.LoadImm(asm.R3, currentCPU, asm.DWord),
		asm.Mov.Reg(asm.R4, asm.RFP),
		asm.Add.Imm(asm.R4, stack),
		asm.Mov.Reg(asm.R5, asm.R8),
		asm.And.Imm(asm.R5, 0x37),
		asm.Add.Imm(asm.R5, 8),
		asm.FnPerfEventOutput.Call(),
		asm.JNE.Imm(asm.R0, 0, "failed"),
		asm.Add.Imm(asm.R8, 1),
		asm.StoreMem(asm.R7, 0, asm.R8, asm.DWord),
		asm.Ja.Label("sent"),
		asm.LoadMem(asm.R1, asm.R7, 8, asm.DWord).WithSymbol("failed"),
		asm.Add.Imm(asm.R1, 1),
		asm.StoreMem(asm.R7, 8, asm.R1, asm.DWord),
		asm.Sub.Imm(asm.R6, 1).WithSymbol("sent"),
		asm.JNE.Imm(asm.R6, 0, "next"),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	)
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, Instructions: insns, License: "GPL"})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	return &producer{array: array, count: count, prog: prog}
}

// run runs the program as often as asked.
func (p *producer) run(t testing.TB, repeat int) {
	t.Helper()
	if _, err := p.prog.Run(&ebpf.RunOptions{Data: make([]byte, 14), Repeat: uint32(repeat)}); err != nil {
		t.Error(err)
	}
}

// counted is how many samples got into a ring (countSent), or didn't.
func (p *producer) counted(t testing.TB, which int) uint64 {
	t.Helper()
	var n [2]uint64
	if err := p.count.Lookup(uint32(0), &n); err != nil {
		t.Error(err)
	}
	return n[which]
}

func (p *producer) reader(t testing.TB, size int, opts ReaderOptions) *Reader {
	t.Helper()
	r, err := NewReaderWithOptions(p.array, size, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// moveTo lets the calling thread run on one CPU only.
func moveTo(cpu int) error {
	var one unix.CPUSet
	one.Set(cpu)
	return unix.SchedSetaffinity(0, &one)
}

// check fails unless rec is the sample with that number.
func check(t testing.TB, rec Record, number uint64) {
	t.Helper()
	length := sampleLength(number)
	if len(rec.RawSample) < length || len(rec.RawSample) > length+7 || binary.NativeEndian.Uint64(rec.RawSample) != number {
		t.Fatalf("want sample %d of %d bytes, got %d bytes, %x", number, length, len(rec.RawSample), rec.RawSample)
	}
}

func TestReadWhatIsThere(t *testing.T) {
	testutil.CheckFDs(t)
	p := newProducer(t, 3)
	r := p.reader(t, 1, ReaderOptions{})
	if r.BufferSize() != os.Getpagesize() {
		t.Errorf("size %d", r.BufferSize())
	}
	p.run(t, 1)
	for number := range uint64(3) {
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec, number)
		if want := []int{24 + 24, 24, 0}[number]; rec.Remaining != want { // 20, 21 and 22 bytes, rounded up
			t.Errorf("remaining %d, want %d", rec.Remaining, want)
		}
	}
	r.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("empty rings: %v", err)
	}
}

func TestReadWaitsOnEveryCPU(t *testing.T) {
	p := newProducer(t, 1)
	r := p.reader(t, 4096, ReaderOptions{})
	cpus, err := kernel.OnlineCPUs()
	if err != nil {
		t.Fatal(err)
	}
	for number, cpu := range slices.Concat(cpus, cpus) {
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			time.Sleep(5 * time.Millisecond)
			t.Run("", func(t *testing.T) {
				testutil.OnCPU(t, cpu)
				p.run(t, 1)
			})
		}()
		rec, err := r.Read()
		<-sent
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec, uint64(number))
		if rec.CPU != cpu {
			t.Errorf("sample %d comes from CPU %d, want %d", number, rec.CPU, cpu)
		}
	}
}

// A hundred thousand samples through rings that hold a few hundred each. What the
// kernel didn't take, it counted; what it took arrives, in order for each CPU.
func TestNothingIsLostOrReordered(t *testing.T) {
	const total = 100_000
	p := newProducer(t, 100)
	r := p.reader(t, 16384, ReaderOptions{})
	var stop atomic.Bool
	var producing sync.WaitGroup
	defer producing.Wait()
	defer stop.Store(true)
	producing.Go(func() {
		for !stop.Load() && p.counted(t, countSent) < total {
			p.run(t, 1)
			runtime.Gosched() // with one processor, the reader would wait for the scheduler's patience to end
		}
		if err := r.Flush(); err != nil {
			t.Error(err)
		}
	})
	r.SetDeadline(time.Now().Add(4 * time.Minute))
	seen := make([]bool, total+100)
	newest := make(map[int]int64)
	var rec Record
	var n, lost uint64
	for {
		err := r.ReadInto(&rec)
		if err == ErrFlushed {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if lost += rec.LostSamples; rec.LostSamples > 0 {
			continue
		}
		number := binary.NativeEndian.Uint64(rec.RawSample)
		check(t, rec, number)
		if last, ok := newest[rec.CPU]; ok && int64(number) <= last || seen[number] {
			t.Fatalf("sample %d comes after %d", number, newest[rec.CPU])
		}
		newest[rec.CPU], seen[number] = int64(number), true
		n++
	}
	if sent := p.counted(t, countSent); n != sent {
		t.Errorf("%d samples arrived of %d", n, sent)
	}
	// Losses are told with the next sample, so the last ones may not be yet; how
	// exact they are is for TestLostSamplesAreCounted.
	if failed := p.counted(t, countFailed); lost > failed {
		t.Errorf("%d samples are told to be lost of %d", lost, failed)
	}
}

func TestLostSamplesAreCounted(t *testing.T) {
	testutil.OnCPU(t, 0)
	p := newProducer(t, 1)
	r := p.reader(t, os.Getpagesize(), ReaderOptions{})
	p.run(t, 2000)
	sent, failed := p.counted(t, countSent), p.counted(t, countFailed)
	if failed == 0 || sent+failed != 2000 {
		t.Fatalf("%d sent, %d failed", sent, failed)
	}
	for number := range sent {
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec, number)
	}
	p.run(t, 1) // the kernel tells with the next sample
	rec, err := r.Read()
	if err != nil || rec.LostSamples != failed || len(rec.RawSample) != 0 || rec.CPU != 0 {
		t.Errorf("got %+v, %v, want %d lost samples", rec, err, failed)
	}
	if rec, err = r.Read(); err != nil {
		t.Fatal(err)
	}
	check(t, rec, sent)
}

func TestOverwritable(t *testing.T) {
	testutil.OnCPU(t, 0)
	p := newProducer(t, 1)
	r := p.reader(t, os.Getpagesize(), ReaderOptions{Overwritable: true})
	next := uint64(0)
	for _, burst := range []int{1, 3, 5000, 7} {
		p.run(t, burst)
		if err := r.Pause(); err != nil {
			t.Fatal(err)
		}
		r.SetDeadline(time.Now())
		sent := p.counted(t, countSent)
		if p.counted(t, countFailed) != 0 || sent != next+uint64(burst) {
			t.Fatalf("%d samples sent", sent)
		}
		number, size := sent, 0
		for {
			rec, err := r.Read()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			number--
			check(t, rec, number)
			if rec.Remaining >= 0 {
				t.Errorf("remaining %d", rec.Remaining)
			}
			size += headerSize + 4 + len(rec.RawSample)
		}
		if number != next && (size > r.BufferSize() || size < r.BufferSize()-2*maxSample) {
			t.Errorf("%d bytes, samples %d to %d, of %d to %d", size, number, sent, next, sent)
		}
		next = sent
		if err := r.Resume(); err != nil {
			t.Fatal(err)
		}
	}
}

// A Reader of a ring that is being overwritten sees some samples, and no others.
func TestOverwritableWithoutPause(t *testing.T) {
	p := newProducer(t, 500)
	r := p.reader(t, 1<<16, ReaderOptions{Overwritable: true})
	var stop atomic.Bool
	var producing sync.WaitGroup
	defer producing.Wait()
	defer stop.Store(true)
	producing.Go(func() {
		for !stop.Load() {
			p.run(t, 1)
			runtime.Gosched()
		}
	})
	r.SetDeadline(time.Now().Add(time.Minute))
	var rec Record
	for range 5_000 {
		if err := r.ReadInto(&rec); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPauseAndResume(t *testing.T) {
	p := newProducer(t, 1)
	r := p.reader(t, 4096, ReaderOptions{})
	p.run(t, 1)
	for range 2 {
		if err := r.Pause(); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, 3)
	if failed := p.counted(t, countFailed); failed != 3 {
		t.Errorf("%d samples failed", failed)
	}
	rec, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	check(t, rec, 0)
	for range 2 {
		if err := r.Resume(); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, 1)
	if rec, err = r.Read(); err != nil {
		t.Fatal(err)
	}
	check(t, rec, 1)
}

func TestWaitForMore(t *testing.T) {
	testutil.OnCPU(t, 0)
	for name, opts := range map[string]ReaderOptions{
		"Watermark":    {Watermark: 200},
		"WakeupEvents": {WakeupEvents: 8},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProducer(t, 1)
			r := p.reader(t, 4096, opts)
			p.run(t, 5) // 24 bytes each
			time.Sleep(10 * time.Millisecond)
			r.SetDeadline(time.Now().Add(10 * time.Millisecond))
			number := uint64(0)
			for ; number < 5; number++ { // the deadline brings them out
				rec, err := r.Read()
				if err != nil {
					t.Fatal(err)
				}
				check(t, rec, number)
			}
			if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error(err)
			}
			r.SetDeadline(time.Now().Add(time.Minute))
			p.run(t, 8)
			rec, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			check(t, rec, number)
		})
	}
}

func TestFlush(t *testing.T) {
	p := newProducer(t, 2)
	r := p.reader(t, 4096, ReaderOptions{WakeupEvents: 100})
	time.AfterFunc(10*time.Millisecond, func() {
		p.run(t, 1)
		if err := r.Flush(); err != nil {
			t.Error(err)
		}
	})
	for number := range uint64(2) {
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec, number)
	}
	if _, err := r.Read(); err != ErrFlushed {
		t.Errorf("after the last: %v", err)
	}
}

func TestReaderOutlivesItsMap(t *testing.T) {
	p := newProducer(t, 1)
	r := p.reader(t, 4096, ReaderOptions{})
	p.array.Close()
	p.run(t, 1)
	rec, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	check(t, rec, 0)
}

func TestCloseEndsReads(t *testing.T) {
	testutil.CheckFDs(t)
	p := newProducer(t, 50)
	for range 20 {
		r := p.reader(t, 1<<14, ReaderOptions{})
		var users sync.WaitGroup
		for range 3 {
			users.Go(func() {
				var rec Record
				for {
					err := r.ReadInto(&rec)
					if errors.Is(err, ErrClosed) {
						return
					}
					if err != nil && err != ErrFlushed {
						t.Error(err)
						return
					}
					_ = r.Flush()
				}
			})
		}
		users.Go(func() {
			for r.Pause() == nil && r.Resume() == nil {
				runtime.Gosched()
			}
		})
		users.Go(func() { p.run(t, 10) })
		time.Sleep(time.Millisecond)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		users.Wait()
	}
}

func TestClosedReader(t *testing.T) {
	p := newProducer(t, 1)
	r := p.reader(t, 4096, ReaderOptions{})
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	for name, f := range map[string]func() error{"flush": r.Flush, "pause": r.Pause, "resume": r.Resume} {
		if err := f(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.SetDeadline(time.Now())
	p.run(t, 2)
	if failed := p.counted(t, countFailed); failed != 2 {
		t.Errorf("%d samples failed", failed)
	}
	again := p.reader(t, 4096, ReaderOptions{})
	p.run(t, 1)
	if _, err := again.Read(); err != nil {
		t.Error(err)
	}
}

func TestNewReaderRefuses(t *testing.T) {
	testutil.CheckFDs(t)
	p := newProducer(t, 1)
	if _, err := NewReader(p.count, 4096); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("array: %v", err)
	}
	for name, tc := range map[string]struct {
		size int
		opts ReaderOptions
	}{
		"no buffer":         {0, ReaderOptions{}},
		"huge buffer":       {maxBuffer + 1, ReaderOptions{}},
		"two thresholds":    {4096, ReaderOptions{Watermark: 1, WakeupEvents: 1}},
		"watermark too big": {4096, ReaderOptions{Watermark: 4096}},
		"negative":          {4096, ReaderOptions{WakeupEvents: -1}},
	} {
		if _, err := NewReaderWithOptions(p.array, tc.size, tc.opts); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.array.Close()
	if _, err := NewReader(p.array, 4096); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed map: %v", err)
	}
}

func TestBufferSizeIsPages(t *testing.T) {
	page := os.Getpagesize()
	for ask, want := range map[int]int{1: page, page: page, page + 1: 2 * page, 3 * page: 4 * page, maxBuffer: maxBuffer} {
		if got := bufferSize(ask); got != want {
			t.Errorf("%d bytes become %d, want %d", ask, got, want)
		}
	}
}

func TestReadIntoDoesNotAllocate(t *testing.T) {
	testutil.OnCPU(t, 0)
	p := newProducer(t, 200)
	r := p.reader(t, 1<<16, ReaderOptions{})
	p.run(t, 1)
	rec := Record{RawSample: make([]byte, maxSample+8)}
	testutil.Allocs(t, 0, func() {
		if err := r.ReadInto(&rec); err != nil {
			t.Fatal(err)
		}
	})
}

// What a record costs, with the clock stopped while they are produced.
func BenchmarkReadInto(b *testing.B) {
	testutil.OnCPU(b, 0)
	p := newProducer(b, 2000)
	r := p.reader(b, 1<<20, ReaderOptions{WakeupEvents: 1 << 20})
	var rec Record
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		b.StopTimer()
		before := p.counted(b, countSent)
		p.run(b, 5)
		r.Flush()
		n := min(left, int(p.counted(b, countSent)-before))
		b.StartTimer()
		for range n {
			if err := r.ReadInto(&rec); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		for err := error(nil); err != ErrFlushed; _, err = r.Read() {
		}
		left -= n
	}
}
