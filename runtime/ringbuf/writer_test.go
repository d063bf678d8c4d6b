package ringbuf

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// echo is a program that sends the numbers in samples from user space back.
type echo struct {
	Drain *ebpf.Program `ebpf:"drain"`
	In    *ebpf.Map     `ebpf:"in"`
	Out   *ebpf.Map     `ebpf:"out"`

	w *Writer
	r *Reader
}

func newEcho(t testing.TB) *echo {
	t.Helper()
	testutil.Needs(t, testutil.UserRingBuf)
	name := "userring-el.o"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		name = "userring-eb.o"
	}
	spec, err := ebpf.LoadCollectionSpec(filepath.Join("..", "..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	e := new(echo)
	if err := spec.LoadAndAssign(e, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { errors.Join(e.Drain.Close(), e.In.Close(), e.Out.Close()) })
	if e.w, err = NewWriter(e.In); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.w.Close() })
	if e.r, err = NewReader(e.Out); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.r.Close() })
	return e
}

// drain lets the program read, and returns how many samples it says there were.
func (e *echo) drain(t testing.TB) int {
	t.Helper()
	n, err := e.Drain.Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	if err != nil {
		t.Error(err)
	}
	return int(int32(n))
}

func (e *echo) expect(t testing.TB, numbers ...uint64) {
	t.Helper()
	if n := e.drain(t); n != len(numbers) {
		t.Errorf("drained %d samples, want %d", n, len(numbers))
	}
	for _, want := range numbers {
		e.r.SetDeadline(time.Now().Add(time.Minute))
		rec, err := e.r.Read()
		if err != nil {
			t.Fatalf("sample %d: %v", want, err)
		}
		if got := binary.NativeEndian.Uint64(rec.RawSample); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
}

func encoded(n uint64) []byte { return binary.NativeEndian.AppendUint64(nil, n) }

func TestWriter(t *testing.T) {
	testutil.CheckFDs(t)
	e := newEcho(t)
	if e.w.Size() != 4096 {
		t.Errorf("size %d", e.w.Size())
	}
	for n := range uint64(3) {
		if size, err := e.w.Write(encoded(n)); size != 8 || err != nil {
			t.Fatal(size, err)
		}
	}
	e.expect(t, 0, 1, 2)
	e.expect(t)
}

// Programs see samples in the order in which they were reserved, and wait for
// the first that isn't submitted.
func TestWriterReserve(t *testing.T) {
	e := newEcho(t)
	var slots [3]Slot
	for i := range slots {
		var err error
		if slots[i], err = e.w.Reserve(8); err != nil || len(slots[i].Bytes) != 8 {
			t.Fatal(err)
		}
		copy(slots[i].Bytes, encoded(uint64(i)))
	}
	slots[2].Submit()
	if n := e.drain(t); n > 0 {
		t.Errorf("a program has read %d samples that aren't there", n)
	}
	slots[0].Submit()
	slots[1].Discard()
	e.expect(t, 0, 2)
}

func TestWriterFull(t *testing.T) {
	e := newEcho(t)
	var sent []uint64
	for {
		_, err := e.w.Write(encoded(uint64(len(sent))))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, uint64(len(sent)))
	}
	if len(sent) != 4096/16 {
		t.Errorf("%d samples fit", len(sent))
	}
	e.w.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := e.w.ReserveWait(8); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	e.w.SetDeadline(time.Now().Add(time.Minute))
	var draining sync.WaitGroup
	draining.Go(func() {
		time.Sleep(5 * time.Millisecond)
		e.expect(t, sent...)
	})
	slot, err := e.w.ReserveWait(8)
	if err != nil {
		t.Fatal(err)
	}
	slot.Discard()
	draining.Wait()
	for _, size := range []int{-1, 4096 - headerSize + 1, 1 << 40} {
		if _, err := e.w.Reserve(size); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// More samples than the ring holds, from several goroutines: each arrives once.
func TestWriterNothingIsLost(t *testing.T) {
	const writers, each = 4, 2000
	e := newEcho(t)
	var writing sync.WaitGroup
	defer writing.Wait()
	e.w.SetDeadline(time.Now().Add(time.Minute))
	for g := range uint64(writers) {
		writing.Go(func() {
			for i := range uint64(each) {
				slot, err := e.w.ReserveWait(8)
				if err != nil {
					t.Error(err)
					return
				}
				binary.NativeEndian.PutUint64(slot.Bytes, g<<32|i)
				slot.Submit()
			}
		})
	}
	var next [writers]uint64
	var rec Record
	for seen := 0; seen < writers*each; {
		n := e.drain(t)
		if n < 0 {
			continue // busy: the next one isn't submitted yet
		}
		for range n {
			e.r.SetDeadline(time.Now().Add(time.Minute))
			if err := e.r.ReadInto(&rec); err != nil {
				t.Fatal(err)
			}
			got := binary.NativeEndian.Uint64(rec.RawSample)
			if g := got >> 32; g >= writers || uint64(uint32(got)) != next[g] {
				t.Fatalf("got %#x, want number %d", got, next)
			}
			next[got>>32]++
			seen++
		}
	}
}

func TestWriterClosed(t *testing.T) {
	testutil.CheckFDs(t)
	e := newEcho(t)
	e.In.Close() // the Writer doesn't care
	late, err := e.w.Reserve(8)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := e.w.Write(make([]byte, 1000)); err == nil; {
		_, err = e.w.Write(make([]byte, 1000))
	}
	time.AfterFunc(5*time.Millisecond, func() { e.w.Close() })
	if _, err := e.w.ReserveWait(1000); err != ErrClosed {
		t.Errorf("waiting: %v", err)
	}
	if err := e.w.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
	if _, err := e.w.Reserve(8); err != ErrClosed {
		t.Errorf("reserve: %v", err)
	}
	if e.w.Size() != 0 {
		t.Error("a closed Writer has a size")
	}
	copy(late.Bytes, encoded(7))
	late.Submit() // is no use after the memory is gone
}

func TestCloseWriterDuringUse(t *testing.T) {
	testutil.CheckFDs(t)
	e := newEcho(t)
	e.w.Close()
	testutil.Hammer(t, 30, func() testutil.Hammered {
		w, err := NewWriter(e.In)
		if err != nil {
			t.Fatal(err)
		}
		return testutil.Hammered{
			Close: w.Close,
			Fine:  []error{ErrFull},
			Ops: map[string]func() error{
				"Write": func() error { _, err := w.Write(encoded(uint64(w.Size()))); return err },
				"ReserveWait": func() error {
					slot, err := w.ReserveWait(8)
					if err == nil {
						slot.Discard()
					}
					return err
				},
				"drain": func() error { e.drain(t); _, err := w.Reserve(1 << 20); return ignoreInvalid(err) },
			},
		}
	})
}

func ignoreInvalid(err error) error {
	if errors.Is(err, os.ErrInvalid) {
		return nil
	}
	return err
}

func TestWriterNeedsUserRing(t *testing.T) {
	p := newRings(t, 4096)
	if _, err := NewWriter(p.ring); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestWriterAllocations(t *testing.T) {
	e := newEcho(t)
	testutil.Allocs(t, 0, func() {
		slot, err := e.w.Reserve(8)
		if err == ErrFull {
			e.drain(t)
			return
		}
		slot.Discard()
	})
}
