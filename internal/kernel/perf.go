package kernel

import (
	"fmt"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PerfEventOpen opens a perf event on a CPU (-1: any) for a process (-1: all).
func PerfEventOpen(attr *unix.PerfEventAttr, pid, cpu int) (*FD, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	raw, err := perfEventOpen(attr, pid, cpu)
	if err != nil {
		return nil, os.NewSyscallError("perf_event_open", err)
	}
	return ownFD(raw)
}

// PerfEventOpenNamed is PerfEventOpen for probes, where attr.Ext1 points to the
// name of a symbol or file.
func PerfEventOpenNamed(attr *unix.PerfEventAttr, name string, pid, cpu int) (*FD, error) {
	cstring, err := unix.BytePtrFromString(name)
	if err != nil {
		return nil, err
	}
	// The number isn't known to the garbage collector, which doesn't move
	// heap memory, and is told below until when it is in use.
	attr.Ext1 = uint64(uintptr(unsafe.Pointer(cstring)))
	fd, err := PerfEventOpen(attr, pid, cpu)
	runtime.KeepAlive(cstring)
	return fd, err
}

// PMU is a kind of perf event that the kernel numbers at boot.
type PMU struct {
	Type        uint32
	RetprobeBit uint8 // of attr.Config: at the end of a function
}

// ReadPMU looks up "kprobe" or "uprobe". It fails with fs.ErrNotExist if the
// kernel has no such events. Linux 4.17.
func ReadPMU(name string) (PMU, error) {
	dir := path.Join("/sys/bus/event_source/devices", name)
	text, err := ReadFile(path.Join(dir, "type"))
	if err != nil {
		return PMU{}, err
	}
	number, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return PMU{}, fmt.Errorf("type of PMU %s: %w", name, err)
	}
	text, err = ReadFile(path.Join(dir, "format", "retprobe"))
	if err != nil {
		return PMU{}, err
	}
	bit, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(string(text)), "config:"), 10, 6)
	if err != nil {
		return PMU{}, fmt.Errorf("format of PMU %s: %w", name, err)
	}
	return PMU{Type: uint32(number), RetprobeBit: uint8(bit)}, nil
}

// PerfEventSetBPF runs prog whenever event happens, until event is closed.
func PerfEventSetBPF(event, prog *FD) error {
	rawProg, err := prog.Acquire()
	if err != nil {
		return err
	}
	defer prog.Release()
	return perfIoctl(event, unix.PERF_EVENT_IOC_SET_BPF, rawProg)
}

// PerfEventEnable starts an event that was opened disabled.
func PerfEventEnable(event *FD) error { return perfIoctl(event, unix.PERF_EVENT_IOC_ENABLE, 0) }

func perfIoctl(event *FD, request uint, arg int) error {
	raw, err := event.Acquire()
	if err != nil {
		return err
	}
	defer event.Release()
	return os.NewSyscallError("ioctl", ioctl(raw, request, arg))
}
