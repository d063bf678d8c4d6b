package kernel

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// CPUWatch tells which CPUs come online.
type CPUWatch struct{ FD *FD }

// ueventGroup is where the kernel itself sends what happens to devices.
const ueventGroup = 1

// WatchCPUs begins to take note of CPUs that come online from now on. It fails
// with errors.ErrUnsupported where a process can't be told.
func WatchCPUs() (*CPUWatch, error) {
	raw, err := socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, unwatched("socket", err)
	}
	fd, err := ownFD(raw)
	if err != nil {
		return nil, err
	}
	if err := bind(fd.Int(), &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: ueventGroup}); err != nil {
		fd.Close()
		return nil, unwatched("bind", err)
	}
	return &CPUWatch{fd}, nil
}

// unwatched makes ErrUnsupported of what sandboxes say.
func unwatched(call string, err error) error {
	switch err {
	case unix.EPERM, unix.EACCES, unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT:
		return errors.ErrUnsupported
	}
	return os.NewSyscallError(call, err)
}

// Next is a CPU that has come online, -1 if there is no further one yet.
func (w *CPUWatch) Next() (int, error) {
	var buf [4096]byte
	for {
		n, err := w.FD.Read(buf[:])
		switch {
		case err == unix.EAGAIN:
			return -1, nil
		case err == unix.ENOBUFS:
			continue // some were lost, of all the devices that there are
		case err != nil:
			return -1, err
		}
		if cpu, ok := onlineEvent(buf[:n]); ok {
			return cpu, nil
		}
	}
}

// onlineEvent reads "online@/devices/system/cpu/cpu3", a zero byte, and more.
func onlineEvent(message []byte) (cpu int, ok bool) {
	head, _, _ := bytes.Cut(message, []byte{0})
	number, ok := bytes.CutPrefix(head, []byte("online@/devices/system/cpu/cpu"))
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(string(number), 10, 16)
	return int(n), err == nil
}
