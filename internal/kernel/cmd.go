// Package kernel is where the module talks to Linux: bpf(2) and the few other
// system calls, files and memory mappings that BPF needs. It holds no policy
// and no state: callers say what they want, errors say what the kernel said.
package kernel

import "strconv"

// Cmd is a command of bpf(2), enum bpf_cmd.
type Cmd uint32

// The commands of bpf(2), in the kernel's order.
const (
	CmdMapCreate Cmd = iota
	CmdMapLookupElem
	CmdMapUpdateElem
	CmdMapDeleteElem
	CmdMapGetNextKey
	CmdProgLoad
	CmdObjPin
	CmdObjGet
	CmdProgAttach
	CmdProgDetach
	CmdProgTestRun
	CmdProgGetNextID
	CmdMapGetNextID
	CmdProgGetFDByID
	CmdMapGetFDByID
	CmdObjGetInfoByFD
	CmdProgQuery
	CmdRawTracepointOpen
	CmdBTFLoad
	CmdBTFGetFDByID
	CmdTaskFDQuery
	CmdMapLookupAndDeleteElem
	CmdMapFreeze
	CmdBTFGetNextID
	CmdMapLookupBatch
	CmdMapLookupAndDeleteBatch
	CmdMapUpdateBatch
	CmdMapDeleteBatch
	CmdLinkCreate
	CmdLinkUpdate
	CmdLinkGetFDByID
	CmdLinkGetNextID
	CmdEnableStats
	CmdIterCreate
	CmdLinkDetach
	CmdProgBindMap
	CmdTokenCreate
	CmdProgStreamReadByFD
)

var cmdNames = [...]string{
	CmdMapCreate:               "BPF_MAP_CREATE",
	CmdMapLookupElem:           "BPF_MAP_LOOKUP_ELEM",
	CmdMapUpdateElem:           "BPF_MAP_UPDATE_ELEM",
	CmdMapDeleteElem:           "BPF_MAP_DELETE_ELEM",
	CmdMapGetNextKey:           "BPF_MAP_GET_NEXT_KEY",
	CmdProgLoad:                "BPF_PROG_LOAD",
	CmdObjPin:                  "BPF_OBJ_PIN",
	CmdObjGet:                  "BPF_OBJ_GET",
	CmdProgAttach:              "BPF_PROG_ATTACH",
	CmdProgDetach:              "BPF_PROG_DETACH",
	CmdProgTestRun:             "BPF_PROG_TEST_RUN",
	CmdProgGetNextID:           "BPF_PROG_GET_NEXT_ID",
	CmdMapGetNextID:            "BPF_MAP_GET_NEXT_ID",
	CmdProgGetFDByID:           "BPF_PROG_GET_FD_BY_ID",
	CmdMapGetFDByID:            "BPF_MAP_GET_FD_BY_ID",
	CmdObjGetInfoByFD:          "BPF_OBJ_GET_INFO_BY_FD",
	CmdProgQuery:               "BPF_PROG_QUERY",
	CmdRawTracepointOpen:       "BPF_RAW_TRACEPOINT_OPEN",
	CmdBTFLoad:                 "BPF_BTF_LOAD",
	CmdBTFGetFDByID:            "BPF_BTF_GET_FD_BY_ID",
	CmdTaskFDQuery:             "BPF_TASK_FD_QUERY",
	CmdMapLookupAndDeleteElem:  "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
	CmdMapFreeze:               "BPF_MAP_FREEZE",
	CmdBTFGetNextID:            "BPF_BTF_GET_NEXT_ID",
	CmdMapLookupBatch:          "BPF_MAP_LOOKUP_BATCH",
	CmdMapLookupAndDeleteBatch: "BPF_MAP_LOOKUP_AND_DELETE_BATCH",
	CmdMapUpdateBatch:          "BPF_MAP_UPDATE_BATCH",
	CmdMapDeleteBatch:          "BPF_MAP_DELETE_BATCH",
	CmdLinkCreate:              "BPF_LINK_CREATE",
	CmdLinkUpdate:              "BPF_LINK_UPDATE",
	CmdLinkGetFDByID:           "BPF_LINK_GET_FD_BY_ID",
	CmdLinkGetNextID:           "BPF_LINK_GET_NEXT_ID",
	CmdEnableStats:             "BPF_ENABLE_STATS",
	CmdIterCreate:              "BPF_ITER_CREATE",
	CmdLinkDetach:              "BPF_LINK_DETACH",
	CmdProgBindMap:             "BPF_PROG_BIND_MAP",
	CmdTokenCreate:             "BPF_TOKEN_CREATE",
	CmdProgStreamReadByFD:      "BPF_PROG_STREAM_READ_BY_FD",
}

// String is the command's name in linux/bpf.h.
func (c Cmd) String() string {
	if int(c) < len(cmdNames) {
		return cmdNames[c]
	}
	return "bpf command " + strconv.Itoa(int(c))
}
