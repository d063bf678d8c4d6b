// SPDX-License-Identifier: MIT
// Functions: static and global ones, called within a section and across
// sections, from several programs in one section. Needs no BTF.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static __noinline int leaf(int x)
{
	return x * 2;
}

// Static, calls another in .text: needs no relocation of its own.
static __noinline int middle(int x)
{
	return leaf(x) + leaf(x + 1);
}

// Global: verified on its own.
__noinline int shared(int x)
{
	return x + 100;
}

// Weak and hidden are linkages too.
__weak __noinline int replaceable(int x)
{
	return x + 1000;
}

__hidden __noinline int hidden(int x)
{
	return middle(x) ^ 1;
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return middle(ctx->ingress_ifindex) & 3;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return hidden(ctx->rx_queue_index) & 1;
}

SEC("xdp")
int third(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("socket")
int constant(struct __sk_buff *skb)
{
	return shared(1) + replaceable(2) + hidden(3);
}

SEC("tc")
int hiding(struct __sk_buff *skb)
{
	return hidden(skb->ifindex) & 1;
}

char _license[] SEC("license") = "Dual MIT/GPL";
