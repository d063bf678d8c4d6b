package perf

import (
	"errors"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// A CPU goes offline under an open reader, and comes back. Its ring is silent
// then; the others go on, and a new reader does without it.
func TestCPUGoesOffline(t *testing.T) {
	online := testutil.SecondCPU(t)
	testutil.CheckFDs(t)
	testutil.OnCPU(t, 0)
	p := newProducer(t, 1)
	r := p.reader(t, 4096, ReaderOptions{})
	defer r.Close()
	read := func(r *Reader, number uint64) {
		t.Helper()
		p.run(t, 1)
		r.SetDeadline(time.Now().Add(10 * time.Second))
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		check(t, rec, number)
	}
	read(r, 0)
	online(false)
	read(r, 1)
	if err := errors.Join(r.Pause(), r.Resume()); err != nil {
		t.Errorf("with a CPU less: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("with a CPU less: %v", err)
	}
	again := p.reader(t, 4096, ReaderOptions{})
	defer again.Close()
	read(again, 2)
	online(true)
	read(again, 3)
}
