//go:build ignore

// SPDX-License-Identifier: MIT
//
// Reports every program that this machine executes, and counts them by name.

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define COMM_LEN 16
#define FILENAME_LEN 128

// What we read of two kernel structs. The loader finds where these fields are
// in the running kernel (CO-RE), wherever the compiler put them here.
struct task_struct {
	int tgid;
	struct task_struct *real_parent;
	char comm[COMM_LEN];
} __attribute__((preserve_access_index));

struct linux_binprm {
	const char *filename;
} __attribute__((preserve_access_index));

struct event {
	__u64 time_ns; // since boot
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	char parent[COMM_LEN];
	char filename[FILENAME_LEN];
};

struct name {
	char text[COMM_LEN];
};

// Configuration, set before load: zero reports every user's programs.
const volatile __u32 target_uid = 0;
const volatile _Bool filter_uid = 0;

// Statistics.
__u64 executed;
__u64 dropped;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct name);
	__type(value, __u64);
} counts SEC(".maps");

static void count(const struct task_struct *task)
{
	struct name name = {};
	__u64 one = 1, *n;

	BPF_CORE_READ_STR_INTO(&name.text, task, comm);
	n = bpf_map_lookup_elem(&counts, &name);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, &name, &one, BPF_ANY);
}

// sched_process_exec(struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
SEC("tp_btf/sched_process_exec")
int handle_exec(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = (void *)ctx[2];
	__u32 uid = bpf_get_current_uid_gid();
	struct event *event;

	if (filter_uid && uid != target_uid)
		return 0;

	__sync_fetch_and_add(&executed, 1);
	count(task);

	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&dropped, 1);
		return 0;
	}
	event->time_ns = bpf_ktime_get_ns();
	event->pid = BPF_CORE_READ(task, tgid);
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->uid = uid;
	BPF_CORE_READ_STR_INTO(&event->parent, task, real_parent, comm);
	bpf_probe_read_kernel_str(event->filename, sizeof(event->filename),
				  BPF_CORE_READ(bprm, filename));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
