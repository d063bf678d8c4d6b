// SPDX-License-Identifier: MIT
// Global variables of all shapes, in all sections that make data maps.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum level { LOW = 1, HIGH = 7 };

struct config {
	__u32 id;
	enum level level;
	char name[16];
	struct { __u16 lo, hi; } range;
};

// .rodata: set before loading, constants for the verifier after.
const volatile __u32 target_pid = 42;
const volatile struct config config = {
	.id = 7, .level = HIGH, .name = "default", .range = { 1, 1024 },
};
const volatile _Bool verbose = 1;
static const volatile __s16 hidden_limit = -5;

// .data: has initial values.
__u64 counter = 1000;
__s32 negative = -2;
__u8 bytes[5] = { 1, 2, 3, 4, 5 };
struct config current = { .name = "current" };
static volatile __u32 internal_state = 3;

// .bss: zero.
__u64 dropped;
__u32 histogram[8];
enum level last_level;
static volatile __u32 internal_count;

// Sections of their own.
const volatile __u32 tuning SEC(".rodata.tuning") = 9;
__u64 stats_rx SEC(".data.stats") = 11;
__u64 stats_tx SEC(".data.stats") = 12;
__u64 scratch SEC(".bss.scratch");

// In .data, but not for user space.
__hidden __u32 not_exported = 77;


SEC("socket")
int sum(struct __sk_buff *skb)
{
	__u32 slot = skb->len & 7;

	dropped++;
	counter += target_pid + config.id + config.range.hi;
	negative += hidden_limit;
	bytes[0] += bytes[4];
	current.id = config.id;
	internal_state++;
	internal_count++;
	histogram[slot]++;
	last_level = config.level;
	stats_rx += tuning;
	stats_tx += not_exported;
	scratch = counter;
	return verbose ? 1 : 0;
}

SEC("raw_tp/sched_switch")
int print(void *ctx)
{
	if (!verbose)
		return 0;
	bpf_printk("counter %llu", counter);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
