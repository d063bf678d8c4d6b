package uapi

// Flags of BPF_MAP_CREATE.
const (
	MapFlagNoPrealloc   = 1 << 0
	MapFlagNoCommonLRU  = 1 << 1
	MapFlagNUMANode     = 1 << 2
	MapFlagRdonly       = 1 << 3 // read-only for system calls
	MapFlagWronly       = 1 << 4 // write-only for system calls
	MapFlagStackBuildID = 1 << 5
	MapFlagZeroSeed     = 1 << 6
	MapFlagRdonlyProg   = 1 << 7 // read-only for programs
	MapFlagWronlyProg   = 1 << 8 // write-only for programs
	MapFlagClone        = 1 << 9
	MapFlagMmapable     = 1 << 10
	MapFlagPreserve     = 1 << 11
	MapFlagInnerMap     = 1 << 12
	MapFlagLink         = 1 << 13
	MapFlagPathFD       = 1 << 14
	MapFlagVtypeBTFObj  = 1 << 15
	MapFlagTokenFD      = 1 << 16
	MapFlagSegvOnFault  = 1 << 17
	MapFlagNoUserConv   = 1 << 18
	MapFlagRBOverwrite  = 1 << 19
)

// Flags of BPF_PROG_LOAD.
const (
	ProgFlagStrictAlignment uint32 = 1 << 0
	ProgFlagAnyAlignment    uint32 = 1 << 1
	ProgFlagTestRndHi32     uint32 = 1 << 2
	ProgFlagTestStateFreq   uint32 = 1 << 3
	ProgFlagSleepable       uint32 = 1 << 4 // may fault, needs 5.10
	ProgFlagXDPHasFrags     uint32 = 1 << 5 // takes packets in fragments, needs 5.18
	ProgFlagXDPDevBound     uint32 = 1 << 6
	ProgFlagTestRegInvars   uint32 = 1 << 7
	ProgFlagTokenFD         uint32 = 1 << 16
)

// BTFFlagTokenFD is a flag of BPF_BTF_LOAD.
const BTFFlagTokenFD uint32 = 1 << 16

// Flag is one bit that the kernel takes.
type Flag struct {
	Value uint32
	Name  string        // of the constant in linux/bpf.h
	Since KernelVersion // the first mainline kernel that takes it
}

// MapFlags has a row for each flag of BPF_MAP_CREATE, in the order of their bits.
func MapFlags() []Flag { return mapFlags[:] }

var mapFlags = [...]Flag{
	{MapFlagNoPrealloc, "BPF_F_NO_PREALLOC", KernelVersion{4, 6}},
	{MapFlagNoCommonLRU, "BPF_F_NO_COMMON_LRU", KernelVersion{4, 10}},
	{MapFlagNUMANode, "BPF_F_NUMA_NODE", KernelVersion{4, 14}},
	{MapFlagRdonly, "BPF_F_RDONLY", KernelVersion{4, 15}},
	{MapFlagWronly, "BPF_F_WRONLY", KernelVersion{4, 15}},
	{MapFlagStackBuildID, "BPF_F_STACK_BUILD_ID", KernelVersion{4, 17}},
	{MapFlagZeroSeed, "BPF_F_ZERO_SEED", KernelVersion{5, 0}},
	{MapFlagRdonlyProg, "BPF_F_RDONLY_PROG", KernelVersion{5, 2}},
	{MapFlagWronlyProg, "BPF_F_WRONLY_PROG", KernelVersion{5, 2}},
	{MapFlagClone, "BPF_F_CLONE", KernelVersion{5, 4}},
	{MapFlagMmapable, "BPF_F_MMAPABLE", KernelVersion{5, 5}},
	{MapFlagPreserve, "BPF_F_PRESERVE_ELEMS", KernelVersion{5, 10}},
	{MapFlagInnerMap, "BPF_F_INNER_MAP", KernelVersion{5, 10}},
	{MapFlagLink, "BPF_F_LINK", KernelVersion{6, 4}},
	{MapFlagPathFD, "BPF_F_PATH_FD", KernelVersion{6, 5}},
	{MapFlagVtypeBTFObj, "BPF_F_VTYPE_BTF_OBJ_FD", KernelVersion{6, 9}},
	{MapFlagTokenFD, "BPF_F_TOKEN_FD", KernelVersion{6, 9}},
	{MapFlagSegvOnFault, "BPF_F_SEGV_ON_FAULT", KernelVersion{6, 9}},
	{MapFlagNoUserConv, "BPF_F_NO_USER_CONV", KernelVersion{6, 9}},
	{MapFlagRBOverwrite, "BPF_F_RB_OVERWRITE", KernelVersion{6, 19}},
}
