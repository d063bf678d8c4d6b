// bpfgen: Attach
//
// A program for each way to attach one, and those that aren't attached.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define ALTERNATIVE(group) __attribute__((btf_decl_tag("bpfgen:alt=" #group)))
#define program(section, name) SEC(section) int name(void *ctx) { return 0; }

// Nothing is left open.
program("fentry/do_unlinkat", on_fentry)
program("fexit", on_fexit)
program("tp_btf/sched_switch", on_tp_btf)
program("raw_tp/sched_switch", on_raw_tp)
program("tp/sched/sched_switch", on_tp)
program("kprobe/do_unlinkat", on_kprobe)
program("kretprobe.multi/tcp_*", on_kretprobe_multi)
program("kprobe.session/tcp_*", on_kprobe_session)
program("uprobe//bin/bash:readline", on_uprobe)
program("usdt/libc.so.6:libc:setjmp", on_usdt)
program("ksyscall/openat", on_ksyscall)
program("lsm/file_open", on_lsm)
program("iter/task", on_iter)
program("freplace/get_constant", on_freplace)

// Something is.
program("raw_tp", open_raw_tp)
program("tp", open_tp)
program("kprobe", open_kprobe)
program("kprobe.multi", open_kprobe_multi)
program("uretprobe", open_uretprobe)
program("uprobe.multi", open_uprobe_multi)
program("usdt", open_usdt)
program("kretsyscall", open_kretsyscall)
program("iter/bpf_map_elem", open_iter)
program("lsm_cgroup/socket_bind", open_lsm_cgroup)
program("cgroup_skb/egress", open_cgroup)
program("xdp", open_xdp)
program("tc", open_tc)
program("tcx/ingress", open_tcx)
program("netkit/peer", open_netkit)
program("netfilter", open_netfilter)
program("sk_lookup", open_sk_lookup)
program("flow_dissector", open_flow_dissector)
program("sk_msg", open_sk_msg)
program("sk_skb/stream_verdict", open_sk_skb)
program("sk_reuseport", open_sk_reuseport)
program("socket", open_socket)
program("perf_event", open_perf_event)

// Only on demand.
program("?kprobe/vfs_read", on_demand)

// The first that this kernel takes.
program("kprobe/vfs_write", ALTERNATIVE(write) write_kprobe)
program("fentry/vfs_write", ALTERNATIVE(write) write_fentry)
program("uprobe", ALTERNATIVE(write) write_uprobe)

// Attached in other ways, if at all.
program("syscall", not_syscall)
program("xdp/devmap", not_devmap)
program("lwt_in", not_lwt)
program("socket", called)

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int (void *));
} calls SEC(".maps") = { .values = { (void *)&called } };

// A struct with functions.
struct sock;

enum flavour { SWEET = 1, SOUR };

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void *owner;
	char name[16];
	__u32 flags;
	enum flavour flavour;
};

SEC("struct_ops") __u32 half(__u64 *ctx) { return 2; }
SEC("struct_ops") void avoid(__u64 *ctx) {}

SEC(".struct_ops.link") struct tcp_congestion_ops demo = {
	.ssthresh = (void *)half,
	.cong_avoid = (void *)avoid,
	.name = "demo",
};

SEC("?.struct_ops") struct tcp_congestion_ops spare = { .ssthresh = (void *)half };

char _license[] SEC("license") = "GPL";
