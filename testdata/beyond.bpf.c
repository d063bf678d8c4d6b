// SPDX-License-Identifier: MIT
// What libbpf refuses though nothing about it is hard: static maps, functions in
// the sections of programs, and calls from one such section to another.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

static struct inner static_map SEC(".maps");
static struct inner static_inner SEC(".maps");

static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, struct inner);
} static_outer SEC(".maps") = {
	.values = { &static_inner },
};

// Before the program it serves, in the same section.
static __noinline SEC("socket") int beside(int x)
{
	return x * 7;
}

SEC("socket")
int entry(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u32 *value = bpf_map_lookup_elem(&static_map, &zero);
	void *inner = bpf_map_lookup_elem(&static_outer, &zero);

	if (value)
		*value = beside(skb->len);
	return inner ? 1 : 0;
}

// A program that is a function of another one, too.
SEC("?tc")
__noinline int classify(struct __sk_buff *skb)
{
	return skb->len > 100;
}

// Both are in sections of other programs.
SEC("tc/ingress")
int across(struct __sk_buff *skb)
{
	return beside(skb->ifindex) + classify(skb);
}

char _license[] SEC("license") = "Dual MIT/GPL";
