//go:build faults

package perf

import (
	"errors"
	"fmt"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// Perf rings from opening to closing, with each system call failing in turn.
func TestFaults(t *testing.T) {
	testutil.OnCPU(t, 0)
	p := newProducer(t, 1)
	testutil.Faults(t, func() error {
		r, err := NewReader(p.array, 4096)
		if err != nil {
			return err
		}
		defer r.Close()
		var number uint64
		testutil.Faultless(func() { number = p.counted(t, countSent); p.run(t, 1) })
		record, err := r.Read()
		if err != nil {
			return err
		}
		check(t, record, number)
		if err := errors.Join(r.Pause(), r.Resume(), r.Flush()); err != nil {
			return err
		}
		if _, err := r.Read(); !errors.Is(err, ErrFlushed) {
			return fmt.Errorf("after Flush: %w", err)
		}
		return r.Close()
	}, nil)
}
