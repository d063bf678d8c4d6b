// CO-RE against the running kernel: offsets, existence, sizes and enum values.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct list_head { struct list_head *next, *prev; };
struct mm_struct { unsigned long total_vm; };
struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent;
	struct mm_struct *mm;
	char comm[16];
};
struct file { unsigned int f_flags; };
struct sock_common { unsigned short skc_family; };
struct sock { struct sock_common __sk_common; };
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("raw_tp/sched_process_exec") int on_exec(struct bpf_raw_tracepoint_args *ctx) {
	struct task_struct *t = (void *)ctx->args[0];
	struct file *f = (void *)ctx->args[1];
	struct sock *s = (void *)ctx->args[2];
	__u32 pid = BPF_CORE_READ(t, real_parent, tgid);
	__u64 pages = BPF_CORE_READ(t, mm, total_vm);
	if (bpf_core_field_exists(f->f_flags))
		pages += BPF_CORE_READ(f, f_flags);
	pages += BPF_CORE_READ(s, __sk_common.skc_family) + bpf_core_type_size(struct task_struct);
	bpf_map_update_elem(&seen, &pid, &pages, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
