// Every macro for arguments of traced functions, for each machine. REGS is what the
// machine calls its registers in user space.
#include "types.h"
struct pt_regs {
	REGS
};
struct user_pt_regs {
	REGS
};
struct user_regs_struct {
	REGS
};
typedef struct user_pt_regs user_pt_regs;
#define UREG_I0 8
#define UREG_I1 9
#define UREG_I2 10
#define UREG_I3 11
#define UREG_I4 12
#define UREG_I5 13
#define UREG_FP 14
#define UREG_I7 15

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

long sink;

SEC("fentry/f") int BPF_PROG(prog, int a, void *b, char c)
{
	sink = a + (long)b + c + (ctx[0] == a);
	return 0;
}

SEC("fentry/f") int BPF_PROG(nothing)
{
	return sink + ctx[0];
}

SEC("fentry/f") int BPF_PROG(most, int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k, int l)
{
	return a + b + c + d + e + f + g + h + i + j + k + l;
}

struct small {
	int a;
};
struct large {
	long a, b;
};

SEC("fentry/f") int BPF_PROG2(prog2, struct large, l, int, a, struct small, s, char, c)
{
	sink = l.a + l.b + a + s.a + c;
	return 0;
}

SEC("kprobe/f") int BPF_KPROBE(kprobe, int a, int b, int c)
{
	sink = a + b + c + PT_REGS_RET(ctx) + PT_REGS_SP(ctx) + PT_REGS_IP(ctx) + PT_REGS_RC(ctx);
	return 0;
}

SEC("kretprobe/f") int BPF_KRETPROBE(kretprobe, long ret)
{
	sink = ret;
	return 0;
}

SEC("uprobe") int BPF_UPROBE(on_uprobe, char *s)
{
	sink = (long)s;
	return 0;
}

SEC("uretprobe") int BPF_URETPROBE(on_uretprobe, long ret)
{
	sink = ret;
	return 0;
}

SEC("ksyscall/openat") int BPF_KSYSCALL(ksyscall, int dfd, const char *name, int flags)
{
	sink = dfd + (long)name + flags;
	return 0;
}

SEC("kprobe/f") int BPF_KPROBE(core)
{
	struct pt_regs *regs = PT_REGS_SYSCALL_REGS(ctx);
	long ip = 0;

#ifndef NO_FRAME_POINTER
	sink += PT_REGS_FP(ctx) + PT_REGS_FP_CORE(ctx);
	BPF_KRETPROBE_READ_RET_IP(ip, ctx);
	sink += ip;
#endif
	BPF_KPROBE_READ_RET_IP(ip, ctx);
	sink += ip + PT_REGS_PARM1_CORE(ctx) + PT_REGS_RET_CORE(ctx) + PT_REGS_RC_CORE(ctx) + PT_REGS_SP_CORE(ctx) +
		PT_REGS_IP_CORE(ctx) + PT_REGS_PARM1_CORE_SYSCALL(regs) + PT_REGS_PARM4_CORE_SYSCALL(regs);
	return 0;
}

SEC("usdt") int BPF_USDT(on_usdt, int a, long b, void *c)
{
	sink = a + b + (long)c + bpf_usdt_arg_cnt(ctx) + bpf_usdt_cookie(ctx) + bpf_usdt_arg_size(ctx, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
