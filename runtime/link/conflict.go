package link

import (
	"encoding/binary"
	"fmt"
	"strings"

	ebpf "github.com/bpfgen/bpfgen/runtime"

	"github.com/bpfgen/bpfgen/internal/kernel"
	"golang.org/x/sys/unix"
)

// Errors about a place that is taken name who is there. That is asked for after
// the kernel has refused, and what can't be found out is left out.

// holder is a program that is attached somewhere, and the link it is attached
// by, zero if it is by none or that isn't known.
type holder struct {
	prog ebpf.ProgramID
	link ID
}

func (h holder) String() string {
	text := fmt.Sprintf("program %d", h.prog)
	if name := programName(h.prog); name != "" {
		text = fmt.Sprintf("program %q (ID %d)", name, h.prog)
	}
	if h.link != 0 {
		text += fmt.Sprintf(" by link %d", h.link)
	}
	return text
}

// programName is "" if that can't be found out.
func programName(id ebpf.ProgramID) string {
	fd, err := kernel.FDByID(kernel.CmdProgGetFDByID, uint32(id), 0)
	if err != nil {
		return ""
	}
	defer fd.Close()
	var info kernel.ProgInfo
	if err := kernel.ObjInfo(fd, &info); err != nil {
		return ""
	}
	return kernel.GoString(info.Name[:])
}

// taken adds to err that the place has holders, and what can be done.
func taken(err error, place string, holders []holder, remedy string) error {
	if len(holders) == 0 {
		return fmt.Errorf("%w: %s is taken: %s", err, place, remedy)
	}
	names := make([]string, len(holders))
	for i, h := range holders {
		names[i] = h.String()
	}
	return fmt.Errorf("%w: %s has %s: %s", err, place, strings.Join(names, ", "), remedy)
}

// attachedTo are the programs of an attach type at a target, as BPF_PROG_QUERY
// tells them.
func attachedTo(target int, attach ebpf.AttachType, flags uint32) []holder {
	result, err := QueryPrograms(QueryOptions{Target: target, Attach: attach, QueryFlags: flags})
	if err != nil {
		return nil
	}
	holders := make([]holder, len(result.Programs))
	for i, p := range result.Programs {
		holders[i] = holder{p.ID, p.linkID}
	}
	return holders
}

// linked are the programs of those links that is is true for.
func linked(is func(*Info) bool) []holder {
	var holders []holder
	var it Iterator
	defer it.Close()
	for it.Next() {
		if info, err := it.Link.Info(); err == nil && is(info) {
			holders = append(holders, holder{info.Program, info.ID})
		}
	}
	return holders
}

// xdpOn are the programs on an interface: those of links, and else the one that
// was attached by netlink, as "ip link set dev eth0 xdp" does it.
func xdpOn(iface int) []holder {
	holders := linked(func(info *Info) bool {
		xdp := info.XDP()
		return xdp != nil && int(xdp.Ifindex) == iface
	})
	if id := xdpByNetlink(iface); len(holders) == 0 && id != 0 {
		holders = append(holders, holder{prog: id})
	}
	return holders
}

// IFLA_XDP and what is in it.
const (
	iflaXDP       = 43
	iflaXDPProgID = 4
	nestedAttr    = 1 << 15
)

func xdpByNetlink(iface int) ebpf.ProgramID {
	netlink, err := kernel.OpenNetlink()
	if err != nil {
		return 0
	}
	defer netlink.Close()
	ask := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(ask[4:], uint32(iface))
	reply, err := netlink.Ask(unix.RTM_GETLINK, unix.RTM_NEWLINK, ask)
	if err != nil || len(reply) < unix.SizeofIfInfomsg {
		return 0
	}
	xdp := netlinkAttr(reply[unix.SizeofIfInfomsg:], iflaXDP)
	if id := netlinkAttr(xdp, iflaXDPProgID); len(id) == 4 {
		return ebpf.ProgramID(binary.NativeEndian.Uint32(id))
	}
	return 0
}

// netlinkAttr is the value of an attribute, nil if it isn't there.
func netlinkAttr(attrs []byte, kind uint16) []byte {
	for len(attrs) >= unix.SizeofRtAttr {
		size := int(binary.NativeEndian.Uint16(attrs))
		if size < unix.SizeofRtAttr || size > len(attrs) {
			return nil
		}
		if binary.NativeEndian.Uint16(attrs[2:])&^nestedAttr == kind {
			return attrs[unix.SizeofRtAttr:size]
		}
		attrs = attrs[min((size+3)&^3, len(attrs)):]
	}
	return nil
}
