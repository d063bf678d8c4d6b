//go:build ignore

// SPDX-License-Identifier: MIT
//
// Counts the packets that arrive at an interface, by IP protocol and CPU.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct traffic {
	__u64 packets;
	__u64 bytes;
};

// Indexed by IP protocol number; 255, which is reserved, stands for anything else.
#define OTHER 255

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct traffic);
} by_protocol SEC(".maps");

static __u32 protocol(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return OTHER;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);
		return (void *)(ip + 1) > end ? OTHER : ip->protocol;
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);
		return (void *)(ip + 1) > end ? OTHER : ip->nexthdr;
	}
	return OTHER;
}

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	__u32 key = protocol(ctx);
	struct traffic *t = bpf_map_lookup_elem(&by_protocol, &key);

	if (t) {
		t->packets++;
		t->bytes += ctx->data_end - ctx->data;
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
