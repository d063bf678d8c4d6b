// SPDX-License-Identifier: MIT
// See linked1.bpf.c.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

static __u64 calls SEC(".data.calls") = 200;
__u64 second_base = 5;
__u64 second_calls;

static __noinline int helper(int x)
{
	calls++;
	return x * 3;
}

__noinline int replaceable(int x)
{
	return helper(x);
}

__noinline int base(int x)
{
	return x + 7;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	second_calls = calls;
	return helper(7); // 21
}

char _license[] SEC("license") = "GPL";
