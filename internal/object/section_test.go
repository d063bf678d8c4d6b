package object

import (
	"strings"
	"testing"

	"github.com/bpfgen/bpfgen/internal/uapi"
)

// Every section name of libbpf 1.7, as "name program-type attach-type flags". A
// "+" says that the name may have a suffix.
const libbpfSections = `
socket                   socket_filter            -                               -
sk_reuseport/migrate     sk_reuseport             sk_reuseport_select_or_migrate  attachable
sk_reuseport             sk_reuseport             sk_reuseport_select             attachable
kprobe+                  kprobe                   -                               -
uprobe+                  kprobe                   -                               -
uprobe.s+                kprobe                   -                               sleepable
kretprobe+               kprobe                   -                               -
uretprobe+               kprobe                   -                               -
uretprobe.s+             kprobe                   -                               sleepable
kprobe.multi+            kprobe                   trace_kprobe_multi              -
kretprobe.multi+         kprobe                   trace_kprobe_multi              -
kprobe.session+          kprobe                   trace_kprobe_session            -
uprobe.multi+            kprobe                   trace_uprobe_multi              -
uretprobe.multi+         kprobe                   trace_uprobe_multi              -
uprobe.session+          kprobe                   trace_uprobe_session            -
uprobe.multi.s+          kprobe                   trace_uprobe_multi              sleepable
uretprobe.multi.s+       kprobe                   trace_uprobe_multi              sleepable
uprobe.session.s+        kprobe                   trace_uprobe_session            sleepable
ksyscall+                kprobe                   -                               -
kretsyscall+             kprobe                   -                               -
usdt+                    kprobe                   -                               usdt
usdt.s+                  kprobe                   -                               sleepable,usdt
tc/ingress               sched_cls                tcx_ingress                     -
tc/egress                sched_cls                tcx_egress                      -
tcx/ingress              sched_cls                tcx_ingress                     -
tcx/egress               sched_cls                tcx_egress                      -
tc                       sched_cls                -                               -
classifier               sched_cls                -                               -
action                   sched_act                -                               -
netkit/primary           sched_cls                netkit_primary                  -
netkit/peer              sched_cls                netkit_peer                     -
tracepoint+              tracepoint               -                               -
tp+                      tracepoint               -                               -
tracepoint.s+            tracepoint               -                               sleepable
tp.s+                    tracepoint               -                               sleepable
raw_tracepoint+          raw_tracepoint           -                               -
raw_tp+                  raw_tracepoint           -                               -
raw_tracepoint.s+        raw_tracepoint           -                               sleepable
raw_tp.s+                raw_tracepoint           -                               sleepable
raw_tracepoint.w+        raw_tracepoint_writable  -                               -
raw_tp.w+                raw_tracepoint_writable  -                               -
tp_btf+                  tracing                  trace_raw_tp                    btf
tp_btf.s+                tracing                  trace_raw_tp                    sleepable,btf
fentry+                  tracing                  trace_fentry                    btf
fmod_ret+                tracing                  modify_return                   btf
fexit+                   tracing                  trace_fexit                     btf
fentry.s+                tracing                  trace_fentry                    sleepable,btf
fmod_ret.s+              tracing                  modify_return                   sleepable,btf
fexit.s+                 tracing                  trace_fexit                     sleepable,btf
fsession+                tracing                  trace_fsession                  btf
fsession.s+              tracing                  trace_fsession                  sleepable,btf
fsession.multi+          tracing                  trace_fsession_multi            -
fsession.multi.s+        tracing                  trace_fsession_multi            sleepable
fentry.multi+            tracing                  trace_fentry_multi              -
fexit.multi+             tracing                  trace_fexit_multi               -
fentry.multi.s+          tracing                  trace_fentry_multi              sleepable
fexit.multi.s+           tracing                  trace_fexit_multi               sleepable
freplace+                ext                      -                               btf
lsm+                     lsm                      lsm_mac                         btf
lsm.s+                   lsm                      lsm_mac                         sleepable,btf
lsm_cgroup+              lsm                      lsm_cgroup                      btf
iter+                    tracing                  trace_iter                      btf
iter.s+                  tracing                  trace_iter                      sleepable,btf
syscall                  syscall                  -                               sleepable
xdp.frags/devmap         xdp                      xdp_devmap                      frags
xdp/devmap               xdp                      xdp_devmap                      attachable
xdp.frags/cpumap         xdp                      xdp_cpumap                      frags
xdp/cpumap               xdp                      xdp_cpumap                      attachable
xdp.frags                xdp                      xdp                             frags
xdp                      xdp                      xdp                             attachable,optional
perf_event               perf_event               -                               -
lwt_in                   lwt_in                   -                               -
lwt_out                  lwt_out                  -                               -
lwt_xmit                 lwt_xmit                 -                               -
lwt_seg6local            lwt_seg6local            -                               -
sockops                  sock_ops                 cgroup_sock_ops                 attachable,optional
sk_skb/stream_parser     sk_skb                   sk_skb_stream_parser            attachable,optional
sk_skb/stream_verdict    sk_skb                   sk_skb_stream_verdict           attachable,optional
sk_skb/verdict           sk_skb                   sk_skb_verdict                  attachable,optional
sk_skb                   sk_skb                   -                               -
sk_msg                   sk_msg                   sk_msg_verdict                  attachable,optional
lirc_mode2               lirc_mode2               lirc_mode2                      attachable,optional
flow_dissector           flow_dissector           flow_dissector                  attachable,optional
cgroup_skb/ingress       cgroup_skb               cgroup_inet_ingress             attachable,optional
cgroup_skb/egress        cgroup_skb               cgroup_inet_egress              attachable,optional
cgroup/skb               cgroup_skb               -                               -
cgroup/sock_create       cgroup_sock              cgroup_inet_sock_create         attachable
cgroup/sock_release      cgroup_sock              cgroup_inet_sock_release        attachable
cgroup/sock              cgroup_sock              cgroup_inet_sock_create         attachable,optional
cgroup/post_bind4        cgroup_sock              cgroup_inet4_post_bind          attachable
cgroup/post_bind6        cgroup_sock              cgroup_inet6_post_bind          attachable
cgroup/bind4             cgroup_sock_addr         cgroup_inet4_bind               attachable
cgroup/bind6             cgroup_sock_addr         cgroup_inet6_bind               attachable
cgroup/connect4          cgroup_sock_addr         cgroup_inet4_connect            attachable
cgroup/connect6          cgroup_sock_addr         cgroup_inet6_connect            attachable
cgroup/connect_unix      cgroup_sock_addr         cgroup_unix_connect             attachable
cgroup/sendmsg4          cgroup_sock_addr         cgroup_udp4_sendmsg             attachable
cgroup/sendmsg6          cgroup_sock_addr         cgroup_udp6_sendmsg             attachable
cgroup/sendmsg_unix      cgroup_sock_addr         cgroup_unix_sendmsg             attachable
cgroup/recvmsg4          cgroup_sock_addr         cgroup_udp4_recvmsg             attachable
cgroup/recvmsg6          cgroup_sock_addr         cgroup_udp6_recvmsg             attachable
cgroup/recvmsg_unix      cgroup_sock_addr         cgroup_unix_recvmsg             attachable
cgroup/getpeername4      cgroup_sock_addr         cgroup_inet4_getpeername        attachable
cgroup/getpeername6      cgroup_sock_addr         cgroup_inet6_getpeername        attachable
cgroup/getpeername_unix  cgroup_sock_addr         cgroup_unix_getpeername         attachable
cgroup/getsockname4      cgroup_sock_addr         cgroup_inet4_getsockname        attachable
cgroup/getsockname6      cgroup_sock_addr         cgroup_inet6_getsockname        attachable
cgroup/getsockname_unix  cgroup_sock_addr         cgroup_unix_getsockname         attachable
cgroup/sysctl            cgroup_sysctl            cgroup_sysctl                   attachable
cgroup/getsockopt        cgroup_sockopt           cgroup_getsockopt               attachable
cgroup/setsockopt        cgroup_sockopt           cgroup_setsockopt               attachable
cgroup/dev               cgroup_device            cgroup_device                   attachable,optional
struct_ops+              struct_ops               -                               -
struct_ops.s+            struct_ops               -                               sleepable
sk_lookup                sk_lookup                sk_lookup                       attachable
netfilter                netfilter                netfilter                       -
`

func flagNames(d *SectionDef) string {
	var names []string
	for _, f := range []struct {
		trait Trait
		name  string
	}{
		{Sleepable, "sleepable"}, {AttachBTF, "btf"}, {Attachable, "attachable"},
		{AttachTypeOptional, "optional"}, {XDPFrags, "frags"}, {USDT, "usdt"},
	} {
		if d.Has(f.trait) {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ",")
}

func TestEveryLibbpfSectionName(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(libbpfSections), "\n")
	if len(lines) != len(sections) {
		t.Errorf("libbpf has %d section names, the table %d", len(lines), len(sections))
	}
	for _, line := range lines {
		f := strings.Fields(line)
		name, takesSuffix := strings.CutSuffix(f[0], "+")
		d, suffix, optional, ok := MatchSection(name)
		if !ok {
			t.Errorf("%s: unknown", name)
			continue
		}
		attach := d.Attach.LibbpfName()
		if f[2] == "-" {
			f[2] = uapi.AttachNone.LibbpfName()
		}
		got := []string{d.Name, d.Type.LibbpfName(), attach, flagNames(d)}
		if want := append([]string{name}, f[1:]...); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		if suffix != "" || optional {
			t.Errorf("%s: suffix %q, optional %v", name, suffix, optional)
		}
		if (d.Suffix != SuffixNone) != takesSuffix {
			t.Errorf("%s: takes a suffix: %v, want %v", name, d.Suffix != SuffixNone, takesSuffix)
		}
		if takesSuffix {
			d2, suffix, optional, ok := MatchSection("?" + name + "/some/thing")
			if d2 != d || !optional || !ok {
				t.Errorf("?%s/some/thing: got %v optional %v", name, d2, optional)
			}
			if want := map[bool]string{true: "", false: "some/thing"}[d.Suffix == SuffixIgnored]; suffix != want {
				t.Errorf("?%s/some/thing: suffix %q, want %q", name, suffix, want)
			}
		}
	}
}

func TestMatchSection(t *testing.T) {
	for _, c := range []struct {
		sec, def, suffix string
		optional         bool
	}{
		{sec: "kprobe/do_unlinkat+0x10", def: "kprobe", suffix: "do_unlinkat+0x10"},
		{sec: "kprobe.multi/tcp_*", def: "kprobe.multi", suffix: "tcp_*"},
		{sec: "uprobe.s//bin/bash:readline", def: "uprobe.s", suffix: "/bin/bash:readline"},
		{sec: "tp/syscalls/sys_enter_open", def: "tp", suffix: "syscalls/sys_enter_open"},
		{sec: "?lsm.s/bpf", def: "lsm.s", suffix: "bpf", optional: true},
		{sec: "fentry/", def: "fentry", suffix: ""},
		{sec: "tc/ingress", def: "tc/ingress"},
		{sec: "xdp.frags/devmap", def: "xdp.frags/devmap"},
		{sec: "struct_ops/any", def: "struct_ops"},

		// What only looser loaders know: the first row that they begin with.
		{sec: "classifier/from-eth0", def: "classifier"},
		{sec: "xdp_prog1", def: "xdp"},
		{sec: "socket1", def: "socket"},
		{sec: "sk_skb1", def: "sk_skb"},
		{sec: "?xdp/mine", def: "xdp", optional: true},
		{sec: "cgroup/sock_create2", def: "cgroup/sock_create"},

		// Unknown.
		{sec: "kprobes/do_unlinkat"}, {sec: "ingress"}, {sec: "from-container"}, {sec: "2/1"},
		{sec: "fentryfoo"}, {sec: ""}, {sec: "?", optional: true}, {sec: "XDP"},
	} {
		def, suffix, optional, ok := MatchSection(c.sec)
		name := ""
		if def != nil {
			name = def.Name
		}
		if name != c.def || suffix != c.suffix || optional != c.optional || ok != (c.def != "") {
			t.Errorf("MatchSection(%q) = %q, %q, %v, %v", c.sec, name, suffix, optional, ok)
		}
	}
}

func TestProgFlags(t *testing.T) {
	for sec, want := range map[string]uint32{
		"xdp": 0, "xdp.frags": uapi.ProgFlagXDPHasFrags, "xdp.frags/cpumap": uapi.ProgFlagXDPHasFrags,
		"fentry": 0, "fentry.s": uapi.ProgFlagSleepable, "syscall": uapi.ProgFlagSleepable,
	} {
		d, _, _, _ := MatchSection(sec)
		if got := d.ProgFlags(); got != want {
			t.Errorf("%s: flags %#x, want %#x", sec, got, want)
		}
	}
}

func TestNearestSection(t *testing.T) {
	for sec, want := range map[string]string{
		"kprob/do_unlinkat":        "kprobe/do_unlinkat",
		"kporbe/do_unlinkat":       "kprobe/do_unlinkat",
		"fentri.s/vfs_read":        "fentry.s/vfs_read",
		"xpd":                      "xdp",
		"tracepont/a/b":            "tracepoint/a/b",
		"cgrup/connect4":           "cgroup/connect4",
		"cgroup_skb/igress":        "cgroup_skb/ingress",
		"?lsn/bpf":                 "lsm/bpf",
		"rawtracepoint/x":          "raw_tracepoint/x",
		"completely-else":          "",
		"2/1":                      "",
		"":                         "",
		strings.Repeat("x", 1<<20): "",
	} {
		if got := NearestSection(sec); got != want {
			t.Errorf("NearestSection(%.40q) = %q, want %q", sec, got, want)
		}
	}
}
