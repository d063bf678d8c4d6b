// SPDX-License-Identifier: MIT
// A program with a function that others can replace or trace, and programs that
// do. Which program they are about is said before loading.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__attribute__((noinline)) int replaceable(struct xdp_md *ctx)
{
	return ctx->data_end > ctx->data ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int original(struct xdp_md *ctx)
{
	return replaceable(ctx);
}

SEC("freplace/replaceable")
int replacement(struct xdp_md *ctx)
{
	return XDP_ABORTED;
}

SEC("fentry")
int traced(void *ctx)
{
	return 0;
}

SEC("license") char _license[] = "GPL";
