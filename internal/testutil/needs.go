// Package testutil helps tests: it names what they need from the kernel, finds
// descriptors that they leak, compares golden files, compiles BPF C, and lends
// them control groups, network namespaces and BPF file systems.
package testutil

import (
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Feature is something of the kernel that a test needs.
type Feature int

// What tests need, one row each in the table of features.
const (
	BPF             Feature = iota // bpf(2) and the right to use it
	MapBatch                       // BPF_MAP_*_BATCH
	MapFreeze                      // BPF_MAP_FREEZE
	MapMmapable                    // BPF_F_MMAPABLE
	BTF                            // BPF_BTF_LOAD
	KernelBTF                      // /sys/kernel/btf/vmlinux
	GlobalData                     // .data, .rodata, .bss
	BPFToBPFCalls                  // functions
	GlobalFunctions                // BTF_FUNC_GLOBAL, verified on their own
	RingBuf                        // BPF_MAP_TYPE_RINGBUF
	RawTracepoint                  // BPF_RAW_TRACEPOINT_OPEN
	TracingRawTp                   // SEC("tp_btf")
	Tracepoint                     // SEC("tracepoint")
	PerfEventLink                  // bpf_link for perf events
	Kprobe                         // SEC("kprobe")
	KprobeMulti                    // SEC("kprobe.multi")
	KprobeSession                  // SEC("kprobe.session")
	Uprobe                         // SEC("uprobe")
	UprobeMulti                    // SEC("uprobe.multi")
	UprobeSession                  // SEC("uprobe.session")
	Fentry                         // SEC("fentry"), fexit, fmod_ret
	Fsession                       // SEC("fsession")
	FentryMulti                    // SEC("fentry.multi"), fexit.multi, fsession.multi
	LSMCgroup                      // SEC("lsm_cgroup")
	TracingCookie                  // cookies of fentry and the like
	LSM                            // SEC("lsm")
	Freplace                       // SEC("freplace")
	Iter                           // SEC("iter/…")
	IterTarget                     // BPF iterators over one task or control group
	BPFLink                        // BPF_LINK_CREATE
	LinkDetach                     // BPF_LINK_DETACH
	SockmapLink                    // BPF_LINK_CREATE for sockmaps
	Netfilter                      // BPF_LINK_CREATE for netfilter
	Netkit                         // BPF_LINK_CREATE for netkit
	ProgQuery                      // BPF_PROG_QUERY
	XDPLink                        // BPF_LINK_CREATE for XDP
	TCX                            // BPF_LINK_CREATE for tcx
	CgroupLink                     // BPF_LINK_CREATE for cgroups
	CgroupAnchors                  // places of programs in cgroups
	CgroupSKB                      // BPF_PROG_ATTACH for cgroups
	TestRun                        // BPF_PROG_TEST_RUN
	Veth                           // pairs of virtual interfaces
	StructOps                      // SEC(".struct_ops")
	StructOpsLink                  // SEC(".struct_ops.link")
	InodeStorage                   // BPF_MAP_TYPE_INODE_STORAGE
	SchedExt                       // struct sched_ext_ops
	Arena                          // BPF_MAP_TYPE_ARENA
	Lists                          // struct bpf_list_head
	Exceptions                     // bpf_throw
	ProgStreams                    // BPF_PROG_STREAM_READ_BY_FD
	KernelBTFHandle                // BTF of kernel and modules by ID
	Callbacks                      // functions that helpers call
	Kfuncs                         // functions of the kernel that programs call
	JIT                            // programs as machine code
	UserRingBuf                    // BPF_MAP_TYPE_USER_RINGBUF
	JumpTables                     // BPF_MAP_TYPE_INSN_ARRAY, gotox
	ModuleBTF                      // BTF of modules
	numFeatures
)

// feature is a row: a name, the first kernel that has it, and, for what a host
// can lack however new its kernel is, a probe that says what is wrong with it.
type feature struct {
	name       string
	kernel     uapi.KernelVersion
	deficiency func() string
}

var features = [...]feature{
	BPF:             {"bpf(2)", uapi.KernelVersion{Major: 4, Minor: 9}, nil},
	MapBatch:        {"map batches", uapi.KernelVersion{Major: 5, Minor: 6}, nil},
	MapFreeze:       {"map freezing", uapi.KernelVersion{Major: 5, Minor: 2}, nil},
	MapMmapable:     {"mmapable maps", uapi.KernelVersion{Major: 5, Minor: 5}, nil},
	BTF:             {"BTF", uapi.KernelVersion{Major: 4, Minor: 18}, nil},
	KernelBTF:       {"BTF of the kernel", uapi.KernelVersion{Major: 5, Minor: 4}, withoutKernelBTF},
	GlobalData:      {"global data", uapi.KernelVersion{Major: 5, Minor: 2}, nil},
	BPFToBPFCalls:   {"BPF functions", uapi.KernelVersion{Major: 4, Minor: 16}, nil},
	GlobalFunctions: {"global BPF functions", uapi.KernelVersion{Major: 5, Minor: 6}, nil},
	RingBuf:         {"BPF ring buffers", uapi.KernelVersion{Major: 5, Minor: 8}, nil},
	RawTracepoint:   {"raw tracepoints", uapi.KernelVersion{Major: 4, Minor: 17}, nil},
	TracingRawTp:    {"tp_btf", uapi.KernelVersion{Major: 5, Minor: 5}, withoutKernelBTF},
	Tracepoint:      {"tracepoints", uapi.KernelVersion{Major: 4, Minor: 7}, nil},
	PerfEventLink:   {"bpf_link on perf events", uapi.KernelVersion{Major: 5, Minor: 15}, nil},
	Kprobe:          {"kprobes", uapi.KernelVersion{Major: 4, Minor: 1}, withoutKprobes},
	KprobeMulti:     {"kprobe.multi", uapi.KernelVersion{Major: 5, Minor: 18}, withoutFprobes},
	KprobeSession:   {"kprobe.session", uapi.KernelVersion{Major: 6, Minor: 10}, withoutFprobes},
	Uprobe:          {"uprobes", uapi.KernelVersion{Major: 4, Minor: 3}, nil},
	UprobeMulti:     {"uprobe.multi", uapi.KernelVersion{Major: 6, Minor: 6}, nil},
	UprobeSession:   {"uprobe.session", uapi.KernelVersion{Major: 6, Minor: 13}, nil},
	Fentry:          {"fentry", uapi.KernelVersion{Major: 5, Minor: 5}, first(withoutJIT, refuses(progTypeTracing, attachFentry))},
	Fsession:        {"fsession", uapi.KernelVersion{Major: 7, Minor: 0}, first(withoutJIT, refuses(progTypeTracing, attachFentry))},
	FentryMulti:     {"fentry.multi", uapi.KernelVersion{Major: 7, Minor: 2}, first(withoutJIT, refuses(progTypeTracing, attachFentry))},
	LSMCgroup:       {"lsm_cgroup", uapi.KernelVersion{Major: 6, Minor: 0}, first(withoutJIT, refuses(progTypeLSM, attachLSM))},
	TracingCookie:   {"cookies for fentry", uapi.KernelVersion{Major: 5, Minor: 19}, withoutJIT},
	LSM:             {"BPF LSM", uapi.KernelVersion{Major: 5, Minor: 7}, first(withoutJIT, refuses(progTypeLSM, attachLSM))},
	Freplace:        {"freplace", uapi.KernelVersion{Major: 5, Minor: 6}, first(withoutJIT, refuses(progTypeExt, 0))},
	Iter:            {"BPF iterators", uapi.KernelVersion{Major: 5, Minor: 8}, withoutKernelBTF},
	IterTarget:      {"BPF iterators over a task or control group", uapi.KernelVersion{Major: 6, Minor: 1}, withoutKernelBTF},
	BPFLink:         {"bpf_link", uapi.KernelVersion{Major: 5, Minor: 7}, nil},
	LinkDetach:      {"detaching links", uapi.KernelVersion{Major: 5, Minor: 9}, nil},
	SockmapLink:     {"bpf_link for sockmaps", uapi.KernelVersion{Major: 6, Minor: 10}, nil},
	Netfilter:       {"BPF netfilter", uapi.KernelVersion{Major: 6, Minor: 4}, nil},
	Netkit:          {"netkit", uapi.KernelVersion{Major: 6, Minor: 7}, nil},
	ProgQuery:       {"BPF_PROG_QUERY", uapi.KernelVersion{Major: 4, Minor: 15}, nil},
	XDPLink:         {"bpf_link for XDP", uapi.KernelVersion{Major: 5, Minor: 9}, nil},
	TCX:             {"tcx", uapi.KernelVersion{Major: 6, Minor: 6}, nil},
	CgroupLink:      {"bpf_link for cgroups", uapi.KernelVersion{Major: 5, Minor: 7}, nil},
	CgroupAnchors:   {"places of programs in cgroups", uapi.KernelVersion{Major: 6, Minor: 17}, nil},
	CgroupSKB:       {"BPF on cgroups", uapi.KernelVersion{Major: 4, Minor: 10}, nil},
	TestRun:         {"BPF test runs", uapi.KernelVersion{Major: 4, Minor: 12}, nil},
	Veth:            {"veth interfaces", uapi.KernelVersion{Major: 2, Minor: 6}, nil},
	StructOps:       {"struct_ops", uapi.KernelVersion{Major: 5, Minor: 6}, first(withoutJIT, withoutKernelBTF)},
	StructOpsLink:   {"bpf_link for struct_ops", uapi.KernelVersion{Major: 6, Minor: 4}, first(withoutJIT, withoutKernelBTF)},
	InodeStorage:    {"storage of inodes", uapi.KernelVersion{Major: 5, Minor: 10}, withoutBPFLSM},
	SchedExt:        {"sched_ext", uapi.KernelVersion{Major: 6, Minor: 12}, withoutSchedExt},
	Arena:           {"BPF arenas", uapi.KernelVersion{Major: 6, Minor: 9}, withoutJIT},
	Lists:           {"lists in maps", uapi.KernelVersion{Major: 6, Minor: 2}, first(withoutJIT, withoutKernelBTF)},
	Exceptions:      {"BPF exceptions", uapi.KernelVersion{Major: 6, Minor: 7}, first(withoutJIT, withoutKernelBTF)},
	ProgStreams:     {"output of programs", uapi.KernelVersion{Major: 6, Minor: 17}, nil},
	JumpTables:      {"jump tables", uapi.KernelVersion{Major: 6, Minor: 19}, withoutJIT},
	UserRingBuf:     {"ring buffers from user space", uapi.KernelVersion{Major: 6, Minor: 1}, withoutJIT},
	Callbacks:       {"callbacks", uapi.KernelVersion{Major: 5, Minor: 13}, withoutJIT},
	Kfuncs:          {"kfuncs", uapi.KernelVersion{Major: 5, Minor: 13}, first(withoutJIT, withoutKernelBTF)},
	JIT:             {"the JIT compiler", uapi.KernelVersion{Major: 3, Minor: 16}, withoutJIT},
	ModuleBTF:       {"BTF of modules", uapi.KernelVersion{Major: 5, Minor: 11}, withoutModuleBTF},
	KernelBTFHandle: {"IDs of the kernel's BTF", uapi.KernelVersion{Major: 5, Minor: 11}, withoutKernelBTF},
}

const (
	progTypeTracing = 26
	progTypeExt     = 28
	progTypeLSM     = 29
	attachFentry    = 24
	attachLSM       = 27
)

// Needs skips the test if this process has no right to use BPF, if the kernel
// is older than a feature, or if the feature has a known deficiency on this
// host. On any other kernel the test runs, and may fail. What a skip says
// always begins with "needs".
//
// It notes in the test's output what it needs, of which docs/kernels.md is made.
func Needs(t testing.TB, needed ...Feature) {
	t.Helper()
	for _, id := range needed {
		t.Attr("needs", features[id].String())
	}
	if lacking, reason := lacks(needed); reason != "" {
		t.Attr("lacks", lacking)
		t.Skip(reason)
	}
}

// Lacks is the reason for which Needs would skip, or empty.
func Lacks(needed ...Feature) string {
	_, reason := lacks(needed)
	return reason
}

// lacks is the first feature that isn't there, and why.
func lacks(needed []Feature) (lacking, reason string) {
	if !privileged() {
		return "root", "needs root: this process has neither CAP_BPF nor CAP_SYS_ADMIN"
	}
	for _, id := range needed {
		f := features[id]
		if reason = olderThan(f.kernel); reason == "" && f.deficiency != nil {
			reason = f.deficiency()
		}
		if reason != "" {
			return f.String(), "needs " + f.String() + ": " + reason
		}
	}
	return "", ""
}

// String is a feature with the kernel that has it first.
func (f feature) String() string { return f.name + " (Linux " + f.kernel.String() + ")" }

// olderThan says so if the running kernel is.
func olderThan(since uapi.KernelVersion) string {
	if running, err := kernel.Version(); err == nil && running.Less(since) {
		return "this is Linux " + running.String()
	}
	return ""
}

// NeedsLinux is Needs for what only some test cares about.
func NeedsLinux(t testing.TB, what string, major, minor uint8) {
	t.Helper()
	Needs(t)
	if major == 0 {
		return
	}
	f := feature{name: what, kernel: uapi.KernelVersion{Major: major, Minor: minor}}
	t.Attr("needs", f.String())
	if reason := olderThan(f.kernel); reason != "" {
		t.Attr("lacks", f.String())
		t.Skipf("needs %s: %s", f, reason)
	}
}

// privileged tells whether the kernel lets this process see BPF objects.
func privileged() bool {
	_, err := kernel.NextID(kernel.CmdProgGetNextID, 0)
	return kernel.Errno(err) != unix.EPERM
}

func withoutKernelBTF() string {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return "this kernel was built without CONFIG_DEBUG_INFO_BTF"
	}
	return ""
}

// withoutJIT is for what is machine code or nothing: trampolines, kfuncs, arenas.
func withoutJIT() string {
	if _, err := os.Stat("/proc/sys/net/core/bpf_jit_enable"); err != nil {
		return "this kernel was built without CONFIG_BPF_JIT"
	}
	return ""
}

// withoutModuleBTF is for modules that may all have been built without.
func withoutModuleBTF() string {
	if _, err := os.Stat("/proc/modules"); err != nil {
		return "this kernel was built without CONFIG_MODULES"
	}
	return withoutKernelBTF()
}

func withoutSchedExt() string {
	if _, err := os.Stat("/sys/kernel/sched_ext"); err != nil {
		return "this kernel was built without CONFIG_SCHED_CLASS_EXT"
	}
	return ""
}

// first is the first deficiency of several.
func first(probes ...func() string) func() string {
	return func() string {
		for _, probe := range probes {
			if reason := probe(); reason != "" {
				return reason
			}
		}
		return ""
	}
}

// What a kernel lacks if it wasn't built with an option. They look once:
// kallsyms is long.
var (
	withoutKprobes = sync.OnceValue(withoutSymbol("register_kprobe", "CONFIG_KPROBES"))
	withoutFprobes = sync.OnceValue(withoutSymbol("register_fprobe", "CONFIG_FPROBE"))
	withoutBPFLSM  = sync.OnceValue(withoutSymbol("inode_storage_map_alloc", "CONFIG_BPF_LSM"))
)

// withoutSymbol looks for the one symbol that is there whenever an option is.
func withoutSymbol(symbol, option string) func() string {
	return func() string {
		symbols, err := os.ReadFile("/proc/kallsyms")
		if err == nil && !strings.Contains(string(symbols), " "+symbol+"\n") {
			return "this kernel was built without " + option
		}
		return ""
	}
}

// refuses makes a probe for hosts whose kernel is patched to refuse a kind of
// program to everyone. It loads one that a whole kernel finds invalid, because
// of the type it attaches to; being forbidden instead is the deficiency.
func refuses(progType, attachType uint32) func() string {
	return func() string {
		exit := []uint64{0xb7, 0x95} // r0 = 0; exit
		fd, err := kernel.ProgLoad(&kernel.ProgLoadAttr{
			ProgType:           progType,
			ExpectedAttachType: attachType,
			AttachBTFID:        1,
			Insns:              kernel.Slice(exit),
			InsnCnt:            uint32(len(exit)),
			License:            kernel.CString("GPL"),
		})
		switch {
		case err == nil:
			fd.Close()
		case kernel.Errno(err) == unix.EPERM:
			return "this host refuses such programs to everyone (EPERM)"
		}
		return ""
	}
}
