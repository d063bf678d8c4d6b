/* SPDX-License-Identifier: MIT */
/*
 * Arguments of USDT probes. Where they are is in the traced program's ELF notes: the
 * loader writes it into a map, which these functions read.
 */
#ifndef __USDT_BPF_H__
#define __USDT_BPF_H__

#include "bpf_helpers.h"
#include "bpf_tracing.h"

/* How many different places of arguments the maps have room for. */
#ifndef BPF_USDT_MAX_SPEC_CNT
#define BPF_USDT_MAX_SPEC_CNT 256
#endif
#ifndef BPF_USDT_MAX_IP_CNT
#define BPF_USDT_MAX_IP_CNT (4 * BPF_USDT_MAX_SPEC_CNT)
#endif

/* Loaders know these numbers and layouts. */
#define BPF_USDT_MAX_ARG_CNT 12

enum __bpf_usdt_arg_type {
	BPF_USDT_ARG_CONST,	/* value */
	BPF_USDT_ARG_REG,	/* register */
	BPF_USDT_ARG_REG_DEREF,	/* *(register + value) */
	BPF_USDT_ARG_SIB,	/* *(register + (index register << scale) + value) */
};

struct __bpf_usdt_arg_spec {
	__u64 value;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	__u8 type;
	__u8 : 8;
	__u16 index : 12;	/* offset of the index register in struct pt_regs */
	__u16 scale : 4;
	__u8 : 8;
#else
	__u8 : 8;
	__u8 : 8;
	__u16 index : 12;
	__u16 scale : 4;
	__u8 type;
#endif
	short reg;		/* offset of the register in struct pt_regs */
	_Bool is_signed;
	char unused_bits;	/* 64 without those of the argument */
};

struct __bpf_usdt_spec {
	struct __bpf_usdt_arg_spec args[BPF_USDT_MAX_ARG_CNT];
	__u64 usdt_cookie;
	short arg_cnt;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BPF_USDT_MAX_SPEC_CNT);
	__type(key, int);
	__type(value, struct __bpf_usdt_spec);
} __bpf_usdt_specs SEC(".maps") __weak;

/* For kernels without cookies (before 5.15): which spec belongs to an address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BPF_USDT_MAX_IP_CNT);
	__type(key, long);
	__type(value, __u32);
} __bpf_usdt_ip_to_spec_id SEC(".maps") __weak;

extern const _Bool LINUX_HAS_BPF_COOKIE __kconfig;

/* Results of the functions below: no probe of that kind, no such argument, no such type. */
#define ___BPF_USDT_ESRCH (-3)
#define ___BPF_USDT_ENOENT (-2)
#define ___BPF_USDT_EINVAL (-22)

/* What the loader said of the probe that has fired. */
static __always_inline struct __bpf_usdt_spec *___bpf_usdt_spec(struct pt_regs *ctx)
{
	int id;

	if (LINUX_HAS_BPF_COOKIE) {
		id = bpf_get_attach_cookie(ctx);
	} else {
		long ip = PT_REGS_IP(ctx);
		int *known = bpf_map_lookup_elem(&__bpf_usdt_ip_to_spec_id, &ip);

		id = known ? *known : -1;
	}
	return id < 0 ? NULL : bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
}

/* The number of arguments, or a negative error. */
__weak __hidden int bpf_usdt_arg_cnt(struct pt_regs *ctx)
{
	struct __bpf_usdt_spec *spec = ___bpf_usdt_spec(ctx);

	return spec ? spec->arg_cnt : ___BPF_USDT_ESRCH;
}

/* What the loader said of an argument. The result is 0 or a negative error. */
static __always_inline int ___bpf_usdt_find(struct pt_regs *ctx, __u64 n, struct __bpf_usdt_arg_spec **arg)
{
	struct __bpf_usdt_spec *spec = ___bpf_usdt_spec(ctx);

	if (!spec)
		return ___BPF_USDT_ESRCH;
	if (n >= BPF_USDT_MAX_ARG_CNT)
		return ___BPF_USDT_ENOENT;
	barrier_var(n); /* the verifier has to see both comparisons */
	if (n >= spec->arg_cnt)
		return ___BPF_USDT_ENOENT;
	*arg = &spec->args[n];
	return 0;
}

/* The size of argument n, the first of which is 0, in bytes, or a negative error. */
static __always_inline int bpf_usdt_arg_size(struct pt_regs *ctx, __u64 n)
{
	struct __bpf_usdt_arg_spec *arg;
	int err = ___bpf_usdt_find(ctx, n, &arg);

	return err ?: (int)((64u - (unsigned char)arg->unused_bits) / 8);
}

static __always_inline int ___bpf_usdt_register(struct pt_regs *ctx, short offset, unsigned long *value)
{
	return bpf_probe_read_kernel(value, sizeof(*value), (void *)ctx + offset);
}

/* Reads an argument from memory. A big endian machine has it in the upper bytes. */
static __always_inline int ___bpf_usdt_memory(struct __bpf_usdt_arg_spec *arg, unsigned long address, unsigned long *value)
{
	int err = bpf_probe_read_user(value, sizeof(*value), (void *)(address + arg->value));

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	*value >>= arg->unused_bits;
#endif
	return err;
}

/* Sets *res to argument n, widened to 64 bits. The result is 0 or a negative error. */
__weak __hidden int bpf_usdt_arg(struct pt_regs *ctx, __u64 n, long *res)
{
	struct __bpf_usdt_arg_spec *arg;
	unsigned long value, index;
	int err;

	*res = 0;
	err = ___bpf_usdt_find(ctx, n, &arg);
	if (err)
		return err;
	switch (arg->type) {
	case BPF_USDT_ARG_CONST:
		value = arg->value;
		break;
	case BPF_USDT_ARG_REG:
		err = ___bpf_usdt_register(ctx, arg->reg, &value);
		break;
	case BPF_USDT_ARG_REG_DEREF:
		err = ___bpf_usdt_register(ctx, arg->reg, &value);
		if (!err)
			err = ___bpf_usdt_memory(arg, value, &value);
		break;
	case BPF_USDT_ARG_SIB:
		err = ___bpf_usdt_register(ctx, arg->reg, &value);
		if (!err)
			err = ___bpf_usdt_register(ctx, arg->index, &index);
		if (!err)
			err = ___bpf_usdt_memory(arg, value + (index << arg->scale), &value);
		break;
	default:
		return ___BPF_USDT_EINVAL; /* a newer loader's */
	}
	if (err)
		return err;
	value <<= arg->unused_bits;
	*res = arg->is_signed ? (long)value >> arg->unused_bits : value >> arg->unused_bits;
	return 0;
}

/* The cookie that the program was attached with, or 0. */
__weak __hidden long bpf_usdt_cookie(struct pt_regs *ctx)
{
	struct __bpf_usdt_spec *spec = ___bpf_usdt_spec(ctx);

	return spec ? spec->usdt_cookie : 0;
}

/* For SEC("usdt"): BPF_USDT(name, long a, void *b) { … }. What can't be read is 0. */
#define ___bpf_get_usdt(n) ({ long ___x; bpf_usdt_arg(ctx, (n) - 1, &___x); ___x; })
#define BPF_USDT(name, args...) ___bpf_program(name, struct pt_regs, ___bpf_get_usdt, ##args)

#endif /* __USDT_BPF_H__ */
