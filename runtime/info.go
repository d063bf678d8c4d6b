package ebpf

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bpfgen/bpfgen/internal/files"
	"github.com/bpfgen/bpfgen/internal/kernel"
	"github.com/bpfgen/bpfgen/runtime/asm"
	"github.com/bpfgen/bpfgen/runtime/btf"
)

// MapID identifies a map in the kernel, as long as it exists.
type MapID uint32

// ProgramID identifies a program in the kernel, as long as it exists.
type ProgramID uint32

// MapGetNextID is the smallest ID of a map above startID. It wraps
// os.ErrNotExist if there is none. Needs 4.13 and CAP_SYS_ADMIN.
func MapGetNextID(startID MapID) (MapID, error) {
	id, err := kernel.NextID(kernel.CmdMapGetNextID, uint32(startID))
	return MapID(id), kernel.ExplainPermission(err, kernel.CapSysAdmin)
}

// ProgramGetNextID is the smallest ID of a program above startID. It wraps
// os.ErrNotExist if there is none. Needs 4.13 and CAP_SYS_ADMIN.
func ProgramGetNextID(startID ProgramID) (ProgramID, error) {
	id, err := kernel.NextID(kernel.CmdProgGetNextID, uint32(startID))
	return ProgramID(id), kernel.ExplainPermission(err, kernel.CapSysAdmin)
}

// MapInfo is what the kernel knows about a map.
type MapInfo struct {
	Type       MapType
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	Name       string // since 4.15

	id       MapID
	btfID    btf.ID
	mapExtra uint64
	frozen   bool
	memlock  uint64
	fdinfo   bool
}

// Info asks the kernel about the map. Needs 4.13.
func (m *Map) Info() (*MapInfo, error) {
	var info kernel.MapInfo
	if err := kernel.ObjInfo(m.fd, &info); err != nil {
		return nil, fmt.Errorf("info about map %q: %w", m.name, err)
	}
	mi := &MapInfo{
		Type: MapType(info.Type), KeySize: info.KeySize, ValueSize: info.ValueSize,
		MaxEntries: info.MaxEntries, Flags: info.MapFlags, Name: info.Name.String(),
		id: MapID(info.ID), btfID: btf.ID(info.BTFID), mapExtra: info.MapExtra,
	}
	// The rest is a bonus: /proc need not be mounted.
	if fields, err := fdinfo(m.fd); err == nil {
		mi.fdinfo = true
		mi.frozen = fields["frozen"] == "1"
		mi.memlock, _ = strconv.ParseUint(fields["memlock"], 10, 64)
	}
	return mi, nil
}

// ID identifies the map. Available since 4.13.
func (mi *MapInfo) ID() (MapID, bool) { return mi.id, mi.id != 0 }

// BTFID identifies the map's type information, if it has any. Available since
// 4.18.
func (mi *MapInfo) BTFID() (btf.ID, bool) { return mi.btfID, mi.btfID != 0 }

// MapExtra is what the map was made with. Available since 5.16.
func (mi *MapInfo) MapExtra() (uint64, bool) { return mi.mapExtra, mi.mapExtra != 0 }

// Memlock is about how many bytes the map takes. Needs /proc. Available since
// 4.10.
func (mi *MapInfo) Memlock() (uint64, bool) { return mi.memlock, mi.fdinfo }

// Frozen tells whether user space can't write any more. Needs /proc. Available
// since 5.2.
func (mi *MapInfo) Frozen() bool { return mi.frozen }

// fdinfo reads what the kernel says about a descriptor in /proc.
func fdinfo(fd *kernel.FD) (map[string]string, error) {
	raw, err := fd.Acquire()
	if err != nil {
		return nil, err
	}
	defer fd.Release()
	f, err := kernel.OpenFile("/proc/self/fdinfo/"+strconv.Itoa(raw), os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fields := make(map[string]string)
	lines := files.NewLines(f, 4096)
	for lines.Next() {
		if key, value, ok := strings.Cut(string(lines.Line()), ":"); ok {
			fields[key] = strings.TrimSpace(value)
		}
	}
	return fields, lines.Err()
}

// ProgramInfo is what the kernel knows about a program, apart from its
// ProgramStats.
type ProgramInfo struct {
	Type ProgramType
	Tag  string // hash of the instructions, since 4.13
	Name string // since 4.15

	raw     kernel.ProgInfo
	memlock uint64
	progDetails
}

// Info asks the kernel about the program. Needs 4.13.
func (p *Program) Info() (*ProgramInfo, error) {
	info, err := p.info()
	if err != nil {
		return nil, fmt.Errorf("info about program %q: %w", p.name, err)
	}
	return info, nil
}

// info asks twice: how much there is, then for all of it.
func (p *Program) info() (*ProgramInfo, error) {
	sizes, err := p.basics()
	if err != nil {
		return nil, err
	}
	pi := &ProgramInfo{progDetails: newProgDetails(&sizes), memlock: readMemlock(p.fd)}
	pi.raw = pi.request()
	if err := kernel.ObjInfo(p.fd, &pi.raw); err != nil {
		return nil, err
	}
	pi.received(&pi.raw)
	pi.Type = ProgramType(pi.raw.Type)
	pi.Tag = fmt.Sprintf("%x", pi.raw.Tag)
	pi.Name = pi.raw.Name.String()
	return pi, nil
}

// ID identifies the program. Available since 4.13.
func (pi *ProgramInfo) ID() (ProgramID, bool) { return ProgramID(pi.raw.ID), pi.raw.ID != 0 }

// BTFID identifies the program's type information, if it has any. Available
// since 5.0.
func (pi *ProgramInfo) BTFID() (btf.ID, bool) { return btf.ID(pi.raw.BTFID), pi.raw.BTFID != 0 }

// MapIDs are the maps that the program uses. Available since 4.15.
func (pi *ProgramInfo) MapIDs() ([]MapID, bool) { return pi.mapIDs, pi.raw.LoadTime != 0 }

// CreatedByUID is the user who loaded the program. Available since 4.15.
func (pi *ProgramInfo) CreatedByUID() (uint32, bool) {
	return pi.raw.CreatedByUID, pi.raw.LoadTime != 0
}

// LoadTime is when the program was loaded, since boot. Available since 4.15.
func (pi *ProgramInfo) LoadTime() (time.Duration, bool) {
	return time.Duration(pi.raw.LoadTime), pi.raw.LoadTime != 0
}

// VerifiedInstructions is how many instructions the verifier looked at.
// Available since 5.16.
func (pi *ProgramInfo) VerifiedInstructions() (uint32, bool) {
	return pi.raw.VerifiedInsns, pi.raw.VerifiedInsns != 0
}

// TranslatedSize is the size in bytes of the instructions as the kernel has
// rewritten them. Needs CAP_BPF.
func (pi *ProgramInfo) TranslatedSize() (int, error) {
	if len(pi.xlated) == 0 {
		return 0, fmt.Errorf("size of translated instructions: %w", ErrRestrictedKernel)
	}
	return len(pi.xlated), nil
}

// JitedSize is the size in bytes of the machine code. Needs CAP_BPF.
func (pi *ProgramInfo) JitedSize() (uint32, error) {
	if pi.raw.JitedProgLen == 0 {
		return 0, fmt.Errorf("size of machine code: the kernel interprets the program, or says nothing: %w", ErrRestrictedKernel)
	}
	return pi.raw.JitedProgLen, nil
}

// Instructions are those that the kernel runs, or translates to machine code:
// rewritten ones, that can't be loaded again. Maps are by their ID. Needs
// CAP_BPF, and CAP_SYS_ADMIN for the names of functions and the source lines.
func (pi *ProgramInfo) Instructions() (asm.Instructions, error) {
	if len(pi.xlated) == 0 {
		return nil, fmt.Errorf("instructions: %w", ErrRestrictedKernel)
	}
	insns, err := asm.Decode(nil, pi.xlated, binary.NativeEndian)
	if err != nil {
		return nil, fmt.Errorf("instructions: %w", err)
	}
	if len(insns) > 0 {
		insns[0] = insns[0].WithSymbol(pi.Name)
	}
	pi.annotate(insns)
	return insns, nil
}

// ProgramStats are counts of what a program did. They are zero unless
// EnableStats is on.
type ProgramStats struct {
	Runtime  time.Duration // of all runs. Needs 5.8.
	RunCount uint64        // Needs 5.8.
	// RecursionMisses is how often the program wasn't run because it, or another
	// one, was running already. Needs 5.12.
	RecursionMisses uint64
}

// Stats asks the kernel what the program did. Needs 5.8.
func (p *Program) Stats() (*ProgramStats, error) {
	info, err := p.basics()
	if err != nil {
		return nil, fmt.Errorf("statistics of program %q: %w", p.name, err)
	}
	return &ProgramStats{
		Runtime:         time.Duration(info.RunTimeNs),
		RunCount:        info.RunCnt,
		RecursionMisses: info.RecursionMisses,
	}, nil
}

// basics is what the kernel says about a program without being given room.
func (p *Program) basics() (info kernel.ProgInfo, err error) {
	err = kernel.ObjInfo(p.fd, &info)
	return info, err
}

// EnableStats makes the kernel count what programs do, until the result is
// closed. The only kind is unix.BPF_STATS_RUN_TIME. It costs time in each run
// of each program. Needs 5.8 and CAP_SYS_ADMIN.
func EnableStats(which uint32) (io.Closer, error) {
	fd, err := kernel.EnableStats(which)
	if err != nil {
		return nil, fmt.Errorf("enable statistics: %w", kernel.ExplainPermission(err, kernel.CapSysAdmin))
	}
	return fd, nil
}
