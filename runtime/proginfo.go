package ebpf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// progDetails are the parts of a ProgramInfo that have no fixed size.
type progDetails struct {
	mapIDs     []MapID
	xlated     []byte
	funcInfos  []byte
	lineInfos  []byte
	jited      []byte
	jitedLines []uint64
	ksyms      []uint64
	funcLens   []uint32
}

// newProgDetails makes room for what info says there is.
func newProgDetails(info *kernel.ProgInfo) progDetails {
	d := progDetails{
		mapIDs:   make([]MapID, info.NrMapIDs),
		xlated:   make([]byte, info.XlatedProgLen),
		jited:    make([]byte, info.JitedProgLen),
		ksyms:    make([]uint64, info.NrJitedKsyms),
		funcLens: make([]uint32, info.NrJitedFuncLens),
	}
	// The kernel gives records of its own size or none. Those of another size
	// are of a future that this code knows nothing of.
	if info.FuncInfoRecSize == funcInfoSize {
		d.funcInfos = make([]byte, info.NrFuncInfo*funcInfoSize)
	}
	if info.LineInfoRecSize == lineInfoSize {
		d.lineInfos = make([]byte, info.NrLineInfo*lineInfoSize)
	}
	if info.JitedLineInfoRecSize == jitedLineSize {
		d.jitedLines = make([]uint64, info.NrJitedLineInfo)
	}
	return d
}

// jitedLineSize is the size of an address.
const jitedLineSize = 8

// request tells the kernel where there is how much room.
func (d *progDetails) request() kernel.ProgInfo {
	return kernel.ProgInfo{
		NrMapIDs: uint32(len(d.mapIDs)), MapIDs: kernel.Slice(d.mapIDs),
		XlatedProgLen: uint32(len(d.xlated)), XlatedProgInsns: kernel.Bytes(d.xlated),
		JitedProgLen: uint32(len(d.jited)), JitedProgInsns: kernel.Bytes(d.jited),
		NrJitedKsyms: uint32(len(d.ksyms)), JitedKsyms: kernel.Slice(d.ksyms),
		NrJitedFuncLens: uint32(len(d.funcLens)), JitedFuncLens: kernel.Slice(d.funcLens),
		NrFuncInfo: uint32(len(d.funcInfos) / funcInfoSize), FuncInfo: kernel.Bytes(d.funcInfos),
		FuncInfoRecSize: recordSize(funcInfoSize, len(d.funcInfos)),
		NrLineInfo:      uint32(len(d.lineInfos) / lineInfoSize), LineInfo: kernel.Bytes(d.lineInfos),
		LineInfoRecSize: recordSize(lineInfoSize, len(d.lineInfos)),
		NrJitedLineInfo: uint32(len(d.jitedLines)), JitedLineInfo: kernel.Slice(d.jitedLines),
		JitedLineInfoRecSize: recordSize(jitedLineSize, len(d.jitedLines)),
	}
}

// recordSize is that of n records. Kernels before 5.0 want to see nothing.
func recordSize(size uint32, n int) uint32 {
	if n == 0 {
		return 0
	}
	return size
}

// received drops what the kernel has withheld: it takes back the pointer.
func (d *progDetails) received(info *kernel.ProgInfo) {
	keep(&d.mapIDs, info.MapIDs, info.NrMapIDs)
	keep(&d.xlated, info.XlatedProgInsns, info.XlatedProgLen)
	keep(&d.jited, info.JitedProgInsns, info.JitedProgLen)
	keep(&d.ksyms, info.JitedKsyms, info.NrJitedKsyms)
	keep(&d.funcLens, info.JitedFuncLens, info.NrJitedFuncLens)
	keep(&d.funcInfos, info.FuncInfo, info.NrFuncInfo*funcInfoSize)
	keep(&d.lineInfos, info.LineInfo, info.NrLineInfo*lineInfoSize)
	keep(&d.jitedLines, info.JitedLineInfo, info.NrJitedLineInfo)
}

// keep cuts what was filled.
func keep[T any](s *[]T, filled kernel.Pointer, n uint32) {
	if filled == (kernel.Pointer{}) {
		n = 0
	}
	*s = (*s)[:min(len(*s), int(n))]
}

// Memlock is about how many bytes the program takes. Needs /proc. Available
// since 4.10.
func (pi *ProgramInfo) Memlock() (uint64, bool) { return pi.memlock, pi.memlock != 0 }

// readMemlock is 0 without /proc.
func readMemlock(fd *kernel.FD) uint64 {
	fields, err := fdinfo(fd)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(fields["memlock"], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// JitedInsns is the machine code, of all functions one after the other. Needs
// CAP_BPF, and kernel.kptr_restrict and net.core.bpf_jit_harden to permit it.
// Available since 4.13.
func (pi *ProgramInfo) JitedInsns() ([]byte, bool) { return pi.jited, len(pi.jited) > 0 }

// JitedFuncLens are the sizes in bytes of the functions in JitedInsns. Available
// since 4.18, see JitedInsns.
func (pi *ProgramInfo) JitedFuncLens() ([]uint32, bool) { return pi.funcLens, len(pi.funcLens) > 0 }

// JitedLineInfos are the addresses of the machine code of LineInfos. Available
// since 5.0, see JitedInsns.
func (pi *ProgramInfo) JitedLineInfos() ([]uint64, bool) {
	return pi.jitedLines, len(pi.jitedLines) > 0
}

// JitedKsymAddrs are the addresses of the functions, which /proc/kallsyms has,
// too. It is false also for a 32-bit program on a 64-bit kernel, whose addresses
// it can't hold. Available since 4.18, see JitedInsns.
func (pi *ProgramInfo) JitedKsymAddrs() ([]uintptr, bool) {
	addrs := make([]uintptr, len(pi.ksyms))
	for i, addr := range pi.ksyms {
		addrs[i] = uintptr(addr)
		if uint64(addrs[i]) != addr {
			return nil, false
		}
	}
	return addrs, len(addrs) > 0
}

// FuncInfos are the functions, by the offset of their first instruction. It
// wraps ErrNotSupported if the program was loaded without BTF. Needs 5.0 and
// CAP_SYS_ADMIN.
func (pi *ProgramInfo) FuncInfos() (btf.FuncOffsets, error) {
	types, err := pi.types(len(pi.funcInfos))
	if err != nil {
		return nil, fmt.Errorf("functions of program %q: %w", pi.Name, err)
	}
	return btf.LoadFuncInfos(bytes.NewReader(pi.funcInfos), binary.NativeEndian, uint32(len(pi.funcInfos)/funcInfoSize), types)
}

// LineInfos are the source lines, by the offset of their first instruction. It
// wraps ErrNotSupported if the program was loaded without BTF. Needs 5.0 and
// CAP_SYS_ADMIN.
func (pi *ProgramInfo) LineInfos() (btf.LineOffsets, error) {
	types, err := pi.types(len(pi.lineInfos))
	if err != nil {
		return nil, fmt.Errorf("lines of program %q: %w", pi.Name, err)
	}
	return btf.LoadLineInfos(bytes.NewReader(pi.lineInfos), binary.NativeEndian, uint32(len(pi.lineInfos)/lineInfoSize), types)
}

// types are what n bytes of infos refer to.
func (pi *ProgramInfo) types(n int) (*btf.Spec, error) {
	if n == 0 || pi.raw.BTFID == 0 {
		return nil, fmt.Errorf("the program has none, or the right to read them is missing: %w", ErrNotSupported)
	}
	h, err := btf.NewHandleFromID(btf.ID(pi.raw.BTFID))
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.Spec(nil)
}

// annotate adds to instructions what functions and lines they are from. It
// needs the types, and without the right to read them there are no names.
func (pi *ProgramInfo) annotate(insns asm.Instructions) {
	funcs, err := pi.FuncInfos()
	if err != nil {
		return
	}
	lines, err := pi.LineInfos()
	if err != nil {
		lines = nil
	}
	nextFunc, nextLine := funcs, lines
	for iter := insns.Iterate(); iter.Next(); {
		offset := uint32(iter.Offset) * asm.InstructionSize
		if len(nextFunc) > 0 && nextFunc[0].Offset == offset {
			fn := nextFunc[0].Func
			*iter.Ins = iter.Ins.WithSymbol(fn.Name()).WithFunc(fn)
			nextFunc = nextFunc[1:]
		}
		if len(nextLine) > 0 && nextLine[0].Offset == offset {
			*iter.Ins = iter.Ins.WithSource(&nextLine[0].Line)
			nextLine = nextLine[1:]
		}
		if callee := calledFunction(iter, funcs); callee != "" {
			*iter.Ins = iter.Ins.WithReference(callee)
		}
	}
}

// calledFunction is the name of what a call in translated code is to. The kernel
// puts the distance into the offset. The constant is the number of the function
// after translation to machine code; an interpreter's own affair, out of the
// range of numbers; or 0, which is nobody's number, if it is hidden.
func calledFunction(iter *asm.InstructionIterator, funcs btf.FuncOffsets) string {
	if !iter.Ins.IsFunctionCall() {
		return ""
	}
	target := (int64(iter.Offset) + 1 + int64(iter.Ins.Offset)) * asm.InstructionSize
	i, found := slices.BinarySearchFunc(funcs, target, func(fn btf.FuncOffset, offset int64) int {
		return cmp.Compare(int64(fn.Offset), offset)
	})
	number := iter.Ins.Constant
	if !found || number > 0 && number < int64(len(funcs)) && number != int64(i) {
		return ""
	}
	return funcs[i].Func.Name()
}
