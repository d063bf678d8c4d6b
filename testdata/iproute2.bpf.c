// SPDX-License-Identifier: MIT
// Maps as iproute2's tc and ip define them: with IDs, pinning, inner maps and
// tail calls.
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

struct bpf_elf_map SEC("maps") later = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64), // wrong, and of no importance
	.max_elem = 4,
	.inner_id = 99, // of no map here: who loads this says what it is
};

struct bpf_elf_map SEC("maps") calls = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 20,
	.id = 5,
};

struct bpf_elf_map SEC("maps") more_calls = { // its ID is 0
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
};

// The program goes to the element of the array with that ID.
SEC("5/3")
int first(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &calls, 0x11);
	return 3;
}

SEC("0x5/0x11")
int second(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &more_calls, 1);
	return 17;
}

SEC("0/1")
int third(struct __sk_buff *skb)
{
	return 42;
}

SEC("6/1") // of no map: a program of unknown type
int stray(struct __sk_buff *skb)
{
	return 1;
}

SEC("classifier")
int jump(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &calls, 3);
	return 0;
}

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
