package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/fault"
)

// ProgLoadAttr is what BPF_PROG_LOAD takes.
type ProgLoadAttr struct {
	ProgType           uint32
	InsnCnt            uint32 // eight-byte slots
	Insns              Pointer
	License            Pointer // C string
	LogLevel           uint32
	LogSize            uint32
	LogBuf             Pointer
	KernVersion        uint32
	ProgFlags          uint32
	ProgName           ObjName
	ProgIfindex        uint32
	ExpectedAttachType uint32
	ProgBTFFD          uint32
	FuncInfoRecSize    uint32
	FuncInfo           Pointer
	FuncInfoCnt        uint32
	LineInfoRecSize    uint32
	LineInfo           Pointer
	LineInfoCnt        uint32
	AttachBTFID        uint32
	AttachFD           uint32 // a program to extend or trace, or the BTF of a module
	CoreReloCnt        uint32
	FDArray            Pointer
	CoreRelos          Pointer
	CoreReloRecSize    uint32
	LogTrueSize        uint32 // out, since 6.4: bytes that the whole log needs
	ProgTokenFD        int32
	FDArrayCnt         uint32
	Signature          Pointer
	SignatureSize      uint32
	KeyringID          int32
}

// progLoadAttempts bounds how often an interrupted verifier is started again.
const progLoadAttempts = 10

// ProgLoad verifies and loads a program. Descriptors named by attr and by the
// instructions have to stay open until it returns.
//
// The verifier gives up with EAGAIN when a signal arrives, and those of the Go
// runtime would arrive again: then they are held back. Not before, as that costs
// another thread, which is a twentieth of what a small process takes.
func ProgLoad(attr *ProgLoadAttr) (*FD, error) {
	fd, err := charged(CmdProgLoad, attr)
	if Errno(err) != unix.EAGAIN {
		return fd, err
	}
	defer maskSignals().restore()
	for attempt := 1; Errno(err) == unix.EAGAIN && attempt < progLoadAttempts; attempt++ {
		fd, err = charged(CmdProgLoad, attr)
	}
	return fd, err
}

// ProgTestRunAttr is what BPF_PROG_TEST_RUN takes.
type ProgTestRunAttr struct {
	ProgFD      uint32 // filled in
	Retval      uint32 // out
	DataSizeIn  uint32
	DataSizeOut uint32 // in: room; out: bytes written
	DataIn      Pointer
	DataOut     Pointer
	Repeat      uint32
	Duration    uint32 // out: ns of one run, on average
	CtxSizeIn   uint32
	CtxSizeOut  uint32 // in: room; out: bytes written
	CtxIn       Pointer
	CtxOut      Pointer
	Flags       uint32
	CPU         uint32
	BatchSize   uint32
	_           uint32
}

// ProgTestRun runs a program on made-up input. ENOSPC means that the output
// was cut; attr says how much there is. EINTR is possible only if a signal
// that isn't the Go runtime's arrives between repetitions.
func ProgTestRun(fd *FD, attr *ProgTestRunAttr) error {
	if attr.Repeat <= 1 {
		return progTestRun(fd, attr)
	}
	return repeatedTestRun(fd, attr)
}

// repeatedTestRun holds signals back: the kernel looks for them between repetitions.
func repeatedTestRun(fd *FD, attr *ProgTestRunAttr) error {
	defer maskSignals().restore()
	return progTestRun(fd, attr)
}

func progTestRun(fd *FD, attr *ProgTestRunAttr) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	attr.ProgFD = uint32(raw)
	errno := attr.Run()
	fd.Release()
	if errno != 0 {
		return failed(CmdProgTestRun, errno)
	}
	return nil
}

// Run is ProgTestRun without repetition, for callers that hold the descriptor
// themselves. It becomes part of the caller, as MapElemAttr.Update does.
func (attr *ProgTestRunAttr) Run() unix.Errno {
	if fault.Enabled {
		if errno := injected(CmdProgTestRun); errno != 0 {
			return errno
		}
	}
	_, _, errno := syscall.Syscall(unix.SYS_BPF, uintptr(CmdProgTestRun), uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	return errno
}

// ProgBindMap makes prog hold m, though no instruction names it. Needs 5.10.
func ProgBindMap(prog, m *FD) error {
	var attr struct{ progFD, mapFD, flags uint32 }
	var refs Refs
	defer refs.Release()
	var err error
	if attr.progFD, err = refs.Acquire(prog); err != nil {
		return err
	}
	if attr.mapFD, err = refs.Acquire(m); err != nil {
		return err
	}
	return call(CmdProgBindMap, &attr)
}

// EnableStats makes the kernel count what kind says (0: run time of programs)
// until the descriptor is closed. Needs 5.8.
func EnableStats(kind uint32) (*FD, error) {
	attr := struct{ kind uint32 }{kind}
	return open(CmdEnableStats, &attr)
}

// ProgStreamRead reads what a program printed to stream (1 output, 2 errors),
// and returns the number of bytes: 0 if there is nothing. Needs 6.17; kernels
// before don't know the command, EINVAL.
func ProgStreamRead(prog *FD, stream uint32, buf []byte) (int, error) {
	raw, err := prog.Acquire()
	if err != nil {
		return 0, err
	}
	defer prog.Release()
	attr := struct {
		buf              Pointer
		size, id, progFD uint32
		_                uint32
	}{buf: Bytes(buf), size: uint32(len(buf)), id: stream, progFD: uint32(raw)}
	n, errno := bpf(CmdProgStreamReadByFD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, failed(CmdProgStreamReadByFD, errno)
	}
	return n, nil
}
