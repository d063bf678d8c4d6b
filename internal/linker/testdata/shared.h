/* SPDX-License-Identifier: MIT */
/* What both files of the program know of each other. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct node;

struct record {
	__u32 id;
	__u64 count;
	struct node *nodes; /* a file may know more about it, or less */
};

#define table_definition struct {			\
	__uint(type, BPF_MAP_TYPE_HASH);		\
	__uint(max_entries, 8);				\
	__type(key, __u32);				\
	__type(value, struct record);			\
}

extern int LINUX_KERNEL_VERSION __kconfig;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

/* In lib.bpf.c. */
extern int limit;
extern const volatile int scale;
__u64 add(struct record *r, int by);
int choose(void);
int weak_only(void) __attribute__((weak));

/* In main.bpf.c. */
__hidden int secret(int x);
