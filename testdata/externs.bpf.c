// SPDX-License-Identifier: MIT
// What is resolved against the running kernel: its configuration, its symbols
// and its functions.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF_SYSCALL __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
extern __u64 CONFIG_NO_SUCH_OPTION __kconfig __weak;

extern const void bpf_prog_put __ksym;       // address from kallsyms
extern const int bpf_prog_active __ksym;     // per-CPU variable with BTF
extern const void no_such_symbol __ksym __weak;

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern int no_such_function(int x) __ksym __weak;

__u64 kernel_version, put_address, missing_address, hostname_length;

SEC("raw_tp/sched_process_exec")
int configuration(void *ctx)
{
	kernel_version = LINUX_KERNEL_VERSION;
	if (!CONFIG_BPF_SYSCALL || CONFIG_NO_SUCH_OPTION)
		return 1;
	for (int i = 0; i < sizeof(CONFIG_DEFAULT_HOSTNAME) && CONFIG_DEFAULT_HOSTNAME[i]; i++)
		hostname_length++;
	return 0;
}

SEC("raw_tp/sched_process_exec")
int symbols(void *ctx)
{
	put_address = (__u64)&bpf_prog_put;
	missing_address = (__u64)&no_such_symbol;
	return 0;
}

// Optional: a kernel without CONFIG_KALLSYMS_ALL doesn't find its variables.
SEC("?raw_tp/sched_process_exec")
int variables(void *ctx)
{
	const int *active = bpf_per_cpu_ptr(&bpf_prog_active, 0);

	return active ? *active : 0;
}

SEC("syscall")
int functions(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (no_such_function)
		no_such_function(1);
	if (!task)
		return 1;
	bpf_task_release(task);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
