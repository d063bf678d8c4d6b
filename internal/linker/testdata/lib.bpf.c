// SPDX-License-Identifier: MIT
// The other half of main.bpf.c: what it calls, with what it calls back.
#include "shared.h"

struct node {
	struct node *next;
	struct record *record;
};

extern table_definition table __attribute__((section(".maps")));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

int limit = 77;
const volatile int scale = 2;
int weak_variable = 40;
struct node first;
static int counter = 5; // main.bpf.c has another
static const char text[] = "lib";

static __noinline int helper(int x)
{
	return x * 100 + counter;
}

static long visit(void *map, const __u32 *key, struct record *r, __u64 *sum)
{
	*sum += r->id;
	return 0;
}

int choose(void)
{
	int x = 2;

	asm volatile("" : "+r"(x));
	return x;
}

__weak int weak_only(void)
{
	int x = 3;

	asm volatile("" : "+r"(x));
	return x;
}

/* Puts a record into the table of the other file. */
__u64 add(struct record *r, int by)
{
	struct record copy = {};
	__u64 sum = 0;

	if (!r)
		return 0;
	copy.id = r->id;
	copy.count = r->count + by;
	bpf_map_update_elem(&table, &copy.id, &copy, BPF_ANY);
	bpf_for_each_map_elem(&table, visit, &sum, 0);
	return helper(by) * 1000 + sum + secret(0);
}

SEC("syscall")
int run_lib(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 key = 0;
	__u64 *total;
	char copy[8] = {};

	bpf_probe_read_kernel(copy, sizeof(text), text);
#ifndef OLD_LINKER /* before libbpf 1.2, it doesn't take a function of the kernel in two files */
	bpf_rcu_read_lock();
#endif
	total = bpf_map_lookup_elem(&totals, &key);
	if (total && LINUX_KERNEL_VERSION)
		*total += BPF_CORE_READ(task, pid) + copy[0];
#ifndef OLD_LINKER
	bpf_rcu_read_unlock();
#endif
	first.next = &first;
	return counter++;
}

char _license[] SEC("license") = "GPL";
