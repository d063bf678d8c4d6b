/* SPDX-License-Identifier: MIT */
/*
 * Arguments of traced functions: by name, in the signature of the program, or by
 * number, from the registers. Which registers those are depends on the machine that
 * is traced: __TARGET_ARCH_x86, say, tells which, or else what the compiler runs on.
 */
#ifndef __BPF_TRACING_H__
#define __BPF_TRACING_H__

#include "bpf_helpers.h"

#if defined(__TARGET_ARCH_x86)
#define bpf_target_x86
#elif defined(__TARGET_ARCH_arm64)
#define bpf_target_arm64
#elif defined(__TARGET_ARCH_arm)
#define bpf_target_arm
#elif defined(__TARGET_ARCH_s390)
#define bpf_target_s390
#elif defined(__TARGET_ARCH_riscv)
#define bpf_target_riscv
#elif defined(__TARGET_ARCH_powerpc)
#define bpf_target_powerpc
#elif defined(__TARGET_ARCH_mips)
#define bpf_target_mips
#elif defined(__TARGET_ARCH_sparc)
#define bpf_target_sparc
#elif defined(__TARGET_ARCH_arc)
#define bpf_target_arc
#elif defined(__TARGET_ARCH_loongarch)
#define bpf_target_loongarch
#else /* nobody says: the machine that the compiler is for, which target bpf is none */
#if defined(__x86_64__) || defined(__i386__)
#define bpf_target_x86
#elif defined(__aarch64__)
#define bpf_target_arm64
#elif defined(__arm__)
#define bpf_target_arm
#elif defined(__s390__)
#define bpf_target_s390
#elif defined(__riscv)
#define bpf_target_riscv
#elif defined(__powerpc__)
#define bpf_target_powerpc
#elif defined(__mips__)
#define bpf_target_mips
#elif defined(__sparc__)
#define bpf_target_sparc
#elif defined(__arc__)
#define bpf_target_arc
#elif defined(__loongarch__)
#define bpf_target_loongarch
#endif
#endif

/*
 * --- which registers ---
 *
 * Of each machine: ___PT_ARGS, where functions find their arguments, in order;
 * ___PT_SYSCALL, where system calls do, if that differs; and ___PT_STATE: return
 * address, frame pointer, result, stack pointer, program counter. What a machine
 * doesn't have is ___none, which is no name of a register either.
 */

#if defined(bpf_target_x86)
#define bpf_target_defined
#if defined(__KERNEL__) || defined(__VMLINUX_H__) /* as the kernel calls them */
#define ___PT_ARGS di, si, dx, cx, r8, r9
#define ___PT_SYSCALL di, si, dx, r10, r8, r9
#define ___PT_STATE sp, bp, ax, sp, ip
#elif defined(__i386__) /* the kernel passes three arguments in registers */
#define ___PT_ARGS eax, edx, ecx
#define ___PT_SYSCALL ebx, ecx, edx, esi, edi, ebp
#define ___PT_STATE esp, ebp, eax, esp, eip
#else /* as <linux/ptrace.h> calls them for user space */
#define ___PT_ARGS rdi, rsi, rdx, rcx, r8, r9
#define ___PT_SYSCALL rdi, rsi, rdx, r10, r8, r9
#define ___PT_STATE rsp, rbp, rax, rsp, rip
#endif

#elif defined(bpf_target_arm64)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const struct user_pt_regs *)(x))
#define ___PT_ARGS regs[0], regs[1], regs[2], regs[3], regs[4], regs[5], regs[6], regs[7]
#define ___PT_SYSCALL ___none, regs[1], regs[2], regs[3], regs[4], regs[5]
#define ___PT_ORIGINAL orig_x0
#define ___PT_STATE regs[30], regs[29], regs[0], sp, pc

#elif defined(bpf_target_arm)
#define bpf_target_defined
#define ___PT_ARGS uregs[0], uregs[1], uregs[2], uregs[3]
#define ___PT_SYSCALL uregs[0], uregs[1], uregs[2], uregs[3], uregs[4], uregs[5], uregs[6]
#define ___PT_STATE uregs[14], uregs[11], uregs[0], uregs[13], uregs[15]

#elif defined(bpf_target_s390)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const user_pt_regs *)(x))
#define ___PT_ARGS gprs[2], gprs[3], gprs[4], gprs[5], gprs[6]
#define ___PT_SYSCALL ___none, gprs[3], gprs[4], gprs[5], gprs[6], gprs[7]
#define ___PT_ORIGINAL orig_gpr2
#define ___PT_STATE gprs[14], gprs[11], gprs[2], gprs[15], psw.addr

#elif defined(bpf_target_riscv)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const struct user_regs_struct *)(x))
#define ___PT_ARGS a0, a1, a2, a3, a4, a5, a6, a7
#define ___PT_SYSCALL ___none, a1, a2, a3, a4, a5
#define ___PT_ORIGINAL orig_a0
#define ___PT_STATE ra, s0, a0, sp, pc

#elif defined(bpf_target_powerpc)
#define bpf_target_defined
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#define ___PT_ARGS gpr[3], gpr[4], gpr[5], gpr[6], gpr[7], gpr[8], gpr[9], gpr[10]
#define ___PT_SYSCALL orig_gpr3, gpr[4], gpr[5], gpr[6], gpr[7], gpr[8], gpr[9]
#define ___PT_STATE link, ___none, gpr[3], gpr[1], nip

#elif defined(bpf_target_mips)
#define bpf_target_defined
#define ___PT_ARGS regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], regs[10], regs[11]
#define ___PT_SYSCALL regs[4], regs[5], regs[6], regs[7], regs[8], regs[9]
#define ___PT_STATE regs[31], regs[30], regs[2], regs[29], cp0_epc

#elif defined(bpf_target_sparc)
#define bpf_target_defined
#define ___PT_ARGS u_regs[UREG_I0], u_regs[UREG_I1], u_regs[UREG_I2], u_regs[UREG_I3], u_regs[UREG_I4], u_regs[UREG_I5]
#if defined(__arch64__)
#define ___PT_STATE u_regs[UREG_I7], ___none, u_regs[UREG_I0], u_regs[UREG_FP], tpc
#else
#define ___PT_STATE u_regs[UREG_I7], ___none, u_regs[UREG_I0], u_regs[UREG_FP], pc
#endif

#elif defined(bpf_target_arc)
#define bpf_target_defined
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#define __PT_REGS_CAST(x) ((const struct user_regs_struct *)(x))
#define ___PT_ARGS scratch.r0, scratch.r1, scratch.r2, scratch.r3, scratch.r4, scratch.r5, scratch.r6, scratch.r7
#define ___PT_SYSCALL scratch.r0, scratch.r1, scratch.r2, scratch.r3, scratch.r4, scratch.r5
#define ___PT_STATE scratch.blink, scratch.fp, scratch.r0, scratch.sp, scratch.ret

#elif defined(bpf_target_loongarch)
#define bpf_target_defined
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#define __PT_REGS_CAST(x) ((const struct user_pt_regs *)(x))
#define ___PT_ARGS regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], regs[10], regs[11]
#define ___PT_SYSCALL regs[4], regs[5], regs[6], regs[7], regs[8], regs[9]
#define ___PT_STATE regs[1], regs[22], regs[4], regs[3], csr_era

#endif

#ifdef bpf_target_defined

#ifndef ___PT_SYSCALL
#define ___PT_SYSCALL ___PT_ARGS
#endif

/* What user space may know of the registers, where that is another type. */
#ifndef __PT_REGS_CAST
#define __PT_REGS_CAST(x) (x)
#endif

struct pt_regs;

/* ___pt_nth(n, list): the nth of up to eight. */
#define ___pt_nth1(_1, ...) _1
#define ___pt_nth2(_1, _2, ...) _2
#define ___pt_nth3(_1, _2, _3, ...) _3
#define ___pt_nth4(_1, _2, _3, _4, ...) _4
#define ___pt_nth5(_1, _2, _3, _4, _5, ...) _5
#define ___pt_nth6(_1, _2, _3, _4, _5, _6, ...) _6
#define ___pt_nth7(_1, _2, _3, _4, _5, _6, _7, ...) _7
#define ___pt_nth8(_1, _2, _3, _4, _5, _6, _7, _8, ...) _8
#define ___pt_nth(n, list...) \
	___pt_nth##n(list, ___none, ___none, ___none, ___none, ___none, ___none, ___none, ___none)

/* The value of a register: from the context, or with a helper and relocations. */
#define ___pt_reg(x, name) (__PT_REGS_CAST(x)->name)
#define ___pt_reg_core(x, name) BPF_CORE_READ(__PT_REGS_CAST(x), name)

#define PT_REGS_PARM1(x) ___pt_reg(x, ___pt_nth(1, ___PT_ARGS))
#define PT_REGS_PARM2(x) ___pt_reg(x, ___pt_nth(2, ___PT_ARGS))
#define PT_REGS_PARM3(x) ___pt_reg(x, ___pt_nth(3, ___PT_ARGS))
#define PT_REGS_PARM4(x) ___pt_reg(x, ___pt_nth(4, ___PT_ARGS))
#define PT_REGS_PARM5(x) ___pt_reg(x, ___pt_nth(5, ___PT_ARGS))
#define PT_REGS_PARM6(x) ___pt_reg(x, ___pt_nth(6, ___PT_ARGS))
#define PT_REGS_PARM7(x) ___pt_reg(x, ___pt_nth(7, ___PT_ARGS))
#define PT_REGS_PARM8(x) ___pt_reg(x, ___pt_nth(8, ___PT_ARGS))
#define PT_REGS_RET(x) ___pt_reg(x, ___pt_nth(1, ___PT_STATE))
#define PT_REGS_FP(x) ___pt_reg(x, ___pt_nth(2, ___PT_STATE))
#define PT_REGS_RC(x) ___pt_reg(x, ___pt_nth(3, ___PT_STATE))
#define PT_REGS_SP(x) ___pt_reg(x, ___pt_nth(4, ___PT_STATE))
#define PT_REGS_IP(x) ___pt_reg(x, ___pt_nth(5, ___PT_STATE))

#define PT_REGS_PARM1_CORE(x) ___pt_reg_core(x, ___pt_nth(1, ___PT_ARGS))
#define PT_REGS_PARM2_CORE(x) ___pt_reg_core(x, ___pt_nth(2, ___PT_ARGS))
#define PT_REGS_PARM3_CORE(x) ___pt_reg_core(x, ___pt_nth(3, ___PT_ARGS))
#define PT_REGS_PARM4_CORE(x) ___pt_reg_core(x, ___pt_nth(4, ___PT_ARGS))
#define PT_REGS_PARM5_CORE(x) ___pt_reg_core(x, ___pt_nth(5, ___PT_ARGS))
#define PT_REGS_PARM6_CORE(x) ___pt_reg_core(x, ___pt_nth(6, ___PT_ARGS))
#define PT_REGS_PARM7_CORE(x) ___pt_reg_core(x, ___pt_nth(7, ___PT_ARGS))
#define PT_REGS_PARM8_CORE(x) ___pt_reg_core(x, ___pt_nth(8, ___PT_ARGS))
#define PT_REGS_RET_CORE(x) ___pt_reg_core(x, ___pt_nth(1, ___PT_STATE))
#define PT_REGS_FP_CORE(x) ___pt_reg_core(x, ___pt_nth(2, ___PT_STATE))
#define PT_REGS_RC_CORE(x) ___pt_reg_core(x, ___pt_nth(3, ___PT_STATE))
#define PT_REGS_SP_CORE(x) ___pt_reg_core(x, ___pt_nth(4, ___PT_STATE))
#define PT_REGS_IP_CORE(x) ___pt_reg_core(x, ___pt_nth(5, ___PT_STATE))

/*
 * On some machines, the first argument of a system call is where its result will be.
 * The kernel keeps it aside, in a field that user space may not know of.
 */
#ifdef ___PT_ORIGINAL
struct pt_regs___original {
	unsigned long ___PT_ORIGINAL;
} __attribute__((preserve_access_index));
#define ___pt_original(x) ((const struct pt_regs___original *)(x))
#define PT_REGS_PARM1_SYSCALL(x) (___pt_original(x)->___PT_ORIGINAL)
#define PT_REGS_PARM1_CORE_SYSCALL(x) BPF_CORE_READ(___pt_original(x), ___PT_ORIGINAL)
#else
#define PT_REGS_PARM1_SYSCALL(x) ___pt_reg(x, ___pt_nth(1, ___PT_SYSCALL))
#define PT_REGS_PARM1_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(1, ___PT_SYSCALL))
#endif
#define PT_REGS_PARM2_SYSCALL(x) ___pt_reg(x, ___pt_nth(2, ___PT_SYSCALL))
#define PT_REGS_PARM2_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(2, ___PT_SYSCALL))
#define PT_REGS_PARM3_SYSCALL(x) ___pt_reg(x, ___pt_nth(3, ___PT_SYSCALL))
#define PT_REGS_PARM3_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(3, ___PT_SYSCALL))
#define PT_REGS_PARM4_SYSCALL(x) ___pt_reg(x, ___pt_nth(4, ___PT_SYSCALL))
#define PT_REGS_PARM4_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(4, ___PT_SYSCALL))
#define PT_REGS_PARM5_SYSCALL(x) ___pt_reg(x, ___pt_nth(5, ___PT_SYSCALL))
#define PT_REGS_PARM5_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(5, ___PT_SYSCALL))
#define PT_REGS_PARM6_SYSCALL(x) ___pt_reg(x, ___pt_nth(6, ___PT_SYSCALL))
#define PT_REGS_PARM6_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(6, ___PT_SYSCALL))
#define PT_REGS_PARM7_SYSCALL(x) ___pt_reg(x, ___pt_nth(7, ___PT_SYSCALL))
#define PT_REGS_PARM7_CORE_SYSCALL(x) ___pt_reg_core(x, ___pt_nth(7, ___PT_SYSCALL))

/* The address that a function, about to start or to end, returns to. */
#if defined(bpf_target_powerpc) || defined(bpf_target_sparc) || defined(bpf_target_arm64)
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ({ (ip) = PT_REGS_RET(ctx); })
#define BPF_KRETPROBE_READ_RET_IP BPF_KPROBE_READ_RET_IP
#else
#define BPF_KPROBE_READ_RET_IP(ip, ctx) \
	({ bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)PT_REGS_RET(ctx)); })
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx) \
	({ bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)(PT_REGS_FP(ctx) + sizeof(ip))); })
#endif

#else /* no machine */

/* Only what is used is an error. */
#ifndef __BPF_TARGET_MISSING
#define __BPF_TARGET_MISSING "GCC error \"define __TARGET_ARCH_x86, or which machine it is that registers are of\""
#endif
#define ___pt_missing ({ _Pragma(__BPF_TARGET_MISSING) 0l; })

#define PT_REGS_PARM1(x) ___pt_missing
#define PT_REGS_PARM1_CORE(x) ___pt_missing
#define PT_REGS_PARM2(x) ___pt_missing
#define PT_REGS_PARM2_CORE(x) ___pt_missing
#define PT_REGS_PARM3(x) ___pt_missing
#define PT_REGS_PARM3_CORE(x) ___pt_missing
#define PT_REGS_PARM4(x) ___pt_missing
#define PT_REGS_PARM4_CORE(x) ___pt_missing
#define PT_REGS_PARM5(x) ___pt_missing
#define PT_REGS_PARM5_CORE(x) ___pt_missing
#define PT_REGS_PARM6(x) ___pt_missing
#define PT_REGS_PARM6_CORE(x) ___pt_missing
#define PT_REGS_PARM7(x) ___pt_missing
#define PT_REGS_PARM7_CORE(x) ___pt_missing
#define PT_REGS_PARM8(x) ___pt_missing
#define PT_REGS_PARM8_CORE(x) ___pt_missing
#define PT_REGS_RET(x) ___pt_missing
#define PT_REGS_RET_CORE(x) ___pt_missing
#define PT_REGS_FP(x) ___pt_missing
#define PT_REGS_FP_CORE(x) ___pt_missing
#define PT_REGS_RC(x) ___pt_missing
#define PT_REGS_RC_CORE(x) ___pt_missing
#define PT_REGS_SP(x) ___pt_missing
#define PT_REGS_SP_CORE(x) ___pt_missing
#define PT_REGS_IP(x) ___pt_missing
#define PT_REGS_IP_CORE(x) ___pt_missing
#define PT_REGS_PARM1_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM1_CORE_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM2_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM2_CORE_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM3_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM3_CORE_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM4_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM4_CORE_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM5_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM5_CORE_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM6_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM6_CORE_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM7_SYSCALL(x) ___pt_missing
#define PT_REGS_PARM7_CORE_SYSCALL(x) ___pt_missing
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ___pt_missing
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx) ___pt_missing

#endif /* bpf_target_defined */

/*
 * Where the registers of a system call are, for a probe of the kernel's function for
 * it. Most machines hand that function a pointer to them.
 */
#ifndef PT_REGS_SYSCALL_REGS
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#endif

/* --- programs with named arguments --- */

/* ___bpf_list(get, args): ctx, and get(1), get(2), … for as many as there are args. */
#define ___bpf_list0(get) ctx
#define ___bpf_list1(get) ___bpf_list0(get), get(1)
#define ___bpf_list2(get) ___bpf_list1(get), get(2)
#define ___bpf_list3(get) ___bpf_list2(get), get(3)
#define ___bpf_list4(get) ___bpf_list3(get), get(4)
#define ___bpf_list5(get) ___bpf_list4(get), get(5)
#define ___bpf_list6(get) ___bpf_list5(get), get(6)
#define ___bpf_list7(get) ___bpf_list6(get), get(7)
#define ___bpf_list8(get) ___bpf_list7(get), get(8)
#define ___bpf_list9(get) ___bpf_list8(get), get(9)
#define ___bpf_list10(get) ___bpf_list9(get), get(10)
#define ___bpf_list11(get) ___bpf_list10(get), get(11)
#define ___bpf_list12(get) ___bpf_list11(get), get(12)
#define ___bpf_list(get, args...) ___bpf_apply(___bpf_list, ___bpf_narg(args))(get)

/*
 * ___bpf_program defines the program, which gets its context, and starts the function
 * that gets what the program's signature says: what get makes of the context.
 */
#define ___bpf_program(name, context, get, args...)			\
name(context *ctx);							\
static __always_inline typeof(name(0)) ____##name(context *ctx, ##args); \
typeof(name(0)) name(context *ctx)					\
{									\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")		\
	return ____##name(___bpf_list(get, ##args));			\
	_Pragma("GCC diagnostic pop")					\
}									\
static __always_inline typeof(name(0)) ____##name(context *ctx, ##args)

/*
 * For programs whose context is an array of arguments: fentry, fexit, tp_btf, LSM.
 * BPF_PROG(name, type a, type b) { … }, where ctx is the context itself.
 */
#define ___bpf_get_ctx(n) ctx[(n) - 1]
#define BPF_PROG(name, args...) ___bpf_program(name, unsigned long long, ___bpf_get_ctx, ##args)

/* For kprobes and uprobes: arguments are in registers. */
#define ___bpf_get_parm(n) (unsigned long long)PT_REGS_PARM##n(ctx)
#define BPF_KPROBE(name, args...) ___bpf_program(name, struct pt_regs, ___bpf_get_parm, ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)

/* For kretprobes and uretprobes: the one argument is the result. */
#define ___bpf_get_rc(n) (unsigned long long)PT_REGS_RC(ctx)
#define BPF_KRETPROBE(name, args...) ___bpf_program(name, struct pt_regs, ___bpf_get_rc, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)

/*
 * For kprobes of system calls, SEC("ksyscall/…"). With a wrapper the arguments are in
 * registers that the kernel keeps in memory; without one, in those of the probe.
 */
#define ___bpf_get_direct(n) (unsigned long long)PT_REGS_PARM##n##_SYSCALL(regs)
#define ___bpf_get_wrapped(n) (unsigned long long)PT_REGS_PARM##n##_CORE_SYSCALL(regs)
#define BPF_KSYSCALL(name, args...)					\
name(struct pt_regs *ctx);						\
extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;			\
static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args); \
typeof(name(0)) name(struct pt_regs *ctx)				\
{									\
	struct pt_regs *regs = LINUX_HAS_SYSCALL_WRAPPER ? (struct pt_regs *)PT_REGS_SYSCALL_REGS(ctx) : ctx; \
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")		\
	if (LINUX_HAS_SYSCALL_WRAPPER)					\
		return ____##name(___bpf_list(___bpf_get_wrapped, ##args)); \
	return ____##name(___bpf_list(___bpf_get_direct, ##args));	\
	_Pragma("GCC diagnostic pop")					\
}									\
static __always_inline typeof(name(0)) ____##name(struct pt_regs *ctx, ##args)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

/* --- arguments that are structs --- */

/* Half the number of the arguments, which come in pairs: a type and a name. */
#define ___bpf_nth2(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, \
		    _15, _16, _17, _18, _19, _20, _21, _22, _23, _24, N, ...) N
#define ___bpf_narg2(...)						\
	___bpf_nth2(_, ##__VA_ARGS__, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, \
		    6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0)

/* One of up to 8 bytes is one element of the context, one of up to 16 is two. */
#define ___bpf_elements(t) (sizeof(t) > 8 ? 2 : 1)

/* The value at element i of the context, from as many bytes as it has. */
#define ___bpf_value(t, i) ({						\
	union {								\
		unsigned char b1;					\
		unsigned short b2;					\
		unsigned int b4;					\
		unsigned long long b8[2];				\
		t value;						\
	} ___v;								\
	if (sizeof(t) == 1)						\
		___v.b1 = ctx[i];					\
	else if (sizeof(t) == 2)					\
		___v.b2 = ctx[i];					\
	else if (sizeof(t) == 4)					\
		___v.b4 = ctx[i];					\
	else								\
		___v.b8[0] = ctx[i];					\
	if (sizeof(t) > 8)						\
		___v.b8[1] = ctx[(i) + 1];				\
	___v.value;							\
})

/* ", type name" for each pair, and ", value" for each, the first at element i. */
#define ___bpf_ctx_decl0()
#define ___bpf_ctx_decl1(t, x) , t x
#define ___bpf_ctx_decl2(t, x, more...) , t x ___bpf_ctx_decl1(more)
#define ___bpf_ctx_decl3(t, x, more...) , t x ___bpf_ctx_decl2(more)
#define ___bpf_ctx_decl4(t, x, more...) , t x ___bpf_ctx_decl3(more)
#define ___bpf_ctx_decl5(t, x, more...) , t x ___bpf_ctx_decl4(more)
#define ___bpf_ctx_decl6(t, x, more...) , t x ___bpf_ctx_decl5(more)
#define ___bpf_ctx_decl7(t, x, more...) , t x ___bpf_ctx_decl6(more)
#define ___bpf_ctx_decl8(t, x, more...) , t x ___bpf_ctx_decl7(more)
#define ___bpf_ctx_decl9(t, x, more...) , t x ___bpf_ctx_decl8(more)
#define ___bpf_ctx_decl10(t, x, more...) , t x ___bpf_ctx_decl9(more)
#define ___bpf_ctx_decl11(t, x, more...) , t x ___bpf_ctx_decl10(more)
#define ___bpf_ctx_decl12(t, x, more...) , t x ___bpf_ctx_decl11(more)
#define ___bpf_ctx_decl(args...) ___bpf_apply(___bpf_ctx_decl, ___bpf_narg2(args))(args)

#define ___bpf_values0(i, ...)
#define ___bpf_values1(i, t, x) , ___bpf_value(t, i)
#define ___bpf_values2(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values1(i + ___bpf_elements(t), more)
#define ___bpf_values3(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values2(i + ___bpf_elements(t), more)
#define ___bpf_values4(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values3(i + ___bpf_elements(t), more)
#define ___bpf_values5(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values4(i + ___bpf_elements(t), more)
#define ___bpf_values6(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values5(i + ___bpf_elements(t), more)
#define ___bpf_values7(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values6(i + ___bpf_elements(t), more)
#define ___bpf_values8(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values7(i + ___bpf_elements(t), more)
#define ___bpf_values9(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values8(i + ___bpf_elements(t), more)
#define ___bpf_values10(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values9(i + ___bpf_elements(t), more)
#define ___bpf_values11(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values10(i + ___bpf_elements(t), more)
#define ___bpf_values12(i, t, x, more...) , ___bpf_value(t, i) ___bpf_values11(i + ___bpf_elements(t), more)
#define ___bpf_values(args...) ___bpf_apply(___bpf_values, ___bpf_narg2(args))(0, args)

/* BPF_PROG for functions with structs as arguments: BPF_PROG2(name, type, a, type, b). */
#define BPF_PROG2(name, args...)					\
name(unsigned long long *ctx);						\
static __always_inline typeof(name(0))					\
____##name(unsigned long long *ctx ___bpf_ctx_decl(args));		\
typeof(name(0)) name(unsigned long long *ctx)				\
{									\
	return ____##name(ctx ___bpf_values(args));			\
}									\
static __always_inline typeof(name(0))					\
____##name(unsigned long long *ctx ___bpf_ctx_decl(args))

#endif /* __BPF_TRACING_H__ */
