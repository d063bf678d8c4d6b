package kernel

import (
	"encoding/binary"
	"fmt"
	"golang.org/x/sys/unix"
	"math"
	"os"
	"runtime"
	"syscall"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

// kprobePMU is there on kernels that have kprobes (as perf events: 4.17).
const kprobePMU = "/sys/bus/event_source/devices/kprobe"

// HasSyscallWrapper tells whether a kprobe on a system call finds a wrapper
// that takes a struct pt_regs, called __x64_sys_openat, say. It needs 4.17, and
// is false without kprobes, for nobody can find out then.
//
// It may read all symbols of the kernel: ask only if somebody wants to know.
func HasSyscallWrapper() (bool, error) {
	arch := syscallArch(runtime.GOARCH)
	var stat unix.Stat_t
	if err := unix.Lstat(kprobePMU, &stat); err != nil || arch == "" {
		return false, nil
	}
	f, err := OpenFile(kallsyms, os.O_RDONLY)
	if err != nil {
		return false, fmt.Errorf("symbols of the kernel: %w", err)
	}
	defer f.Close()
	wrapper, found := "__"+arch+"_sys_bpf", false
	err = eachSymbol(f, func(_ uint64, _ byte, name []byte) bool {
		found = string(name) == wrapper
		return !found
	})
	if err != nil {
		return false, fmt.Errorf("symbols of the kernel: %w", err)
	}
	return found, nil
}

// syscallArch is what wrappers of system calls have in their names, "" where
// there are none.
func syscallArch(goarch string) string {
	switch goarch {
	case "amd64":
		return "x64"
	case "386":
		return "ia32"
	case "arm64", "s390x":
		return goarch
	case "riscv64":
		return "riscv"
	case "ppc64", "ppc64le":
		return "powerpc"
	}
	return ""
}

// What the probing programs are, and do.
const (
	progTypeTracepoint  = 5
	opCall              = 0x85
	opMovImm            = 0xb7
	opExit              = 0x95
	getAttachCookieFunc = 174
)

// HasCookie tells whether programs on perf events can have a cookie, and read
// it with bpf_get_attach_cookie (5.15). It tries to load one that does: ask only
// if somebody wants to know.
func HasCookie() bool {
	code := make([]byte, 16)
	code[0], code[8] = opCall, opExit
	binary.NativeEndian.PutUint32(code[4:], getAttachCookieFunc)
	fd, err := ProgLoad(&ProgLoadAttr{
		ProgType: progTypeTracepoint, Insns: Bytes(code), InsnCnt: 2, License: CString("GPL"),
	})
	if err != nil {
		return false
	}
	_ = fd.Close()
	return true
}

// HasUprobeMulti tells whether one link can attach a program to many places of
// a file (6.6), and to those of one process if that is asked for (6.10: before,
// it was one thread). It tries to: ask only if somebody wants to know.
func HasUprobeMulti() bool {
	code := make([]byte, 16)
	code[0], code[8] = opMovImm, opExit
	prog, err := ProgLoad(&ProgLoadAttr{
		ProgType: uint32(uapi.ProgTypeKprobe), ExpectedAttachType: uint32(uapi.AttachTraceUprobeMulti),
		Insns: Bytes(code), InsnCnt: 2, License: CString("GPL"),
	})
	if err != nil {
		return false
	}
	defer prog.Close()
	// A folder is no file to attach to. The kernel looks at the process first,
	// if it does that right.
	const anyProcess, noProcess = 0, math.MaxUint32
	return attachToFolder(prog, anyProcess) == syscall.EBADF && attachToFolder(prog, noProcess) == syscall.EINVAL
}

// attachToFolder tries to attach a program to a place where there is no code,
// and returns what the kernel says about that.
func attachToFolder(prog *FD, pid uint32) syscall.Errno {
	offsets := []uint64{0}
	raw, err := prog.Acquire()
	if err != nil {
		return syscall.EBADF
	}
	defer prog.Release()
	link, err := LinkCreate(&LinkCreateAttr[LinkUprobeMulti]{
		ProgFD: uint32(raw), AttachType: uint32(uapi.AttachTraceUprobeMulti),
		Extra: LinkUprobeMulti{Path: CString("/"), Offsets: Slice(offsets), Count: 1, PID: pid},
	})
	if err == nil {
		_ = link.Close()
	}
	return Errno(err)
}
