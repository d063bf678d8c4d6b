// bpfgen: Snoop
// What most programs have: configuration, statistics, a map and events.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u32 pid;
	char comm[16];
};

const volatile __u32 target_pid = 0;
__u64 dropped;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} execs SEC(".maps");

SEC("xdp") int count_packets(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex;
	__u64 *n = bpf_map_lookup_elem(&execs, &key);
	if (n)
		(*n)++;

	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		dropped++;
		return XDP_PASS;
	}
	e->pid = target_pid;
	__builtin_memcpy(e->comm, "packet", 7);
	bpf_ringbuf_submit(e, 0);
	return XDP_PASS;
}

SEC("?tp_btf/sched_process_exec") int handle_exec(__u64 *ctx)
{
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
