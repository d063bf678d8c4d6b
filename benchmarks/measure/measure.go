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
	var sum Result
	calls := 0
	for warm := false; sum.NS < budget(); warm = true {
		if err := prepare(); err != nil {
			return err
		}
		memory := allocated()
		start := cpu()
		if err := f(); err != nil {
			return err
		}
		used := cpu() - start
		after := allocated()
		if !warm {
			continue // the first call doesn't count
		}
		sum.NS += used
		sum.Allocs += float64(after.Mallocs - memory.Mallocs)
		sum.Bytes += float64(after.TotalAlloc - memory.TotalAlloc)
		calls++
	}
	per := float64(calls * ops)
	return json.NewEncoder(os.Stdout).Encode(Result{NS: sum.NS / per, Allocs: sum.Allocs / per, Bytes: sum.Bytes / per})
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

func allocated() (stats runtime.MemStats) {
	runtime.ReadMemStats(&stats)
	return stats
}

// budget is how much CPU time a measurement gets, in nanoseconds.
func budget() float64 {
	if ms, err := strconv.Atoi(os.Getenv("BENCH_MS")); err == nil {
		return float64(ms) * 1e6
	}
	return float64(50 * time.Millisecond)
}
