// Command floor does what is unavoidable in each task, with bare system calls
// and scans and no library: what remains when a library costs nothing.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/benchmarks/measure"
)

func main() {
	measure.Main(map[string]measure.Task{
		"parse":         parse,
		"btf-find":      visitTypes,
		"btf-all":       visitTypes,
		"load":          load,
		"iterate":       iterate,
		"iterate-typed": iterate,
		"variable-view": read,
		"start":         func([]string) error { return nil },
	})
}

// parse copies the object and looks at each byte once.
func parse(args []string) error {
	object, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	return measure.Repeat(func() error {
		own := append([]byte(nil), object...)
		for len(own) >= 8 {
			sink += binary.NativeEndian.Uint64(own)
			own = own[8:]
		}
		return nil
	})
}

var sink uint64

func visitTypes([]string) error { return measure.Repeat(walkKernel) }

// walkKernel maps the kernel's BTF and goes from record to record.
func walkKernel() error {
	f, err := os.Open("/sys/kernel/btf/vmlinux")
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	blob, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		blob = make([]byte, info.Size())
		if _, err := f.Read(blob); err != nil {
			return err
		}
	} else {
		defer unix.Munmap(blob)
	}
	u32 := binary.NativeEndian.Uint32
	types := blob[u32(blob[4:])+u32(blob[8:]):]
	types = types[:u32(blob[12:])]
	// What follows a record of each kind, apart from and for each member.
	fixed := [32]int{1: 4, 3: 12, 14: 4, 17: 4}
	each := [32]int{4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
	for len(types) >= 12 {
		kind, vlen := u32(types[4:])>>24&31, int(u32(types[4:])&0xffff)
		sink += uint64(u32(types))
		types = types[12+fixed[kind]+each[kind]*vlen:]
	}
	return nil
}

func bpf(cmd uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(attr), size)
	if errno != 0 {
		return 0, fmt.Errorf("bpf(%d): %w", cmd, errno)
	}
	return int(r), nil
}

type mapAttr struct {
	typ, key, value, entries uint32
}

type elemAttr struct {
	fd, _      uint32
	key, value unsafe.Pointer
	flags      uint64
}

type progAttr struct {
	typ, count uint32
	insns      unsafe.Pointer
	license    unsafe.Pointer
	log        [4]uint32
}

func newMap(typ uint32) (int, error) {
	attr := mapAttr{typ: typ, key: 4, value: 8, entries: 10000}
	return bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

// newProgram loads a socket filter that returns 0.
func newProgram() (int, error) {
	insns := [...]uint64{0x00000000000000b7, 0x0000000000000095}
	license := [...]byte{'M', 'I', 'T', 0}
	attr := progAttr{typ: unix.BPF_PROG_TYPE_SOCKET_FILTER, count: 2, insns: unsafe.Pointer(&insns), license: unsafe.Pointer(&license)}
	fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(&insns)
	return fd, err
}

// load is what a process that loads a CO-RE object can't do without: one pass
// over the kernel's types, a map and a program.
func load([]string) error {
	if err := walkKernel(); err != nil {
		return err
	}
	if _, err := newMap(unix.BPF_MAP_TYPE_HASH); err != nil {
		return err
	}
	_, err := newProgram()
	return err
}

type batchAttr struct {
	in, out, keys, values unsafe.Pointer
	count, fd             uint32
	elemFlags, flags      uint64
}

// iterate reads 10,000 elements in batches of 256.
func iterate([]string) error {
	fd, err := newMap(unix.BPF_MAP_TYPE_HASH)
	if err != nil {
		return err
	}
	const n = 10_000
	for key := range uint32(n) {
		value := uint64(key)
		attr := elemAttr{fd: uint32(fd), key: unsafe.Pointer(&key), value: unsafe.Pointer(&value)}
		if _, err := bpf(unix.BPF_MAP_UPDATE_ELEM, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
			return err
		}
	}
	var keys [256]uint32
	var values [256]uint64
	return measure.Loop(n, func() error {
		var cursor uint64
		var in unsafe.Pointer
		for {
			attr := batchAttr{in: in, out: unsafe.Pointer(&cursor), keys: unsafe.Pointer(&keys), values: unsafe.Pointer(&values), count: 256, fd: uint32(fd)}
			_, err := bpf(unix.BPF_MAP_LOOKUP_BATCH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
			for i := range attr.count {
				sink += uint64(keys[i]) + values[i]
			}
			if errors.Is(err, unix.ENOENT) {
				return nil
			}
			if err != nil {
				return err
			}
			in = unsafe.Pointer(&cursor)
		}
	})
}

// read is a variable in memory.
func read([]string) error {
	variable := new(uint64)
	const reads = 1 << 20
	return measure.Loop(reads, func() error {
		for range reads {
			sink += *variable
		}
		return nil
	})
}
