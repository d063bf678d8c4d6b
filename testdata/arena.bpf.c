// SPDX-License-Identifier: MIT
// Variables in an arena: memory that programs and user space share, with
// pointers that mean the same to both.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, 33); // BPF_MAP_TYPE_ARENA, which older headers lack
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} heap SEC(".maps");

struct node {
	struct node __arena *next;
	__u64 value;
};

struct node __arena first = {.value = 1};
struct node __arena second = {.value = 20};
int __arena sum;
int __arena numbers[3] = {1, 2, 3};

// Not in the arena.
int runs;

SEC("syscall")
int link_and_add(void *ctx)
{
	// Arena pointers are linked, and kept in the form that user space knows.
	first.next = &second;
	sum = first.value + first.next->value + numbers[2];
	runs++;
	return sum;
}

// The arena is mapped even for programs without variables in it.
SEC("syscall")
int address_only(void *ctx)
{
	asm volatile("" ::"r"(&heap));
	return 0;
}

SEC("license") char _license[] = "GPL";
