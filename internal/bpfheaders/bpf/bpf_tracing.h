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

/* --- which registers --- */

#if defined(bpf_target_x86)
#define bpf_target_defined
#if defined(__KERNEL__) || defined(__VMLINUX_H__)
/* As the kernel names the registers of 64-bit machines. */
#define __PT_PARM1_REG di
#define __PT_PARM2_REG si
#define __PT_PARM3_REG dx
#define __PT_PARM4_REG cx
#define __PT_PARM5_REG r8
#define __PT_PARM6_REG r9
#define __PT_PARM4_SYSCALL_REG r10
#define __PT_RET_REG sp
#define __PT_FP_REG bp
#define __PT_RC_REG ax
#define __PT_SP_REG sp
#define __PT_IP_REG ip
#elif defined(__i386__)
/* The kernel itself passes three arguments in registers. */
#define __PT_PARM1_REG eax
#define __PT_PARM2_REG edx
#define __PT_PARM3_REG ecx
#define __PT_PARM1_SYSCALL_REG ebx
#define __PT_PARM2_SYSCALL_REG ecx
#define __PT_PARM3_SYSCALL_REG edx
#define __PT_PARM4_SYSCALL_REG esi
#define __PT_PARM5_SYSCALL_REG edi
#define __PT_PARM6_SYSCALL_REG ebp
#define __PT_RET_REG esp
#define __PT_FP_REG ebp
#define __PT_RC_REG eax
#define __PT_SP_REG esp
#define __PT_IP_REG eip
#else
/* As <linux/ptrace.h> names them for user space. */
#define __PT_PARM1_REG rdi
#define __PT_PARM2_REG rsi
#define __PT_PARM3_REG rdx
#define __PT_PARM4_REG rcx
#define __PT_PARM5_REG r8
#define __PT_PARM6_REG r9
#define __PT_PARM4_SYSCALL_REG r10
#define __PT_RET_REG rsp
#define __PT_FP_REG rbp
#define __PT_RC_REG rax
#define __PT_SP_REG rsp
#define __PT_IP_REG rip
#endif

#elif defined(bpf_target_arm64)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const struct user_pt_regs *)(x))
#define __PT_PARM1_REG regs[0]
#define __PT_PARM2_REG regs[1]
#define __PT_PARM3_REG regs[2]
#define __PT_PARM4_REG regs[3]
#define __PT_PARM5_REG regs[4]
#define __PT_PARM6_REG regs[5]
#define __PT_PARM7_REG regs[6]
#define __PT_PARM8_REG regs[7]
/* The first argument of a system call is where its result will be: orig_x0 keeps it. */
struct pt_regs___arm64 {
	unsigned long orig_x0;
} __attribute__((preserve_access_index));
#define PT_REGS_PARM1_SYSCALL(x) (((const struct pt_regs___arm64 *)(x))->orig_x0)
#define PT_REGS_PARM1_CORE_SYSCALL(x) BPF_CORE_READ((const struct pt_regs___arm64 *)(x), orig_x0)
#define __PT_RET_REG regs[30]
#define __PT_FP_REG regs[29]
#define __PT_RC_REG regs[0]
#define __PT_SP_REG sp
#define __PT_IP_REG pc

#elif defined(bpf_target_arm)
#define bpf_target_defined
#define __PT_PARM1_REG uregs[0]
#define __PT_PARM2_REG uregs[1]
#define __PT_PARM3_REG uregs[2]
#define __PT_PARM4_REG uregs[3]
#define __PT_PARM5_SYSCALL_REG uregs[4]
#define __PT_PARM6_SYSCALL_REG uregs[5]
#define __PT_PARM7_SYSCALL_REG uregs[6]
#define __PT_RET_REG uregs[14]
#define __PT_FP_REG uregs[11]
#define __PT_RC_REG uregs[0]
#define __PT_SP_REG uregs[13]
#define __PT_IP_REG uregs[15]

#elif defined(bpf_target_s390)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const user_pt_regs *)(x))
#define __PT_PARM1_REG gprs[2]
#define __PT_PARM2_REG gprs[3]
#define __PT_PARM3_REG gprs[4]
#define __PT_PARM4_REG gprs[5]
#define __PT_PARM5_REG gprs[6]
/* The first argument of a system call is where its result will be: orig_gpr2 keeps it. */
struct pt_regs___s390 {
	unsigned long orig_gpr2;
} __attribute__((preserve_access_index));
#define PT_REGS_PARM1_SYSCALL(x) (((const struct pt_regs___s390 *)(x))->orig_gpr2)
#define PT_REGS_PARM1_CORE_SYSCALL(x) BPF_CORE_READ((const struct pt_regs___s390 *)(x), orig_gpr2)
#define __PT_PARM6_SYSCALL_REG gprs[7]
#define __PT_RET_REG gprs[14]
#define __PT_FP_REG gprs[11]
#define __PT_RC_REG gprs[2]
#define __PT_SP_REG gprs[15]
#define __PT_IP_REG psw.addr

#elif defined(bpf_target_riscv)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const struct user_regs_struct *)(x))
#define __PT_PARM1_REG a0
#define __PT_PARM2_REG a1
#define __PT_PARM3_REG a2
#define __PT_PARM4_REG a3
#define __PT_PARM5_REG a4
#define __PT_PARM6_REG a5
#define __PT_PARM7_REG a6
#define __PT_PARM8_REG a7
/* The first argument of a system call is where its result will be: orig_a0 keeps it. */
struct pt_regs___riscv {
	unsigned long orig_a0;
} __attribute__((preserve_access_index));
#define PT_REGS_PARM1_SYSCALL(x) (((const struct pt_regs___riscv *)(x))->orig_a0)
#define PT_REGS_PARM1_CORE_SYSCALL(x) BPF_CORE_READ((const struct pt_regs___riscv *)(x), orig_a0)
#define __PT_RET_REG ra
#define __PT_FP_REG s0
#define __PT_RC_REG a0
#define __PT_SP_REG sp
#define __PT_IP_REG pc

#elif defined(bpf_target_powerpc)
#define bpf_target_defined
#define __PT_PARM1_REG gpr[3]
#define __PT_PARM2_REG gpr[4]
#define __PT_PARM3_REG gpr[5]
#define __PT_PARM4_REG gpr[6]
#define __PT_PARM5_REG gpr[7]
#define __PT_PARM6_REG gpr[8]
#define __PT_PARM7_REG gpr[9]
#define __PT_PARM8_REG gpr[10]
#define __PT_PARM1_SYSCALL_REG orig_gpr3
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#define __PT_RET_REG link
#define __PT_RC_REG gpr[3]
#define __PT_SP_REG gpr[1]
#define __PT_IP_REG nip

#elif defined(bpf_target_mips)
#define bpf_target_defined
#define __PT_PARM1_REG regs[4]
#define __PT_PARM2_REG regs[5]
#define __PT_PARM3_REG regs[6]
#define __PT_PARM4_REG regs[7]
#define __PT_PARM5_REG regs[8]
#define __PT_PARM6_REG regs[9]
#define __PT_PARM7_REG regs[10]
#define __PT_PARM8_REG regs[11]
#define __PT_RET_REG regs[31]
#define __PT_FP_REG regs[30]
#define __PT_RC_REG regs[2]
#define __PT_SP_REG regs[29]
#define __PT_IP_REG cp0_epc

#elif defined(bpf_target_sparc)
#define bpf_target_defined
#define __PT_PARM1_REG u_regs[UREG_I0]
#define __PT_PARM2_REG u_regs[UREG_I1]
#define __PT_PARM3_REG u_regs[UREG_I2]
#define __PT_PARM4_REG u_regs[UREG_I3]
#define __PT_PARM5_REG u_regs[UREG_I4]
#define __PT_PARM6_REG u_regs[UREG_I5]
#define __PT_RET_REG u_regs[UREG_I7]
#define __PT_RC_REG u_regs[UREG_I0]
#define __PT_SP_REG u_regs[UREG_FP]
#if defined(__arch64__)
#define __PT_IP_REG tpc
#else
#define __PT_IP_REG pc
#endif

#elif defined(bpf_target_arc)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const struct user_regs_struct *)(x))
#define __PT_PARM1_REG scratch.r0
#define __PT_PARM2_REG scratch.r1
#define __PT_PARM3_REG scratch.r2
#define __PT_PARM4_REG scratch.r3
#define __PT_PARM5_REG scratch.r4
#define __PT_PARM6_REG scratch.r5
#define __PT_PARM7_REG scratch.r6
#define __PT_PARM8_REG scratch.r7
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#define __PT_RET_REG scratch.blink
#define __PT_FP_REG scratch.fp
#define __PT_RC_REG scratch.r0
#define __PT_SP_REG scratch.sp
#define __PT_IP_REG scratch.ret

#elif defined(bpf_target_loongarch)
#define bpf_target_defined
#define __PT_REGS_CAST(x) ((const struct user_pt_regs *)(x))
#define __PT_PARM1_REG regs[4]
#define __PT_PARM2_REG regs[5]
#define __PT_PARM3_REG regs[6]
#define __PT_PARM4_REG regs[7]
#define __PT_PARM5_REG regs[8]
#define __PT_PARM6_REG regs[9]
#define __PT_PARM7_REG regs[10]
#define __PT_PARM8_REG regs[11]
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#define __PT_RET_REG regs[1]
#define __PT_FP_REG regs[22]
#define __PT_RC_REG regs[4]
#define __PT_SP_REG regs[3]
#define __PT_IP_REG csr_era

#endif

#ifdef bpf_target_defined

/* An argument that isn't in a register: this is no name of one. */
#ifndef __PT_PARM4_REG
#define __PT_PARM4_REG __unsupported__
#endif
#ifndef __PT_PARM5_REG
#define __PT_PARM5_REG __unsupported__
#endif
#ifndef __PT_PARM6_REG
#define __PT_PARM6_REG __unsupported__
#endif
#ifndef __PT_PARM7_REG
#define __PT_PARM7_REG __unsupported__
#endif
#ifndef __PT_PARM8_REG
#define __PT_PARM8_REG __unsupported__
#endif
#ifndef __PT_FP_REG
#define __PT_FP_REG __unsupported__
#endif

/* System calls take arguments like functions, but for what is said above. */
#ifndef __PT_PARM1_SYSCALL_REG
#define __PT_PARM1_SYSCALL_REG __PT_PARM1_REG
#endif
#ifndef __PT_PARM2_SYSCALL_REG
#define __PT_PARM2_SYSCALL_REG __PT_PARM2_REG
#endif
#ifndef __PT_PARM3_SYSCALL_REG
#define __PT_PARM3_SYSCALL_REG __PT_PARM3_REG
#endif
#ifndef __PT_PARM4_SYSCALL_REG
#define __PT_PARM4_SYSCALL_REG __PT_PARM4_REG
#endif
#ifndef __PT_PARM5_SYSCALL_REG
#define __PT_PARM5_SYSCALL_REG __PT_PARM5_REG
#endif
#ifndef __PT_PARM6_SYSCALL_REG
#define __PT_PARM6_SYSCALL_REG __PT_PARM6_REG
#endif
#ifndef __PT_PARM7_SYSCALL_REG
#define __PT_PARM7_SYSCALL_REG __unsupported__
#endif

/* What user space may know of the registers, where that is another type. */
#ifndef __PT_REGS_CAST
#define __PT_REGS_CAST(x) (x)
#endif

struct pt_regs;

#define ___pt_reg(x, name) (__PT_REGS_CAST(x)->name)
#define ___pt_reg_core(x, name) BPF_CORE_READ(__PT_REGS_CAST(x), name)

#define PT_REGS_PARM1(x) ___pt_reg(x, __PT_PARM1_REG)
#define PT_REGS_PARM2(x) ___pt_reg(x, __PT_PARM2_REG)
#define PT_REGS_PARM3(x) ___pt_reg(x, __PT_PARM3_REG)
#define PT_REGS_PARM4(x) ___pt_reg(x, __PT_PARM4_REG)
#define PT_REGS_PARM5(x) ___pt_reg(x, __PT_PARM5_REG)
#define PT_REGS_PARM6(x) ___pt_reg(x, __PT_PARM6_REG)
#define PT_REGS_PARM7(x) ___pt_reg(x, __PT_PARM7_REG)
#define PT_REGS_PARM8(x) ___pt_reg(x, __PT_PARM8_REG)
#define PT_REGS_RET(x) ___pt_reg(x, __PT_RET_REG)
#define PT_REGS_FP(x) ___pt_reg(x, __PT_FP_REG)
#define PT_REGS_RC(x) ___pt_reg(x, __PT_RC_REG)
#define PT_REGS_SP(x) ___pt_reg(x, __PT_SP_REG)
#define PT_REGS_IP(x) ___pt_reg(x, __PT_IP_REG)

/* The same, read with a helper and relocations. */
#define PT_REGS_PARM1_CORE(x) ___pt_reg_core(x, __PT_PARM1_REG)
#define PT_REGS_PARM2_CORE(x) ___pt_reg_core(x, __PT_PARM2_REG)
#define PT_REGS_PARM3_CORE(x) ___pt_reg_core(x, __PT_PARM3_REG)
#define PT_REGS_PARM4_CORE(x) ___pt_reg_core(x, __PT_PARM4_REG)
#define PT_REGS_PARM5_CORE(x) ___pt_reg_core(x, __PT_PARM5_REG)
#define PT_REGS_PARM6_CORE(x) ___pt_reg_core(x, __PT_PARM6_REG)
#define PT_REGS_PARM7_CORE(x) ___pt_reg_core(x, __PT_PARM7_REG)
#define PT_REGS_PARM8_CORE(x) ___pt_reg_core(x, __PT_PARM8_REG)
#define PT_REGS_RET_CORE(x) ___pt_reg_core(x, __PT_RET_REG)
#define PT_REGS_FP_CORE(x) ___pt_reg_core(x, __PT_FP_REG)
#define PT_REGS_RC_CORE(x) ___pt_reg_core(x, __PT_RC_REG)
#define PT_REGS_SP_CORE(x) ___pt_reg_core(x, __PT_SP_REG)
#define PT_REGS_IP_CORE(x) ___pt_reg_core(x, __PT_IP_REG)

/* Of system calls. */
#ifndef PT_REGS_PARM1_SYSCALL
#define PT_REGS_PARM1_SYSCALL(x) ___pt_reg(x, __PT_PARM1_SYSCALL_REG)
#define PT_REGS_PARM1_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM1_SYSCALL_REG)
#endif
#define PT_REGS_PARM2_SYSCALL(x) ___pt_reg(x, __PT_PARM2_SYSCALL_REG)
#define PT_REGS_PARM2_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM2_SYSCALL_REG)
#define PT_REGS_PARM3_SYSCALL(x) ___pt_reg(x, __PT_PARM3_SYSCALL_REG)
#define PT_REGS_PARM3_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM3_SYSCALL_REG)
#define PT_REGS_PARM4_SYSCALL(x) ___pt_reg(x, __PT_PARM4_SYSCALL_REG)
#define PT_REGS_PARM4_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM4_SYSCALL_REG)
#define PT_REGS_PARM5_SYSCALL(x) ___pt_reg(x, __PT_PARM5_SYSCALL_REG)
#define PT_REGS_PARM5_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM5_SYSCALL_REG)
#define PT_REGS_PARM6_SYSCALL(x) ___pt_reg(x, __PT_PARM6_SYSCALL_REG)
#define PT_REGS_PARM6_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM6_SYSCALL_REG)
#define PT_REGS_PARM7_SYSCALL(x) ___pt_reg(x, __PT_PARM7_SYSCALL_REG)
#define PT_REGS_PARM7_CORE_SYSCALL(x) ___pt_reg_core(x, __PT_PARM7_SYSCALL_REG)

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
