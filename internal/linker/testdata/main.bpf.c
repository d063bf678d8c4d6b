// SPDX-License-Identifier: MIT
// One half of a program: see lib.bpf.c for the other.
#include "shared.h"

struct results {
	__u64 added, own_static, chosen, weak, limit, scale, hidden, version, tgid, text, table;
} results;

table_definition table SEC(".maps");
extern struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} totals __attribute__((section(".maps")));

static int counter = 3; // lib.bpf.c has another
static const char text[] = "main";
int weak_variable __attribute__((weak)) = 1;

static __noinline int helper(int x)
{
	return x * 10 + counter;
}

__weak int choose(void)
{
	return 1; // lib.bpf.c knows better
}

__hidden __noinline int secret(int x)
{
	asm volatile("" : "+r"(x));
	return x + 1;
}

static long visit(void *map, const __u32 *key, struct record *r, __u64 *sum)
{
	*sum += r->count;
	return 0;
}

SEC("syscall")
int run(void *ctx)
{
	struct record r = { .id = 1, .count = 100 };
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 key = 1;
	__u64 *total, sum = 0;
	char copy[8] = {};

	results.added = add(&r, 5);
	results.own_static = helper(4);
	results.chosen = choose();
	results.weak = weak_only() + weak_variable;
	results.limit = limit;
	results.scale = scale;
	results.hidden = secret(20);
	results.version = LINUX_KERNEL_VERSION;
	results.tgid = BPF_CORE_READ(task, tgid);
	bpf_for_each_map_elem(&table, visit, &sum, 0);
	results.table = sum;
	bpf_probe_read_kernel(copy, sizeof(text), text);
	results.text = copy[0];
	bpf_rcu_read_lock();
	total = bpf_map_lookup_elem(&totals, &key);
	if (total)
		*total += 1;
	bpf_rcu_read_unlock();
	counter++;
	return 0;
}

char _license[] SEC("license") = "GPL";
