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
