// SPDX-License-Identifier: MIT
// The smallest useful object: one map, one program.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} my_map SEC(".maps");

// Counts packets under key 0, and passes all of each.
SEC("socket")
int my_prog(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 one = 1;
	__u64 *count = bpf_map_lookup_elem(&my_map, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&my_map, &key, &one, BPF_ANY);
	return skb->len;
}

char _license[] SEC("license") = "MIT";
