package kernel

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpfgen/bpfgen/internal/fault"
)

// MapCreateAttr is what BPF_MAP_CREATE takes.
type MapCreateAttr struct {
	MapType               uint32
	KeySize               uint32 // bytes
	ValueSize             uint32 // bytes
	MaxEntries            uint32
	MapFlags              uint32
	InnerMapFD            uint32
	NumaNode              uint32
	MapName               ObjName
	MapIfindex            uint32
	BTFFD                 uint32
	BTFKeyTypeID          uint32
	BTFValueTypeID        uint32
	BTFVmlinuxValueTypeID uint32
	MapExtra              uint64
	ValueTypeBTFObjFD     int32
	MapTokenFD            int32
	ExclProgHash          Pointer
	ExclProgHashSize      uint32
	_                     uint32
}

// MapCreate makes a map. Descriptors in attr have to stay open until it returns.
func MapCreate(attr *MapCreateAttr) (*FD, error) { return charged(CmdMapCreate, attr) }

// MapElemAttr is what the commands on one element take. It may be on the stack,
// and so may what it points to.
type MapElemAttr struct {
	MapFD uint32
	_     uint32
	Key   Pointer
	Value Pointer // or next key
	Flags uint64
}

// Lookup and Update are MapLookup and MapUpdate for callers that hold the
// descriptor themselves: programs spend their time in these two. They are small
// enough to become part of the caller, so that no function of ours is between
// that and the system call, see bpf.

// Lookup is BPF_MAP_LOOKUP_ELEM. It doesn't wait for anything: telling Go's
// scheduler about it, in case it does, would be for nothing.
func (attr *MapElemAttr) Lookup() unix.Errno {
	if fault.Enabled {
		if errno := injected(CmdMapLookupElem); errno != 0 {
			return errno
		}
	}
	_, _, errno := syscall.RawSyscall6(unix.SYS_BPF, uintptr(CmdMapLookupElem), uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr), 0, 0, 0)
	return errno
}

// Update is BPF_MAP_UPDATE_ELEM.
func (attr *MapElemAttr) Update() unix.Errno {
	if fault.Enabled {
		if errno := injected(CmdMapUpdateElem); errno != 0 {
			return errno
		}
	}
	_, _, errno := syscall.Syscall(unix.SYS_BPF, uintptr(CmdMapUpdateElem), uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	return errno
}

// elem runs any command on one element of a map; none of its arguments escapes.
func elem(cmd Cmd, fd *FD, key, value unsafe.Pointer, flags uint64) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	attr := MapElemAttr{MapFD: uint32(raw), Key: Addr(key), Value: Addr(value), Flags: flags}
	errno := injected(cmd)
	if errno == 0 {
		_, _, errno = syscall.Syscall6(unix.SYS_BPF, uintptr(cmd), uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0, 0, 0)
	}
	fd.Release()
	if errno != 0 {
		return failed(cmd, errno)
	}
	return nil
}

// MapLookup copies the value at key to value. Key and value must have the
// sizes that the map was made with (per-CPU values: rounded up to eight bytes,
// times possible CPUs). A miss is ENOENT.
func MapLookup(fd *FD, key, value unsafe.Pointer, flags uint64) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	attr := MapElemAttr{MapFD: uint32(raw), Key: Addr(key), Value: Addr(value), Flags: flags}
	errno := attr.Lookup()
	fd.Release()
	if errno != 0 {
		return failed(CmdMapLookupElem, errno)
	}
	return nil
}

// MapLookupAndDelete is MapLookup that also removes the element: queues and
// stacks since 4.20, hash maps since 5.14.
func MapLookupAndDelete(fd *FD, key, value unsafe.Pointer, flags uint64) error {
	return elem(CmdMapLookupAndDeleteElem, fd, key, value, flags)
}

// MapUpdate sets the value at key. Key is nil for queues, stacks and bloom filters.
func MapUpdate(fd *FD, key, value unsafe.Pointer, flags uint64) error {
	return elem(CmdMapUpdateElem, fd, key, value, flags)
}

// MapDelete removes the element at key. A miss is ENOENT.
func MapDelete(fd *FD, key unsafe.Pointer) error {
	return elem(CmdMapDeleteElem, fd, key, nil, 0)
}

// MapNextKey writes the key that follows key to next; nil key asks for the
// first. The end is ENOENT.
func MapNextKey(fd *FD, key, next unsafe.Pointer) error {
	return elem(CmdMapGetNextKey, fd, key, next, 0)
}

// MapFreeze makes a map read-only for system calls, for good. Needs 5.2.
func MapFreeze(fd *FD) error {
	return elem(CmdMapFreeze, fd, nil, nil, 0)
}

// MapBatchAttr is what the batch commands take: they need 5.6.
type MapBatchAttr struct {
	InBatch   Pointer // NULL: from the start
	OutBatch  Pointer
	Keys      Pointer
	Values    Pointer
	Count     uint32 // in: room, or elements given; out: elements done, also after an error
	MapFD     uint32 // filled in
	ElemFlags uint64
	Flags     uint64
}

func batch(cmd Cmd, fd *FD, attr *MapBatchAttr) error {
	raw, err := fd.Acquire()
	if err != nil {
		return err
	}
	attr.MapFD = uint32(raw)
	err = call(cmd, attr)
	fd.Release()
	return err
}

// MapLookupBatch reads up to attr.Count elements. The end of the map is ENOENT,
// with attr.Count elements read all the same; ENOSPC means that a bucket didn't
// fit. Needs 5.6.
func MapLookupBatch(fd *FD, attr *MapBatchAttr) error {
	return batch(CmdMapLookupBatch, fd, attr)
}

// MapLookupAndDeleteBatch is MapLookupBatch that removes what it read. Needs 5.6.
func MapLookupAndDeleteBatch(fd *FD, attr *MapBatchAttr) error {
	return batch(CmdMapLookupAndDeleteBatch, fd, attr)
}

// MapUpdateBatch sets attr.Count elements. Needs 5.6.
func MapUpdateBatch(fd *FD, attr *MapBatchAttr) error {
	return batch(CmdMapUpdateBatch, fd, attr)
}

// MapDeleteBatch removes attr.Count elements. Needs 5.6.
func MapDeleteBatch(fd *FD, attr *MapBatchAttr) error {
	return batch(CmdMapDeleteBatch, fd, attr)
}
