package features

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/internal/uapi"
	ebpf "github.com/bpfgen/bpfgen/runtime"
)

// MapFlags are the flags of maps that can be probed.
type MapFlags uint32

// Flags of BPF_MAP_CREATE. They have no type, so that MapSpec.Flags takes them, too.
const (
	BPF_F_NO_PREALLOC = uapi.MapFlagNoPrealloc // Linux 4.6
	BPF_F_RDONLY_PROG = uapi.MapFlagRdonlyProg // Linux 5.2
	BPF_F_WRONLY_PROG = uapi.MapFlagWronlyProg // Linux 5.2
	BPF_F_MMAPABLE    = uapi.MapFlagMmapable   // Linux 5.5
	BPF_F_INNER_MAP   = uapi.MapFlagInnerMap   // Linux 5.10
)

// String is the flag's name in linux/bpf.h.
func (f MapFlags) String() string {
	switch f {
	case BPF_F_NO_PREALLOC:
		return "BPF_F_NO_PREALLOC"
	case BPF_F_RDONLY_PROG:
		return "BPF_F_RDONLY_PROG"
	case BPF_F_WRONLY_PROG:
		return "BPF_F_WRONLY_PROG"
	case BPF_F_MMAPABLE:
		return "BPF_F_MMAPABLE"
	case BPF_F_INNER_MAP:
		return "BPF_F_INNER_MAP"
	}
	return fmt.Sprintf("MapFlags(%#x)", uint32(f))
}

// noFD is a descriptor that isn't one. The kernel looks at it after it has found
// the type of the map, and says EBADF.
const noFD = ^uint32(0)

// HaveMapType tells whether the kernel can make maps of a type.
func HaveMapType(mt ebpf.MapType) error { return OfMapType(mt).Have() }

func haveMapType(feature string, mt ebpf.MapType) error {
	if mt == ebpf.UnspecifiedMap || !uapi.MapType(mt).Known() {
		return fmt.Errorf("probe map type %v: no such type is known: %w", mt, os.ErrInvalid)
	}
	attr, passed := mapOfType(mt)
	return createMap(feature, attr, passed...)
}

// mapOfType is the smallest map of a type, or one that can't be made, but for
// reasons that show the type to be known.
func mapOfType(mt ebpf.MapType) (attr kernel.MapCreateAttr, passed []unix.Errno) {
	attr = kernel.MapCreateAttr{MapType: uint32(mt), KeySize: 4, ValueSize: 4, MaxEntries: 1}
	switch mt {
	case ebpf.StackTrace:
		attr.ValueSize = 8 // one address
	case ebpf.LPMTrie:
		attr.KeySize, attr.MapFlags = 8, uapi.MapFlagNoPrealloc
	case ebpf.RHash:
		attr.MapFlags = uapi.MapFlagNoPrealloc
	case ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		attr.InnerMapFD, passed = noFD, []unix.Errno{unix.EBADF}
	case ebpf.CGroupStorage, ebpf.PerCPUCGroupStorage:
		attr.KeySize, attr.MaxEntries = 16, 0 // struct bpf_cgroup_storage_key
	case ebpf.Queue, ebpf.Stack, ebpf.BloomFilter:
		attr.KeySize = 0
	case ebpf.RingBuf, ebpf.UserRingbuf:
		attr.KeySize, attr.ValueSize, attr.MaxEntries = 0, 0, uint32(os.Getpagesize())
	case ebpf.Arena:
		attr.KeySize, attr.ValueSize, attr.MapFlags = 0, 0, uapi.MapFlagMmapable
	case ebpf.InsnArray:
		attr.ValueSize = 16 // struct bpf_insn_array_value
	case ebpf.SkStorage, ebpf.InodeStorage, ebpf.TaskStorage, ebpf.CgroupStorage:
		attr.MaxEntries, attr.MapFlags = 0, uapi.MapFlagNoPrealloc
		attr.BTFFD, attr.BTFKeyTypeID, attr.BTFValueTypeID = noFD, 1, 1
		passed = []unix.Errno{unix.EBADF}
	case ebpf.StructOpsMap:
		attr.BTFVmlinuxValueTypeID = 1 // an integer
		passed = []unix.Errno{kernel.ENOTSUPP}
	}
	return attr, passed
}

// HaveMapFlag tells whether the kernel knows one of the flags above. It wraps
// os.ErrInvalid for others.
func HaveMapFlag(flag MapFlags) error { return OfMapFlag(flag).Have() }

func haveMapFlag(feature string, flag MapFlags) error {
	attr := kernel.MapCreateAttr{
		MapType: uint32(ebpf.Array), KeySize: 4, ValueSize: 4, MaxEntries: 1, MapFlags: uint32(flag),
	}
	switch flag {
	case BPF_F_NO_PREALLOC:
		attr.MapType = uint32(ebpf.Hash)
	case BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG, BPF_F_MMAPABLE, BPF_F_INNER_MAP:
	default:
		return fmt.Errorf("probe map flag %v: there is no probe for it: %w", flag, os.ErrInvalid)
	}
	return createMap(feature, attr)
}

func createMap(feature string, attr kernel.MapCreateAttr, passed ...unix.Errno) error {
	fd, err := kernel.MapCreate(&attr)
	if err == nil {
		_ = fd.Close()
	}
	return conclude(feature, err, passed...)
}
