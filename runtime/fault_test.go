//go:build faults

package ebpf

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// Loading whole objects, with each system call failing in turn.
func TestFaultsOfLoading(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.MapMmapable)
	for _, name := range []string{"minimal", "data", "maps", "nested", "core", "calls"} {
		t.Run(name, func(t *testing.T) {
			switch name {
			case "maps":
				testutil.NeedsLinux(t, "bloom filters", 5, 16)
			case "core":
				testutil.Needs(t, testutil.KernelBTF)
			}
			pins := testutil.BPFFS(t)
			spec := parse(t, objectFile(name))
			testutil.Faults(t, func() error {
				coll, err := NewCollectionWithOptions(spec, CollectionOptions{Maps: MapOptions{PinPath: pins}})
				if err != nil {
					return err
				}
				defer testutil.Faultless(func() { unpin(slices.Collect(maps.Values(coll.Maps))) })
				defer coll.Close()
				return whole(spec, coll)
			}, testutil.Files(pins))
		})
	}
}

// whole tells what a collection lacks.
func whole(spec *CollectionSpec, coll *Collection) error {
	for name, ps := range spec.Programs {
		if coll.Programs[name] == nil && !ps.Optional {
			return fmt.Errorf("program %s is missing", name)
		}
	}
	for name := range spec.Maps {
		if coll.Maps[name] == nil {
			return fmt.Errorf("map %s is missing", name)
		}
	}
	for name := range spec.Variables {
		if coll.Variables[name] == nil {
			return fmt.Errorf("variable %s is missing", name)
		}
	}
	return nil
}

// What is done with a map in its life.
func TestFaultsOfMaps(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.MapBatch, testutil.MapFreeze)
	pins := testutil.BPFFS(t)
	spec := &MapSpec{Name: "life", Type: Hash, KeySize: 4, ValueSize: 8, MaxEntries: 100}
	testutil.Faults(t, func() error {
		m, err := NewMap(spec)
		if err != nil {
			return err
		}
		defer m.Close()
		defer testutil.Faultless(func() { _ = m.Unpin() })
		return useMap(m, filepath.Join(pins, "life"))
	}, testutil.Files(pins))
}

func useMap(m *Map, pin string) error {
	keys, values := []uint32{1, 2, 3}, []uint64{10, 20, 30}
	if n, err := m.BatchUpdate(keys, values, nil); err != nil || n != 3 {
		return fmt.Errorf("batch of three, %d done: %w", n, err)
	}
	if err := m.Put(uint32(4), uint64(40)); err != nil {
		return err
	}
	sum, err := sumOf(m)
	if err != nil {
		return err
	}
	if sum != 100 {
		return fmt.Errorf("iteration without an error summed up to %d", sum)
	}
	if err := m.Pin(pin); err != nil {
		return err
	}
	again, err := LoadPinnedMap(pin, nil)
	if err != nil {
		return err
	}
	defer again.Close()
	clone, err := again.Clone()
	if err != nil {
		return err
	}
	defer clone.Close()
	if err := clone.Delete(uint32(4)); err != nil {
		return err
	}
	if err := m.Lookup(uint32(4), new(uint64)); !errors.Is(err, ErrKeyNotExist) {
		return fmt.Errorf("deleted key: %w", err)
	}
	if _, err := clone.Info(); err != nil {
		return err
	}
	if err := m.Unpin(); err != nil {
		return err
	}
	return clone.Freeze()
}

func sumOf(m *Map) (sum uint64, err error) {
	var key uint32
	var value uint64
	entries := m.Iterate()
	for entries.Next(&key, &value) {
		sum += value
	}
	return sum, entries.Err()
}

// What is done with a program in its life.
func TestFaultsOfPrograms(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.TestRun)
	pins := testutil.BPFFS(t)
	pin := filepath.Join(pins, "prog")
	testutil.Faults(t, func() error {
		p, err := NewProgram(returning(7))
		if err != nil {
			return err
		}
		defer p.Close()
		if ret, _, err := p.Test(make([]byte, 14)); err != nil || ret != 7 {
			return fmt.Errorf("ran to %d: %w", ret, err)
		}
		if err := p.Pin(pin); err != nil {
			return err
		}
		defer testutil.Faultless(func() { _ = p.Unpin() })
		again, err := LoadPinnedProgram(pin, nil)
		if err != nil {
			return err
		}
		defer again.Close()
		_, err = again.Info()
		return err
	}, testutil.Files(pins))
}

// Variables, whose memory is mapped when they are first used.
func TestFaultsOfVariables(t *testing.T) {
	testutil.Needs(t, testutil.BPF, testutil.MapMmapable)
	spec := parse(t, objectFile("data"))
	testutil.Faults(t, func() error {
		var objs struct {
			Counter *Variable `ebpf:"counter"`
		}
		if err := spec.LoadAndAssign(&objs, nil); err != nil {
			return err
		}
		err := objs.Counter.Set(uint64(3))
		if errors.Is(err, ErrReadOnly) { // as the kernel calls frozen maps
			return errors.Join(syscall.EPERM, err)
		}
		if err != nil {
			return err
		}
		var n uint64
		if err := objs.Counter.Get(&n); err != nil || n != 3 {
			return fmt.Errorf("variable is %d: %w", n, err)
		}
		return nil
	}, nil)
}
