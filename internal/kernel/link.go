package kernel

// LinkCreateAttr is what BPF_LINK_CREATE takes; Extra is a union, of which one
// of the types below is the member that fits the attach type.
type LinkCreateAttr[E LinkExtra] struct {
	ProgFD     uint32 // or the map of a struct_ops
	TargetFD   uint32 // or ifindex
	AttachType uint32
	Flags      uint32
	Extra      E
}

// LinkExtra is the set of members of the union in LinkCreateAttr.
type LinkExtra interface {
	LinkNone | LinkTracing | LinkIter | LinkPerfEvent | LinkMulti | LinkUprobeMulti | LinkNetfilter | LinkRelative | LinkTracingMulti
}

// LinkNone is for attach types that take nothing more.
type LinkNone struct{ _ uint64 }

// LinkTracing is for fentry, fexit, fmod_ret, LSM, tp_btf and freplace.
type LinkTracing struct {
	TargetBTFID uint32 // freplace: the function in the target program
	_           uint32
	Cookie      uint64 // since 5.19
}

// LinkIter is for iterators: Info is a union bpf_iter_link_info.
type LinkIter struct {
	Info    Pointer
	InfoLen uint32
	_       uint32
}

// LinkPerfEvent is for programs on perf events. Needs 5.15.
type LinkPerfEvent struct{ Cookie uint64 }

// LinkMulti is for kprobe.multi (5.18) and kprobe.session (6.10).
type LinkMulti struct {
	Flags   uint32 // 1: at return
	Count   uint32
	Syms    Pointer // array of C strings, or…
	Addrs   Pointer // …array of uint64
	Cookies Pointer
}

// LinkUprobeMulti is for uprobe.multi (6.6) and uprobe.session (6.13).
type LinkUprobeMulti struct {
	Path          Pointer
	Offsets       Pointer
	RefCtrOffsets Pointer
	Cookies       Pointer
	Count         uint32
	Flags         uint32 // 1: at return
	PID           uint32
	PathFD        uint32
}

// LinkTracingMulti is for fentry.multi, fexit.multi and fsession.multi (7.2).
type LinkTracingMulti struct {
	IDs     Pointer // of functions, in BTF
	Cookies Pointer
	Count   uint32
	_       uint32
}

// LinkNetfilter is for netfilter programs (6.4).
type LinkNetfilter struct {
	ProtocolFamily uint32
	Hook           uint32
	Priority       int32
	Flags          uint32
}

// LinkRelative is for hooks that order programs: tcx (6.6), netkit (6.7),
// cgroup (6.17).
type LinkRelative struct {
	FDOrID           uint32 // as the flags say
	_                uint32
	ExpectedRevision uint64
}

// LinkCreate attaches a program. Needs 5.7. Descriptors in attr have to stay
// open until it returns.
func LinkCreate[E LinkExtra](attr *LinkCreateAttr[E]) (*FD, error) {
	return open(CmdLinkCreate, attr)
}

// LinkUpdate replaces the program behind a link. Old, if not nil, is the program
// that has to be there (flag BPF_F_REPLACE is added). Needs 5.7.
func LinkUpdate(link, replacement, old *FD, flags uint32) error {
	var attr struct{ linkFD, newFD, flags, oldFD uint32 }
	var refs Refs
	defer refs.Release()
	var err error
	if attr.linkFD, err = refs.Acquire(link); err != nil {
		return err
	}
	if attr.newFD, err = refs.Acquire(replacement); err != nil {
		return err
	}
	if attr.oldFD, err = refs.Acquire(old); err != nil {
		return err
	}
	attr.flags = flags
	if old != nil {
		attr.flags |= FlagReplace
	}
	return call(CmdLinkUpdate, &attr)
}

// LinkDetach ends the attachment, though the link lives on. Needs 5.9.
func LinkDetach(link *FD) error {
	raw, err := link.Acquire()
	if err != nil {
		return err
	}
	defer link.Release()
	attr := struct{ fd uint32 }{uint32(raw)}
	return call(CmdLinkDetach, &attr)
}

// IterCreate opens a new pass of an iterator link. Needs 5.8.
func IterCreate(link *FD) (*FD, error) {
	raw, err := link.Acquire()
	if err != nil {
		return nil, err
	}
	defer link.Release()
	attr := struct{ fd, flags uint32 }{uint32(raw), 0}
	return open(CmdIterCreate, &attr)
}

// RawTracepointOpen attaches prog to the raw tracepoint called name, or to what
// it was loaded for if name is empty (tp_btf, fentry, LSM…). Needs 4.17; cookies 6.10.
func RawTracepointOpen(prog *FD, name string, cookie uint64) (*FD, error) {
	raw, err := prog.Acquire()
	if err != nil {
		return nil, err
	}
	defer prog.Release()
	attr := struct {
		name   Pointer
		progFD uint32
		_      uint32
		cookie uint64
	}{progFD: uint32(raw), cookie: cookie}
	if name != "" {
		attr.name = CString(name)
	}
	return open(CmdRawTracepointOpen, &attr)
}

// Flags that order programs on one hook.
const (
	FlagReplace uint32 = 1 << 2
	FlagBefore  uint32 = 1 << 3
	FlagAfter   uint32 = 1 << 4
	FlagID      uint32 = 1 << 5
	FlagLink    uint32 = 1 << 13
)

// ProgAttachAttr is what BPF_PROG_ATTACH and BPF_PROG_DETACH take.
type ProgAttachAttr struct {
	TargetFD         uint32 // or ifindex
	AttachFD         uint32
	AttachType       uint32
	AttachFlags      uint32
	ReplaceFD        uint32
	RelativeFDOrID   uint32
	ExpectedRevision uint64
}

// ProgAttach attaches a program without a link, until ProgDetach.
func ProgAttach(attr *ProgAttachAttr) error { return call(CmdProgAttach, attr) }

// ProgDetach ends ProgAttach.
func ProgDetach(attr *ProgAttachAttr) error { return call(CmdProgDetach, attr) }

// ProgQueryAttr is what BPF_PROG_QUERY takes.
type ProgQueryAttr struct {
	TargetFD        uint32 // or ifindex
	AttachType      uint32
	QueryFlags      uint32
	AttachFlags     uint32 // out
	ProgIDs         Pointer
	Count           uint32 // in: room; out: number of programs
	_               uint32
	ProgAttachFlags Pointer
	LinkIDs         Pointer
	LinkAttachFlags Pointer
	Revision        uint64 // out
}

// ProgQuery tells what is attached. ENOSPC means that the arrays are too small.
func ProgQuery(attr *ProgQueryAttr) error { return call(CmdProgQuery, attr) }
