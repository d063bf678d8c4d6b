// SPDX-License-Identifier: MIT
// Structs with functions that the kernel calls: a TCP congestion control that is
// attached by a link, one that takes effect when it is written to, and one that
// only who asks for it gets.
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;
struct ack_sample;
struct rate_sample;

// What the kernel has, and a bit more; other members that it has are left out.
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	void (*not_in_any_kernel)(struct sock *sk);
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	__u32 neither_is_this[3];
	char name[16];
	__u32 flags;
};

// The same struct, in the way that an older source may have it.
struct tcp_congestion_ops___old {
	char name[16];
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*ssthresh)(struct sock *sk);
};

int inits;
__u32 threshold = 17;

SEC("struct_ops")
__u32 BPF_PROG(demo_ssthresh, struct sock *sk)
{
	return threshold;
}

SEC("struct_ops/ignored")
void BPF_PROG(demo_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops")
void BPF_PROG(demo_init, struct sock *sk)
{
	__sync_fetch_and_add(&inits, 1);
}

// Not marked as optional, but only an optional map refers to it.
SEC("struct_ops")
void BPF_PROG(optional_init, struct sock *sk)
{
}

// Marked as optional, but a map needs it.
SEC("?struct_ops")
static __u32 BPF_PROG(demo_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops demo_link = {
	.ssthresh = (void *)demo_ssthresh,
	.cong_avoid = (void *)demo_cong_avoid,
	.init = (void *)demo_init,
	.undo_cwnd = (void *)demo_undo_cwnd,
	.name = "bpfgen_link",
};

// The second struct for the same link.
SEC(".struct_ops.link")
struct tcp_congestion_ops demo_update = {
	.ssthresh = (void *)demo_ssthresh,
	.cong_avoid = (void *)demo_cong_avoid,
	.undo_cwnd = (void *)demo_undo_cwnd,
	.name = "bpfgen_link",
};

SEC(".struct_ops")
struct tcp_congestion_ops___old demo_old = {
	.name = "bpfgen_old",
	.ssthresh = (void *)demo_ssthresh,
	.cong_avoid = (void *)demo_cong_avoid,
	.undo_cwnd = (void *)demo_undo_cwnd,
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops demo_optional = {
	.ssthresh = (void *)demo_ssthresh,
	.cong_avoid = (void *)demo_cong_avoid,
	.undo_cwnd = (void *)demo_undo_cwnd,
	.init = (void *)optional_init,
	.name = "bpfgen_opt",
};

SEC("?.struct_ops")
struct not_in_any_kernel_ops {
	void (*init)(struct sock *sk);
} demo_unknown = {
	.init = (void *)optional_init,
};

SEC("license") char _license[] = "GPL";
