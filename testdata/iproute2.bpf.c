// SPDX-License-Identifier: MIT
// Maps as iproute2's tc and ip define them: with IDs, pinning and inner maps.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags;
	__u32 id, pinning, inner_id, inner_idx;
};

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 4,
	.inner_id = 42,
};

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 2,
	.id = 42,
	.inner_idx = 3,
};

struct bpf_elf_map SEC("maps") shared = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 8,
	.id = 7,
	.pinning = 2, // for all objects
};

SEC("classifier")
int count(struct __sk_buff *skb)
{
	__u32 key = 3, zero = 0;
	void *map = bpf_map_lookup_elem(&outer, &key);
	__u64 *value = bpf_map_lookup_elem(&shared, &zero);

	if (value)
		*value += 1;
	if (!map)
		return 0;
	value = bpf_map_lookup_elem(map, &zero);
	if (value)
		*value += 1;
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
