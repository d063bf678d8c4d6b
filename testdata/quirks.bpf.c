// SPDX-License-Identifier: MIT
// What has to be put right, or left alone, before the kernel takes it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

// Headers before libbpf 1.5 don't have it.
#ifndef __ulong
#define __ulong(name, val) enum { name##_value = val } name
#endif

#define BPF_MAP_TYPE_CGRP_STORAGE 32 // Linux 6.2

// A definition behind a typedef.
typedef struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} table;

table of_typedef SEC(".maps");

// No power of two, and less than a page; and a type, which is for people.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 3000);
	__type(value, __u64);
} small_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 70000);
} large_ring SEC(".maps");

// More than most machines have CPUs, of no use but as it was asked for.
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1 << 10);
	__type(key, __u32);
	__type(value, __u32);
} many_events SEC(".maps");

// The kernel takes no types for these keys.
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} cgroup_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 10);
	__ulong(map_extra, 5);
	__type(value, __u32);
} filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} of_tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} of_inodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} of_cgroups SEC(".maps");

// Longer than the 15 letters that the kernel keeps, and alike in those.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} a_map_with_a_long_name_1 SEC(".maps"), a_map_with_a_long_name_2 SEC(".maps");

// Only this file can see it, so user space gets no memory of the section.
static __u64 private_count SEC(".data.private");

// A lock can't be mapped, but is fine where nobody else looks.
static struct bpf_spin_lock lock SEC(".bss.lock");

// The linker takes another one if there is.
__weak __u64 weak_count = 7;

#define __nonnull __attribute__((btf_decl_tag("arg:nonnull")))

__attribute__((noinline)) int add(__u64 *to __nonnull)
{
	*to += 1;
	return *to;
}

SEC("tc")
int a_program_with_a_long_name(struct __sk_buff *skb)
{
	__u32 zero = 0;
	__u64 *one = bpf_map_lookup_elem(&a_map_with_a_long_name_1, &zero);
	__u64 *two = bpf_map_lookup_elem(&a_map_with_a_long_name_2, &zero);

	if (!one || !two)
		return -1;
	*one += 1;
	*two += 2;
	bpf_spin_lock(&lock);
	private_count++;
	bpf_spin_unlock(&lock);
	return add(&weak_count);
}

// Names that mean nothing: for the one who loads this to say what they are.
SEC("from-container")
int unknown(struct __sk_buff *skb)
{
	return 2;
}

// And such as old loaders took.
SEC("sk_skb1") int numbered(struct __sk_buff *skb) { return 1; }
SEC("classifier/ingress") int classified(struct __sk_buff *skb) { return 1; }
SEC("action") int acts(struct __sk_buff *skb) { return 1; }

// No license: then not all helpers can be had.
