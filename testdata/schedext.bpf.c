// SPDX-License-Identifier: MIT
// A scheduler for those tasks that ask for it (SCHED_EXT), which are none.
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SCX_OPS_SWITCH_PARTIAL (1 << 3)

struct scx_exit_info;

struct sched_ext_ops {
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	char name[128];
};

int inits, exits;

SEC("struct_ops.s")
__s32 sched_init(void)
{
	inits++;
	return 0;
}

SEC("struct_ops")
void BPF_PROG(sched_exit, struct scx_exit_info *info)
{
	exits++;
}

SEC(".struct_ops.link")
struct sched_ext_ops idle_hands = {
	.init = (void *)sched_init,
	.exit = (void *)sched_exit,
	.flags = SCX_OPS_SWITCH_PARTIAL,
	.name = "bpfgen",
};

char _license[] SEC("license") = "GPL";
