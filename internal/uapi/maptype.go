package uapi

// MapType is enum bpf_map_type: what a map is.
type MapType uint32

// Every map type of the kernel's UAPI, in its order. What each one is, and
// which kernel has it first, stands in mapTypes.
const (
	MapTypeUnspec              MapType = iota // no type
	MapTypeHash                               // hash table
	MapTypeArray                              // array indexed by uint32
	MapTypeProgramArray                       // array of programs, the target of tail calls
	MapTypePerfEventArray                     // array of perf events, one a CPU
	MapTypePerCPUHash                         // hash table with one value a CPU
	MapTypePerCPUArray                        // array with one value a CPU
	MapTypeStackTrace                         // stack traces by their hash
	MapTypeCGroupArray                        // array of cgroups
	MapTypeLRUHash                            // hash table that evicts the least recently used
	MapTypeLRUCPUHash                         // LRU hash table with one value a CPU
	MapTypeLPMTrie                            // longest prefix match
	MapTypeArrayOfMaps                        // array of maps
	MapTypeHashOfMaps                         // hash table of maps
	MapTypeDevMap                             // array of network devices
	MapTypeSockMap                            // array of sockets
	MapTypeCPUMap                             // array of CPUs to redirect to
	MapTypeXSKMap                             // array of AF_XDP sockets
	MapTypeSockHash                           // hash table of sockets
	MapTypeCGroupStorage                      // storage of a cgroup attachment (deprecated by CgrpStorage)
	MapTypeReusePortSockArray                 // array of SO_REUSEPORT sockets
	MapTypePerCPUCGroupStorage                // CGroupStorage with one value a CPU
	MapTypeQueue                              // first in, first out
	MapTypeStack                              // last in, first out
	MapTypeSkStorage                          // storage local to a socket
	MapTypeDevMapHash                         // hash table of network devices
	MapTypeStructOps                          // a kernel struct of function pointers
	MapTypeRingBuf                            // ring buffer to user space, shared by all CPUs
	MapTypeInodeStorage                       // storage local to an inode
	MapTypeTaskStorage                        // storage local to a task
	MapTypeBloomFilter                        // approximate set
	MapTypeUserRingbuf                        // ring buffer from user space
	MapTypeCgrpStorage                        // storage local to a cgroup
	MapTypeArena                              // memory shared by programs and user space
	MapTypeInsnArray                          // instruction offsets of a program: jump tables
	MapTypeRHash                              // hash table that grows
)

// mapTypes has a row for every MapType, at its value.
var mapTypes = [...]row{
	MapTypeUnspec:              {"BPF_MAP_TYPE_UNSPEC", "UnspecifiedMap", "unspec", KernelVersion{0, 0}},
	MapTypeHash:                {"BPF_MAP_TYPE_HASH", "Hash", "hash", KernelVersion{3, 19}},
	MapTypeArray:               {"BPF_MAP_TYPE_ARRAY", "Array", "array", KernelVersion{3, 19}},
	MapTypeProgramArray:        {"BPF_MAP_TYPE_PROG_ARRAY", "ProgramArray", "prog_array", KernelVersion{4, 2}},
	MapTypePerfEventArray:      {"BPF_MAP_TYPE_PERF_EVENT_ARRAY", "PerfEventArray", "perf_event_array", KernelVersion{4, 3}},
	MapTypePerCPUHash:          {"BPF_MAP_TYPE_PERCPU_HASH", "PerCPUHash", "percpu_hash", KernelVersion{4, 6}},
	MapTypePerCPUArray:         {"BPF_MAP_TYPE_PERCPU_ARRAY", "PerCPUArray", "percpu_array", KernelVersion{4, 6}},
	MapTypeStackTrace:          {"BPF_MAP_TYPE_STACK_TRACE", "StackTrace", "stack_trace", KernelVersion{4, 6}},
	MapTypeCGroupArray:         {"BPF_MAP_TYPE_CGROUP_ARRAY", "CGroupArray", "cgroup_array", KernelVersion{4, 8}},
	MapTypeLRUHash:             {"BPF_MAP_TYPE_LRU_HASH", "LRUHash", "lru_hash", KernelVersion{4, 10}},
	MapTypeLRUCPUHash:          {"BPF_MAP_TYPE_LRU_PERCPU_HASH", "LRUCPUHash", "lru_percpu_hash", KernelVersion{4, 10}},
	MapTypeLPMTrie:             {"BPF_MAP_TYPE_LPM_TRIE", "LPMTrie", "lpm_trie", KernelVersion{4, 11}},
	MapTypeArrayOfMaps:         {"BPF_MAP_TYPE_ARRAY_OF_MAPS", "ArrayOfMaps", "array_of_maps", KernelVersion{4, 12}},
	MapTypeHashOfMaps:          {"BPF_MAP_TYPE_HASH_OF_MAPS", "HashOfMaps", "hash_of_maps", KernelVersion{4, 12}},
	MapTypeDevMap:              {"BPF_MAP_TYPE_DEVMAP", "DevMap", "devmap", KernelVersion{4, 14}},
	MapTypeSockMap:             {"BPF_MAP_TYPE_SOCKMAP", "SockMap", "sockmap", KernelVersion{4, 14}},
	MapTypeCPUMap:              {"BPF_MAP_TYPE_CPUMAP", "CPUMap", "cpumap", KernelVersion{4, 15}},
	MapTypeXSKMap:              {"BPF_MAP_TYPE_XSKMAP", "XSKMap", "xskmap", KernelVersion{4, 18}},
	MapTypeSockHash:            {"BPF_MAP_TYPE_SOCKHASH", "SockHash", "sockhash", KernelVersion{4, 18}},
	MapTypeCGroupStorage:       {"BPF_MAP_TYPE_CGROUP_STORAGE", "CGroupStorage", "cgroup_storage", KernelVersion{4, 19}},
	MapTypeReusePortSockArray:  {"BPF_MAP_TYPE_REUSEPORT_SOCKARRAY", "ReusePortSockArray", "reuseport_sockarray", KernelVersion{4, 19}},
	MapTypePerCPUCGroupStorage: {"BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE", "PerCPUCGroupStorage", "percpu_cgroup_storage", KernelVersion{4, 20}},
	MapTypeQueue:               {"BPF_MAP_TYPE_QUEUE", "Queue", "queue", KernelVersion{4, 20}},
	MapTypeStack:               {"BPF_MAP_TYPE_STACK", "Stack", "stack", KernelVersion{4, 20}},
	MapTypeSkStorage:           {"BPF_MAP_TYPE_SK_STORAGE", "SkStorage", "sk_storage", KernelVersion{5, 2}},
	MapTypeDevMapHash:          {"BPF_MAP_TYPE_DEVMAP_HASH", "DevMapHash", "devmap_hash", KernelVersion{5, 4}},
	MapTypeStructOps:           {"BPF_MAP_TYPE_STRUCT_OPS", "StructOpsMap", "struct_ops", KernelVersion{5, 6}},
	MapTypeRingBuf:             {"BPF_MAP_TYPE_RINGBUF", "RingBuf", "ringbuf", KernelVersion{5, 8}},
	MapTypeInodeStorage:        {"BPF_MAP_TYPE_INODE_STORAGE", "InodeStorage", "inode_storage", KernelVersion{5, 10}},
	MapTypeTaskStorage:         {"BPF_MAP_TYPE_TASK_STORAGE", "TaskStorage", "task_storage", KernelVersion{5, 11}},
	MapTypeBloomFilter:         {"BPF_MAP_TYPE_BLOOM_FILTER", "BloomFilter", "bloom_filter", KernelVersion{5, 16}},
	MapTypeUserRingbuf:         {"BPF_MAP_TYPE_USER_RINGBUF", "UserRingbuf", "user_ringbuf", KernelVersion{6, 1}},
	MapTypeCgrpStorage:         {"BPF_MAP_TYPE_CGRP_STORAGE", "CgroupStorage", "cgrp_storage", KernelVersion{6, 2}},
	MapTypeArena:               {"BPF_MAP_TYPE_ARENA", "Arena", "arena", KernelVersion{6, 9}},
	MapTypeInsnArray:           {"BPF_MAP_TYPE_INSN_ARRAY", "InsnArray", "insn_array", KernelVersion{6, 19}},
	MapTypeRHash:               {"BPF_MAP_TYPE_RHASH", "RHash", "rhash", KernelVersion{7, 2}},
}

// String is the name that the Go API has for t ("PerCPUHash").
func (t MapType) String() string { return goName(mapTypes[:], uint32(t), "MapType") }

// UAPI is the name of t's constant in linux/bpf.h, or "" for an unknown value.
func (t MapType) UAPI() string { return find(mapTypes[:], uint32(t)).uapi }

// LibbpfName is what libbpf and bpftool call t ("percpu_hash"), or "".
func (t MapType) LibbpfName() string { return find(mapTypes[:], uint32(t)).libbpf }

// MinKernel is the first mainline kernel that creates such maps; zero for an
// unknown value.
func (t MapType) MinKernel() KernelVersion { return find(mapTypes[:], uint32(t)).since }

// Known tells whether this table has t.
func (t MapType) Known() bool { return uint64(t) < uint64(len(mapTypes)) }

// HoldsMaps tells whether values are other maps.
func (t MapType) HoldsMaps() bool { return t == MapTypeArrayOfMaps || t == MapTypeHashOfMaps }
