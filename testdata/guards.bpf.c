// SPDX-License-Identifier: MIT
// What the kernel is asked before something newer is used: each helper here says
// in which way it is guarded, if it is.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define noinline __attribute__((noinline))

struct ring___newer {} __attribute__((preserve_access_index));
struct task_struct { int pid; } __attribute__((preserve_access_index));
enum feature { FEATURE_NEW };

const volatile _Bool wanted = 0;
const volatile unsigned int limit = 7;
extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_SMP __kconfig __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

unsigned long long seen;

static noinline int only_newer(void *ctx)
{
	return bpf_get_attach_cookie(ctx); // 5.15, from a guarded call only
}

static noinline int both(void *ctx)
{
	return bpf_get_ns_current_pid_tgid(0, 0, ctx, 8); // 5.7, from a call that isn't
}

SEC("raw_tp/sys_enter")
int guarded(void *ctx)
{
	if (bpf_core_type_exists(struct ring___newer))
		seen += bpf_ktime_get_coarse_ns(); // 5.11
	if (bpf_core_field_exists(struct task_struct, pid))
		seen += bpf_get_current_ancestor_cgroup_id(0); // 5.6
	if (bpf_core_enum_value_exists(enum feature, FEATURE_NEW))
		seen += bpf_get_smp_processor_id();
	if (bpf_task_acquire)
		seen += bpf_get_current_task_btf() != 0; // 5.11
	if (wanted)
		seen += only_newer(ctx);
	if (LINUX_KERNEL_VERSION >= 0x50f00)
		seen += bpf_ktime_get_tai_ns(); // 6.1
	if (CONFIG_SMP)
		seen += bpf_jiffies64(); // 5.5
	return 0;
}

SEC("raw_tp/sys_exit")
int needed(void *ctx)
{
	seen += both(ctx);
	// Both ways lead to the same helper.
	if (wanted)
		seen += bpf_ktime_get_boot_ns(); // 5.8
	else
		seen -= bpf_ktime_get_boot_ns();
	// A comparison with a limit is no question about the kernel.
	if (bpf_get_prandom_u32() > limit)
		seen += bpf_get_current_cgroup_id(); // 4.18
	return 0;
}

SEC("?raw_tp/sys_exit")
int on_request(void *ctx)
{
	bpf_rcu_read_lock(); // 6.2
	bpf_rcu_read_unlock();
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
