package kernel

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// PerfEventOpen opens a perf event on a CPU (-1: any) for a process (-1: all).
func PerfEventOpen(attr *unix.PerfEventAttr, pid, cpu int) (*FD, error) {
	attr.Size = uint32(unsafe.Sizeof(*attr))
	raw, err := unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("perf_event_open", err)
	}
	return ownFD(raw)
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

// PerfEventDisable stops an event.
func PerfEventDisable(event *FD) error { return perfIoctl(event, unix.PERF_EVENT_IOC_DISABLE, 0) }

func perfIoctl(event *FD, request uint, arg int) error {
	raw, err := event.Acquire()
	if err != nil {
		return err
	}
	defer event.Release()
	return os.NewSyscallError("ioctl", unix.IoctlSetInt(raw, request, arg))
}
