// SPDX-License-Identifier: MIT
// Maps as they were defined before BTF; built without any.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	unsigned int type, key_size, value_size, max_entries, map_flags;
};

struct bpf_map_def SEC("maps") old_hash = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 16,
	.map_flags = BPF_F_NO_PREALLOC,
};

struct bpf_map_def SEC("maps") old_array = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 1,
};

const volatile __u32 step = 2;
__u64 total = 5;

SEC("socket")
int count(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&old_array, &zero);

	if (value)
		*value += step;
	value = bpf_map_lookup_elem(&old_hash, &zero);
	if (value)
		*value += step;
	total += step;
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
