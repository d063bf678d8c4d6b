//go:build ignore

// SPDX-License-Identifier: MIT
//
// Programs of which one is enough, and programs that are only loaded on demand.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define ALTERNATIVE(group) __attribute__((btf_decl_tag("bpfgen:alt=" #group)))

__u64 runs;

static int count(void)
{
	__sync_fetch_and_add(&runs, 1);
	return 0;
}

// No kernel has this function.
SEC("fentry/bpfgen_no_such_function")
ALTERNATIVE(exec) int exec_fentry(void *ctx) { return count(); }

// No kernel's verifier takes this one.
SEC("raw_tp/sched_process_exec")
ALTERNATIVE(exec) int exec_broken(void *ctx) { return *(volatile int *)1; }

SEC("raw_tp/sched_process_exec")
ALTERNATIVE(exec) int exec_raw(void *ctx) { return count(); }

SEC("raw_tp/sched_process_exec")
ALTERNATIVE(exec) int exec_spare(void *ctx) { return count(); }

SEC("?raw_tp/sched_process_exit")
int on_exit(void *ctx) { return count(); }

SEC("socket")
int always(void *ctx) { return count(); }

char _license[] SEC("license") = "Dual MIT/GPL";
