// SPDX-License-Identifier: MIT
// Constants that the compiler puts into sections of its own, references to them
// by section and offset, and maps whose definitions are typedefs.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef __ulong // since libbpf 1.5
#define __ulong(name, val) enum { ___unique_value_##name = val } name
#endif

typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} counters_t;

counters_t requests SEC(".maps");
volatile counters_t replies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, __u64);
	__ulong(map_extra, 3);
} seen SEC(".maps");

// Of global variables, others see the first two.
__u32 visible = 1;
__attribute__((weak)) __u32 replaceable = 2;
__hidden __u32 hidden = 3;
static volatile __u32 internal = 4;

SEC("xdp")
int strings(struct xdp_md *ctx)
{
	char buf[16];
	__u32 key = visible + replaceable + hidden + internal;

	bpf_probe_read_kernel_str(buf, sizeof(buf), "a string");
	bpf_trace_printk("another one %d", 15, buf[3]);
	bpf_map_delete_elem(&requests, &key);
	bpf_map_delete_elem((void *)&replies, &key);
	bpf_map_push_elem(&seen, &key, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "BSD";
__u32 _version SEC("version") = 0x00050403;
