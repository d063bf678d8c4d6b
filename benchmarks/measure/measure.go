// Package measure times one task in one process, and says what it cost on
// standard output, for the program that compares.
package measure

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Result is what one operation costs.
type Result struct {
	NS     float64 `json:"ns"`     // CPU time of the process, the collector's included
	Allocs float64 `json:"allocs"` // negative: not counted
	Bytes  float64 `json:"bytes"`  // allocated
}

// Task is one thing to measure: it gets the arguments after its name.
type Task func(args []string) error

// Main runs the task that the command line names.
func Main(tasks map[string]Task) {
	if len(os.Args) < 2 || tasks[os.Args[1]] == nil {
		var names []string
		for name := range tasks {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(os.Stderr, "usage: %s TASK [ARG...], where TASK is one of %v\n", os.Args[0], names)
		os.Exit(2)
	}
	if err := tasks[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

// Loop measures f, which does ops operations.
func Loop(ops int, f func() error) error { return LoopAfter(func() error { return nil }, ops, f) }

// LoopAfter is Loop with something to prepare before each call of f, which
// isn't measured.
func LoopAfter(prepare func() error, ops int, f func() error) error {
	return new(Stopwatch).loop(prepare, ops, f)
}

// BriefAfter is LoopAfter for what takes far longer to prepare than to do.
func BriefAfter(prepare func() error, ops int, f func() error) error {
	return (&Stopwatch{Brief: true}).loop(prepare, ops, f)
}

func (watch *Stopwatch) loop(prepare func() error, ops int, f func() error) error {
	for !watch.Enough() {
		if err := prepare(); err != nil {
			return err
		}
		watch.Start()
		if err := f(); err != nil {
			return err
		}
		watch.Stop(ops)
	}
	return watch.Print()
}

// Stopwatch adds up what happens between Start and Stop, without the first time.
type Stopwatch struct {
	Brief bool // a twentieth of the budget is enough

	sum    Result
	ops    int
	warm   bool
	start  float64
	memory runtime.MemStats
}

// Start begins to measure.
func (s *Stopwatch) Start() {
	runtime.ReadMemStats(&s.memory)
	s.start = cpu()
}

// Stop ends what Start began: so many operations.
func (s *Stopwatch) Stop(ops int) {
	used := cpu() - s.start
	if !s.warm {
		s.warm = true
		return
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	s.sum.NS += used
	s.sum.Allocs += float64(after.Mallocs - s.memory.Mallocs)
	s.sum.Bytes += float64(after.TotalAlloc - s.memory.TotalAlloc)
	s.ops += ops
}

// Enough tells whether the budget is used up.
func (s *Stopwatch) Enough() bool {
	want := budget()
	if s.Brief {
		want /= 20
	}
	return s.sum.NS >= want
}

// Print says what an operation costs.
func (s *Stopwatch) Print() error {
	ops := float64(s.ops)
	return json.NewEncoder(os.Stdout).Encode(Result{NS: s.sum.NS / ops, Allocs: s.sum.Allocs / ops, Bytes: s.sum.Bytes / ops})
}

// Growth measures make, which is called n times and whose results are kept: the
// CPU time of all calls, and the heap that each leaves behind.
func Growth[T any](n int, make func() (T, error)) error {
	kept := []T{}
	heap := func() float64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	before, start := heap(), cpu()
	for range n {
		one, err := make()
		if err != nil {
			return err
		}
		kept = append(kept, one)
	}
	res := Result{NS: cpu() - start}
	res.Bytes = (heap() - before) / float64(n)
	runtime.KeepAlive(kept)
	return json.NewEncoder(os.Stdout).Encode(res)
}

// Elapsed measures f by the clock on the wall.
func Elapsed(f func() error) error {
	start := time.Now()
	if err := f(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(Result{NS: float64(time.Since(start))})
}

// Repeat is Loop for operations that are too short to be measured one by one.
func Repeat(f func() error) error {
	batch := 1
	for {
		start := cpu()
		for range batch {
			if err := f(); err != nil {
				return err
			}
		}
		if cpu()-start > 1e6 {
			break
		}
		batch *= 2
	}
	return Loop(batch, func() error {
		for range batch {
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	})
}

// cpu is the CPU time that the process has used so far, in nanoseconds.
func cpu() float64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts)
	return float64(ts.Nano())
}

// budget is how much CPU time a measurement gets, in nanoseconds.
func budget() float64 {
	if ms, err := strconv.Atoi(os.Getenv("BENCH_MS")); err == nil {
		return float64(ms) * 1e6
	}
	return float64(50 * time.Millisecond)
}
