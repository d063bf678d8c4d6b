// SPDX-License-Identifier: MIT
// What a loader has to put in other words for old kernels: helpers that are
// newer than what they do, and contexts that only a tag says are ones.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

#define __ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __noinline __attribute__((noinline))

char text[8];
__u64 number;

SEC("raw_tp/sys_enter")
int reads(void *ctx)
{
	bpf_probe_read_kernel(&number, sizeof(number), ctx);
	bpf_probe_read_kernel_str(text, sizeof(text), ctx);
	bpf_probe_read_user(&number, sizeof(number), ctx);
	bpf_probe_read_user_str(text, sizeof(text), ctx);
	return 0;
}

// The kernel verifies global functions by their types alone.
__noinline int length(void *skb __ctx, int more)
{
	return ((struct __sk_buff *)skb)->len + more;
}

__noinline int mark(struct __sk_buff *skb __ctx)
{
	return skb->mark;
}

__noinline int first(__u64 *args __ctx)
{
	return args[0];
}

__noinline int untagged(__u64 value)
{
	return value + number;
}

SEC("tc")
int context(struct __sk_buff *skb)
{
	return length(skb, 5) + mark(skb);
}

SEC("raw_tp/sys_exit")
int arguments(__u64 *ctx)
{
	return first(ctx) + untagged(number);
}

char _license[] SEC("license") = "GPL";
