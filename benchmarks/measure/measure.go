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
	Floor  float64 `json:"floor"`  // what Above measures against; zero otherwise
	Above  float64 `json:"above"`  // median of the differences
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
func Loop(ops int, f func() error) error {
	return new(Stopwatch).Loop(func() error { return nil }, ops, f)
}

// Loop measures f, which does ops operations, after something that isn't measured.
func (watch *Stopwatch) Loop(prepare func() error, ops int, f func() error) error {
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
// Once that has taken as long as the budget says, it has the last time's
// allocations counted: looking at them stops the world, and what then starts it
// again would be taken for a part of what is measured.
type Stopwatch struct {
	Brief bool // a twentieth of the budget is enough
	// Thread has the median of the times of the thread alone, to which it keeps
	// the caller. It is for what takes microseconds after a preparation that took
	// the scheduler by surprise, which is busy with that for a while.
	Thread bool

	sum     Result
	ops     int
	times   []float64 // of an operation
	warm    bool
	counted bool
	start   float64
	memory  runtime.MemStats
}

// Start begins to measure.
func (s *Stopwatch) Start() {
	if s.Thread && !s.warm {
		runtime.LockOSThread()
		runtime.GOMAXPROCS(1) // who looks for work on the other processor slows this one down
	}
	if s.timed() {
		runtime.ReadMemStats(&s.memory)
	}
	s.start = s.now()
}

// Stop ends what Start began: so many operations.
func (s *Stopwatch) Stop(ops int) {
	used := s.now() - s.start
	switch {
	case !s.warm:
		s.warm = true
	case s.timed():
		var after runtime.MemStats
		runtime.ReadMemStats(&after)
		s.sum.Allocs = float64(after.Mallocs-s.memory.Mallocs) / float64(ops)
		s.sum.Bytes = float64(after.TotalAlloc-s.memory.TotalAlloc) / float64(ops)
		s.counted = true
	default:
		s.sum.NS += used
		s.ops += ops
		s.times = append(s.times, used/float64(ops))
	}
}

func (s *Stopwatch) now() float64 {
	if s.Thread {
		return clock(unix.CLOCK_THREAD_CPUTIME_ID)
	}
	return cpu()
}

// timed tells whether the budget is used up.
func (s *Stopwatch) timed() bool {
	want := budget()
	if s.Brief {
		want /= 20
	}
	return s.sum.NS >= want
}

// Enough tells whether everything is measured.
func (s *Stopwatch) Enough() bool { return s.counted }

// Print says what an operation costs.
func (s *Stopwatch) Print() error {
	s.sum.NS /= float64(s.ops)
	if s.Thread {
		s.sum.NS = median(s.times)
	}
	return json.NewEncoder(os.Stdout).Encode(s.sum)
}

// Growth measures make, whose results are kept: the CPU time of the first n calls,
// and the heap that each of n more leaves behind. The first ones also pay for what
// all share.
func Growth[T any](n int, make func() (T, error)) error {
	kept := []T{}
	several := func() error {
		for range n {
			one, err := make()
			if err != nil {
				return err
			}
			kept = append(kept, one)
		}
		return nil
	}
	start := cpu()
	if err := several(); err != nil {
		return err
	}
	res := Result{NS: cpu() - start}
	before := heap()
	if err := several(); err != nil {
		return err
	}
	res.Bytes = (heap() - before) / float64(n)
	runtime.KeepAlive(kept)
	runtime.KeepAlive(make) // has what they share, which must not go in between
	return json.NewEncoder(os.Stdout).Encode(res)
}

// heap is what is in use. What finalizers let go of takes a second collection.
func heap() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
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
		used, err := several(batch, f)
		if err != nil {
			return err
		}
		if used > 1e6 {
			break
		}
		batch *= 2
	}
	return Loop(batch, func() error {
		_, err := several(batch, f)
		return err
	})
}

// Above measures how much more CPU time f takes than floor. Both take turns, in
// one process, on the same objects of the kernel: between processes, the same
// system call differs by more than any library adds to it.
func Above(floor, f func() error) error {
	const batch = 200
	var floors, all, above []float64
	for sum := 0.0; sum < budget() || len(above) < 20; {
		bare, err := several(batch, floor)
		if err != nil {
			return err
		}
		used, err := several(batch, f)
		if err != nil {
			return err
		}
		floors, all, above = append(floors, bare/batch), append(all, used/batch), append(above, (used-bare)/batch)
		sum += used + bare
	}
	res := Result{NS: median(all), Floor: median(floors), Above: median(above)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := several(batch, f); err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	res.Allocs = float64(after.Mallocs-before.Mallocs) / batch
	res.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / batch
	return json.NewEncoder(os.Stdout).Encode(res)
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

// several is the CPU time of n calls.
func several(n int, f func() error) (float64, error) {
	start := cpu()
	for range n {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return cpu() - start, nil
}

// cpu is the CPU time that the process has used so far, in nanoseconds.
func cpu() float64 { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) float64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(id, &ts)
	return float64(ts.Nano())
}

// budget is how much CPU time a measurement gets, in nanoseconds.
func budget() float64 {
	if ms, err := strconv.Atoi(os.Getenv("BENCH_MS")); err == nil {
		return float64(ms) * 1e6
	}
	return float64(50 * time.Millisecond)
}

// TenSpecs is what a generator makes of ten.o: a field for each program's spec, and
// for each map's.
type TenSpecs[P, M any] struct {
	Prog10 P `ebpf:"prog_10"`
	Prog11 P `ebpf:"prog_11"`
	Prog12 P `ebpf:"prog_12"`
	Prog13 P `ebpf:"prog_13"`
	Prog14 P `ebpf:"prog_14"`
	Prog15 P `ebpf:"prog_15"`
	Prog16 P `ebpf:"prog_16"`
	Prog17 P `ebpf:"prog_17"`
	Prog18 P `ebpf:"prog_18"`
	Prog19 P `ebpf:"prog_19"`
	Map10  M `ebpf:"map_10"`
	Map11  M `ebpf:"map_11"`
	Map12  M `ebpf:"map_12"`
	Map13  M `ebpf:"map_13"`
	Map14  M `ebpf:"map_14"`
	Map15  M `ebpf:"map_15"`
	Map16  M `ebpf:"map_16"`
	Map17  M `ebpf:"map_17"`
	Map18  M `ebpf:"map_18"`
	Map19  M `ebpf:"map_19"`
}
