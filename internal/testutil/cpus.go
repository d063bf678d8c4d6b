package testutil

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// OnCPU keeps the test's thread on one CPU.
func OnCPU(t testing.TB, cpu int) {
	t.Helper()
	runtime.LockOSThread()
	var before, one unix.CPUSet
	one.Set(cpu)
	if err := errors.Join(unix.SchedGetaffinity(0, &before), unix.SchedSetaffinity(0, &one)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.SchedSetaffinity(0, &before); err != nil {
			t.Error(err)
		}
		runtime.UnlockOSThread()
	})
}

// SecondCPU returns what takes CPU 1 offline, or brings it back, as it is in the
// end. Only in a machine of its own may a test do that.
func SecondCPU(t testing.TB) (online func(bool)) {
	t.Helper()
	if os.Getenv("VMTEST") == "" {
		t.Skip("needs a machine whose CPUs nobody else uses (make test-kernels)")
	}
	const file = "/sys/devices/system/cpu/cpu1/online"
	if _, err := os.Stat(file); err != nil {
		t.Skipf("needs a second CPU that can be switched off: %v", err)
	}
	online = func(on bool) {
		t.Helper()
		state := "0"
		if on {
			state = "1"
		}
		if err := os.WriteFile(file, []byte(state), 0); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { online(true) })
	return online
}
