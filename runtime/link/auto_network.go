package link

import (
	"errors"

	ebpf "github.com/bpfgen/bpfgen/runtime"
)

func (a *auto) xdp() (Link, error) {
	opts, _ := given[XDPOptions](a)
	if opts.Interface == 0 {
		return a.open("which interface", "pass link.XDPOptions with Interface")
	}
	opts.Program = a.prog
	return AttachXDP(opts)
}

// socket attaches to a socket.
func (a *auto) socket() (Link, error) {
	attach, l := AttachSocketFilter, &socketLink{detach: DetachSocketFilter}
	name := "link.AttachSocketFilter"
	if a.prog.Type() == ebpf.SkReuseport {
		attach, l.detach = AttachReuseport, DetachReuseport
		name = "link.AttachReuseport"
	}
	target, _ := given[SocketTarget](a)
	if target.Conn == nil {
		return a.open("which socket", "pass link.SocketTarget with Conn, or use "+name)
	}
	if err := attach(target.Conn, a.prog); err != nil {
		return nil, err
	}
	l.conn = target.Conn
	return l, nil
}

// tcTarget attaches to tcx if the kernel has it.
func (a *auto) tcTarget(target TCTarget) (Link, error) {
	direction := a.attachType(target.Attach)
	if !target.Classic {
		l, err := AttachTCX(TCXOptions{Interface: target.Interface, Program: a.prog, Attach: direction, Anchor: target.Anchor})
		if err == nil || !errors.Is(err, ErrNotSupported) || target.Anchor != nil {
			return l, err
		}
	}
	return AttachTC(TCOptions{
		Interface: target.Interface, Program: a.prog, Attach: direction, Priority: target.Priority, Handle: target.Handle,
	})
}

// tc attaches to tcx, unless there are options for traffic control without.
func (a *auto) tc() (Link, error) {
	target, isTarget := given[TCTarget](a)
	tcx, _ := given[TCXOptions](a)
	classic, isClassic := given[TCOptions](a)
	iface, direction := tcx.Interface, a.attachType(tcx.Attach)
	switch {
	case isTarget:
		iface, direction = target.Interface, a.attachType(target.Attach)
	case isClassic:
		iface, direction = classic.Interface, a.attachType(classic.Attach)
	}
	switch {
	case iface == 0:
		return a.open("which interface", "pass link.TCXOptions, link.TCOptions or, for either, link.TCTarget, with Interface")
	case direction == ebpf.AttachNone:
		return a.open("which direction", `write SEC("tcx/ingress") or SEC("tcx/egress"), or pass Attach with Interface`)
	case isTarget:
		return a.tcTarget(target)
	case isClassic:
		classic.Program, classic.Attach = a.prog, direction
		return AttachTC(classic)
	}
	tcx.Program, tcx.Attach = a.prog, direction
	return AttachTCX(tcx)
}

func (a *auto) netkit() (Link, error) {
	opts, _ := given[NetkitOptions](a)
	if opts.Interface == 0 {
		return a.open("which interface", "pass link.NetkitOptions with Interface")
	}
	opts.Program, opts.Attach = a.prog, a.prog.AttachType()
	return AttachNetkit(opts)
}

func (a *auto) sockmap() (Link, error) {
	opts, _ := given[SockmapOptions](a)
	opts.Program, opts.Attach = a.prog, a.attachType(opts.Attach)
	switch {
	case opts.Map == nil:
		return a.open("which sockets", "pass link.SockmapOptions with Map")
	case opts.Attach == ebpf.AttachNone:
		return a.open("what it does to sockets", `write SEC("sk_skb/stream_verdict") or the like, or pass Attach in link.SockmapOptions`)
	}
	return AttachSockmap(opts)
}

func (a *auto) netns() (Link, error) {
	ns, ok := given[TargetFD](a)
	if !ok {
		return a.open("which network namespace", "pass the link.TargetFD of /proc/self/ns/net or another one, opened")
	}
	l, err := AttachNetNs(int(ns), a.prog)
	if err != nil {
		return nil, err // not a Link that is a nil *NetNsLink
	}
	return l, nil
}

func (a *auto) netfilter() (Link, error) {
	opts, _ := given[NetfilterOptions](a)
	if opts.ProtocolFamily == NetfilterProtoUnspec {
		return a.open("which protocol and hook", "pass link.NetfilterOptions with ProtocolFamily, Hook and Priority")
	}
	opts.Program = a.prog
	return AttachNetfilter(opts)
}

// cgroup takes the attach type from options only for SEC("cgroup/skb"): the
// number of AttachNone is also that of AttachCGroupInetIngress.
func (a *auto) cgroup() (Link, error) {
	opts, _ := given[CgroupOptions](a)
	if opts.Path == "" {
		return a.open("which control group", "pass link.CgroupOptions with Path")
	}
	opts.Program, opts.Attach = a.prog, a.attachType(opts.Attach)
	return AttachCgroup(opts)
}
