//go:build ignore

// SPDX-License-Identifier: MIT
//
// Meters what the processes of a cgroup send.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// A power-of-two histogram of packet sizes: slot n counts those of 2^n … 2^(n+1)-1 bytes.
#define SLOTS 17

__u64 packets;
__u64 bytes;
__u64 sizes[SLOTS];

// Packets longer than this are dropped; zero lets everything pass.
const volatile __u32 max_len = 0;
__u64 refused;

static __u32 slot(__u32 len)
{
	__u32 n = 0;

	for (int i = 0; i < SLOTS - 1 && len > 1; i++, n++)
		len >>= 1;
	return n;
}

SEC("cgroup_skb/egress")
int meter(struct __sk_buff *skb)
{
	__u32 n = slot(skb->len);

	if (max_len && skb->len > max_len) {
		__sync_fetch_and_add(&refused, 1);
		return 0;
	}
	__sync_fetch_and_add(&packets, 1);
	__sync_fetch_and_add(&bytes, skb->len);
	if (n < SLOTS)
		__sync_fetch_and_add(&sizes[n], 1);
	return 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
