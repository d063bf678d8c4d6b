// Command ours runs the tasks with bpfgen's runtime. It is ebpf-go's with other
// import paths, but for what ebpf-go doesn't have.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/benchmarks/measure"
	"github.com/bpfgen/bpfgen/runtime/btf"
	"github.com/bpfgen/bpfgen/runtime/perf"
	"github.com/bpfgen/bpfgen/runtime/ringbuf"
)

func main() {
	measure.Main(map[string]measure.Task{
		"parse":          parse,
		"parse-decoded":  parseDecoded,
		"parse-specs":    parseSpecs,
		"btf-find":       findType,
		"btf-decode":     decodeType,
		"btf-all":        visitTypes,
		"btf-inflate":    inflateTypes,
		"lookup":         lookup,
		"lookup-ptr":     lookupPointer,
		"update":         update,
		"update-ptr":     updatePointer,
		"percpu":         lookupPerCPU,
		"lookup-typed":   lookupTyped,
		"update-typed":   updateTyped,
		"iterate-typed":  iterateTyped,
		"iterate":        iterate,
		"variable":       variable,
		"variable-view":  variableView,
		"variable-typed": variableTyped,
		"variable-add":   variableAdd,
		"percpu-typed":   reducePerCPU,
		"ring-read":      ringRead,
		"ring-read-into": ringReadInto,
		"ring":           ring,
		"ring-each":      ringEach,
		"perf":           perfRead,
		"load-many":      loadMany,
		"load-parallel":  loadParallel,
		"testrun":        testRun,
	})
}

// parse is what generated code does before it loads: programs stay encoded.
func parse(args []string) error { return parseWith(ebpf.LoadEncodedSpecFromReader, args) }

// parseDecoded has all instructions and types ready to be looked at, as ebpf-go's
// specs have them.
func parseDecoded(args []string) error { return parseWith(ebpf.LoadCollectionSpecFromReader, args) }

// parseSpecs is what generated code does for typed specs.
func parseSpecs(args []string) error {
	load := func(rd io.ReaderAt) (*ebpf.CollectionSpec, error) {
		spec, err := ebpf.LoadEncodedSpecFromReader(rd)
		if err != nil {
			return nil, err
		}
		return spec, spec.AssignEncoded(new(measure.TenSpecs[*ebpf.ProgramSpec, *ebpf.MapSpec]))
	}
	return parseWith(load, args)
}

func parseWith(load func(io.ReaderAt) (*ebpf.CollectionSpec, error), args []string) error {
	object, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	text := string(object) // as generated code has it
	return measure.Repeat(func() error {
		_, err := load(strings.NewReader(text))
		return err
	})
}

// loadTypes opens the types in a file, or those of the running kernel.
func loadTypes(args []string) (*btf.Spec, error) {
	if len(args) > 0 {
		return btf.LoadSpec(args[0])
	}
	return btf.LoadKernelSpec()
}

// findType leaves the struct undecoded, as libbpf does.
func findType(args []string) error {
	return measure.Repeat(func() error {
		spec, err := loadTypes(args)
		if err != nil {
			return err
		}
		refs, err := spec.RefsByName("task_struct")
		if err != nil {
			return err
		}
		return atLeast(1, len(refs))
	})
}

func decodeType([]string) error {
	return measure.Repeat(func() error {
		spec, err := btf.LoadKernelSpec()
		if err != nil {
			return err
		}
		var task *btf.Struct
		return spec.TypeByName("task_struct", &task)
	})
}

// visitTypes asks for the kind and the name of every type.
func visitTypes(args []string) error {
	return measure.Repeat(func() error {
		spec, err := loadTypes(args)
		if err != nil {
			return err
		}
		named := 0
		spec.Visit(func(_ btf.TypeID, kind btf.Kind, name []byte) bool {
			if kind != btf.KindVoid && len(name) > 0 {
				named++
			}
			return true
		})
		return atLeast(1000, named)
	})
}

// inflateTypes decodes every type.
func inflateTypes(args []string) error {
	return measure.Repeat(func() error {
		spec, err := loadTypes(args)
		if err != nil {
			return err
		}
		structs := 0
		for typ, err := range spec.All() {
			if err != nil {
				return err
			}
			if _, ok := typ.(*btf.Struct); ok && typ.TypeName() != "" {
				structs++
			}
		}
		return atLeast(1000, structs)
	})
}

// atLeast also keeps the compiler from leaving out what got.
func atLeast(want, got int) error {
	if got < want {
		return fmt.Errorf("%d, expected at least %d", got, want)
	}
	return nil
}

func load(object string) (*ebpf.Collection, error) {
	spec, err := ebpf.LoadCollectionSpec(object)
	if err != nil {
		return nil, err
	}
	return ebpf.NewCollection(spec)
}

// loadMany loads an object many times over, with one view of the kernel's types.
func loadMany(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	object, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	text := string(object) // as generated code has it: one for all
	opts := ebpf.CollectionOptions{Cache: btf.NewCache()}
	return measure.Growth(n, func() (*ebpf.Collection, error) {
		spec, err := ebpf.LoadCollectionSpecFromReader(strings.NewReader(text))
		if err != nil {
			return nil, err
		}
		return ebpf.NewCollectionWithOptions(spec, opts)
	})
}

// loadParallel loads 16 objects from several goroutines.
func loadParallel(args []string) error {
	loaders, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	opts := ebpf.CollectionOptions{Cache: btf.NewCache()}
	todo, results := make(chan int, 16), make(chan error, 16)
	for n := range cap(todo) {
		todo <- n
	}
	close(todo)
	return measure.Elapsed(func() error {
		for range loaders {
			go func() {
				for range todo {
					spec, err := ebpf.LoadCollectionSpec(args[0])
					if err == nil {
						_, err = ebpf.NewCollectionWithOptions(spec, opts)
					}
					results <- err
				}
			}()
		}
		var errs []error
		for range cap(results) {
			errs = append(errs, <-results)
		}
		return errors.Join(errs...)
	})
}

// withHash loads the maps and gives the hash one element.
func withHash(args []string, f func(m *ebpf.Map) error) error {
	spec, err := ebpf.LoadCollectionSpec(args[0])
	if err != nil {
		return err
	}
	if len(args) > 1 { // it is to have so many
		entries, err := strconv.ParseUint(args[1], 10, 32)
		if err != nil {
			return err
		}
		spec.Maps["hash"].MaxEntries = max(spec.Maps["hash"].MaxEntries, uint32(entries))
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	defer coll.Close()
	hash := coll.Maps["hash"]
	if err := hash.Put(uint32(1), uint64(1)); err != nil {
		return err
	}
	return f(hash)
}

// bare is the system call on one element of a map and nothing else, the cheapest
// way that Go has: of a lookup its scheduler hears nothing, and RawSyscall and
// golang.org/x/sys have a function or two more in between.
func bare(m *ebpf.Map, cmd uintptr, key uint32, value unsafe.Pointer) func() error {
	attr := &struct {
		fd, _      uint32
		key, value unsafe.Pointer
		flags      uint64
	}{fd: uint32(m.FD()), key: unsafe.Pointer(&key), value: value}
	size := unsafe.Sizeof(*attr)
	if cmd == unix.BPF_MAP_LOOKUP_ELEM {
		return func() error {
			if _, _, errno := syscall.RawSyscall6(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(attr)), size, 0, 0, 0); errno != 0 {
				return errno
			}
			return nil
		}
	}
	return func() error {
		if _, _, errno := syscall.Syscall(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(attr)), size); errno != 0 {
			return errno
		}
		return nil
	}
}

func bareLookup(m *ebpf.Map) func() error {
	value := make([]uint64, ebpf.MustPossibleCPU()) // of a per-CPU map, or just one
	return bare(m, unix.BPF_MAP_LOOKUP_ELEM, 1, unsafe.Pointer(unsafe.SliceData(value)))
}

func bareUpdate(m *ebpf.Map) func() error {
	return bare(m, unix.BPF_MAP_UPDATE_ELEM, 1, unsafe.Pointer(new(uint64)))
}

func lookup(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Above(bareLookup(m), func() error { return m.Lookup(key, &value) })
	})
}

func lookupPointer(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Above(bareLookup(m), func() error { return m.Lookup(unsafe.Pointer(&key), unsafe.Pointer(&value)) })
	})
}

func update(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Above(bareUpdate(m), func() error { value++; return m.Put(key, value) })
	})
}

func updatePointer(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Above(bareUpdate(m), func() error { value++; return m.Put(unsafe.Pointer(&key), unsafe.Pointer(&value)) })
	})
}

// withView is withHash for the typed view, which ebpf-go doesn't have.
func withView(args []string, f func(m ebpf.HashMap[uint32, uint64]) error) error {
	return withHash(args, func(m *ebpf.Map) error {
		view, err := ebpf.View[ebpf.HashMap[uint32, uint64]](m)
		if err != nil {
			return err
		}
		return f(view)
	})
}

func lookupTyped(args []string) error {
	return withView(args, func(m ebpf.HashMap[uint32, uint64]) error {
		return measure.Above(bareLookup(m.Map), func() error {
			value, err := m.Get(1)
			sink += value
			return err
		})
	})
}

func updateTyped(args []string) error {
	return withView(args, func(m ebpf.HashMap[uint32, uint64]) error {
		value := uint64(0)
		return measure.Above(bareUpdate(m.Map), func() error { value++; return m.Set(1, value) })
	})
}

func iterateTyped(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	return withView(args, func(m ebpf.HashMap[uint32, uint64]) error {
		for key := range uint32(n) {
			if err := m.Set(key, uint64(key)); err != nil {
				return err
			}
		}
		return measure.Loop(n, func() error {
			seen := 0
			for _, value := range m.Entries(&err) {
				sink += value
				seen++
			}
			if err != nil {
				return err
			}
			return atLeast(n, seen)
		})
	})
}

func lookupPerCPU(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	m := coll.Maps["percpu"]
	key, values := uint32(1), make([]uint64, ebpf.MustPossibleCPU())
	return measure.Above(bareLookup(m), func() error { return m.Lookup(key, values) })
}

func iterate(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	return withHash(args, func(m *ebpf.Map) error {
		for key := range uint32(n) {
			if err := m.Put(key, uint64(key)); err != nil {
				return err
			}
		}
		return measure.Loop(n, func() error {
			var key uint32
			var value uint64
			seen := 0
			it := m.Iterate()
			for it.Next(&key, &value) {
				seen++
			}
			if err := it.Err(); err != nil {
				return err
			}
			return atLeast(n, seen)
		})
	})
}

func variable(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	counter := coll.Variables["counter"]
	var value uint64
	return measure.Repeat(func() error { return counter.Get(&value) })
}

var sink uint64

func variableView(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	counter, err := ebpf.VariablePointer[uint64](coll.Variables["counter"])
	if err != nil {
		return err
	}
	const reads = 1 << 20
	return measure.Loop(reads, func() error {
		for range reads {
			sink += *counter
		}
		return nil
	})
}

// withCounter is for a variable as generated code has it.
func withCounter(args []string, f func(counter ebpf.IntVar[uint64], n int)) error {
	spec, err := ebpf.LoadCollectionSpec(args[0])
	if err != nil {
		return err
	}
	var objs struct {
		Counter ebpf.IntVar[uint64] `ebpf:"counter"`
	}
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		return err
	}
	const n = 1 << 20
	return measure.Loop(n, func() error {
		f(objs.Counter, n)
		return nil
	})
}

func variableTyped(args []string) error {
	return withCounter(args, func(counter ebpf.IntVar[uint64], n int) {
		for range n {
			sink += counter.Get()
		}
	})
}

// variableAdd is atomic, as programs see it.
func variableAdd(args []string) error {
	return withCounter(args, func(counter ebpf.IntVar[uint64], n int) {
		for range n {
			counter.Add(1)
		}
	})
}

// reducePerCPU sums up the values of all CPUs.
func reducePerCPU(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	counts, err := ebpf.View[ebpf.PerCPUArrayMap[uint32, uint64]](coll.Maps["percpu"])
	if err != nil {
		return err
	}
	return measure.Above(bareLookup(coll.Maps["percpu"]), func() error {
		sum, err := counts.Reduce(0, func(a, b uint64) uint64 { return a + b })
		sink += sum
		return err
	})
}

const (
	burst  = 1000 // events of one run of produce
	bursts = 10
)

func loadRing(args []string) (coll *ebpf.Collection, fill func() error, err error) {
	if coll, err = load(args[0]); err != nil {
		return nil, nil, err
	}
	produce := coll.Programs["produce"]
	in := make([]byte, 14)
	return coll, func() error {
		for range bursts {
			if _, err := produce.Run(&ebpf.RunOptions{Data: in}); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// withReader calls read with a ring buffer that has events in it.
func withReader(args []string, watch measure.Stopwatch, read func(r *ringbuf.Reader, n int) error) error {
	coll, fill, err := loadRing(args)
	if err != nil {
		return err
	}
	defer coll.Close()
	r, err := ringbuf.NewReader(coll.Maps["ring"])
	if err != nil {
		return err
	}
	defer r.Close()
	var rec ringbuf.Record
	return watch.Loop(func() error {
		// The events come without a wake-up: Flush has the reader look.
		if err := errors.Join(fill(), r.Flush()); err != nil {
			return err
		}
		return r.ReadInto(&rec) // so that the waiting isn't measured
	}, burst*bursts-1, func() error {
		return read(r, burst*bursts-1)
	})
}

func ringRead(args []string) error {
	return withReader(args, measure.Stopwatch{}, func(r *ringbuf.Reader, n int) error {
		for range n {
			rec, err := r.Read()
			if err != nil {
				return err
			}
			sink += uint64(rec.RawSample[0])
		}
		return nil
	})
}

func ringReadInto(args []string) error {
	var rec ringbuf.Record
	return withReader(args, measure.Stopwatch{Thread: true}, func(r *ringbuf.Reader, n int) error {
		for range n {
			if err := r.ReadInto(&rec); err != nil {
				return err
			}
			sink += uint64(rec.RawSample[0])
		}
		return nil
	})
}

// withEvents is for a ring of typed events, which is full.
func withEvents(args []string, read func(events ringbuf.Events[[8]uint64], fill func() error, watch *measure.Stopwatch) error) error {
	coll, fill, err := loadRing(args)
	if err != nil {
		return err
	}
	defer coll.Close()
	events, err := ebpf.View[ringbuf.Events[[8]uint64]](coll.Maps["ring"])
	if err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	return read(events, fill, &measure.Stopwatch{Thread: true})
}

// ringEach ranges over typed events, where the kernel put them.
func ringEach(args []string) error {
	return withEvents(args, func(events ringbuf.Events[[8]uint64], fill func() error, watch *measure.Stopwatch) error {
		return rangeOver(events.All(context.Background()), fill, watch)
	})
}

// ring ranges over them by the batch. Of each filling, the first batch isn't measured,
// because the clock starts and stops in the loop.
func ring(args []string) error {
	return withEvents(args, func(events ringbuf.Events[[8]uint64], fill func() error, watch *measure.Stopwatch) error {
		left, measured := bursts*burst, 0
		for batch, err := range events.Batches(context.Background()) {
			if err != nil {
				return err
			}
			sum := uint64(0)
			for ev := range batch.All() {
				sum += ev[0]
			}
			sink += sum
			if left -= batch.Len(); measured == 0 {
				measured = left
				watch.Start()
			}
			if left > 0 {
				continue
			}
			watch.Stop(measured)
			if watch.Enough() {
				return watch.Print()
			}
			if err := fill(); err != nil {
				return err
			}
			left, measured = bursts*burst, 0
		}
		return nil
	})
}

// perfRead ranges over typed events, from whichever CPU the program has run on.
func perfRead(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	events, err := ebpf.View[perf.Events[[8]uint64]](coll.Maps["perf"])
	if err != nil {
		return err
	}
	send, in := coll.Programs["send"], make([]byte, 14)
	fill := func() (err error) {
		for n := 0; n < bursts && err == nil; n++ {
			_, err = send.Run(&ebpf.RunOptions{Data: in})
		}
		return err
	}
	// What is sent before the loop begins is lost. A CPU wakes the reader after one run
	// of the program: others may be on another CPU, whose ring counts for itself.
	first := time.AfterFunc(20*time.Millisecond, func() { _ = fill() })
	defer first.Stop()
	all := events.With(2*bursts*burst*64, perf.ReaderOptions{WakeupEvents: burst}).All(context.Background())
	return rangeOver(all, fill, &measure.Stopwatch{Brief: true, Thread: true})
}

// rangeOver measures a loop over events. Of each filling of the ring, the first run of
// the program isn't measured, because the clock starts and stops in the loop.
func rangeOver(events iter.Seq2[*[8]uint64, error], fill func() error, watch *measure.Stopwatch) error {
	f := filling{fill: fill, watch: watch}
	for ev, err := range events {
		if err != nil {
			return err
		}
		sink += ev[0]
		if ev[0] != burst-1 {
			continue
		}
		if done, err := f.ranOnce(); done || err != nil {
			return err
		}
	}
	return nil
}

// filling keeps count of the runs of the program whose events have been read.
type filling struct {
	fill  func() error
	watch *measure.Stopwatch
	runs  int
}

// ranOnce is called for the last event of a run. It tells whether everything is measured.
func (f *filling) ranOnce() (bool, error) {
	switch f.runs++; f.runs {
	case 1:
		f.watch.Start()
	case bursts:
		f.watch.Stop(burst * (bursts - 1))
		if f.watch.Enough() {
			return true, f.watch.Print()
		}
		f.runs = 0
		return false, f.fill()
	}
	return false, nil
}

func testRun(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	prog := coll.Programs["nothing"]
	in := make([]byte, 14)
	opts := &ebpf.RunOptions{Data: in}
	return measure.Above(bareRun(prog, in), func() error { _, err := prog.Run(opts); return err })
}

// bareRun is the system call of a test run and nothing else.
func bareRun(prog *ebpf.Program, in []byte) func() error {
	attr := &struct {
		fd, retval, sizeIn, sizeOut uint32
		in, out                     unsafe.Pointer
		repeat, duration            uint32
		_                           [8]uint32
	}{fd: uint32(prog.FD()), sizeIn: uint32(len(in)), in: unsafe.Pointer(unsafe.SliceData(in))}
	return func() error {
		if _, _, errno := syscall.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr)); errno != 0 {
			return errno
		}
		return nil
	}
}
