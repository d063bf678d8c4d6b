package ebpf

import (
	"fmt"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

// MapType says what a map is. Its values are the kernel's; MinKernel in the
// UAPI tables says since when each exists, and errors quote it.
type MapType uint32

// Map types.
const (
	UnspecifiedMap      = MapType(uapi.MapTypeUnspec)              // no type
	Hash                = MapType(uapi.MapTypeHash)                // hash table
	Array               = MapType(uapi.MapTypeArray)               // array indexed by uint32
	ProgramArray        = MapType(uapi.MapTypeProgramArray)        // array of programs, the target of tail calls
	PerfEventArray      = MapType(uapi.MapTypePerfEventArray)      // array of perf events, one a CPU
	PerCPUHash          = MapType(uapi.MapTypePerCPUHash)          // hash table with one value a CPU
	PerCPUArray         = MapType(uapi.MapTypePerCPUArray)         // array with one value a CPU
	StackTrace          = MapType(uapi.MapTypeStackTrace)          // stack traces by their hash
	CGroupArray         = MapType(uapi.MapTypeCGroupArray)         // array of cgroups
	LRUHash             = MapType(uapi.MapTypeLRUHash)             // hash table that evicts the least recently used
	LRUCPUHash          = MapType(uapi.MapTypeLRUCPUHash)          // LRU hash table with one value a CPU
	LPMTrie             = MapType(uapi.MapTypeLPMTrie)             // longest prefix match
	ArrayOfMaps         = MapType(uapi.MapTypeArrayOfMaps)         // array of maps
	HashOfMaps          = MapType(uapi.MapTypeHashOfMaps)          // hash table of maps
	DevMap              = MapType(uapi.MapTypeDevMap)              // array of network devices
	SockMap             = MapType(uapi.MapTypeSockMap)             // array of sockets
	CPUMap              = MapType(uapi.MapTypeCPUMap)              // array of CPUs to redirect to
	XSKMap              = MapType(uapi.MapTypeXSKMap)              // array of AF_XDP sockets
	SockHash            = MapType(uapi.MapTypeSockHash)            // hash table of sockets
	CGroupStorage       = MapType(uapi.MapTypeCGroupStorage)       // storage of a cgroup attachment (deprecated by CgrpStorage)
	ReusePortSockArray  = MapType(uapi.MapTypeReusePortSockArray)  // array of SO_REUSEPORT sockets
	PerCPUCGroupStorage = MapType(uapi.MapTypePerCPUCGroupStorage) // CGroupStorage with one value a CPU
	Queue               = MapType(uapi.MapTypeQueue)               // first in, first out
	Stack               = MapType(uapi.MapTypeStack)               // last in, first out
	SkStorage           = MapType(uapi.MapTypeSkStorage)           // storage local to a socket
	DevMapHash          = MapType(uapi.MapTypeDevMapHash)          // hash table of network devices
	StructOpsMap        = MapType(uapi.MapTypeStructOps)           // a kernel struct of function pointers
	RingBuf             = MapType(uapi.MapTypeRingBuf)             // ring buffer to user space, shared by all CPUs
	InodeStorage        = MapType(uapi.MapTypeInodeStorage)        // storage local to an inode
	TaskStorage         = MapType(uapi.MapTypeTaskStorage)         // storage local to a task
	BloomFilter         = MapType(uapi.MapTypeBloomFilter)         // approximate set
	UserRingbuf         = MapType(uapi.MapTypeUserRingbuf)         // ring buffer from user space
	CgroupStorage       = MapType(uapi.MapTypeCgrpStorage)         // storage local to a cgroup
	Arena               = MapType(uapi.MapTypeArena)               // memory shared by programs and user space
	InsnArray           = MapType(uapi.MapTypeInsnArray)           // instruction offsets of a program: jump tables
	RHash               = MapType(uapi.MapTypeRHash)               // hash table that grows
)

// String is the name of the constant, without its package ("PerCPUHash").
func (t MapType) String() string { return uapi.MapType(t).String() }

// hasPerCPUValue tells whether an element has one value for each possible CPU.
func (t MapType) hasPerCPUValue() bool {
	switch t {
	case PerCPUHash, PerCPUArray, LRUCPUHash, PerCPUCGroupStorage:
		return true
	}
	return false
}

// holdsMaps tells whether values are other maps.
func (t MapType) holdsMaps() bool { return uapi.MapType(t).HoldsMaps() }

// ProgramType says which hook a program is for, and with it what the program
// may do.
type ProgramType uint32

// Program types.
const (
	UnspecifiedProgram    = ProgramType(uapi.ProgTypeUnspec)
	SocketFilter          = ProgramType(uapi.ProgTypeSocketFilter)
	Kprobe                = ProgramType(uapi.ProgTypeKprobe)
	SchedCLS              = ProgramType(uapi.ProgTypeSchedCLS)
	SchedACT              = ProgramType(uapi.ProgTypeSchedACT)
	TracePoint            = ProgramType(uapi.ProgTypeTracePoint)
	XDP                   = ProgramType(uapi.ProgTypeXDP)
	PerfEvent             = ProgramType(uapi.ProgTypePerfEvent)
	CGroupSKB             = ProgramType(uapi.ProgTypeCGroupSKB)
	CGroupSock            = ProgramType(uapi.ProgTypeCGroupSock)
	LWTIn                 = ProgramType(uapi.ProgTypeLWTIn)
	LWTOut                = ProgramType(uapi.ProgTypeLWTOut)
	LWTXmit               = ProgramType(uapi.ProgTypeLWTXmit)
	SockOps               = ProgramType(uapi.ProgTypeSockOps)
	SkSKB                 = ProgramType(uapi.ProgTypeSkSKB)
	CGroupDevice          = ProgramType(uapi.ProgTypeCGroupDevice)
	SkMsg                 = ProgramType(uapi.ProgTypeSkMsg)
	RawTracepoint         = ProgramType(uapi.ProgTypeRawTracepoint)
	CGroupSockAddr        = ProgramType(uapi.ProgTypeCGroupSockAddr)
	LWTSeg6Local          = ProgramType(uapi.ProgTypeLWTSeg6Local)
	LircMode2             = ProgramType(uapi.ProgTypeLircMode2)
	SkReuseport           = ProgramType(uapi.ProgTypeSkReuseport)
	FlowDissector         = ProgramType(uapi.ProgTypeFlowDissector)
	CGroupSysctl          = ProgramType(uapi.ProgTypeCGroupSysctl)
	RawTracepointWritable = ProgramType(uapi.ProgTypeRawTracepointWritable)
	CGroupSockopt         = ProgramType(uapi.ProgTypeCGroupSockopt)
	Tracing               = ProgramType(uapi.ProgTypeTracing)
	StructOps             = ProgramType(uapi.ProgTypeStructOps)
	Extension             = ProgramType(uapi.ProgTypeExtension)
	LSM                   = ProgramType(uapi.ProgTypeLSM)
	SkLookup              = ProgramType(uapi.ProgTypeSkLookup)
	Syscall               = ProgramType(uapi.ProgTypeSyscall)
	Netfilter             = ProgramType(uapi.ProgTypeNetfilter)
)

// String is the name of the constant, without its package ("SchedCLS").
func (t ProgramType) String() string { return uapi.ProgType(t).String() }

// AttachType tells apart the hooks that share a ProgramType. The kernel checks
// it when a program is loaded, and again when it is attached.
type AttachType uint32

// AttachNone is for program types that need no attach type.
const AttachNone AttachType = 0

// Attach types.
const (
	AttachCGroupInetIngress          = AttachType(uapi.AttachCGroupInetIngress)
	AttachCGroupInetEgress           = AttachType(uapi.AttachCGroupInetEgress)
	AttachCGroupInetSockCreate       = AttachType(uapi.AttachCGroupInetSockCreate)
	AttachCGroupSockOps              = AttachType(uapi.AttachCGroupSockOps)
	AttachSkSKBStreamParser          = AttachType(uapi.AttachSkSKBStreamParser)
	AttachSkSKBStreamVerdict         = AttachType(uapi.AttachSkSKBStreamVerdict)
	AttachCGroupDevice               = AttachType(uapi.AttachCGroupDevice)
	AttachSkMsgVerdict               = AttachType(uapi.AttachSkMsgVerdict)
	AttachCGroupInet4Bind            = AttachType(uapi.AttachCGroupInet4Bind)
	AttachCGroupInet6Bind            = AttachType(uapi.AttachCGroupInet6Bind)
	AttachCGroupInet4Connect         = AttachType(uapi.AttachCGroupInet4Connect)
	AttachCGroupInet6Connect         = AttachType(uapi.AttachCGroupInet6Connect)
	AttachCGroupInet4PostBind        = AttachType(uapi.AttachCGroupInet4PostBind)
	AttachCGroupInet6PostBind        = AttachType(uapi.AttachCGroupInet6PostBind)
	AttachCGroupUDP4Sendmsg          = AttachType(uapi.AttachCGroupUDP4Sendmsg)
	AttachCGroupUDP6Sendmsg          = AttachType(uapi.AttachCGroupUDP6Sendmsg)
	AttachLircMode2                  = AttachType(uapi.AttachLircMode2)
	AttachFlowDissector              = AttachType(uapi.AttachFlowDissector)
	AttachCGroupSysctl               = AttachType(uapi.AttachCGroupSysctl)
	AttachCGroupUDP4Recvmsg          = AttachType(uapi.AttachCGroupUDP4Recvmsg)
	AttachCGroupUDP6Recvmsg          = AttachType(uapi.AttachCGroupUDP6Recvmsg)
	AttachCGroupGetsockopt           = AttachType(uapi.AttachCGroupGetsockopt)
	AttachCGroupSetsockopt           = AttachType(uapi.AttachCGroupSetsockopt)
	AttachTraceRawTp                 = AttachType(uapi.AttachTraceRawTp)
	AttachTraceFEntry                = AttachType(uapi.AttachTraceFEntry)
	AttachTraceFExit                 = AttachType(uapi.AttachTraceFExit)
	AttachModifyReturn               = AttachType(uapi.AttachModifyReturn)
	AttachLSMMac                     = AttachType(uapi.AttachLSMMac)
	AttachTraceIter                  = AttachType(uapi.AttachTraceIter)
	AttachCgroupInet4GetPeername     = AttachType(uapi.AttachCgroupInet4GetPeername)
	AttachCgroupInet6GetPeername     = AttachType(uapi.AttachCgroupInet6GetPeername)
	AttachCgroupInet4GetSockname     = AttachType(uapi.AttachCgroupInet4GetSockname)
	AttachCgroupInet6GetSockname     = AttachType(uapi.AttachCgroupInet6GetSockname)
	AttachXDPDevMap                  = AttachType(uapi.AttachXDPDevMap)
	AttachCgroupInetSockRelease      = AttachType(uapi.AttachCgroupInetSockRelease)
	AttachXDPCPUMap                  = AttachType(uapi.AttachXDPCPUMap)
	AttachSkLookup                   = AttachType(uapi.AttachSkLookup)
	AttachXDP                        = AttachType(uapi.AttachXDP)
	AttachSkSKBVerdict               = AttachType(uapi.AttachSkSKBVerdict)
	AttachSkReuseportSelect          = AttachType(uapi.AttachSkReuseportSelect)
	AttachSkReuseportSelectOrMigrate = AttachType(uapi.AttachSkReuseportSelectOrMigrate)
	AttachPerfEvent                  = AttachType(uapi.AttachPerfEvent)
	AttachTraceKprobeMulti           = AttachType(uapi.AttachTraceKprobeMulti)
	AttachLSMCgroup                  = AttachType(uapi.AttachLSMCgroup)
	AttachStructOps                  = AttachType(uapi.AttachStructOps)
	AttachNetfilter                  = AttachType(uapi.AttachNetfilter)
	AttachTCXIngress                 = AttachType(uapi.AttachTCXIngress)
	AttachTCXEgress                  = AttachType(uapi.AttachTCXEgress)
	AttachTraceUprobeMulti           = AttachType(uapi.AttachTraceUprobeMulti)
	AttachCgroupUnixConnect          = AttachType(uapi.AttachCgroupUnixConnect)
	AttachCgroupUnixSendmsg          = AttachType(uapi.AttachCgroupUnixSendmsg)
	AttachCgroupUnixRecvmsg          = AttachType(uapi.AttachCgroupUnixRecvmsg)
	AttachCgroupUnixGetpeername      = AttachType(uapi.AttachCgroupUnixGetpeername)
	AttachCgroupUnixGetsockname      = AttachType(uapi.AttachCgroupUnixGetsockname)
	AttachNetkitPrimary              = AttachType(uapi.AttachNetkitPrimary)
	AttachNetkitPeer                 = AttachType(uapi.AttachNetkitPeer)
	AttachTraceKprobeSession         = AttachType(uapi.AttachTraceKprobeSession)
	AttachTraceUprobeSession         = AttachType(uapi.AttachTraceUprobeSession)
	AttachTraceFSession              = AttachType(uapi.AttachTraceFSession)
	AttachTraceFEntryMulti           = AttachType(uapi.AttachTraceFEntryMulti)
	AttachTraceFExitMulti            = AttachType(uapi.AttachTraceFExitMulti)
	AttachTraceFSessionMulti         = AttachType(uapi.AttachTraceFSessionMulti)
)

// String is the name of the constant without its prefix ("CGroupInetEgress").
// The first one, which also means that there is no attach type, is "None".
func (t AttachType) String() string { return uapi.AttachType(t).String() }

// PinType says whether a map is kept as a file in a BPF file system.
type PinType uint32

// Ways of pinning.
const (
	PinNone   = PinType(uapi.PinNone)
	PinByName = PinType(uapi.PinByName) // under the map's own name, in MapOptions.PinPath
)

// String is the name of the constant.
func (p PinType) String() string { return uapi.Pinning(p).String() }

// platformLinux is the only platform here; ebpf-go's other one is Windows.
const platformLinux = "linux"

func onLinux(plat string) error {
	if plat != platformLinux {
		return fmt.Errorf("platform %q: %w (only %q is)", plat, ErrNotSupported, platformLinux)
	}
	return nil
}

// MapTypeForPlatform is the map type with a number that has no constant here
// yet. The only platform is "linux".
func MapTypeForPlatform(plat string, typ uint32) (MapType, error) {
	return MapType(typ), onLinux(plat)
}

// ProgramTypeForPlatform is MapTypeForPlatform for programs.
func ProgramTypeForPlatform(plat string, value uint32) (ProgramType, error) {
	return ProgramType(value), onLinux(plat)
}

// AttachTypeForPlatform is MapTypeForPlatform for attach types.
func AttachTypeForPlatform(plat string, value uint32) (AttachType, error) {
	return AttachType(value), onLinux(plat)
}

// LogLevel says what the verifier writes to its log. Values can be ORed.
type LogLevel uint32

// Levels of ProgramOptions.LogLevel.
const (
	LogLevelBranch      LogLevel = 1 << iota // the state at branches
	LogLevelInstruction                      // the state at each instruction, since 5.2
	LogLevelStats                            // errors and a summary, since 5.2
)

// MapUpdateFlags says what Map.Update does with a key that exists, or doesn't.
type MapUpdateFlags uint64

// Flags of Map.Update.
const (
	UpdateAny     MapUpdateFlags = 0 // make or replace
	UpdateNoExist MapUpdateFlags = 1 // only make: ErrKeyExist if there is one
	UpdateExist   MapUpdateFlags = 2 // only replace: ErrKeyNotExist if there is none
	UpdateLock    MapUpdateFlags = 4 // take the value's bpf_spin_lock, since 5.1
)

// MapLookupFlags changes what a lookup does.
type MapLookupFlags uint64

// LookupLock takes the bpf_spin_lock in the value, and doesn't copy it.
// Needs 5.1.
const LookupLock MapLookupFlags = 4
