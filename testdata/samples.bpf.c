// SPDX-License-Identifier: MIT
// Maps as the kernel's own samples defined them once: with the number of the
// inner map and a NUMA node; in sections of their own; and for which version of
// the kernel this is. Built without BTF.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_load_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
	unsigned int inner_map_idx, numa_node;
};

struct bpf_load_map_def SEC("maps") first = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 4,
	.map_flags = BPF_F_NUMA_NODE,
	.numa_node = 0,
};

struct bpf_load_map_def SEC("maps") second = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 7,
	.numa_node = 3, // without the flag it means nothing
};

struct bpf_load_map_def SEC("maps") outer = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 2,
	.inner_map_idx = 1,
};

// The first version of the struct had no flags.
struct first_map_def {
	unsigned int type, key_size, value_size, max_entries;
};

struct first_map_def SEC("maps/short") shorter = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 1,
};

SEC("socket1")
int look(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&shorter, &zero);

	bpf_map_lookup_elem(&first, &zero);
	if (value)
		*value += 1;
	return bpf_map_lookup_elem(&outer, &zero) != 0;
}

char _license[] SEC("license") = "GPL";
unsigned int _version SEC("version") = 0x60102;
