package ringbuf

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

func TestMain(m *testing.M) { testutil.Main(m) }

const (
	noWakeup  = 1 // BPF_RB_NO_WAKEUP
	maxSample = 64
)

// producer is a program that sends numbered samples.
type producer struct {
	ring, count *ebpf.Map
	prog        *ebpf.Program
}

// sampleSize is how long the sample with a number is: 8 to 64 bytes, and not
// always a multiple of the alignment.
func sampleSize(number uint64) int { return int(number&0x37) + 8 }

// newProducer makes a ring buffer and a program that sends as many samples as
// burst says whenever it runs, or fewer if the ring is full.
func newProducer(t testing.TB, ringSize uint32, burst int32, flags int32) *producer {
	t.Helper()
	p := newRings(t, ringSize)
	const stack = -maxSample
	insns := asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
	}
	for off := int16(stack); off < 0; off += 8 {
		insns = append(insns, asm.StoreImm(asm.RFP, off, 0x5a, asm.DWord))
	}
	insns = append(insns,
		asm.Mov.Imm(asm.R6, burst),
		asm.LoadMapValue(asm.R7, p.count.FD(), 0),
		asm.LoadMem(asm.R8, asm.R7, 0, asm.DWord).WithSymbol("next"),
		asm.StoreMem(asm.RFP, stack, asm.R8, asm.DWord),
		asm.LoadMapPtr(asm.R1, p.ring.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, stack),
		asm.Mov.Reg(asm.R3, asm.R8),
		asm.And.Imm(asm.R3, 0x37),
		asm.Add.Imm(asm.R3, 8),
		asm.Mov.Imm(asm.R4, flags),
		asm.FnRingbufOutput.Call(),
		asm.JNE.Imm(asm.R0, 0, "out"),
		asm.Add.Imm(asm.R8, 1),
		asm.StoreMem(asm.R7, 0, asm.R8, asm.DWord),
		asm.Sub.Imm(asm.R6, 1),
		asm.JNE.Imm(asm.R6, 0, "next"),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	)
	p.load(t, insns)
	return p
}

// newDiscarder is newProducer for a program that reserves a sample of eight
// bytes for each number, and then discards the odd ones.
func newDiscarder(t testing.TB, ringSize uint32) *producer {
	t.Helper()
	p := newRings(t, ringSize)
	p.load(t, asm.Instructions{
		asm.LoadMapValue(asm.R7, p.count.FD(), 0),
		asm.LoadMem(asm.R8, asm.R7, 0, asm.DWord),
		asm.LoadMapPtr(asm.R1, p.ring.FD()),
		asm.Mov.Imm(asm.R2, 8),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.StoreMem(asm.R0, 0, asm.R8, asm.DWord),
		asm.Mov.Reg(asm.R9, asm.R8),
		asm.Add.Imm(asm.R8, 1),
		asm.StoreMem(asm.R7, 0, asm.R8, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R0),
		asm.Mov.Imm(asm.R2, 0),
		asm.And.Imm(asm.R9, 1),
		asm.JNE.Imm(asm.R9, 0, "odd"),
		asm.FnRingbufSubmit.Call(),
		asm.Ja.Label("out"),
		asm.FnRingbufDiscard.Call().WithSymbol("odd"),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	})
	return p
}

func newRings(t testing.TB, ringSize uint32) *producer {
	t.Helper()
	testutil.Needs(t, testutil.RingBuf)
	ring, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: ringSize})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ring.Close() })
	count, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { count.Close() })
	return &producer{ring: ring, count: count}
}

func (p *producer) load(t testing.TB, insns asm.Instructions) {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.SocketFilter, Instructions: insns, License: "MIT"})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { prog.Close() })
	p.prog = prog
}

// run runs the program as often as asked.
func (p *producer) run(t testing.TB, repeat int) {
	t.Helper()
	if _, err := p.prog.Run(&ebpf.RunOptions{Data: make([]byte, 14), Repeat: uint32(repeat)}); err != nil {
		t.Error(err)
	}
}

// produced is how many samples got into the ring.
func (p *producer) produced(t testing.TB) uint64 {
	t.Helper()
	var n uint64
	if err := p.count.Lookup(uint32(0), &n); err != nil {
		t.Error(err)
	}
	return n
}

func (p *producer) reader(t testing.TB) *Reader {
	t.Helper()
	r, err := NewReader(p.ring)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// check fails unless sample is the one with that number.
func check(t testing.TB, sample []byte, number uint64) {
	t.Helper()
	if len(sample) != sampleSize(number) || binary.NativeEndian.Uint64(sample) != number {
		t.Fatalf("sample %d is %d bytes, %x", number, len(sample), sample)
	}
}

func TestReadWhatIsThere(t *testing.T) {
	testutil.CheckFDs(t)
	p := newProducer(t, 4096, 3, 0)
	r := p.reader(t)
	if r.BufferSize() != 4096 || r.AvailableBytes() != 0 {
		t.Errorf("size %d, available %d", r.BufferSize(), r.AvailableBytes())
	}
	p.run(t, 1)
	if got := r.AvailableBytes(); got != 16+24+24 {
		t.Errorf("available %d", got)
	}
	for number := range uint64(3) {
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec.RawSample, number)
		if want := r.AvailableBytes(); rec.Remaining != want {
			t.Errorf("remaining %d, want %d", rec.Remaining, want)
		}
	}
	r.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("empty ring: %v", err)
	}
}

// Several rings in one Reader: each sample says where it is from, those of one
// ring keep their order, and a busy ring doesn't keep the other waiting.
func TestReadSeveralRings(t *testing.T) {
	testutil.CheckFDs(t)
	busy, quiet := newProducer(t, 8192, 100, 0), newProducer(t, 4096, 1, 0)
	r, err := NewMultiReader(busy.ring, quiet.ring)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.BufferSize() != 8192+4096 {
		t.Errorf("size %d", r.BufferSize())
	}
	r.SetDeadline(time.Now().Add(time.Minute))
	var next [2]uint64
	read := func() error {
		rec, err := r.Read()
		if err != nil {
			return err
		}
		check(t, rec.RawSample, next[rec.Ring])
		next[rec.Ring]++
		return nil
	}
	for want := range uint64(20) {
		quiet.run(t, 1)
		for reads := 0; next[1] <= want; reads++ {
			busy.run(t, 1)
			if err := read(); err != nil {
				t.Fatalf("after %d samples: %v", next, err)
			}
			if reads > 2*8192/16 {
				t.Fatalf("the quiet ring starves: %d samples", next)
			}
		}
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	for err = read(); err == nil; {
		err = read()
	}
	if want := [2]uint64{busy.produced(t), quiet.produced(t)}; err != ErrFlushed || next != want {
		t.Errorf("%d samples, want %d: %v", next, want, err)
	}
	time.AfterFunc(5*time.Millisecond, func() { quiet.run(t, 1) })
	if err := read(); err != nil {
		t.Errorf("waiting for the second ring: %v", err)
	}
	if _, err := NewMultiReader(); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("no maps: %v", err)
	}
	if _, err := NewMultiReader(busy.ring, quiet.count); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("not a ring: %v", err)
	}
}

func TestReadWaits(t *testing.T) {
	p := newProducer(t, 4096, 1, 0)
	r := p.reader(t)
	for number := range uint64(5) {
		time.AfterFunc(5*time.Millisecond, func() { p.run(t, 1) })
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec.RawSample, number)
	}
}

func TestReaderOutlivesItsMap(t *testing.T) {
	p := newProducer(t, 4096, 1, 0)
	r := p.reader(t)
	p.ring.Close()
	time.AfterFunc(5*time.Millisecond, func() { p.run(t, 1) })
	rec, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	check(t, rec.RawSample, 0)
}

func TestDiscardedSamplesAreNotSeen(t *testing.T) {
	p := newDiscarder(t, 4096)
	r := p.reader(t)
	p.run(t, 6)
	for _, number := range []uint64{0, 2, 4} {
		rec, err := r.Read()
		if err != nil || len(rec.RawSample) != 8 || binary.NativeEndian.Uint64(rec.RawSample) != number {
			t.Fatalf("%x, %v, want %d", rec.RawSample, err, number)
		}
	}
	r.SetDeadline(time.Now())
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if got := r.AvailableBytes(); got != 0 {
		t.Errorf("%d bytes of discarded samples are held", got)
	}
}

// Half a million samples through a ring that holds a few hundred.
func TestNothingIsLostOrReordered(t *testing.T) {
	const total = 500_000
	p := newProducer(t, 16384, 500, 0)
	r := p.reader(t)
	var stop atomic.Bool
	var producing sync.WaitGroup
	defer producing.Wait()
	defer stop.Store(true)
	producing.Go(func() {
		for !stop.Load() {
			before := p.produced(t)
			p.run(t, 1)
			if p.produced(t) == before { // full
				time.Sleep(time.Microsecond) // with one processor, Go looks at epoll when all sleep
			}
		}
	})
	r.SetDeadline(time.Now().Add(4 * time.Minute))
	var rec Record
	for number := range uint64(total) {
		if err := r.ReadInto(&rec); err != nil {
			t.Fatalf("sample %d: %v", number, err)
		}
		check(t, rec.RawSample, number)
	}
}

func TestFlush(t *testing.T) {
	p := newProducer(t, 4096, 2, noWakeup)
	r := p.reader(t)
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
		check(t, rec.RawSample, number)
	}
	if _, err := r.Read(); err != ErrFlushed {
		t.Errorf("after the last: %v", err)
	}
	p.run(t, 1)
	if rec, err := r.Read(); err != nil || binary.NativeEndian.Uint64(rec.RawSample) != 2 {
		t.Errorf("reading on: %v", err)
	}
}

func TestDeadlineWhileReading(t *testing.T) {
	p := newProducer(t, 4096, 2, 0)
	r := p.reader(t)
	time.AfterFunc(10*time.Millisecond, func() { r.SetDeadline(time.Now()) })
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	p.run(t, 1)
	if _, err := r.Read(); err != nil {
		t.Errorf("sample that is there, after the deadline: %v", err)
	}
	r.SetDeadline(time.Time{})
	if _, err := r.Read(); err != nil {
		t.Errorf("without deadline: %v", err)
	}
}

func TestCloseEndsReads(t *testing.T) {
	testutil.CheckFDs(t)
	p := newProducer(t, 4096, 100, 0)
	for range 30 {
		r := p.reader(t)
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
					r.AvailableBytes()
					r.Flush()
				}
			})
		}
		users.Go(func() { p.run(t, 10) })
		time.Sleep(time.Millisecond)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		users.Wait()
	}
}

func TestCloseReaderDuringUse(t *testing.T) {
	testutil.CheckFDs(t)
	one, two := newProducer(t, 4096, 3, 0), newProducer(t, 4096, 3, 0)
	testutil.Hammer(t, 30, func() testutil.Hammered {
		r, err := NewMultiReader(one.ring, two.ring)
		if err != nil {
			t.Fatal(err)
		}
		return testutil.Hammered{
			Close: r.Close,
			Fine:  []error{ErrFlushed, os.ErrDeadlineExceeded},
			Ops: map[string]func() error{
				"Read":     func() error { _, err := r.Read(); return err },
				"ReadInto": func() error { return r.ReadInto(new(Record)) },
				"Flush": func() error {
					one.run(t, 1)
					r.SetDeadline(time.Now().Add(time.Duration(r.AvailableBytes() + r.BufferSize())))
					return r.Flush()
				},
			},
		}
	})
}

func TestClosedReader(t *testing.T) {
	p := newProducer(t, 4096, 1, 0)
	r := p.reader(t)
	p.run(t, 1)
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Read(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read: %v", err)
	}
	if err := r.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("flush: %v", err)
	}
	if r.BufferSize() != 0 || r.AvailableBytes() != 0 {
		t.Errorf("size %d, available %d", r.BufferSize(), r.AvailableBytes())
	}
	r.SetDeadline(time.Now())

	again := p.reader(t)
	if _, err := again.Read(); err != nil {
		t.Errorf("the sample is lost: %v", err)
	}
}

func TestNewReaderWantsARingBuffer(t *testing.T) {
	testutil.CheckFDs(t)
	p := newRings(t, 4096)
	if _, err := NewReader(p.count); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("array: %v", err)
	}
	p.ring.Close()
	if _, err := NewReader(p.ring); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed map: %v", err)
	}
}

func TestReadIntoDoesNotAllocate(t *testing.T) {
	p := newProducer(t, 1<<16, 200, 0)
	r := p.reader(t)
	p.run(t, 1)
	rec := Record{RawSample: make([]byte, maxSample)}
	testutil.Allocs(t, 0, func() {
		if err := r.ReadInto(&rec); err != nil {
			t.Fatal(err)
		}
	})
}

// benchmark calls read for each of b.N samples, with the clock stopped while
// they are produced.
func benchmark(b *testing.B, read func(*Reader, int)) {
	const ringSize, burst = 1 << 20, 2000
	p := newProducer(b, ringSize, burst, noWakeup)
	r := p.reader(b)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		b.StopTimer()
		before := p.produced(b)
		p.run(b, 7)
		n := min(left, int(p.produced(b)-before))
		b.StartTimer()
		read(r, n)
		b.StopTimer()
		r.Flush()
		for err := error(nil); err != ErrFlushed; _, err = r.Read() {
		}
		left -= n
	}
}

func BenchmarkReadInto(b *testing.B) {
	var rec Record
	benchmark(b, func(r *Reader, n int) {
		for range n {
			if err := r.ReadInto(&rec); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What a zero-copy iterator costs: samples in place, published now and then.
func BenchmarkInPlace(b *testing.B) {
	benchmark(b, func(r *Reader, n int) {
		r.reading.Lock()
		defer r.reading.Unlock()
		for range n {
			if _, _, err := r.next(); err != nil {
				b.Fatal(err)
			}
			if ring := r.rings[0]; ring.pos-ring.published >= 1<<16 {
				ring.publish()
			}
		}
		r.publish()
	})
}
