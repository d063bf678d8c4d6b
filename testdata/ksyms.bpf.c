// SPDX-License-Identifier: MIT
// Functions, variables and symbols of the kernel: those it has, those it hasn't,
// and those it has otherwise.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));
struct cpumask {
	unsigned long bits[1];
} __attribute__((preserve_access_index));
struct bpf_cpumask {
	struct cpumask cpumask;
} __attribute__((preserve_access_index));
struct cgroup; // whose members the kernel knows

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *cpumask) __ksym;
extern __u32 bpf_cpumask_first(const struct cpumask *cpumask) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym;

__u64 result, address;

SEC("syscall")
int cpumask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 1;
	bpf_cpumask_set_cpu(0, mask);
	bpf_rcu_read_lock();
	result = 1 + bpf_cpumask_first((const struct cpumask *)mask);
	bpf_rcu_read_unlock();
	bpf_cpumask_release(mask);
	return 0;
}

// Several declarations of one function, of which the kernel's decides.
extern struct task_struct *bpf_task_from_pid___today(int pid) __ksym __weak;
extern struct task_struct *bpf_task_from_pid___tomorrow(int pid, __u64 flags) __ksym __weak;
extern void bpf_task_release___any(struct task_struct *task) __ksym;

SEC("syscall")
int flavours(void *ctx)
{
	struct task_struct *task = 0;

	result = 0;
	if (bpf_task_from_pid___tomorrow) {
		result = 2;
		task = bpf_task_from_pid___tomorrow(1, 0);
	} else if (bpf_task_from_pid___today) {
		result = 1;
		task = bpf_task_from_pid___today(1);
	}
	if (task)
		bpf_task_release___any(task);
	return 0;
}

// The address of a function, with and without a type.
extern void bpf_link_put(void *link) __ksym __weak;
extern const void bpf_link_free __ksym __weak;

SEC("?syscall")
int addresses(void *ctx)
{
	address = (__u64)&bpf_rcu_read_lock;
	result = (__u64)&bpf_link_free;
	return 0;
}

// The rest can't be loaded, each for another reason.

extern void no_such_function(void) __ksym;

SEC("?syscall")
int missing_function(void *ctx)
{
	no_such_function();
	return 0;
}

extern void no_such_function___weak(void) __ksym __weak;

SEC("?syscall")
int unguarded(void *ctx)
{
	no_such_function___weak();
	return 0;
}

extern void bpf_task_release___twice(struct task_struct *task, struct task_struct *other) __ksym;

SEC("?syscall")
int more_parameters(void *ctx)
{
	bpf_task_release___twice(0, 0);
	return 0;
}

extern int bpf_task_from_pid___wrong(int pid) __ksym;

SEC("?syscall")
int another_result(void *ctx)
{
	return bpf_task_from_pid___wrong(1);
}

extern void bpf_task_release___number(int task) __ksym;

SEC("?syscall")
int another_parameter(void *ctx)
{
	bpf_task_release___number(1);
	return 0;
}

extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

SEC("?syscall")
int no_members(void *ctx)
{
	bpf_cgroup_release(0);
	return 0;
}

extern const int no_such_variable __ksym;

SEC("?syscall")
int missing_variable(void *ctx)
{
	return no_such_variable;
}

extern const int *const runqueues __ksym __weak; // a struct rq

SEC("?syscall")
int another_variable(void *ctx)
{
	result = (__u64)&runqueues;
	return 0;
}

extern const void no_such_symbol __ksym;

SEC("?syscall")
int missing_symbol(void *ctx)
{
	result = (__u64)&no_such_symbol;
	return 0;
}

// Of a module that may be loaded or not.
struct bpf_fou_encap {
	__u16 sport, dport;
};

extern int bpf_skb_get_fou_encap(struct __sk_buff *skb, struct bpf_fou_encap *encap) __ksym __weak;

SEC("tc")
int module_function(struct __sk_buff *skb)
{
	struct bpf_fou_encap encap = {};

	if (!bpf_skb_get_fou_encap)
		return 1;
	bpf_skb_get_fou_encap(skb, &encap);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
