package features

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
	"github.com/bpfgen/bpfgen/runtime/link"
)

// HaveLinkType tells whether the kernel makes links of a type.
func HaveLinkType(lt link.Type) error { return OfLinkType(lt).Have() }

// HaveBPFLinkKprobeMulti tells whether one link can probe many kernel
// functions. Linux 5.18, with CONFIG_FPROBE.
func HaveBPFLinkKprobeMulti() error { return HaveLinkType(link.KprobeMultiType) }

// HaveBPFLinkKprobeSession tells whether a program can run at the beginning and
// the end of kernel functions. Linux 6.10, with CONFIG_FPROBE.
func HaveBPFLinkKprobeSession() error { return OfAttachType(ebpf.AttachTraceKprobeSession).Have() }

// HaveBPFLinkUprobeMulti tells whether one link can probe many functions of user
// space. Linux 6.6.
func HaveBPFLinkUprobeMulti() error { return HaveLinkType(link.UprobeMultiType) }

// HaveBPFLinkUprobeSession tells whether a program can run at the beginning and
// the end of functions of user space. Linux 6.13.
func HaveBPFLinkUprobeSession() error { return OfAttachType(ebpf.AttachTraceUprobeSession).Have() }

// linkProbes try to make links, of each link.Type, that can't be, but for reasons
// that show the type to be known.
func linkProbes() []func(feature string) error {
	return []func(feature string) error{
		link.RawTracepointType: haveLinkIDs, // both older than what tells about them
		link.TracingType:       haveLinkIDs,
		link.CgroupType:        attaching(ebpf.CGroupSKB, uapi.AttachCGroupInetEgress, noFD, unix.EBADF),
		link.IterType:          asAttachType(uapi.AttachTraceIter),
		link.NetNsType:         attaching(ebpf.FlowDissector, uapi.AttachFlowDissector, noFD, unix.EBADF),
		link.XDPType:           asAttachType(uapi.AttachXDP),
		link.PerfEventType:     attaching(ebpf.Kprobe, uapi.AttachPerfEvent, noFD, unix.EBADF),
		link.KprobeMultiType:   func(feature string) error { return haveKprobeMulti(feature, uapi.AttachTraceKprobeMulti) },
		link.StructOpsType:     haveStructOpsLinks,
		link.NetfilterType:     attaching(ebpf.Netfilter, uapi.AttachNetfilter, 0, unix.EAFNOSUPPORT),
		link.TCXType:           attaching(ebpf.SchedCLS, uapi.AttachTCXIngress, noInterface, unix.ENODEV),
		link.UprobeMultiType:   func(feature string) error { return haveUprobeMulti(feature, uapi.AttachTraceUprobeMulti) },
		link.NetkitType:        attaching(ebpf.SchedCLS, uapi.AttachNetkitPrimary, noInterface, unix.ENODEV),
		link.TracingMultiType:  asAttachType(uapi.AttachTraceFEntryMulti),
		link.SockmapType:       attaching(ebpf.SkMsg, uapi.AttachSkMsgVerdict, noFD, unix.EBADF),
	}
}

// noInterface is the index of no network interface.
const noInterface = math.MaxInt32

func haveLinkType(feature string, lt link.Type) error {
	probe := find(linkProbes(), uint32(lt))
	if probe == nil {
		return fmt.Errorf("probe %s: no such type is known: %w", feature, os.ErrInvalid)
	}
	return probe(feature)
}

// asAttachType is a probe for links that came together with their attach type.
func asAttachType(at uapi.AttachType) func(string) error {
	return func(feature string) error { return haveByProgAttach(feature, at) }
}

// attaching is a probe that attaches a program to what doesn't exist.
func attaching(pt ebpf.ProgramType, at uapi.AttachType, target uint32, passed ...unix.Errno) func(string) error {
	return func(feature string) error {
		return linkCreate(feature, pt, kernel.LinkCreateAttr[kernel.LinkNone]{AttachType: uint32(at), TargetFD: target}, passed...)
	}
}

// haveKprobeMulti attaches to a function that isn't there: a kernel that looks
// for it says ESRCH.
func haveKprobeMulti(feature string, at uapi.AttachType) error {
	symbols := []kernel.Pointer{kernel.CString("bpfgen_no_such_function")}
	return linkCreate(feature, ebpf.Kprobe, kernel.LinkCreateAttr[kernel.LinkMulti]{
		AttachType: uint32(at), Extra: kernel.LinkMulti{Count: 1, Syms: kernel.Slice(symbols)},
	}, unix.ESRCH)
}

// haveUprobeMulti attaches to a folder: a kernel that looks at it says EBADF.
func haveUprobeMulti(feature string, at uapi.AttachType) error {
	offsets := []uint64{0}
	return linkCreate(feature, ebpf.Kprobe, kernel.LinkCreateAttr[kernel.LinkUprobeMulti]{
		AttachType: uint32(at), Extra: kernel.LinkUprobeMulti{Path: kernel.CString("/"), Offsets: kernel.Slice(offsets), Count: 1},
	}, unix.EBADF)
}

// haveLinkIDs asks for the first link. That there is none is fine.
func haveLinkIDs(feature string) error {
	_, err := kernel.NextID(kernel.CmdLinkGetNextID, 0)
	return conclude(feature, err, unix.ENOENT)
}

// haveStructOpsLinks makes a map for a link, of a type that is no struct_ops.
// Kernels that have never heard of such maps find the flag wrong.
func haveStructOpsLinks(feature string) error {
	attr, passed := mapOfType(ebpf.StructOpsMap)
	attr.MapFlags = uapi.MapFlagLink
	return createMap(feature, attr, passed...)
}

// linkCreate tries to attach a program, which is sure to fail. If that is for one
// of the reasons passed, the kernel has the feature.
func linkCreate[E kernel.LinkExtra](feature string, pt ebpf.ProgramType, to kernel.LinkCreateAttr[E], passed ...unix.Errno) error {
	attr := programOfType(pt)
	attr.ExpectedAttachType = to.AttachType
	whole, err := loadAttr(attr, exit())
	if err != nil {
		return err
	}
	fd, err := kernel.ProgLoad(whole)
	if err != nil {
		return conclude(feature, err)
	}
	defer fd.Close()
	to.ProgFD = uint32(fd.Int()) // nobody else has it
	l, err := kernel.LinkCreate(&to)
	if err == nil {
		return l.Close()
	}
	return conclude(feature, err, passed...)
}
