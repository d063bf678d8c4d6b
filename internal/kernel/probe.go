package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
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
	if _, err := os.Stat(kprobePMU); err != nil || arch == "" {
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

// Programs that call bpf_get_attach_cookie and exit.
const (
	progTypeTracepoint  = 5
	opCall              = 0x85
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
