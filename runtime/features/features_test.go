package features

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// check compares an answer with what a kernel of this version should have. A
// feature that needs a build option may also not be there.
func check(t *testing.T, feature string, err error, since uapi.KernelVersion, option string) {
	t.Helper()
	switch {
	case err != nil && !errors.Is(err, ebpf.ErrNotSupported):
		if kernel.Errno(err) == unix.EPERM {
			t.Logf("%s: this host refuses it to everyone: %v", feature, err)
			return
		}
		t.Errorf("%s: inconclusive: %v", feature, err)
	case err != nil && kernel.AtLeast(since) && option == "":
		t.Errorf("%s: not there, though Linux %v has it: %v", feature, since, err)
	case err == nil && !kernel.AtLeast(since):
		t.Errorf("%s: there, though only Linux %v has it", feature, since)
	case err != nil && !strings.Contains(err.Error(), feature):
		t.Errorf("%s: error doesn't name it: %v", feature, err)
	}
}

func TestMapTypes(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	options := map[ebpf.MapType]string{
		ebpf.XSKMap:        "CONFIG_XDP_SOCKETS",
		ebpf.InodeStorage:  "CONFIG_BPF_LSM",
		ebpf.TaskStorage:   "CONFIG_BPF_LSM (5.11)",
		ebpf.CgroupStorage: "CONFIG_CGROUPS",
		ebpf.StructOpsMap:  "CONFIG_BPF_JIT",
		ebpf.Arena:         "CONFIG_BPF_JIT",
	}
	for mt := ebpf.Hash; uapi.MapType(mt).Known(); mt++ {
		check(t, "map type "+mt.String(), HaveMapType(mt), uapi.MapType(mt).MinKernel(), options[mt])
	}
}

func TestProgramTypes(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	options := map[ebpf.ProgramType]string{
		ebpf.LircMode2: "CONFIG_BPF_LIRC_MODE2",
		ebpf.LSM:       "CONFIG_BPF_LSM",
		ebpf.Extension: "CONFIG_BPF_JIT",
		ebpf.Netfilter: "CONFIG_NETFILTER_BPF_LINK",
		ebpf.StructOps: "CONFIG_BPF_JIT",
		ebpf.Tracing:   "CONFIG_BPF_EVENTS",
	}
	for pt := ebpf.SocketFilter; uapi.ProgType(pt).Known(); pt++ {
		check(t, "program type "+pt.String(), HaveProgramType(pt), uapi.ProgType(pt).MinKernel(), options[pt])
	}
}

func TestProgramHelpers(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for _, tc := range []struct {
		pt     ebpf.ProgramType
		helper asm.BuiltinFunc
		since  uapi.KernelVersion // zero: never
	}{
		{ebpf.Kprobe, asm.FnMapLookupElem, uapi.KernelVersion{Major: 4, Minor: 1}},
		{ebpf.SocketFilter, asm.FnKtimeGetCoarseNs, uapi.KernelVersion{Major: 5, Minor: 11}},
		{ebpf.SchedCLS, asm.FnSkbVlanPush, uapi.KernelVersion{Major: 4, Minor: 3}},
		{ebpf.XDP, asm.FnXdpGetBuffLen, uapi.KernelVersion{Major: 5, Minor: 18}},
		{ebpf.XDP, asm.FnUserRingbufDrain, uapi.KernelVersion{Major: 6, Minor: 1}},
		{ebpf.Syscall, asm.FnSysBpf, uapi.KernelVersion{Major: 5, Minor: 14}},
		{ebpf.CGroupSockAddr, asm.FnGetCgroupClassid, uapi.KernelVersion{Major: 5, Minor: 7}},
		{ebpf.Kprobe, asm.FnSkbVlanPush, uapi.KernelVersion{}},
		{ebpf.SocketFilter, asm.BuiltinFunc(100_000), uapi.KernelVersion{}},
	} {
		if tc.since == (uapi.KernelVersion{}) {
			tc.since.Major = 255
		}
		option := ""
		if tc.helper == asm.FnGetCgroupClassid {
			option = "CONFIG_CGROUP_NET_CLASSID"
		}
		check(t, fmt.Sprintf("helper %v in %v programs", tc.helper, tc.pt), HaveProgramHelper(tc.pt, tc.helper), tc.since, option)
	}
}

// asm's table of helpers, against what the kernel knows by number.
func TestHelperTable(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for fn := asm.FnMapLookupElem; fn.Name() != ""; fn++ {
		log, err := load(programOfType(ebpf.SocketFilter), asm.Instructions{fn.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return()})
		known := !strings.Contains(log, fmt.Sprintf("unknown#%d", uint32(fn)))
		major, minor := fn.MinKernel()
		if known != kernel.AtLeast(uapi.KernelVersion{Major: uint8(major), Minor: uint8(minor)}) {
			t.Errorf("%v of Linux %d.%d: known here is %v: %v\n%s", fn, major, minor, known, err, log)
		}
	}
}

func TestMapFlags(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for flag, minor := range map[MapFlags]uint8{
		BPF_F_RDONLY_PROG: 2, BPF_F_WRONLY_PROG: 2, BPF_F_MMAPABLE: 5, BPF_F_INNER_MAP: 10,
	} {
		check(t, "map flag "+flag.String(), HaveMapFlag(flag), uapi.KernelVersion{Major: 5, Minor: minor}, "")
	}
	check(t, "map flag BPF_F_NO_PREALLOC", HaveMapFlag(BPF_F_NO_PREALLOC), uapi.KernelVersion{Major: 4, Minor: 6}, "")
}

// ebpf-go's names for some of the features.
func TestNamedProbes(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for _, tc := range []struct {
		feature      string
		probe        func() error
		major, minor uint8
		option       string
	}{
		{"more than 4096 instructions", HaveLargeInstructions, 5, 2, ""},
		{"bounded loops", HaveBoundedLoops, 5, 3, ""},
		{"v2 instructions", HaveV2ISA, 4, 14, ""},
		{"v3 instructions", HaveV3ISA, 5, 1, ""},
		{"v4 instructions", HaveV4ISA, 6, 6, ""},
		{"link KprobeMulti", HaveBPFLinkKprobeMulti, 5, 18, "CONFIG_FPROBE"},
		{"attach type BPF_TRACE_KPROBE_SESSION", HaveBPFLinkKprobeSession, 6, 10, "CONFIG_FPROBE"},
		{"link UprobeMulti", HaveBPFLinkUprobeMulti, 6, 6, ""},
		{"attach type BPF_TRACE_UPROBE_SESSION", HaveBPFLinkUprobeSession, 6, 13, ""},
	} {
		check(t, tc.feature, tc.probe(), uapi.KernelVersion{Major: tc.major, Minor: tc.minor}, tc.option)
	}
}

// What nobody can tell is neither there nor not supported.
func TestNoProbe(t *testing.T) {
	for name, err := range map[string]error{
		"unspecified map":     HaveMapType(ebpf.UnspecifiedMap),
		"unknown map":         HaveMapType(1000),
		"unspecified program": HaveProgramType(ebpf.UnspecifiedProgram),
		"unknown program":     HaveProgramType(1000),
		"unknown flag":        HaveMapFlag(1 << 30),
		"helper of tracing":   HaveProgramHelper(ebpf.Tracing, asm.FnMapLookupElem),
	} {
		if !errors.Is(err, os.ErrInvalid) || errors.Is(err, ebpf.ErrNotSupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProbesLeaveNothingOpen(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	_ = HaveMapType(ebpf.Hash)
	_ = HaveProgramType(ebpf.XDP)
	_ = HaveProgramHelper(ebpf.XDP, asm.FnKtimeGetNs)
	_ = HaveBPFLinkKprobeMulti()
	_ = HaveV2ISA()
}

func TestLinuxVersionCode(t *testing.T) {
	version, err := kernel.Version()
	if err != nil {
		t.Fatal(err)
	}
	code, err := LinuxVersionCode()
	if err != nil || code>>16 != uint32(version.Major) || code>>8&0xff != uint32(version.Minor) {
		t.Errorf("got %#x, %v on Linux %v", code, err, version)
	}
}
