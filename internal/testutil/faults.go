//go:build faults

package testutil

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/fault"
)

// injected are the ways in which system calls fail here.
var injected = []syscall.Errno{
	syscall.EINTR, syscall.EAGAIN, syscall.EPERM, syscall.ENOMEM, syscall.EMFILE, syscall.ENOSPC, syscall.E2BIG,
}

// impossible are ways in which a call can't fail, and in which failing would
// mean something else than that it failed.
var impossible = map[string][]syscall.Errno{
	"write":    {syscall.EAGAIN}, // to an eventfd: it is readable already
	"recvfrom": {syscall.EPERM, syscall.EMFILE, syscall.ENOSPC, syscall.E2BIG},
}

// faultTime is how long an operation may take, however many of its calls fail.
const faultTime = 20 * time.Second

// Faults runs op again and again, and lets each of its system calls fail in
// turn, in every way: once, and, with errors that it is natural to try again
// after, or to do without something after, whenever it is made from then on. Op
// does something whole, from opening to closing: it either succeeds, and has
// seen that all is as it should be, or fails with the error that was injected.
// In both cases nothing may be left of it: no descriptor, no mapping of the
// kernel's memory, and nothing that left counts (pins, attached programs). With
// -short, each call fails in one of the ways only.
func Faults(t *testing.T, op func() error, left func() []string) {
	t.Helper()
	CheckFDs(t)
	if err := op(); err != nil { // also lets caches fill
		t.Fatalf("without any fault: %v", err)
	}
	record := recorder{}
	record.run(t, op)
	if record.err != nil || len(record.calls) == 0 {
		t.Fatalf("without any fault, %d calls: %v", len(record.calls), record.err)
	}
	t.Logf("%d calls: %s", len(record.calls), strings.Join(slices.Compact(slices.Sorted(slices.Values(record.calls))), " "))
	before := footprint(left)
	for n, call := range record.calls {
		for i, errno := range injected {
			if testing.Short() && i != n%len(injected) {
				continue
			}
			if slices.Contains(impossible[call], errno) {
				continue
			}
			oneFault(t, &recorder{at: n + 1, name: call, errno: errno}, op, before, left)
			if (errno == syscall.EAGAIN || errno == syscall.EPERM) && call != "recvfrom" {
				oneFault(t, &recorder{at: n + 1, name: call, errno: errno, always: true}, op, before, left)
			}
		}
	}
}

func oneFault(t *testing.T, r *recorder, op func() error, before []string, left func() []string) {
	t.Helper()
	r.run(t, op)
	r.check(t)
	if after := settle(before, left); after != "" {
		t.Fatalf("%v: left behind (error %v):\n%s", r, r.err, after)
	}
}

// Faultless runs something, such as the cleaning up of an operation, without
// the faults of the operation.
func Faultless(f func()) {
	defer fault.Set(func(string) syscall.Errno { return 0 })()
	f()
}

// recorder notes the calls of one run of an operation, and makes one fail.
type recorder struct {
	at     int // counted from one; zero is none
	name   string
	errno  syscall.Errno
	always bool

	mu    sync.Mutex
	calls []string
	hit   bool
	err   error
}

func (r *recorder) String() string {
	how := "call"
	if r.always {
		how = "calls from"
	}
	return fmt.Sprintf("%s %d, %s, %s", how, r.at, r.name, r.errno.Error())
}

func (r *recorder) trap(call string) syscall.Errno {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	n := len(r.calls)
	if call == r.name && (n == r.at || r.always && n > r.at) {
		r.hit = true
		return r.errno
	}
	return 0
}

func (r *recorder) run(t *testing.T, op func() error) {
	t.Helper()
	stuck := time.AfterFunc(faultTime, func() { panic(fmt.Sprintf("%v: no end after %v", r, faultTime)) })
	defer stuck.Stop()
	restore := fault.Set(r.trap)
	defer restore()
	r.err = op()
}

func (r *recorder) check(t *testing.T) {
	t.Helper()
	switch {
	case !r.hit && r.err != nil:
		t.Errorf("%v: never came to it, but failed: %v", r, r.err)
	case r.hit && r.err != nil && !errors.Is(r.err, r.errno):
		t.Errorf("%v: failed with another error: %v", r, r.err)
	}
}

// footprint is what a process has of the kernel's, a line each.
func footprint(left func() []string) []string {
	var lines []string
	for fd, target := range openFDs() {
		lines = append(lines, fmt.Sprintf("descriptor %d → %s", fd, target))
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "anon_inode:") || strings.Contains(line, "/sys/kernel/btf") {
			lines = append(lines, "mapping "+strings.TrimSpace(line))
		}
	}
	if left != nil {
		lines = append(lines, left()...)
	}
	slices.Sort(lines)
	return lines
}

// settle gives what is behind an operation a moment to go away, and returns
// what stays.
func settle(before []string, left func() []string) string {
	var extra []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		extra = slices.DeleteFunc(footprint(left), func(line string) bool {
			_, known := slices.BinarySearch(before, line)
			return known
		})
		if len(extra) == 0 {
			return ""
		}
		runtime.GC() // memory that variables may point to goes with the collector
	}
	return strings.Join(extra, "\n")
}

// Files is what is in a folder, for Faults.
func Files(dir string) func() []string {
	return func() []string {
		entries, err := os.ReadDir(dir)
		names := make([]string, 0, len(entries))
		for _, e := range entries {
			names = append(names, dir+"/"+e.Name())
		}
		if err != nil {
			names = append(names, err.Error())
		}
		return names
	}
}
