package ebpf

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// rounds is how often objects are closed during use.
const rounds = 30

// closing is an operation that makes something to be closed.
func closing[C interface{ Close() error }](c C, err error) error {
	if err != nil {
		return err
	}
	return c.Close()
}

func TestCloseMapDuringUse(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	pin := filepath.Join(testutil.BPFFS(t), "map")
	array := newTestMap(t, &MapSpec{Type: ArrayOfMaps, KeySize: 4, MaxEntries: 1, InnerMap: hashSpec()})
	testutil.Hammer(t, rounds, func() testutil.Hammered {
		m, err := NewMap(hashSpec())
		if err != nil {
			t.Fatal(err)
		}
		view, err := View[HashMap[uint32, uint64]](m)
		if err != nil {
			t.Fatal(err)
		}
		return testutil.Hammered{
			Close: m.Close,
			Fine:  []error{ErrKeyNotExist, ErrIterationAborted, ErrNotSupported, unix.ENOSPC, fs.ErrExist},
			Ops: map[string]func() error{
				"Lookup":      func() error { return m.Lookup(uint32(1), new(uint64)) },
				"LookupBytes": func() error { return second(m.LookupBytes(uint32(1))) },
				"Put":         func() error { return m.Put(uint32(1), uint64(1)) },
				"Delete":      func() error { return m.Delete(uint32(1)) },
				"NextKey":     func() error { return m.NextKey(nil, new(uint32)) },
				"BatchUpdate": func() error { return second(m.BatchUpdate([]uint32{1, 2}, []uint64{1, 2}, nil)) },
				"BatchLookup": func() error {
					return second(m.BatchLookup(new(MapBatchCursor), make([]uint32, 4), make([]uint64, 4), nil))
				},
				"Iterate": func() error {
					it := m.Iterate()
					for it.Next(new(uint32), new(uint64)) {
					}
					return it.Err()
				},
				"Get":     func() error { return second(view.Get(1)) },
				"Info":    func() error { return second(m.Info()) },
				"Clone":   func() error { return closing(m.Clone()) },
				"Pin":     func() error { return errors.Join(m.Pin(pin), m.Unpin()) },
				"be held": func() error { return array.Put(uint32(0), m) },
			},
		}
	})
}

// What is written to a map that is being closed reaches no other map that has
// got its descriptor.
func TestCloseMapSparesOthers(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	const mine = 1
	for range rounds {
		testutil.Hammer(t, 1, func() testutil.Hammered {
			m, err := NewMap(hashSpec())
			if err != nil {
				t.Fatal(err)
			}
			return testutil.Hammered{
				Close: func() error {
					err := m.Close()
					for range 20 {
						other, errOther := NewMap(hashSpec())
						if errOther != nil {
							return errOther
						}
						if got := other.Lookup(uint32(mine), new(uint64)); !errors.Is(got, ErrKeyNotExist) {
							t.Errorf("another map was written to: %v", got)
						}
						other.Close()
					}
					return err
				},
				Ops: map[string]func() error{
					"Put":         func() error { return m.Put(uint32(mine), uint64(mine)) },
					"BatchUpdate": func() error { return second(m.BatchUpdate([]uint32{mine}, []uint64{mine}, nil)) },
				},
			}
		})
	}
}

func TestCloseMemoryDuringUse(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	testutil.CheckFDs(t)
	testutil.Hammer(t, rounds, func() testutil.Hammered {
		m, err := NewMap(&MapSpec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4, Flags: uapi.MapFlagMmapable})
		if err != nil {
			t.Fatal(err)
		}
		mm, err := m.Memory()
		if err != nil {
			t.Fatal(err)
		}
		return testutil.Hammered{Close: m.Close, Ops: map[string]func() error{
			"ReadAt":  func() error { return second(mm.ReadAt(make([]byte, 8), 8)) },
			"WriteAt": func() error { return second(mm.WriteAt(make([]byte, 8), 16)) },
			"Memory":  func() error { return second(m.Memory()) },
		}}
	})
}

func TestCloseProgramDuringUse(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	testutil.CheckFDs(t)
	pin := filepath.Join(testutil.BPFFS(t), "program")
	m := newTestMap(t, hashSpec())
	tails := newTestMap(t, &MapSpec{Type: ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	testutil.Hammer(t, rounds, func() testutil.Hammered {
		p, err := NewProgram(returning(1))
		if err != nil {
			t.Fatal(err)
		}
		return testutil.Hammered{
			Close: p.Close,
			Fine:  []error{ErrNotSupported, fs.ErrExist},
			Ops: map[string]func() error{
				"Run":     func() error { return second(p.Run(&RunOptions{Data: make([]byte, 14)})) },
				"Info":    func() error { return second(p.Info()) },
				"Stats":   func() error { return second(p.Stats()) },
				"Clone":   func() error { return closing(p.Clone()) },
				"Pin":     func() error { return errors.Join(p.Pin(pin), p.Unpin()) },
				"BindMap": func() error { return p.BindMap(m) },
				"be held": func() error { return tails.Put(uint32(0), p) },
			},
		}
	})
}

func TestCloseCollectionDuringUse(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	testutil.CheckFDs(t)
	spec := parse(t, objectFile("data"))
	testutil.Hammer(t, rounds/3, func() testutil.Hammered {
		coll, err := NewCollection(spec)
		if err != nil {
			t.Fatal(err)
		}
		counter, histogram := coll.Variables["counter"], coll.Variables["histogram"]
		program := coll.Programs["sum"]
		return testutil.Hammered{
			Close: func() error { coll.Close(); return nil },
			Ops: map[string]func() error{
				"Get":           func() error { return counter.Get(new(uint64)) },
				"Set":           func() error { return counter.Set(uint64(1)) },
				"Get an array":  func() error { return histogram.Get(new([8]uint32)) },
				"run a program": func() error { return second(program.Run(&RunOptions{Data: bytes.Repeat([]byte{1}, 14)})) },
			},
		}
	})
}
