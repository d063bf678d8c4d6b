//go:build ignore

// SPDX-License-Identifier: MIT
//
// Reports programs that are executed, and counts them and packets: the shortest
// example that has configuration, statistics, events and a map.

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct event { u32 pid; char comm[16]; };

const volatile u32 target_pid = 0;      // configuration: .rodata
u64 dropped;                            // statistics: .bss

struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20);
	 __type(value, struct event); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1024);
	 __type(key, u32); __type(value, u64); } execs SEC(".maps");

static void count(u32 pid)
{
	u64 one = 1, *n = bpf_map_lookup_elem(&execs, &pid);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&execs, &pid, &one, BPF_ANY);
}

SEC("tp_btf/sched_process_exec") int handle_exec(u64 *ctx)
{
	u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct event *e;

	if (target_pid && pid != target_pid)
		return 0;
	count(pid);
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	e->pid = pid;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("xdp") int count_packets(struct xdp_md *ctx)
{
	count(0); // no process: packets
	return XDP_PASS;
}

SEC("license") char _license[] = "Dual MIT/GPL";
