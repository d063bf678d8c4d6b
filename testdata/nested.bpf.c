// SPDX-License-Identifier: MIT
// Maps in maps and program arrays, with contents from initialisers.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer_array SEC(".maps") = {
	.values = { [0] = &inner_a, [3] = &inner_b },
};

// The inner map is an anonymous type, of which there is no instance.
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 16);
		__type(key, __u32);
		__type(value, __u32);
	});
} outer_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, struct inner);
} outer_filled SEC(".maps") = {
	.values = { [1] = &inner_b },
};

int tail_first(struct xdp_md *ctx);
int tail_last(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, int (struct xdp_md *));
} jumps SEC(".maps") = {
	.values = { [0] = &tail_first, [2] = &tail_last },
};

SEC("xdp")
int tail_first(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 2);
	return XDP_ABORTED;
}

SEC("xdp")
int tail_last(struct xdp_md *ctx)
{
	return XDP_DROP;
}

// XDP_DROP by way of both entries of the program array.
SEC("xdp")
int enter(struct xdp_md *ctx)
{
	__u32 index = 3, zero = 0;
	void *map = bpf_map_lookup_elem(&outer_array, &index);

	if (map) {
		__u64 *count = bpf_map_lookup_elem(map, &zero);

		if (count)
			__sync_fetch_and_add(count, 1);
	}
	bpf_tail_call(ctx, &jumps, 0);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "Dual MIT/GPL";
