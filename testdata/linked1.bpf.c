// SPDX-License-Identifier: MIT
// With linked2.bpf.c, made into one object by bpftool gen object: static
// functions and variables of the same names, moved data, a weak function that
// gives way, and what one file declares and the other defines.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __u64 calls SEC(".data.calls") = 100;
__u64 first_calls;
extern __u64 second_base;

extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

static __noinline int helper(int x)
{
	calls++;
	return x + 1;
}

extern int replaceable(int x);

__weak __noinline int base(int x)
{
	return x + 1000;
}

SEC("tc")
int first(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *value = bpf_map_lookup_elem(&shared, &zero);

	if (value)
		*value += second_base;
	first_calls = calls;
	return helper(1) + replaceable(10) + base(100); // 2 + 30 + 107
}

char _license[] SEC("license") = "GPL";
