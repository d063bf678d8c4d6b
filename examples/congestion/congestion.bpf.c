//go:build ignore

// SPDX-License-Identifier: MIT
//
// A TCP congestion control that sends whatever a socket has: a window that never
// shrinks. Only for machines that have the network for themselves.

#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;

// Members that the kernel has and this doesn't are left out.
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
	__u32 flags;
};

__u64 connections;

SEC("struct_ops") __u32 BPF_PROG(ssthresh, struct sock *sk) { return 1 << 20; }
SEC("struct_ops") void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked) {}
SEC("struct_ops") __u32 BPF_PROG(undo_cwnd, struct sock *sk) { return 1 << 20; }

// Not in the struct: who wants to count puts it there.
SEC("struct_ops") void BPF_PROG(count, struct sock *sk)
{
	__sync_fetch_and_add(&connections, 1);
}

SEC(".struct_ops") struct tcp_congestion_ops greedy = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "greedy",
};

char _license[] SEC("license") = "GPL";
