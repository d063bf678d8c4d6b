package features

import (
	"errors"
	"os"
	"testing"

	"github.com/bpfgen/bpfgen/internal/testutil"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/link"
)

func TestAttachTypes(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	options := map[ebpf.AttachType]string{
		ebpf.AttachTraceRawTp:         "CONFIG_BPF_EVENTS",
		ebpf.AttachTraceFEntry:        "CONFIG_BPF_EVENTS",
		ebpf.AttachTraceFExit:         "CONFIG_BPF_EVENTS",
		ebpf.AttachModifyReturn:       "CONFIG_CGROUP_BPF",
		ebpf.AttachLircMode2:          "CONFIG_BPF_LIRC_MODE2",
		ebpf.AttachLSMMac:             "CONFIG_BPF_LSM",
		ebpf.AttachLSMCgroup:          "CONFIG_BPF_LSM",
		ebpf.AttachNetfilter:          "CONFIG_NETFILTER_BPF_LINK",
		ebpf.AttachTraceKprobeMulti:   "CONFIG_FPROBE",
		ebpf.AttachTraceKprobeSession: "CONFIG_FPROBE",
		ebpf.AttachStructOps:          "CONFIG_BPF_JIT",
	}
	for at := ebpf.AttachNone; uapi.AttachType(at).Known(); at++ {
		u := uapi.AttachType(at)
		check(t, "attach type "+u.UAPI(), HaveAttachType(at), u.MinKernel(), options[at])
	}
}

func TestLinkTypes(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for lt, row := range map[link.Type]struct {
		major, minor uint8
		option       string
	}{
		link.RawTracepointType: {5, 8, ""},
		link.TracingType:       {5, 8, ""}, // 5.7, but nothing tells
		link.CgroupType:        {5, 7, "CONFIG_CGROUP_BPF"},
		link.IterType:          {5, 8, ""},
		link.NetNsType:         {5, 8, ""},
		link.XDPType:           {5, 9, ""},
		link.PerfEventType:     {5, 15, "CONFIG_PERF_EVENTS"},
		link.KprobeMultiType:   {5, 18, "CONFIG_FPROBE"},
		link.StructOpsType:     {6, 4, "CONFIG_BPF_JIT"},
		link.NetfilterType:     {6, 4, "CONFIG_NETFILTER_BPF_LINK"},
		link.TCXType:           {6, 6, ""},
		link.UprobeMultiType:   {6, 6, ""},
		link.NetkitType:        {6, 7, "CONFIG_NETKIT"},
		link.SockmapType:       {6, 10, ""},
		link.TracingMultiType:  {7, 2, "CONFIG_BPF_EVENTS"},
	} {
		check(t, "link "+lt.String(), HaveLinkType(lt), uapi.KernelVersion{Major: row.major, Minor: row.minor}, row.option)
	}
}

func TestInstructions(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	for f, row := range map[Feature]struct {
		name         string
		major, minor uint8
		option       string
	}{
		LargeInstructions: {"more than 4096 instructions", 5, 2, ""},
		BoundedLoops:      {"bounded loops", 5, 3, ""},
		Functions:         {"functions", 4, 16, ""},
		V2ISA:             {"v2 instructions", 4, 14, ""},
		V3ISA:             {"v3 instructions", 5, 1, ""},
		V4ISA:             {"v4 instructions", 6, 6, ""},
		Atomics:           {"atomic instructions", 5, 12, ""},
		MayGoto:           {"may_goto instructions", 6, 9, "CONFIG_BPF_JIT"},
		AcquireRelease:    {"acquire and release instructions", 6, 15, "CONFIG_BPF_JIT"},
		IndirectJumps:     {"indirect jumps", 6, 19, ""},
	} {
		check(t, row.name, f.Have(), uapi.KernelVersion{Major: row.major, Minor: row.minor}, row.option)
		if f.String() != row.name {
			t.Errorf("%v is called %q", f, row.name)
		}
	}
}

func TestFeatureNames(t *testing.T) {
	for f, want := range map[Feature]string{
		OfMapType(ebpf.Hash):                      "map type Hash",
		OfMapFlag(BPF_F_MMAPABLE):                 "map flag BPF_F_MMAPABLE",
		OfProgramType(ebpf.XDP):                   "program type XDP",
		OfHelper(ebpf.XDP, asm.FnKtimeGetNs):      "helper FnKtimeGetNs in XDP programs",
		OfAttachType(ebpf.AttachNone):             "attach type BPF_CGROUP_INET_INGRESS",
		OfAttachType(ebpf.AttachTraceUprobeMulti): "attach type BPF_TRACE_UPROBE_MULTI",
		OfLinkType(link.KprobeMultiType):          "link KprobeMulti",
		Feature(0):                                "Feature(0x0)",
	} {
		if got := f.String(); got != want {
			t.Errorf("%#x is %q, want %q", uint64(f), got, want)
		}
	}
	for _, f := range []Feature{0, 1 << 63, OfAttachType(1000), OfLinkType(1000), LargeInstructions + 100} {
		if err := f.Have(); !errors.Is(err, os.ErrInvalid) || errors.Is(err, ebpf.ErrNotSupported) {
			t.Errorf("%v: %v", f, err)
		}
	}
}

// A Cache gives the answer that was the first, until it is told to forget it.
// What isn't known isn't kept.
func TestCache(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	var c Cache
	absent := OfHelper(ebpf.Kprobe, asm.FnSkbVlanPush)
	for range 2 {
		if err := c.Have(OfMapType(ebpf.Hash)); err != nil {
			t.Error(err)
		}
		if err := c.Have(absent); !errors.Is(err, ebpf.ErrNotSupported) {
			t.Errorf("got %v", err)
		}
		if err := c.Have(Feature(0)); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	}
	if len(c.answers) != 2 {
		t.Errorf("kept %v", c.answers)
	}
	c.answers[absent] = nil
	if err := c.Have(absent); err != nil {
		t.Errorf("asked again: %v", err)
	}
	c.Forget()
	if err := c.Have(absent); !errors.Is(err, ebpf.ErrNotSupported) {
		t.Errorf("after Forget: %v", err)
	}
}

// What is known to be there, and what isn't, leaves nothing behind.
func TestProbesOfHooksLeaveNothingOpen(t *testing.T) {
	testutil.Needs(t, testutil.BPF)
	testutil.CheckFDs(t)
	for at := ebpf.AttachNone; uapi.AttachType(at).Known(); at++ {
		_ = HaveAttachType(at)
	}
	for lt := range linkProbes() {
		_ = HaveLinkType(link.Type(lt))
	}
}
