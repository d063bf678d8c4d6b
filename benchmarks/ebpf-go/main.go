// Command ebpf-go runs the tasks with ebpf-go.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/bpfgen/bpfgen/benchmarks/measure"
)

func main() {
	measure.Main(map[string]measure.Task{
		"parse":          parse,
		"parse-decoded":  parse, // there is no other way
		"parse-specs":    parseSpecs,
		"btf-find":       findType, // there are no types that aren't decoded
		"btf-decode":     findType,
		"btf-all":        inflateTypes,
		"btf-inflate":    inflateTypes,
		"lookup":         lookup,
		"lookup-ptr":     lookupPointer,
		"lookup-typed":   lookup, // there are no typed maps
		"update-typed":   update,
		"iterate-typed":  iterate,
		"update":         update,
		"update-ptr":     updatePointer,
		"percpu":         lookupPerCPU,
		"iterate":        iterate,
		"variable":       variable,
		"variable-view":  variable, // sharing memory is an experiment behind a build tag
		"ring-read":      ringRead,
		"ring":           ring, // the quickest way in this release is ReadInto
		"ring-read-into": ring,
		"perf":           perfRead,
		"load-many":      loadMany,
		"testrun":        testRun,
	})
}

func parse(args []string) error {
	return parseTo(args, func(*ebpf.CollectionSpec) error { return nil })
}

// parseSpecs is what a program does that uses generated specs.
func parseSpecs(args []string) error {
	return parseTo(args, func(spec *ebpf.CollectionSpec) error {
		return spec.Assign(new(measure.TenSpecs[*ebpf.ProgramSpec, *ebpf.MapSpec]))
	})
}

func parseTo(args []string, use func(*ebpf.CollectionSpec) error) error {
	object, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	return measure.Repeat(func() error {
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
		if err != nil {
			return err
		}
		return use(spec)
	})
}

// loadTypes opens the types in a file, or those of the running kernel.
func loadTypes(args []string) (*btf.Spec, error) {
	if len(args) > 0 {
		return btf.LoadSpec(args[0])
	}
	return btf.LoadKernelSpec()
}

func findType(args []string) error {
	return measure.Repeat(func() error {
		spec, err := loadTypes(args)
		if err != nil {
			return err
		}
		var task *btf.Struct
		return spec.TypeByName("task_struct", &task)
	})
}

// inflateTypes decodes every type: there is no other way to visit them.
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
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	opts := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{KernelTypes: kernel}}
	return measure.Growth(n, func() (*ebpf.Collection, error) {
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
		if err != nil {
			return nil, err
		}
		return ebpf.NewCollectionWithOptions(spec, opts)
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

func lookup(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Repeat(func() error { return m.Lookup(key, &value) })
	})
}

func lookupPointer(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Repeat(func() error { return m.Lookup(unsafe.Pointer(&key), unsafe.Pointer(&value)) })
	})
}

func update(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Repeat(func() error { value++; return m.Put(key, value) })
	})
}

func updatePointer(args []string) error {
	return withHash(args, func(m *ebpf.Map) error {
		key, value := uint32(1), uint64(0)
		return measure.Repeat(func() error { value++; return m.Put(unsafe.Pointer(&key), unsafe.Pointer(&value)) })
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
	return measure.Repeat(func() error { return m.Lookup(key, values) })
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

const (
	burst  = 1000 // events of one run of produce
	bursts = 10
)

// withRing calls read with a ring buffer that has events in it.
func withRing(args []string, watch measure.Stopwatch, read func(r *ringbuf.Reader, n int) error) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	r, err := ringbuf.NewReader(coll.Maps["ring"])
	if err != nil {
		return err
	}
	defer r.Close()
	produce := coll.Programs["produce"]
	in := make([]byte, 14)
	var rec ringbuf.Record
	return watch.Loop(func() error {
		// The events come without a wake-up: Flush has the reader look.
		for range bursts {
			if _, err := produce.Run(&ebpf.RunOptions{Data: in}); err != nil {
				return err
			}
		}
		if err := r.Flush(); err != nil {
			return err
		}
		return r.ReadInto(&rec) // so that the waiting isn't measured
	}, burst*bursts-1, func() error {
		return read(r, burst*bursts-1)
	})
}

func ringRead(args []string) error {
	return withRing(args, measure.Stopwatch{}, func(r *ringbuf.Reader, n int) error {
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

func ring(args []string) error {
	var rec ringbuf.Record
	return withRing(args, measure.Stopwatch{Thread: true}, func(r *ringbuf.Reader, n int) error {
		for range n {
			if err := r.ReadInto(&rec); err != nil {
				return err
			}
			sink += uint64(rec.RawSample[0])
		}
		return nil
	})
}

// perfRead reads what the program has sent from whichever CPU it ran on.
func perfRead(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	r, err := perf.NewReaderWithOptions(coll.Maps["perf"], 2*bursts*burst*64, perf.ReaderOptions{WakeupEvents: burst})
	if err != nil {
		return err
	}
	defer r.Close()
	var rec perf.Record
	send, in := coll.Programs["send"], make([]byte, 14)
	watch := measure.Stopwatch{Brief: true, Thread: true}
	return watch.Loop(func() error {
		for range bursts {
			if _, err := send.Run(&ebpf.RunOptions{Data: in}); err != nil {
				return err
			}
		}
		return r.ReadInto(&rec) // so that the waiting isn't measured
	}, burst*bursts-1, func() error {
		for range burst*bursts - 1 {
			if err := r.ReadInto(&rec); err != nil {
				return err
			}
			sink += uint64(rec.RawSample[0])
		}
		return nil
	})
}

func testRun(args []string) error {
	coll, err := load(args[0])
	if err != nil {
		return err
	}
	defer coll.Close()
	prog := coll.Programs["nothing"]
	opts := &ebpf.RunOptions{Data: make([]byte, 14)}
	return measure.Repeat(func() error { _, err := prog.Run(opts); return err })
}
