package testutil

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package and fails if descriptors are open at the
// end that weren't at the beginning. Call it from TestMain.
func Main(m *testing.M) {
	startRuntimePoller()
	before := openFDs()
	code := m.Run()
	if leaked := leakedFDs(before); len(leaked) > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "FAIL: the tests leaked descriptors:\n%s", describe(leaked))
		code = 1
	}
	os.Exit(code)
}

// CheckFDs fails the test if, at its end, descriptors are open that weren't
// when it was called. It isn't for tests that run in parallel with others.
func CheckFDs(t testing.TB) {
	t.Helper()
	startRuntimePoller()
	before := openFDs()
	t.Cleanup(func() {
		if leaked := leakedFDs(before); len(leaked) > 0 {
			t.Errorf("leaked descriptors:\n%s", describe(leaked))
		}
	})
}

// startRuntimePoller makes the Go runtime open its own epoll instance now,
// lest it look like a leak of whoever first needs it.
func startRuntimePoller() {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
}

// openFDs are this process's descriptors and what they refer to.
func openFDs() map[int]string {
	open := make(map[int]string)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return open
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// The descriptor that read the folder is closed by now and has no target.
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name())); err == nil {
			open[fd] = target
		}
	}
	return open
}

// patience is how long what goes away by itself may take on a busy machine.
const patience = 5 * time.Second

// leakedFDs compares with before. What the garbage collector or a dying
// process still has to close gets a moment to go away.
func leakedFDs(before map[int]string) map[int]string {
	var leaked map[int]string
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		leaked = openFDs()
		for fd, target := range before {
			if leaked[fd] == target {
				delete(leaked, fd)
			}
		}
		if len(leaked) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return leaked
		}
		runtime.GC()
	}
}

// describe lists descriptors with what tells BPF objects apart.
func describe(fds map[int]string) string {
	numbers := make([]int, 0, len(fds))
	for fd := range fds {
		numbers = append(numbers, fd)
	}
	sort.Ints(numbers)
	var b strings.Builder
	for _, fd := range numbers {
		fmt.Fprintf(&b, "\t%d → %s", fd, fds[fd])
		info, _ := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(fd))
		for line := range strings.Lines(string(info)) {
			key, value, _ := strings.Cut(line, ":")
			switch key {
			case "map_type", "map_id", "prog_type", "prog_id", "link_type", "link_id", "btf_id":
				fmt.Fprintf(&b, " %s %s", key, strings.TrimSpace(value))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
