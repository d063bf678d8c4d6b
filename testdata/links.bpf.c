// SPDX-License-Identifier: MIT
// What only objects with BTF can attach: a program that replaces a function of
// another.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__noinline int replaceable(int x)
{
	volatile int result = x + 1;
	return result;
}

SEC("socket")
int caller(struct __sk_buff *skb)
{
	return replaceable(3);
}

SEC("freplace/replaceable")
int replacement(int x)
{
	return x + 40;
}

char _license[] SEC("license") = "GPL";
