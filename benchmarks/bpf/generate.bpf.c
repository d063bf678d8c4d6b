// What the generators generate for: maps, programs, variables and types.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum verdict { VERDICT_PASS, VERDICT_DROP };
struct flow { __u32 saddr, daddr; __u16 sport, dport; enum verdict verdict; };
struct stats { __u64 packets, bytes; struct flow last; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow);
	__type(value, struct stats);
} flows SEC(".maps");

volatile const __u32 limit = 10;
__u64 dropped;

SEC("xdp") int filter(struct xdp_md *ctx) {
	struct flow f = {};
	struct stats *s = bpf_map_lookup_elem(&flows, &f);
	if (s && s->packets++ > limit) {
		dropped++;
		return XDP_DROP;
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "MIT";
