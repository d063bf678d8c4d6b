package uapi

// Flags of BPF_MAP_CREATE.
const (
	MapFlagNoPrealloc   uint32 = 1 << 0
	MapFlagNoCommonLRU  uint32 = 1 << 1
	MapFlagNUMANode     uint32 = 1 << 2
	MapFlagRdonly       uint32 = 1 << 3 // read-only for system calls
	MapFlagWronly       uint32 = 1 << 4 // write-only for system calls
	MapFlagStackBuildID uint32 = 1 << 5
	MapFlagZeroSeed     uint32 = 1 << 6
	MapFlagRdonlyProg   uint32 = 1 << 7 // read-only for programs
	MapFlagWronlyProg   uint32 = 1 << 8 // write-only for programs
	MapFlagClone        uint32 = 1 << 9
	MapFlagMmapable     uint32 = 1 << 10
	MapFlagPreserve     uint32 = 1 << 11
	MapFlagInnerMap     uint32 = 1 << 12
	MapFlagLink         uint32 = 1 << 13
	MapFlagPathFD       uint32 = 1 << 14
	MapFlagVtypeBTFObj  uint32 = 1 << 15
	MapFlagTokenFD      uint32 = 1 << 16
	MapFlagSegvOnFault  uint32 = 1 << 17
	MapFlagNoUserConv   uint32 = 1 << 18
	MapFlagRBOverwrite  uint32 = 1 << 19
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
