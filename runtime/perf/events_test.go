package perf

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

type number struct{ N uint64 }

// events is a view that reads the first samples that find a reader: the kernel
// refuses those before, and the producer gives them no number.
func events[T any](t testing.TB, p *producer, runs int) Events[T] {
	t.Helper()
	e, err := ebpf.View[Events[T]](p.array)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		if err := moveTo(0); err != nil {
			t.Error(err)
		}
		if sent, failed := p.firstSent(t); sent > 0 && failed > 0 {
			p.run(t, 1) // the reader came in the middle of a burst
		}
		for range runs - 1 {
			p.run(t, 1)
		}
	}()
	t.Cleanup(func() { <-done })
	return e
}

// firstSent runs the program until samples are taken, or the test ends, and
// returns how many of the last run's were and weren't.
func (p *producer) firstSent(t testing.TB) (sent, failed uint64) {
	t.Helper()
	for sent == 0 && t.Context().Err() == nil {
		sent, failed = p.counted(t, countSent), p.counted(t, countFailed)
		p.run(t, 1)
		sent, failed = p.counted(t, countSent)-sent, p.counted(t, countFailed)-failed
		runtime.Gosched()
	}
	return sent, failed
}

// The first five samples have 8 to 12 bytes, which the kernel pads to 12. The
// next ones are larger.
func TestEvents(t *testing.T) {
	testutil.CheckFDs(t)
	p := newProducer(t, 6)
	want := uint64(0)
	for ev, err := range events[number](t, p, 1).All(t.Context()) {
		var wrong *SizeError
		if errors.As(err, &wrong) {
			if want != 5 || ev != nil || err.Error() != "sample of 20 bytes, expected are 12, both with the kernel's padding" {
				t.Fatalf("event %d: %v, %v", want, ev, err)
			}
			break
		}
		if err != nil || ev.N != want {
			t.Fatalf("event %+v, %v, want %d", ev, err, want)
		}
		want++
	}
}

func TestEventCopies(t *testing.T) {
	p := newProducer(t, 3)
	var got []number
	for ev, err := range events[number](t, p, 1).Copies(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, ev); len(got) == 3 {
			break
		}
	}
	for i, ev := range got {
		if ev.N != uint64(i) {
			t.Errorf("event %d is %d", i, ev.N)
		}
	}
}

func TestLostEvents(t *testing.T) {
	p := newProducer(t, 1000)
	testutil.OnCPU(t, 0)
	// The ring overflows at once, and the kernel tells with the first sample
	// that finds room again.
	for _, err := range events[number](t, p, 2).With(1, ReaderOptions{}).All(t.Context()) {
		var lost *LostError
		if errors.As(err, &lost) {
			if lost.Count == 0 {
				t.Error(lost)
			}
			return
		}
		var wrong *SizeError
		if err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
		p.run(t, 1)
	}
}

// What ends a loop that waits ends it without an error.
func TestEventsEnd(t *testing.T) {
	for name, end := range map[string]func(*producer, context.CancelFunc){
		"cancelled":  func(p *producer, cancel context.CancelFunc) { cancel() },
		"map closed": func(p *producer, cancel context.CancelFunc) { p.array.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			testutil.CheckFDs(t)
			p := newProducer(t, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			for ev, err := range events[number](t, p, 1).All(ctx) {
				if err != nil {
					t.Fatal(ev, err)
				}
				n++
				time.AfterFunc(10*time.Millisecond, func() { end(p, cancel) })
			}
			if n != 1 {
				t.Errorf("%d events, want 1", n)
			}
		})
	}
}

func TestEventsOfClosedMap(t *testing.T) {
	p := newProducer(t, 1)
	e, err := ebpf.View[Events[number]](p.array)
	if err != nil {
		t.Fatal(err)
	}
	p.array.Close()
	n := 0
	for _, err := range e.All(t.Context()) {
		if n++; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors, want 1", n)
	}
}
