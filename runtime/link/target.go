package link

import (
	"syscall"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// KprobeTarget is what SEC("kprobe"), SEC("kretprobe"), SEC("ksyscall") and
// SEC("kretsyscall") leave open.
type KprobeTarget struct {
	Symbol string // the function, or the plain name of the system call
	KprobeOptions
}

// TracepointTarget is what SEC("tracepoint") leaves open.
type TracepointTarget struct {
	Group, Name string // "sched", "sched_switch"
	TracepointOptions
}

// UprobeTarget is what SEC("uprobe") and SEC("uretprobe") leave open.
type UprobeTarget struct {
	Path   string // as OpenExecutable takes it
	Symbol string // the function; may be empty with an Address
	UprobeOptions
}

// UprobeMultiTarget is what SEC("uprobe.multi") and its siblings leave open: the
// functions are Symbols, or in the options Addresses or a Pattern.
type UprobeMultiTarget struct {
	Path    string // as OpenExecutable takes it
	Symbols []string
	UprobeMultiOptions
}

// USDTTarget is what SEC("usdt") leaves open.
type USDTTarget struct {
	Path           string // as OpenExecutable takes it
	Provider, Name string
	USDTOptions
}

// TCTarget is what SEC("tc") and SEC("classifier") leave open. The program is
// attached as by AttachTCX, or, on kernels before 6.6, as by AttachTC.
type TCTarget struct {
	// Interface is the index of the network interface.
	Interface int
	// Attach is AttachTCXIngress or AttachTCXEgress, on any kernel.
	Attach ebpf.AttachType
	// Anchor is the place among other programs; nil is at the end.
	Anchor Anchor
	// Classic is for AttachTC also where the kernel has tcx.
	Classic bool
	// Priority and Handle are for AttachTC, see TCOptions.
	Priority uint16
	Handle   uint32
}

// SocketTarget is the socket that SEC("socket") and SEC("sk_reuseport") leave
// open. The link ends with Close, or with the socket; it can do nothing else.
type SocketTarget struct {
	Conn syscall.Conn // *net.UDPConn, *net.TCPListener, *os.File…
}

func (TCTarget) forAuto()     {}
func (SocketTarget) forAuto() {}
