package perf

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// takeCPUs in the environment lets the tests take CPUs away from the machine, and
// give them back.
const takeCPUs = "BPFGEN_TEST_TAKE_CPUS"

func setOnline(t testing.TB, state string) {
	t.Helper()
	if err := os.WriteFile("/sys/devices/system/cpu/cpu1/online", []byte(state), 0); err != nil {
		t.Fatal(err)
	}
}

// CPUs that come online get a ring, for the first time or again, and what was in
// the ring that they had isn't lost.
func TestCPUsComeOnline(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	if os.Getenv(takeCPUs) == "" {
		t.Skipf("needs a machine whose CPUs nobody else needs: set %s there", takeCPUs)
	}
	testutil.CheckFDs(t)
	setOnline(t, "0")
	t.Cleanup(func() { setOnline(t, "1") })
	p := newProducer(t, 1)
	r := p.reader(t, 4096, ReaderOptions{})
	if len(r.rings) != 1 {
		t.Fatalf("%d rings", len(r.rings))
	}
	number := uint64(0)
	expect := func() {
		t.Helper()
		r.SetDeadline(time.Now().Add(time.Minute))
		rec, err := r.Read()
		if err != nil {
			t.Fatalf("sample %d: %v", number, err)
		}
		if rec.CPU != 1 {
			t.Errorf("sample %d is from CPU %d", number, rec.CPU)
		}
		check(t, rec, number)
		number++
	}
	flush := func() {
		t.Helper()
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(); !errors.Is(err, ErrFlushed) {
			t.Fatalf("got %v", err)
		}
	}
	for range 2 {
		setOnline(t, "1")
		flush() // now it has a ring
		runOn(t, p, 1)
		expect()
		runOn(t, p, 1)
		setOnline(t, "0")
		setOnline(t, "1")
		expect() // what the old ring had
		flush()
		runOn(t, p, 1)
		expect()
		setOnline(t, "0")
	}
	if failed := p.counted(t, countFailed); failed != 0 || r.Lost() != 0 {
		t.Errorf("%d samples failed, %d lost", failed, r.Lost())
	}
}

// runOn runs the program on one CPU.
func runOn(t testing.TB, p *producer, cpu int) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // until the end of the thread
		var one unix.CPUSet
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			t.Error(err)
		}
		p.run(t, 1)
	}()
	<-done
}
