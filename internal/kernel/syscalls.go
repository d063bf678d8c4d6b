package kernel

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/fault"
	"github.com/bpfgen/bpfgen/internal/files"
)

// The system calls of this package, apart from bpf(2): each where a test can
// make it fail. See package fault.

func closeFD(raw int) error {
	err := unix.Close(raw)
	if injected := fault.At("close"); injected != nil {
		return injected
	}
	return err
}

func dupAbove(raw, lowest int) (int, error) {
	if err := fault.At("fcntl"); err != nil {
		return -1, err
	}
	return unix.FcntlInt(uintptr(raw), unix.F_DUPFD_CLOEXEC, lowest)
}

func readFD(raw int, b []byte) (int, error) {
	if err := fault.At("read"); err != nil {
		return -1, err
	}
	return unix.Read(raw, b)
}

func writeFD(raw int, b []byte) (int, error) {
	if err := fault.At("write"); err != nil {
		return -1, err
	}
	return unix.Write(raw, b)
}

func mmap(raw int, offset int64, at unsafe.Pointer, size uintptr, prot, flags int) (unsafe.Pointer, error) {
	if err := fault.At("mmap"); err != nil {
		return nil, err
	}
	return unix.MmapPtr(raw, offset, at, size, prot, flags)
}

func ioctl(raw int, request uint, arg int) error {
	if err := fault.At("ioctl"); err != nil {
		return err
	}
	return unix.IoctlSetInt(raw, request, arg)
}

func perfEventOpen(attr *unix.PerfEventAttr, pid, cpu int) (int, error) {
	if err := fault.At("perf_event_open"); err != nil {
		return -1, err
	}
	return unix.PerfEventOpen(attr, pid, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
}

func eventfd() (int, error) {
	if err := fault.At("eventfd2"); err != nil {
		return -1, err
	}
	return unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
}

func epollCreate() (int, error) {
	if err := fault.At("epoll_create1"); err != nil {
		return -1, err
	}
	return unix.EpollCreate1(unix.EPOLL_CLOEXEC)
}

func epollAdd(epoll, raw int, event *unix.EpollEvent) error {
	if err := fault.At("epoll_ctl"); err != nil {
		return err
	}
	return unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, raw, event)
}

func epollWait(epoll int, events []unix.EpollEvent, ms int) (int, error) {
	if err := fault.At("epoll_wait"); err != nil {
		return -1, err
	}
	return unix.EpollWait(epoll, events, ms)
}

func socket(domain, kind, protocol int) (int, error) {
	if err := fault.At("socket"); err != nil {
		return -1, err
	}
	return unix.Socket(domain, kind, protocol)
}

func bind(raw int, to unix.Sockaddr) error {
	if err := fault.At("bind"); err != nil {
		return err
	}
	return unix.Bind(raw, to)
}

func sendto(raw int, message []byte, to unix.Sockaddr) error {
	if err := fault.At("sendto"); err != nil {
		return err
	}
	return unix.Sendto(raw, message, 0, to)
}

func recvfrom(raw int, buffer []byte) (int, error) {
	if err := fault.At("recvfrom"); err != nil {
		return -1, err
	}
	n, _, err := unix.Recvfrom(raw, buffer, 0)
	return n, err
}

func statfs(path string, stat *unix.Statfs_t) error {
	if err := fault.At("statfs"); err != nil {
		return err
	}
	return unix.Statfs(path, stat)
}

func rename(from, to string) error {
	if err := fault.At("renameat2"); err != nil {
		return err
	}
	return unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
}

func remove(path string) error {
	if err := fault.At("unlink"); err != nil {
		return &os.PathError{Op: "remove", Path: path, Err: err}
	}
	return os.Remove(path)
}

func fsopen(fsType string) (int, error) {
	if err := fault.At("fsopen"); err != nil {
		return -1, err
	}
	return unix.Fsopen(fsType, unix.FSOPEN_CLOEXEC)
}

func fsconfigCreate(context int) error {
	if err := fault.At("fsconfig"); err != nil {
		return err
	}
	return unix.FsconfigCreate(context)
}

func fsmount(context int) (int, error) {
	if err := fault.At("fsmount"); err != nil {
		return -1, err
	}
	return unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
}

func setrlimit(resource int, limit *unix.Rlimit) error {
	if err := fault.At("setrlimit"); err != nil {
		return err
	}
	return unix.Setrlimit(resource, limit)
}

// SetSocketOption is setsockopt(2) on a socket, for options that are a number.
func SetSocketOption(raw, option, value int) error {
	if err := fault.At("setsockopt"); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(raw, unix.SOL_SOCKET, option, value))
}

// OpenFile is os.OpenFile for the files in which the kernel tells something.
func OpenFile(path string, flags int) (*os.File, error) {
	if err := fault.At("open"); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.OpenFile(path, flags, 0)
}

// writeFile gives text to a file in one piece.
func writeFile(f *os.File, text string) error {
	if err := fault.At("write"); err != nil {
		return &os.PathError{Op: "write", Path: f.Name(), Err: err}
	}
	_, err := f.WriteString(text)
	return err
}

// ReadFile is os.ReadFile for the files in which the kernel tells something.
func ReadFile(path string) ([]byte, error) {
	if err := fault.At("open"); err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return files.Read(path)
}
