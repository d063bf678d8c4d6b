package perf

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// A CPU goes offline under an open reader, and comes back. Its ring is silent
// then; the others go on, and a new reader does without it.
func TestCPUGoesOffline(t *testing.T) {
	if os.Getenv("VMTEST") == "" {
		t.Skip("needs a machine whose CPUs nobody else uses (make test-kernels)")
	}
	const switchFile = "/sys/devices/system/cpu/cpu1/online"
	if _, err := os.Stat(switchFile); err != nil {
		t.Skipf("needs a second CPU that can be switched off: %v", err)
	}
	testutil.CheckFDs(t)
	onCPU(t, 0)
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
	turn := func(state string) {
		t.Helper()
		if err := os.WriteFile(switchFile, []byte(state), 0); err != nil {
			t.Fatal(err)
		}
	}
	turn("0")
	defer turn("1")
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
	turn("1")
	read(again, 3)
}
