// SPDX-License-Identifier: MIT
// Functions passed by address.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct total {
	__u64 sum;
	__u32 calls;
};

static __noinline __u64 weigh(__u64 value)
{
	return value * 3;
}

// A callback calls functions itself.
static long add_element(void *map, __u32 *key, __u64 *value, struct total *total)
{
	total->sum += weigh(*value);
	total->calls++;
	return 0;
}

static long count_up(__u32 index, struct total *total)
{
	total->sum += index;
	total->calls++;
	return 0;
}

struct total result;

SEC("socket")
int for_each(struct __sk_buff *skb)
{
	struct total total = {};

	bpf_for_each_map_elem(&numbers, add_element, &total, 0);
	result = total;
	return 0;
}

SEC("socket")
int loop(struct __sk_buff *skb)
{
	struct total total = {};

	bpf_loop(10, count_up, &total, 0);
	result = total;
	return 0;
}

struct element {
	struct bpf_timer timer;
	__u32 fired;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct element);
} timers SEC(".maps");

static int on_timer(void *map, __u32 *key, struct element *element)
{
	element->fired++;
	return 0;
}

SEC("tc")
int start_timer(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct element *element = bpf_map_lookup_elem(&timers, &zero);

	if (!element)
		return 0;
	bpf_timer_init(&element->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&element->timer, on_timer);
	bpf_timer_start(&element->timer, 1000, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
