package kernel

import (
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

// objAttr is what BPF_OBJ_PIN and BPF_OBJ_GET take.
type objAttr struct {
	pathname  Pointer
	fd        uint32
	fileFlags uint32
	pathFD    int32
	_         uint32
}

// ObjPin gives the object a name in a BPF file system.
func ObjPin(fd *FD, path string) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	defer fd.Release()
	return call(CmdObjPin, &objAttr{pathname: CString(path), fd: uint32(raw)})
}

// ObjGet opens what is pinned at path. Flags are BPF_F_RDONLY or BPF_F_WRONLY,
// for maps.
func ObjGet(path string, flags uint32) (*FD, error) {
	return open(CmdObjGet, &objAttr{pathname: CString(path), fileFlags: flags})
}

// idAttr is what the commands about IDs take.
type idAttr struct {
	id        uint32 // where to start, or what to open
	next      uint32
	openFlags uint32
}

// NextID is the smallest ID above id, of the kind of object that cmd
// (CmdMapGetNextID, CmdProgGetNextID…) is about; ENOENT if there is none.
func NextID(cmd Cmd, id uint32) (uint32, error) {
	attr := idAttr{id: id}
	err := call(cmd, &attr)
	return attr.next, err
}

// FDByID opens the object with an ID, of the kind that cmd (CmdMapGetFDByID,
// CmdProgGetFDByID…) is about; ENOENT if there is none. Needs CAP_SYS_ADMIN.
func FDByID(cmd Cmd, id, flags uint32) (*FD, error) {
	return open(cmd, &idAttr{id: id, openFlags: flags})
}

// BTFByID is FDByID for BTF, by the right of a token that BTF_GET_FD_BY_ID was
// delegated to. Needs 6.15.
func BTFByID(id uint32, token *FD) (*FD, error) {
	raw, err := token.Acquire()
	if err != nil {
		return nil, err
	}
	defer token.Release()
	attr := struct {
		idAttr
		tokenFD int32
	}{idAttr{id: id, openFlags: uapi.BTFFlagTokenFD}, int32(raw)}
	return open(CmdBTFGetFDByID, &attr)
}

// MapInfo is struct bpf_map_info.
type MapInfo struct {
	Type                  uint32
	ID                    uint32
	KeySize               uint32
	ValueSize             uint32
	MaxEntries            uint32
	MapFlags              uint32
	Name                  ObjName
	Ifindex               uint32
	BTFVmlinuxValueTypeID uint32
	NetnsDev              uint64
	NetnsIno              uint64
	BTFID                 uint32
	BTFKeyTypeID          uint32
	BTFValueTypeID        uint32
	BTFVmlinuxID          uint32
	MapExtra              uint64
	Hash                  Pointer
	HashSize              uint32
	_                     uint32
}

// ProgInfo is struct bpf_prog_info. Counts and pointers are in and out: the
// kernel fills what has room and says how much there is.
type ProgInfo struct {
	Type                 uint32
	ID                   uint32
	Tag                  [8]byte
	JitedProgLen         uint32
	XlatedProgLen        uint32
	JitedProgInsns       Pointer
	XlatedProgInsns      Pointer
	LoadTime             uint64 // ns since boot
	CreatedByUID         uint32
	NrMapIDs             uint32
	MapIDs               Pointer
	Name                 ObjName
	Ifindex              uint32
	GPLCompatible        uint32 // one bit
	NetnsDev             uint64
	NetnsIno             uint64
	NrJitedKsyms         uint32
	NrJitedFuncLens      uint32
	JitedKsyms           Pointer
	JitedFuncLens        Pointer
	BTFID                uint32
	FuncInfoRecSize      uint32
	FuncInfo             Pointer
	NrFuncInfo           uint32
	NrLineInfo           uint32
	LineInfo             Pointer
	JitedLineInfo        Pointer
	NrJitedLineInfo      uint32
	LineInfoRecSize      uint32
	JitedLineInfoRecSize uint32
	NrProgTags           uint32
	ProgTags             Pointer
	RunTimeNs            uint64
	RunCnt               uint64
	RecursionMisses      uint64
	VerifiedInsns        uint32
	AttachBTFObjID       uint32
	AttachBTFID          uint32
	_                    uint32
}

// BTFInfo is struct bpf_btf_info.
type BTFInfo struct {
	BTF       Pointer // out buffer
	BTFSize   uint32
	ID        uint32
	Name      Pointer // out buffer
	NameLen   uint32
	KernelBTF uint32
}

// ObjInfo asks for what the kernel knows about an object; info is a *MapInfo,
// *ProgInfo, *BTFInfo or one of the link infos, as the object is. Fields that
// an older kernel doesn't have stay as they are.
func ObjInfo[T any](fd *FD, info *T) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	defer fd.Release()
	attr := struct {
		fd, size uint32
		info     Pointer
	}{uint32(raw), uint32(unsafe.Sizeof(*info)), Addr(unsafe.Pointer(info))}
	return call(CmdObjGetInfoByFD, &attr)
}

// What Kind returns.
const (
	KindMap  = "bpf-map"
	KindProg = "bpf-prog"
	KindLink = "bpf-link"
	KindBTF  = "btf"
)

// Kind is what the kernel calls the object behind fd: one of the above, or
// something else. It needs /proc.
func Kind(fd *FD) (string, error) {
	raw, err := fd.Acquire()
	if err != nil {
		return "", err
	}
	defer fd.Release()
	target, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(raw))
	if err != nil {
		return "", err
	}
	kind := strings.Trim(strings.TrimPrefix(target, "anon_inode:"), "[]")
	// Links are called "bpf_link" and "bpf-link", as they were made or opened.
	return strings.Join(strings.Split(kind, "_"), "-"), nil
}

// BTFLoadAttr is what BPF_BTF_LOAD takes.
type BTFLoadAttr struct {
	BTF         Pointer
	LogBuf      Pointer
	BTFSize     uint32
	LogSize     uint32
	LogLevel    uint32
	LogTrueSize uint32 // out, since 6.4
	Flags       uint32
	TokenFD     int32
}

// BTFLoad verifies type information and gives it to the kernel. Needs 4.18.
func BTFLoad(attr *BTFLoadAttr) (*FD, error) { return charged(CmdBTFLoad, attr) }

// TokenCreate makes a BPF token from an open directory of a BPF file system
// that delegates. Needs 6.9.
func TokenCreate(bpffs int) (*FD, error) {
	attr := struct{ flags, bpffsFD uint32 }{0, uint32(bpffs)}
	return open(CmdTokenCreate, &attr)
}
