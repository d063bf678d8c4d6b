//go:build faults

package ringbuf

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// A ring buffer from opening to closing, with each system call failing in turn.
func TestFaults(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	p := newProducer(t, 1<<14, 1, 0)
	testutil.Faults(t, func() error {
		r, err := NewReader(p.ring)
		if err != nil {
			return err
		}
		defer r.Close()
		var number uint64
		testutil.Faultless(func() { number = p.produced(t); p.run(t, 1) })
		defer testutil.Faultless(func() { drain(t, p) })
		record, err := r.Read()
		if err != nil {
			return err
		}
		check(t, record.RawSample, number)
		if err := r.Flush(); err != nil {
			return err
		}
		if _, err := r.Read(); !errors.Is(err, ErrFlushed) {
			return fmt.Errorf("after Flush: %w", err)
		}
		return r.Close()
	}, nil)
}

// drain reads what an attempt that failed has left for the next.
func drain(t *testing.T, p *producer) {
	r, err := NewReader(p.ring)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Flush(); err != nil {
		t.Error(err)
	}
	for err == nil {
		_, err = r.Read()
	}
	if !errors.Is(err, ErrFlushed) {
		t.Error(err)
	}
}
