package kernel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func newMap(t testing.TB, typ uapi.MapType, keySize, valueSize, entries uint32) *kernel.FD {
	t.Helper()
	testutil.Needs(t, testutil.BPF)
	fd, err := kernel.MapCreate(&kernel.MapCreateAttr{
		MapType: uint32(typ), KeySize: keySize, ValueSize: valueSize, MaxEntries: entries,
		MapName: kernel.NewObjName("test map"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close() })
	return fd
}

// instruction packs one BPF instruction in the host's byte order.
func instruction(op, dst, src uint8, off int16, imm int32) uint64 {
	var b [8]byte
	b[0] = op
	b[1] = dst | src<<4
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		b[1] = dst<<4 | src
	}
	binary.NativeEndian.PutUint16(b[2:], uint16(off))
	binary.NativeEndian.PutUint32(b[4:], uint32(imm))
	return binary.NativeEndian.Uint64(b[:])
}

// returning is a program that returns value, after as many useless
// instructions as asked for.
func returning(value int32, padding int) []uint64 {
	insns := make([]uint64, 0, padding+2)
	insns = append(insns, instruction(0xb7, 0, 0, 0, value)) // r0 = value
	for range padding {
		insns = append(insns, instruction(0xb7, 1, 0, 0, 0)) // r1 = 0
	}
	return append(insns, instruction(0x95, 0, 0, 0, 0)) // exit
}

func loadAttr(insns []uint64) *kernel.ProgLoadAttr {
	return &kernel.ProgLoadAttr{
		ProgType: uint32(uapi.ProgTypeSocketFilter),
		Insns:    kernel.Slice(insns), InsnCnt: uint32(len(insns)),
		License: kernel.CString("MIT"), ProgName: kernel.NewObjName("test"),
	}
}

func load(t testing.TB, insns []uint64) *kernel.FD {
	t.Helper()
	testutil.Needs(t, testutil.BPF)
	fd, err := kernel.ProgLoad(loadAttr(insns))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close() })
	return fd
}

func TestMapElements(t *testing.T) {
	m := newMap(t, uapi.MapTypeHash, 4, 8, 2)
	at := func(k uint32) unsafe.Pointer { return unsafe.Pointer(&k) }
	set := func(k uint32, v uint64, flags uint64) error {
		return kernel.MapUpdate(m, unsafe.Pointer(&k), unsafe.Pointer(&v), flags)
	}
	for _, step := range []struct {
		what string
		err  error
		want error
	}{
		{"insert", set(1, 11, unix.BPF_NOEXIST), nil},
		{"insert again", set(1, 12, unix.BPF_NOEXIST), fs.ErrExist},
		{"replace what isn't there", set(2, 22, unix.BPF_EXIST), fs.ErrNotExist},
		{"fill", set(2, 22, 0), nil},
		{"overfill", set(3, 33, 0), unix.E2BIG},
		{"delete", kernel.MapDelete(m, at(2)), nil},
		{"delete again", kernel.MapDelete(m, at(2)), fs.ErrNotExist},
	} {
		if !errors.Is(step.err, step.want) {
			t.Errorf("%s: %v, want %v", step.what, step.err, step.want)
		}
	}
	var value uint64
	if err := kernel.MapLookup(m, at(1), unsafe.Pointer(&value), 0); err != nil || value != 11 {
		t.Errorf("lookup: %d, %v", value, err)
	}
	if err := kernel.MapLookup(m, at(2), unsafe.Pointer(&value), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lookup of nothing: %v", err)
	}
	var next uint32
	if err := kernel.MapNextKey(m, nil, unsafe.Pointer(&next)); err != nil || next != 1 {
		t.Errorf("first key: %d, %v", next, err)
	}
	if err := kernel.MapNextKey(m, at(1), unsafe.Pointer(&next)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("key after the last: %v", err)
	}
}

func TestMapOperationsDoNotAllocate(t *testing.T) {
	m := newMap(t, uapi.MapTypeHash, 4, 8, 2)
	canTake := kernel.AtLeast(uapi.KernelVersion{Major: 5, Minor: 14}) // from a hash map
	for name, f := range map[string]func(key uint32, value uint64) error{
		"update": func(key uint32, value uint64) error {
			return kernel.MapUpdate(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0)
		},
		"lookup": func(key uint32, value uint64) error {
			return kernel.MapLookup(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0)
		},
		"lookup, missing": func(key uint32, value uint64) error {
			key = 100
			return kernel.MapLookup(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0)
		},
		"next key": func(key uint32, value uint64) error {
			var next uint32
			return kernel.MapNextKey(m, unsafe.Pointer(&key), unsafe.Pointer(&next))
		},
		"delete": func(key uint32, value uint64) error {
			return kernel.MapDelete(m, unsafe.Pointer(&key))
		},
		"lookup and delete": func(key uint32, value uint64) error {
			if !canTake {
				return nil
			}
			return kernel.MapLookupAndDelete(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			testutil.Allocs(t, 0, func() { _ = f(1, 2) })
		})
	}
}

func TestMapBatch(t *testing.T) {
	testutil.Needs(t, testutil.MapBatch)
	m := newMap(t, uapi.MapTypeArray, 4, 4, 8)
	keys, values := []uint32{0, 1, 2, 3}, []uint32{10, 11, 12, 13}
	update := kernel.MapBatchAttr{Keys: kernel.Slice(keys), Values: kernel.Slice(values), Count: 4}
	if err := kernel.MapUpdateBatch(m, &update); err != nil || update.Count != 4 {
		t.Fatalf("update: %d, %v", update.Count, err)
	}
	var cursor uint32
	got := make([]uint32, 16)
	lookup := kernel.MapBatchAttr{OutBatch: kernel.Addr(unsafe.Pointer(&cursor)), Keys: kernel.Slice(make([]uint32, 16)), Values: kernel.Slice(got), Count: 16}
	err := kernel.MapLookupBatch(m, &lookup)
	if !errors.Is(err, unix.ENOENT) || lookup.Count != 8 || got[3] != 13 {
		t.Errorf("lookup: %d elements, %v, %v", lookup.Count, got, err)
	}
}

func TestMapFreeze(t *testing.T) {
	testutil.Needs(t, testutil.MapFreeze)
	m := newMap(t, uapi.MapTypeArray, 4, 4, 1)
	if err := kernel.MapFreeze(m); err != nil {
		t.Fatal(err)
	}
	var key, value uint32
	if err := kernel.MapUpdate(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("update of a frozen map: %v", err)
	}
}

func TestMapInfoAndIDs(t *testing.T) {
	m := newMap(t, uapi.MapTypeHash, 4, 8, 16)
	var info kernel.MapInfo
	if err := kernel.ObjInfo(m, &info); err != nil {
		t.Fatal(err)
	}
	if info.Type != uint32(uapi.MapTypeHash) || info.KeySize != 4 || info.ValueSize != 8 || info.MaxEntries != 16 || info.Name.String() != "test_map" {
		t.Errorf("info %+v", info)
	}
	again, err := kernel.FDByID(kernel.CmdMapGetFDByID, info.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if next, err := kernel.NextID(kernel.CmdMapGetNextID, info.ID-1); err != nil || next != info.ID {
		t.Errorf("next ID %d, %v, want %d", next, err, info.ID)
	}
	if _, err := kernel.FDByID(kernel.CmdMapGetFDByID, 1<<31-2, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ID that isn't: %v", err)
	}
}

func TestPin(t *testing.T) {
	m := newMap(t, uapi.MapTypeHash, 4, 8, 16)
	file := filepath.Join(testutil.BPFFS(t), "map")
	if err := kernel.ObjPin(m, file); err != nil {
		t.Fatal(err)
	}
	again, err := kernel.ObjGet(file, 0)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if _, err := kernel.ObjGet(file+"2", 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such pin: %v", err)
	}
}

func TestProgramRuns(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	prog := load(t, returning(42, 0))
	attr := kernel.ProgTestRunAttr{DataIn: kernel.Bytes(make([]byte, 64)), DataSizeIn: 64, Repeat: 1}
	if err := kernel.ProgTestRun(prog, &attr); err != nil || attr.Retval != 42 {
		t.Errorf("returned %d, %v", attr.Retval, err)
	}
	var info kernel.ProgInfo
	if err := kernel.ObjInfo(prog, &info); err != nil || info.Name.String() != "test" || info.GPLCompatible != 0 {
		t.Errorf("info %+v, %v", info, err)
	}
}

func TestVerifierLog(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	log := make([]byte, 4096)
	attr := loadAttr([]uint64{instruction(0x95, 0, 0, 0, 0)}) // exit with r0 unset
	attr.LogBuf, attr.LogSize, attr.LogLevel = kernel.Bytes(log), uint32(len(log)), 1
	fd, err := kernel.ProgLoad(attr)
	if err == nil {
		fd.Close()
	}
	if !errors.Is(err, unix.EACCES) || !bytes.Contains(log, []byte("R0 !read_ok")) {
		t.Errorf("%v, log %q", err, kernel.GoString(log))
	}
}

// The Go runtime sends SIGURG to threads that are in a system call for long
// when it wants to stop the world. The verifier and test runs take that as a
// reason to give up.
func TestSignalsOfTheRuntimeDoNotDisturb(t *testing.T) {
	testutil.Needs(t, testutil.TestRun)
	ctx, cancel := context.WithCancel(t.Context())
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	tids := make(chan int, 1)
	background.Go(func() {
		tid := <-tids
		for ctx.Err() == nil {
			_ = unix.Tgkill(unix.Getpid(), tid, unix.SIGURG)
		}
	})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tids <- unix.Gettid()
	for range 20 {
		fd, err := kernel.ProgLoad(loadAttr(returning(0, 3000)))
		if err != nil {
			t.Fatal(err)
		}
		attr := kernel.ProgTestRunAttr{DataIn: kernel.Bytes(make([]byte, 64)), DataSizeIn: 64, Repeat: 10000}
		err = kernel.ProgTestRun(fd, &attr)
		fd.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	var mask unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, &mask); err != nil || mask.Val[0]&(1<<(unix.SIGURG-1)) != 0 {
		t.Errorf("SIGURG is still held back: %v, %v", mask, err)
	}
}

// Goroutines hammer a map whose owner closes it while others are made, which
// get its descriptor. They must see nothing but success and ErrClosed.
func TestCloseDuringMapOperations(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for range 50 {
		m, err := kernel.MapCreate(&kernel.MapCreateAttr{MapType: uint32(uapi.MapTypeArray), KeySize: 4, ValueSize: 8, MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		var users sync.WaitGroup
		for range 4 {
			users.Go(func() {
				for {
					var key uint32
					value := uint64(7)
					err := kernel.MapUpdate(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0)
					if errors.Is(err, os.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("update: %v", err)
						return
					}
				}
			})
		}
		runtime.Gosched()
		m.Close()
		foreign, err := kernel.MapCreate(&kernel.MapCreateAttr{MapType: uint32(uapi.MapTypeArray), KeySize: 4, ValueSize: 8, MaxEntries: 1})
		if err != nil {
			t.Fatal(err)
		}
		users.Wait()
		var key uint32
		var value uint64
		if err := kernel.MapLookup(foreign, unsafe.Pointer(&key), unsafe.Pointer(&value), 0); err != nil || value != 0 {
			t.Errorf("another map was written to: %d, %v", value, err)
		}
		foreign.Close()
	}
}

func TestMemory(t *testing.T) {
	testutil.Needs(t, testutil.MapMmapable)
	m, err := kernel.MapCreate(&kernel.MapCreateAttr{
		MapType: uint32(uapi.MapTypeArray), KeySize: 4, ValueSize: 8, MaxEntries: 1, MapFlags: uapi.MapFlagMmapable,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	memory, err := kernel.MapMemory(m, 0, os.Getpagesize(), kernel.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	var key uint32
	value := uint64(0x1122334455667788)
	if err := kernel.MapUpdate(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0); err != nil {
		t.Fatal(err)
	}
	if got := binary.NativeEndian.Uint64(memory.Bytes()); got != value {
		t.Errorf("read %#x", got)
	}
	for range 2 {
		if err := memory.Unmap(); err != nil || memory.Bytes() != nil {
			t.Errorf("unmap: %v", err)
		}
	}
	if _, err := kernel.MapMemory(m, 0, 0, kernel.ReadOnly); !errors.Is(err, os.ErrInvalid) {
		t.Errorf("no bytes: %v", err)
	}
	if _, err := kernel.MapMemory(m, 0, 1<<20, kernel.ReadOnly); !errors.Is(err, unix.EINVAL) {
		t.Errorf("more than there is: %v", err)
	}
}

func TestTracepointID(t *testing.T) {
	testutil.Needs(t, testutil.Tracepoint)
	if id, err := kernel.TracepointID("sched", "sched_process_exec"); err != nil || id == 0 {
		t.Errorf("%d, %v", id, err)
	}
	_, err := kernel.TracepointID("sched", "no_such_thing")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestPossibleCPUs(t *testing.T) {
	n, err := kernel.PossibleCPUs()
	if err != nil || n < runtime.NumCPU() {
		t.Errorf("%d possible of %d, %v", n, runtime.NumCPU(), err)
	}
}

// pipe is a descriptor to wait for and one that makes it readable.
func pipe(t *testing.T) (*kernel.FD, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := kernel.DupFD(int(r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fd.Close(); w.Close() })
	return fd, w
}

func newPoller(t *testing.T) *kernel.Poller {
	t.Helper()
	p, err := kernel.NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestPollerReportsWhatIsReady(t *testing.T) {
	p := newPoller(t)
	first, _ := pipe(t)
	second, w := pipe(t)
	if err := errors.Join(p.Add(first, 1), p.Add(second, 2)); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { w.Write([]byte("x")) })
	ready := make([]int, 4)
	if n, err := p.Wait(ready); err != nil || n != 1 || ready[0] != 2 {
		t.Errorf("%v, %v", ready[:n], err)
	}
	p.SetDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := p.Wait(ready); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reported an old event again: %v", err)
	}
	p.SetDeadline(time.Time{})
	w.Write([]byte("x"))
	if n, err := p.Wait(ready); err != nil || n != 1 {
		t.Errorf("after a deadline: %d, %v", n, err)
	}
}

func TestPollerWakesUp(t *testing.T) {
	for name, test := range map[string]struct {
		wake func(*kernel.Poller) error
		want error
	}{
		"flush":    {(*kernel.Poller).Flush, kernel.ErrFlushed},
		"close":    {(*kernel.Poller).Close, os.ErrClosed},
		"deadline": {func(p *kernel.Poller) error { return p.SetDeadline(time.Now()) }, os.ErrDeadlineExceeded},
	} {
		t.Run(name+" while waiting", func(t *testing.T) {
			p := newPoller(t)
			time.AfterFunc(10*time.Millisecond, func() {
				if err := test.wake(p); err != nil {
					t.Error(err)
				}
			})
			if _, err := p.Wait(nil); !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
		})
		t.Run(name+" before", func(t *testing.T) {
			p := newPoller(t)
			if err := test.wake(p); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Wait(nil); !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPollerFlushesOnce(t *testing.T) {
	p := newPoller(t)
	p.Flush()
	p.Flush()
	if _, err := p.Wait(nil); err != kernel.ErrFlushed {
		t.Fatal(err)
	}
	p.SetDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := p.Wait(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestClosedPoller(t *testing.T) {
	p := newPoller(t)
	fd, _ := pipe(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"close":    p.Close(),
		"add":      p.Add(fd, 1),
		"flush":    p.Flush(),
		"deadline": p.SetDeadline(time.Now()),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPollerDoesNotAllocate(t *testing.T) {
	p := newPoller(t)
	fd, w := pipe(t)
	if err := p.Add(fd, 0); err != nil {
		t.Fatal(err)
	}
	ready := make([]int, 1)
	testutil.Allocs(t, 0, func() {
		w.Write([]byte("x"))
		if _, err := p.Wait(ready); err != nil {
			t.Fatal(err)
		}
	})
}

// The bare system call, for comparison with BenchmarkMapLookup.
func BenchmarkBareLookup(b *testing.B) {
	m := newMap(b, uapi.MapTypeArray, 4, 8, 16)
	var key uint32
	var value uint64
	attr := struct {
		fd         uint32
		_          uint32
		key, value unsafe.Pointer
		flags      uint64
	}{fd: uint32(m.Int()), key: unsafe.Pointer(&key), value: unsafe.Pointer(&value)}
	for b.Loop() {
		if _, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(kernel.CmdMapLookupElem), uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr)); errno != 0 {
			b.Fatal(errno)
		}
	}
}

func BenchmarkMapLookup(b *testing.B) {
	m := newMap(b, uapi.MapTypeArray, 4, 8, 16)
	var key uint32
	var value uint64
	b.ReportAllocs()
	for b.Loop() {
		if err := kernel.MapLookup(m, unsafe.Pointer(&key), unsafe.Pointer(&value), 0); err != nil {
			b.Fatal(err)
		}
	}
}

func TestKind(t *testing.T) {
	m := newMap(t, uapi.MapTypeArray, 4, 8, 1)
	if kind, err := kernel.Kind(m); kind != kernel.KindMap || err != nil {
		t.Errorf("map: %q, %v", kind, err)
	}
	if kind, err := kernel.Kind(load(t, returning(0, 0))); kind != kernel.KindProg || err != nil {
		t.Errorf("program: %q, %v", kind, err)
	}
}

// A thread without capabilities asks for things, and is told what it lacks.
func TestRefusalsNameTheCapability(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	runtime.LockOSThread() // for good: the thread ends with the test
	none := [2]unix.CapUserData{}
	if err := unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]); err != nil {
		t.Fatal(err)
	}
	_, err := kernel.FDByID(kernel.CmdMapGetFDByID, 1, 0)
	err = kernel.ExplainPermission(err, kernel.CapSysAdmin)
	if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "BPF_MAP_GET_FD_BY_ID: operation not permitted: needs CAP_SYS_ADMIN") {
		t.Errorf("got %v", err)
	}
	attr := loadAttr(returning(0, 0))
	attr.ProgType = uint32(uapi.ProgTypeXDP)
	_, err = kernel.ProgLoad(attr)
	err = kernel.ExplainPermission(err, kernel.CapBPF, kernel.CapNetAdmin)
	want := "needs CAP_BPF (or CAP_SYS_ADMIN) and CAP_NET_ADMIN"
	if !kernel.AtLeast(uapi.KernelVersion{Major: 5, Minor: 8}) {
		want = "needs CAP_SYS_ADMIN and CAP_NET_ADMIN"
	}
	if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}
