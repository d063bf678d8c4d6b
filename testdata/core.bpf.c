// SPDX-License-Identifier: MIT
// CO-RE relocations of every kind, against types that look a little like the
// kernel's. Run as a raw tracepoint, "read" leaves what it saw in "seen".
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define KERNEL __attribute__((preserve_access_index))

struct task_struct {
	int pid;
	int tgid;
	unsigned int sched_reset_on_fork : 1;
	struct task_struct *real_parent;
	char comm[16];
	struct { // anonymous: accessed as its parent's
		unsigned long no_such_counter;
	};
} KERNEL;

// A flavour: another shape of the same kernel type.
struct task_struct___old {
	long state;
	int no_such_field;
} KERNEL;

struct task_struct___new {
	unsigned int __state;
} KERNEL;

struct no_such_type {
	int x;
} KERNEL;

// Subset of the kernel's, so it matches; and one that doesn't.
struct list_head {
	struct list_head *next, *prev;
};

struct list_head___wrong {
	struct list_head___wrong *next;
	int prev;
};

enum bpf_map_type___kernel {
	BPF_MAP_TYPE_ARRAY___kernel = 99, // 2 for a kernel
	BPF_MAP_TYPE_NONSENSE___kernel = 100,
};

enum wide___kernel {
	WIDE___kernel = 0x100000000ULL,
	WIDE_NEGATIVE___kernel = -1LL,
};

typedef struct { int counter; } atomic_t___local;

struct seen {
	__u32 pid, tgid, parent_pid;
	__u32 reset_on_fork, pid_size, pid_offset, pid_signed;
	__u32 has_pid, has_old_state, has_new_state, has_missing, has_anonymous;
	__u32 has_task, has_missing_type, task_size, missing_size;
	__u32 list_matches, wrong_matches;
	__u32 local_id, target_id;
	__u32 has_array, has_nonsense, has_wide;
	__u64 array_value;
	char comm[16];
};

struct seen seen;

SEC("raw_tp/sched_process_exec")
int read(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	seen.pid = BPF_CORE_READ(task, pid);
	seen.tgid = BPF_CORE_READ(task, tgid);
	seen.parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	BPF_CORE_READ_STR_INTO(&seen.comm, task, comm);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int fields(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	seen.reset_on_fork = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	seen.pid_size = bpf_core_field_size(task->pid);
	seen.pid_offset = bpf_core_field_offset(struct task_struct, pid);
	seen.pid_signed = __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED);
	seen.has_pid = bpf_core_field_exists(struct task_struct, pid);
	seen.has_old_state = bpf_core_field_exists(struct task_struct___old, state);
	seen.has_new_state = bpf_core_field_exists(struct task_struct___new, __state);
	seen.has_missing = bpf_core_field_exists(struct task_struct___old, no_such_field);
	seen.has_anonymous = bpf_core_field_exists(task->no_such_counter);
	return 0;
}

// What is missing is never reached: the verifier removes it.
SEC("raw_tp/sched_process_exec")
int guarded(void *ctx)
{
	struct task_struct___old *old = (void *)bpf_get_current_task();
	long value = 0;

	if (bpf_core_field_exists(old->no_such_field))
		value = BPF_CORE_READ(old, no_such_field);
	return value;
}

SEC("raw_tp/sched_process_exec")
int types(void *ctx)
{
	seen.has_task = bpf_core_type_exists(struct task_struct);
	seen.has_missing_type = bpf_core_type_exists(struct no_such_type);
	seen.task_size = bpf_core_type_size(struct task_struct);
	seen.missing_size = bpf_core_type_size(struct no_such_type);
	seen.list_matches = bpf_core_type_matches(struct list_head);
	seen.wrong_matches = bpf_core_type_matches(struct list_head___wrong);
	seen.local_id = bpf_core_type_id_local(struct task_struct);
	seen.target_id = bpf_core_type_id_kernel(struct task_struct);
	return bpf_core_type_exists(atomic_t___local);
}

SEC("raw_tp/sched_process_exec")
int enums(void *ctx)
{
	seen.has_array = bpf_core_enum_value_exists(enum bpf_map_type___kernel, BPF_MAP_TYPE_ARRAY___kernel);
	seen.array_value = bpf_core_enum_value(enum bpf_map_type___kernel, BPF_MAP_TYPE_ARRAY___kernel);
	seen.has_nonsense = bpf_core_enum_value_exists(enum bpf_map_type___kernel, BPF_MAP_TYPE_NONSENSE___kernel);
	seen.has_wide = bpf_core_enum_value_exists(enum wide___kernel, WIDE___kernel);
	return 0;
}

// Not guarded: loading fails, and the error should say why.
SEC("?raw_tp/sched_process_exec")
int unguarded(void *ctx)
{
	struct task_struct___old *old = (void *)bpf_get_current_task();

	return BPF_CORE_READ(old, no_such_field);
}

char _license[] SEC("license") = "Dual MIT/GPL";
