package ringbuf

import (
	"context"
	"errors"
	"testing"
	"time"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

type number struct{ N uint64 }

func events[T any](t testing.TB, m *ebpf.Map) Events[T] {
	t.Helper()
	e, err := ebpf.View[Events[T]](m)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// numbers runs a producer of eight byte samples.
func numbers(t testing.TB, runs int) *producer {
	p := newDiscarder(t, 1<<16)
	p.run(t, runs)
	return p
}

func TestEvents(t *testing.T) {
	p := numbers(t, 100)
	want := uint64(0)
	for ev, err := range events[number](t, p.ring).All(t.Context()) {
		if err != nil || ev.N != want {
			t.Fatalf("event %+v, %v, want %d", ev, err, want)
		}
		if want += 2; want == 100 {
			break
		}
	}
	p.run(t, 2)
	for ev, err := range events[number](t, p.ring).Copies(t.Context()) {
		if err != nil || ev.N != 100 {
			t.Fatalf("after break: event %+v, %v, want 100", ev, err)
		}
		break
	}
}

// The ring is given back while it is read: more comes through than fits.
func TestEventsMakeRoom(t *testing.T) {
	p := newDiscarder(t, 1<<12)
	p.run(t, 100)
	got, want := 0, uint64(0)
	for ev, err := range events[number](t, p.ring).All(t.Context()) {
		if err != nil || ev.N != want {
			t.Fatal(ev, err, want)
		}
		want += 2
		if got++; got == 2000 {
			return
		}
		if got%50 == 0 {
			p.run(t, 100)
		}
	}
}

func TestEventsOfTheWrongSize(t *testing.T) {
	p := numbers(t, 2)
	for ev, err := range events[[3]uint32](t, p.ring).All(t.Context()) {
		var wrong *SizeError
		if ev != nil || !errors.As(err, &wrong) || *wrong != (SizeError{8, 12}) {
			t.Errorf("got %v, %v", ev, err)
		}
		if err.Error() != "sample of 8 bytes, expected are 12" {
			t.Error(err)
		}
		break
	}
}

// Batches end where All ends.
func TestBatchesEnd(t *testing.T) {
	p := numbers(t, 1)
	n := 0
	for batch, err := range events[number](t, p.ring).Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n += batch.Len()
		time.AfterFunc(10*time.Millisecond, func() { p.ring.Close() })
	}
	if n != 1 {
		t.Errorf("%d events, want 1", n)
	}
	for _, err := range events[number](t, p.ring).Batches(t.Context()) {
		if !errors.Is(err, ErrClosed) {
			t.Error("after Close:", err)
		}
	}
}

// What ends a loop that waits ends it without an error.
func TestEventsEnd(t *testing.T) {
	for name, end := range map[string]func(*producer, context.CancelFunc){
		"cancelled":  func(p *producer, cancel context.CancelFunc) { cancel() },
		"map closed": func(p *producer, cancel context.CancelFunc) { p.ring.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			p := numbers(t, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			for ev, err := range events[number](t, p.ring).All(ctx) {
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
	t.Run("map closed in the loop", func(t *testing.T) {
		p := numbers(t, 1)
		for _, err := range events[number](t, p.ring).All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			p.ring.Close()
		}
		for _, err := range events[number](t, p.ring).All(t.Context()) {
			if !errors.Is(err, ErrClosed) {
				t.Error("after Close:", err)
			}
		}
	})
}

func TestBatches(t *testing.T) {
	p := newDiscarder(t, 1<<12) // more comes through than fits
	p.run(t, 100)
	want, batches := uint64(0), 0
	for batch, err := range events[number](t, p.ring).Batches(t.Context()) {
		if err != nil || batch.Len() == 0 {
			t.Fatal(batch, err)
		}
		batches++
		for ev := range batch.All() {
			if ev.N != want {
				t.Fatalf("event %d, want %d", ev.N, want)
			}
			want += 2
		}
		if last := batch.At(batch.Len() - 1).N; last != want-2 {
			t.Errorf("the last is %d, want %d", last, want-2)
		}
		if want >= 2000 {
			break
		}
		if want%100 == 0 {
			p.run(t, 100)
		}
	}
	p.run(t, 2)
	for batch, err := range events[number](t, p.ring).Batches(t.Context()) {
		if err != nil || batch.At(0).N != want {
			t.Errorf("after a break: %d, %v, want %d", batch.At(0).N, err, want)
		}
		break
	}
	for batch, err := range events[[3]uint32](t, numbers(t, 2).ring).Batches(t.Context()) {
		var wrong *SizeError
		if batch.Len() != 0 || !errors.As(err, &wrong) || *wrong != (SizeError{8, 12}) {
			t.Errorf("got %v, %v", batch, err)
		}
		break
	}
	t.Run("out of range", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		Batch[number]{}.At(0)
	})
}

func TestEventsWantTypesWithASize(t *testing.T) {
	p := numbers(t, 0)
	if _, err := ebpf.View[Events[struct{ S []byte }]](p.ring); !errors.Is(err, ebpf.ErrInvalidType) {
		t.Error(err)
	}
}

// A loop allocates for its reader, whatever the number of events.
func TestEventsDoNotAllocate(t *testing.T) {
	p := numbers(t, 0)
	all := events[number](t, p.ring)
	loop := func(events int) float64 {
		return testing.AllocsPerRun(5, func() {
			p.run(t, 2*events)
			n := 0
			for _, err := range all.All(context.Background()) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == events {
					break
				}
			}
		})
	}
	few := loop(1)
	if many := loop(1000); many > few+1 {
		t.Errorf("%v allocations for 1000 events, %v for one", many, few)
	}
}
