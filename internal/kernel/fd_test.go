package kernel

import (
	"errors"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func openNull(t *testing.T) *FD {
	t.Helper()
	raw, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return NewFD(raw)
}

func isOpen(raw int) bool {
	_, err := unix.FcntlInt(uintptr(raw), unix.F_GETFD, 0)
	return err == nil
}

func TestFDCloseWithoutHolders(t *testing.T) {
	fd := openNull(t)
	raw := fd.Int()
	if err := fd.Close(); err != nil {
		t.Fatal(err)
	}
	if isOpen(raw) {
		t.Error("descriptor is still open after Close")
	}
	if fd.Int() != -1 || !fd.Closed() {
		t.Errorf("closed FD: Int %d, Closed %v", fd.Int(), fd.Closed())
	}
	if _, err := fd.Acquire(); err != ErrClosed {
		t.Errorf("Acquire after Close: %v", err)
	}
	if _, err := fd.Dup(); err != ErrClosed {
		t.Errorf("Dup after Close: %v", err)
	}
	if err := fd.Close(); err != ErrClosed {
		t.Errorf("second Close: %v", err)
	}
}

func TestFDCloseWaitsForHolders(t *testing.T) {
	fd := openNull(t)
	raw, err := fd.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	if err := fd.Close(); err != nil {
		t.Fatal(err)
	}
	if !isOpen(raw) {
		t.Fatal("closed under its holder")
	}
	if _, err := fd.Acquire(); err != ErrClosed {
		t.Errorf("joined a closed descriptor: %v", err)
	}
	fd.Release()
	if isOpen(raw) {
		t.Error("last Release didn't close")
	}
}

func TestFDDupHasItsOwnLife(t *testing.T) {
	fd := openNull(t)
	dup, err := fd.Dup()
	if err != nil {
		t.Fatal(err)
	}
	fd.Close()
	if !isOpen(dup.Int()) {
		t.Error("closing the original closed the duplicate")
	}
	dup.Close()
}

func TestStandardStreamsAreNeverHandedOut(t *testing.T) {
	stdin, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		t.Skip("no standard input to borrow")
	}
	defer unix.Close(stdin)
	unix.Close(0)
	defer unix.Dup2(stdin, 0)
	raw, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil || raw != 0 {
		t.Fatalf("want descriptor 0, got %d, %v", raw, err)
	}
	fd, err := ownFD(raw)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	if fd.Int() < firstFD {
		t.Errorf("got descriptor %d", fd.Int())
	}
	if isOpen(0) {
		t.Error("the low descriptor was left open")
	}
}

// Goroutines write to a pipe through an FD while its owner closes it and
// opens other files, which get the same number. None of them may be written to.
func TestFDNeverActsOnAForeignDescriptor(t *testing.T) {
	for range 300 {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		fd := NewFD(pipe[1])
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for {
					raw, err := fd.Acquire()
					if err != nil {
						if !errors.Is(err, os.ErrClosed) {
							t.Errorf("Acquire: %v", err)
						}
						return
					}
					if _, err := unix.Write(raw, []byte("x")); err != nil && err != unix.EAGAIN {
						t.Errorf("write: %v", err)
					}
					fd.Release()
				}
			})
		}
		var foreign [2]int
		fd.Close()
		if err := unix.Pipe2(foreign[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		writers.Wait()
		var b [1]byte
		if n, _ := unix.Read(foreign[0], b[:]); n > 0 {
			t.Fatal("wrote to a descriptor that isn't ours")
		}
		for _, raw := range []int{pipe[0], foreign[0], foreign[1]} {
			unix.Close(raw)
		}
	}
}

func TestRefsHoldAllUntilRelease(t *testing.T) {
	a, b := openNull(t), openNull(t)
	rawA, rawB := a.Int(), b.Int()
	var refs Refs
	for _, fd := range []*FD{a, b} {
		if _, err := refs.Acquire(fd); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err := refs.Acquire(nil); raw != 0 || err != nil {
		t.Errorf("nil FD: %d, %v", raw, err)
	}
	a.Close()
	b.Close()
	if !isOpen(rawA) || !isOpen(rawB) {
		t.Error("closed while held")
	}
	refs.Release()
	if isOpen(rawA) || isOpen(rawB) {
		t.Error("still open after Release")
	}
}

func BenchmarkFDAcquireRelease(b *testing.B) {
	fd := NewFD(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fd.Acquire(); err != nil {
			b.Fatal(err)
		}
		fd.Release()
	}
}
