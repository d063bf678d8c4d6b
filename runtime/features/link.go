package features

import (
	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// HaveBPFLinkKprobeMulti tells whether one link can probe many kernel
// functions. Linux 5.18, with CONFIG_FPROBE.
func HaveBPFLinkKprobeMulti() error {
	return haveKprobeMulti("link kprobe_multi", uapi.AttachTraceKprobeMulti)
}

// HaveBPFLinkKprobeSession tells whether a program can run at the beginning and
// the end of kernel functions. Linux 6.10, with CONFIG_FPROBE.
func HaveBPFLinkKprobeSession() error {
	return haveKprobeMulti("link kprobe_session", uapi.AttachTraceKprobeSession)
}

// HaveBPFLinkUprobeMulti tells whether one link can probe many functions of user
// space. Linux 6.6.
func HaveBPFLinkUprobeMulti() error {
	return haveUprobeMulti("link uprobe_multi", uapi.AttachTraceUprobeMulti)
}

// HaveBPFLinkUprobeSession tells whether a program can run at the beginning and
// the end of functions of user space. Linux 6.13.
func HaveBPFLinkUprobeSession() error {
	return haveUprobeMulti("link uprobe_session", uapi.AttachTraceUprobeSession)
}

// haveKprobeMulti attaches to a function that isn't there: a kernel that looks
// for it says ESRCH.
func haveKprobeMulti(feature string, at uapi.AttachType) error {
	symbols := []kernel.Pointer{kernel.CString("bpfgen_no_such_function")}
	return linkCreate(feature, at, kernel.LinkMulti{Count: 1, Syms: kernel.Slice(symbols)}, unix.ESRCH)
}

// haveUprobeMulti attaches to a folder: a kernel that looks at it says EBADF.
func haveUprobeMulti(feature string, at uapi.AttachType) error {
	offsets := []uint64{0}
	return linkCreate(feature, at, kernel.LinkUprobeMulti{
		Path: kernel.CString("/"), Offsets: kernel.Slice(offsets), Count: 1,
	}, unix.EBADF)
}

// linkCreate tries to attach a program, which is sure to fail. If that is for the
// reason passed, the kernel has the feature.
func linkCreate[E kernel.LinkExtra](feature string, at uapi.AttachType, extra E, passed unix.Errno) error {
	fd, err := loadKprobe(at)
	if err != nil {
		return conclude(feature, err)
	}
	defer fd.Close()
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	defer fd.Release()
	link, err := kernel.LinkCreate(&kernel.LinkCreateAttr[E]{ProgFD: uint32(raw), AttachType: uint32(at), Extra: extra})
	if err == nil {
		return link.Close()
	}
	return conclude(feature, err, passed)
}

func loadKprobe(at uapi.AttachType) (*kernel.FD, error) {
	attr, err := loadAttr(kernel.ProgLoadAttr{ProgType: uint32(ebpf.Kprobe), ExpectedAttachType: uint32(at)}, exit())
	if err != nil {
		return nil, err
	}
	return kernel.ProgLoad(attr)
}
