//go:build ignore

// SPDX-License-Identifier: MIT
//
// A map of every kind, with types for keys and values, and a program that uses
// some of them.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// Headers before Linux 6.2 don't have it.
#define BPF_MAP_TYPE_CGRP_STORAGE 32

#define NO_PREALLOC BPF_F_NO_PREALLOC
#define EVENT(type) __attribute__((btf_decl_tag("bpfgen:event=" #type)))

struct point {
	__u32 x, y;
};

struct prefix {
	__u32 length; // in bits
	__u8 address[4];
};

struct event {
	__u64 number;
	char text[8];
};

typedef __u64 stack[16];

// The programs that tail calls run, by name.
enum stage { STAGE_COUNT, STAGE_MARK };

#define map(kind, key_type, value_type, name, ...) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__type(key, key_type); \
		__type(value, value_type); \
		__VA_ARGS__; \
	} name SEC(".maps")

#define SIZE(n) __uint(max_entries, n)

map(HASH, struct point, __u64, hash, SIZE(100));
map(LRU_HASH, __u32, struct point, lru_hash, SIZE(100));
map(PERCPU_HASH, __u32, __u64, percpu_hash, SIZE(10));
map(LRU_PERCPU_HASH, __u32, struct point, lru_percpu_hash, SIZE(10));
map(ARRAY, __u32, struct point, array, SIZE(4));
map(ARRAY, __u32, struct point, shared_array, SIZE(4); __uint(map_flags, BPF_F_MMAPABLE));
map(PERCPU_ARRAY, __u32, __u64, percpu_array, SIZE(2));
map(LPM_TRIE, struct prefix, __u32, routes, SIZE(10); __uint(map_flags, NO_PREALLOC));
map(STACK_TRACE, __u32, stack, stack_traces, SIZE(4));

// Without keys.
struct { __uint(type, BPF_MAP_TYPE_QUEUE); SIZE(4); __type(value, struct point); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK); SIZE(4); __type(value, __u32); } lifo SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); SIZE(100); __type(value, __u32); } bloom SEC(".maps");

// Events.
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); SIZE(4096); __type(value, struct event); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); SIZE(4096); } tagged_ring SEC(".maps") EVENT(event);
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf_events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); SIZE(4096); __type(value, struct point); } user_ring SEC(".maps");

// What holds other things.
map(PROG_ARRAY, enum stage, __u32, stages, SIZE(2));
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); SIZE(1); __type(key, __u32); __type(value, struct point); } first SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	SIZE(2);
	__type(key, __u32);
	__array(values, struct inner);
} array_of_maps SEC(".maps") = { .values = { &first } };
struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	SIZE(2);
	__type(key, __u64);
	__array(values, struct { __uint(type, BPF_MAP_TYPE_HASH); SIZE(8); __type(key, __u32); __type(value, __u64); });
} hash_of_maps SEC(".maps");
map(DEVMAP, __u32, struct bpf_devmap_val, devices, SIZE(4));
map(DEVMAP_HASH, __u32, __u32, devices_hash, SIZE(4));
map(CPUMAP, __u32, struct bpf_cpumap_val, cpus, SIZE(4));
map(XSKMAP, __u32, __u32, xsks, SIZE(4));
map(SOCKMAP, __u32, __u32, sockets, SIZE(4));
map(SOCKHASH, __u64, __u64, sockets_hash, SIZE(4));
map(REUSEPORT_SOCKARRAY, __u32, __u64, listeners, SIZE(4));
map(CGROUP_ARRAY, __u32, __u32, cgroups, SIZE(4));

// What belongs to something.
map(SK_STORAGE, int, struct point, of_socket, __uint(map_flags, NO_PREALLOC));
map(TASK_STORAGE, int, struct point, of_task, __uint(map_flags, NO_PREALLOC));
map(INODE_STORAGE, int, struct point, of_inode, __uint(map_flags, NO_PREALLOC));
map(CGRP_STORAGE, int, struct point, of_cgroup, __uint(map_flags, NO_PREALLOC));

static void add(void *map, const void *key)
{
	__u64 *n = bpf_map_lookup_elem(map, key);

	if (n)
		__sync_fetch_and_add(n, 1);
}

// Runs what stages has for STAGE_COUNT.
SEC("socket") int start(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &stages, STAGE_COUNT);
	return 1;
}

// Counts in several maps, and sends an event to each of those that take some.
SEC("socket") int count(struct __sk_buff *skb)
{
	struct point where = { .x = 1, .y = 2 };
	struct event e = { .number = 7, .text = "hello" };
	__u32 zero = 0;
	struct point *p;
	void *inner;

	add(&hash, &where);
	add(&percpu_array, &zero);
	bpf_map_push_elem(&queue, &where, 0);
	bpf_ringbuf_output(&ring, &e, sizeof(e), 0);
	bpf_ringbuf_output(&tagged_ring, &e, sizeof(e), 0);
	bpf_perf_event_output(skb, &perf_events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	inner = bpf_map_lookup_elem(&array_of_maps, &zero);
	if (inner) {
		p = bpf_map_lookup_elem(inner, &zero);
		if (p)
			p->x++;
	}
	return 2;
}

static long add_up(struct bpf_dynptr *sample, void *sum)
{
	struct point p;

	if (bpf_dynptr_read(&p, sizeof(p), sample, 0, 0))
		return 1;
	*(__u32 *)sum += p.x;
	return 0;
}

// Adds up what user space has sent.
SEC("socket") int drain(struct __sk_buff *skb)
{
	__u32 sum = 0;

	bpf_user_ringbuf_drain(&user_ring, add_up, &sum, 0);
	return sum;
}

char _license[] SEC("license") = "GPL";
