package ebpf

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bpfgen/bpfgen/internal/testutil"
)

// cConfig is struct config of data.bpf.c.
type cConfig struct {
	ID     uint32
	Level  uint32
	Name   [16]byte
	Lo, Hi uint16
}

func TestVariablePointer(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	vars := collection(t, "data").Variables

	counter, err := VariablePointer[uint64](vars["counter"])
	if err != nil {
		t.Fatal(err)
	}
	if atomic.AddUint64(counter, 5) != 1005 {
		t.Errorf("counter is %d, want 1005", *counter)
	}
	var got uint64
	if err := vars["counter"].Get(&got); err != nil || got != 1005 {
		t.Errorf("Get after writing by pointer: %d, %v, want 1005", got, err)
	}
	config, err := VariablePointer[cConfig](vars["current"])
	if err != nil {
		t.Fatal(err)
	}
	if string(config.Name[:7]) != "current" {
		t.Errorf("struct by pointer: %+v", *config)
	}
	config.Hi = 9
	var c cConfig
	if err := vars["current"].Get(&c); err != nil || c.Hi != 9 {
		t.Errorf("Get after writing by pointer: %+v, %v", c, err)
	}
}

func TestVariablePointerErrors(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	vars := collection(t, "data").Variables
	for what, c := range map[string]struct{ got, want error }{
		"a constant":         {errorOf(VariablePointer[uint32](vars["target_pid"])), ErrReadOnly},
		"another size":       {errorOf(VariablePointer[uint32](vars["counter"])), ErrInvalidType},
		"a Go pointer":       {errorOf(VariablePointer[*byte](vars["counter"])), ErrInvalidType},
		"no size of its own": {errorOf(VariablePointer[int](vars["counter"])), ErrInvalidType},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", what, c.got, c.want)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

// TestVariablePointerOutlivesMap: nothing that a pointer is used for can crash,
// or reach memory of somebody else.
func TestVariablePointerOutlivesMap(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	coll, err := NewCollection(parse(t, objectFile("data")))
	if err != nil {
		t.Fatal(err)
	}
	v := coll.Variables["counter"]
	counter, err := VariablePointer[uint64](v)
	if err != nil {
		t.Fatal(err)
	}
	coll.Close()
	if _, err := VariablePointer[uint64](v); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
	for range 3 { // cleanups run after a collection that follows the one that finds them
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	atomic.StoreUint64(counter, 1)
	if n := atomic.LoadUint64(counter); n != 1 {
		t.Errorf("private memory has %d, want 1", n)
	}
}
