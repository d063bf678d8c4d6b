//go:build ignore

// SPDX-License-Identifier: MIT
//
// Counts the files that are deleted, in whichever way the kernel allows: by
// fentry, else by a kprobe, else by a tracepoint.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// The first alternative that loads and attaches is used, in this order.
#define ALTERNATIVE(group) __attribute__((btf_decl_tag("bpfgen:alt=" #group)))

__u64 deleted;

static int count(void)
{
	__sync_fetch_and_add(&deleted, 1);
	return 0;
}

SEC("fentry/vfs_unlink")
ALTERNATIVE(unlink) int by_fentry(void *ctx) { return count(); }

SEC("kprobe/vfs_unlink")
ALTERNATIVE(unlink) int by_kprobe(void *ctx) { return count(); }

// Also counts those that are only tried.
SEC("tp/syscalls/sys_enter_unlinkat")
ALTERNATIVE(unlink) int by_tracepoint(void *ctx) { return count(); }

// Only on demand: prints what it sees to trace_pipe.
SEC("?tp/syscalls/sys_enter_unlinkat")
int print(void *ctx)
{
	bpf_printk("unlinkat");
	return 0;
}

char _license[] SEC("license") = "GPL";
