/* SPDX-License-Identifier: MIT */
/* What BPF programs are written with: attributes, map definitions, loops, printing. */
#ifndef __BPF_HELPERS__
#define __BPF_HELPERS__

/* The integer types of <linux/types.h> or vmlinux.h have to be there already. */
#include "bpf_helper_defs.h"

/* --- sections and attributes --- */

/*
 * SEC puts what follows into a section, where loaders look for it. A compiler
 * that ignores "used" for declarations without definitions need not say so.
 */
#define SEC(name)							\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"")	\
	__attribute__((section(name), used))				\
	_Pragma("GCC diagnostic pop")

#undef __always_inline /* <linux/stddef.h> has a weaker one */
#define __always_inline inline __attribute__((always_inline))

#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
/* Hidden functions are verified where they are called, not by themselves. */
#define __hidden __attribute__((visibility("hidden")))

/* Externs that the loader resolves: the kernel's configuration, its symbols. */
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

/* Pointers that maps may hold. */
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define __uptr __attribute__((btf_type_tag("uptr")))

/* What the verifier may assume of arguments of global functions. */
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* Tells whether the kernel has a symbol that is declared __weak __ksym. */
#define bpf_ksym_exists(sym) ({						\
	_Static_assert(!__builtin_constant_p(!!(sym)),			\
		       #sym " has to be declared __weak: it may be missing"); \
	!!(sym);							\
})

/* --- macros that work on the number of their arguments --- */

#ifndef ___bpf_concat
#define ___bpf_concat(a, b) a##b
#endif
#ifndef ___bpf_apply
#define ___bpf_apply(fn, n) ___bpf_concat(fn, n)
#endif
#ifndef ___bpf_nth
#define ___bpf_nth(_, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, N, ...) N
#endif
#ifndef ___bpf_narg
#define ___bpf_narg(...) ___bpf_nth(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#endif

/* --- maps in SEC(".maps"): attributes are types of members --- */

#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
#define __ulong(name, val) enum { ___bpf_apply(___bpf_ulong_, __COUNTER__) = val } name

enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME, /* below the folder that the loader pins to */
};

/* Values of __kconfig externs of options that may be modules. */
enum libbpf_tristate {
	TRI_NO = 0,
	TRI_YES = 1,
	TRI_MODULE = 2,
};

/* --- C --- */

#ifndef NULL
#define NULL ((void *)0)
#endif

#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif

#ifndef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#endif

#ifndef container_of
#define container_of(ptr, type, member) ((type *)((void *)(ptr) - offsetof(type, member)))
#endif

#ifndef likely
#define likely(x) (__builtin_expect(!!(x), 1))
#endif
#ifndef unlikely
#define unlikely(x) (__builtin_expect(!!(x), 0))
#endif

/* The compiler forgets what it knows of memory, or of one variable. */
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif

/* BPF has no trap: what the compiler can't prove unreachable doesn't compile. */
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/*
 * A tail call to a slot that is known when compiling, which the kernel can turn
 * into a jump. For that, the slot has to be loaded right before the call.
 */
#if defined(__bpf__)
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const __u32 slot)
{
	if (!__builtin_constant_p(slot))
		__bpf_unreachable();
	asm volatile("r1 = %[ctx]\n\t"
		     "r2 = %[map]\n\t"
		     "r3 = %[slot]\n\t"
		     "call 12"
		     :
		     : [ctx] "r"(ctx), [map] "r"(map), [slot] "i"(slot)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
}
#endif

/* --- printing --- */

/* ___bpf_fill stores up to 12 values in an array. */
#define ___bpf_fill0(arr, i, ...)
#define ___bpf_fill1(arr, i, x) arr[i] = x
#define ___bpf_fill2(arr, i, x, more...) arr[i] = x; ___bpf_fill1(arr, i + 1, more)
#define ___bpf_fill3(arr, i, x, more...) arr[i] = x; ___bpf_fill2(arr, i + 1, more)
#define ___bpf_fill4(arr, i, x, more...) arr[i] = x; ___bpf_fill3(arr, i + 1, more)
#define ___bpf_fill5(arr, i, x, more...) arr[i] = x; ___bpf_fill4(arr, i + 1, more)
#define ___bpf_fill6(arr, i, x, more...) arr[i] = x; ___bpf_fill5(arr, i + 1, more)
#define ___bpf_fill7(arr, i, x, more...) arr[i] = x; ___bpf_fill6(arr, i + 1, more)
#define ___bpf_fill8(arr, i, x, more...) arr[i] = x; ___bpf_fill7(arr, i + 1, more)
#define ___bpf_fill9(arr, i, x, more...) arr[i] = x; ___bpf_fill8(arr, i + 1, more)
#define ___bpf_fill10(arr, i, x, more...) arr[i] = x; ___bpf_fill9(arr, i + 1, more)
#define ___bpf_fill11(arr, i, x, more...) arr[i] = x; ___bpf_fill10(arr, i + 1, more)
#define ___bpf_fill12(arr, i, x, more...) arr[i] = x; ___bpf_fill11(arr, i + 1, more)
#define ___bpf_fill(arr, args...) ___bpf_apply(___bpf_fill, ___bpf_narg(args))(arr, 0, args)

/* Declares the format and its values, which may be pointers, as helpers want them. */
#define ___bpf_format(fmt, args...)					\
	static const char ___fmt[] = fmt;				\
	unsigned long long ___param[___bpf_narg(args)];			\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")		\
	___bpf_fill(___param, args);					\
	_Pragma("GCC diagnostic pop")

/* Prints into the file of an iterator. Linux 5.8. */
#define BPF_SEQ_PRINTF(seq, fmt, args...) ({				\
	___bpf_format(fmt, args)					\
	bpf_seq_printf(seq, ___fmt, sizeof(___fmt), ___param, sizeof(___param)); \
})

/* Prints into a buffer. Linux 5.13. */
#define BPF_SNPRINTF(out, out_size, fmt, args...) ({			\
	___bpf_format(fmt, args)					\
	bpf_snprintf(out, out_size, ___fmt, ___param, sizeof(___param)); \
})

/* Prints into a stream of the program's: 1 is its output, 2 its errors. */
#define bpf_stream_printk(stream_id, fmt, args...) ({			\
	___bpf_format(fmt, args)					\
	bpf_stream_vprintk(stream_id, ___fmt, ___param, sizeof(___param)); \
})

/* Kernels before 5.2 have no global data: without it, formats are on the stack. */
#ifdef BPF_NO_GLOBAL_DATA
#define BPF_PRINTK_FMT_MOD
#else
#define BPF_PRINTK_FMT_MOD static const
#endif

#define __bpf_printk(fmt, ...) ({					\
	BPF_PRINTK_FMT_MOD char ____fmt[] = fmt;			\
	bpf_trace_printk(____fmt, sizeof(____fmt), ##__VA_ARGS__);	\
})

#define __bpf_vprintk(fmt, args...) ({					\
	___bpf_format(fmt, args)					\
	bpf_trace_vprintk(___fmt, sizeof(___fmt), ___param, sizeof(___param)); \
})

/* The first helper takes three values; from the fourth on it has to be 5.16's. */
#define ___bpf_pick_printk(...)						\
	___bpf_nth(_, ##__VA_ARGS__,					\
		   __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,		\
		   __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,		\
		   __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,		\
		   __bpf_printk, __bpf_printk, __bpf_printk, __bpf_printk)

/* Prints into /sys/kernel/tracing/trace_pipe. */
#define bpf_printk(fmt, args...) ___bpf_pick_printk(args)(fmt, ##args)

/* --- loops over open-coded iterators (Linux 6.4) --- */

struct bpf_iter_num;

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;

/*
 * ___bpf_iterator declares an iterator that is made when the loop starts, and
 * destroyed when it is left, however. The second declarator makes it; it also
 * names the destructor, because clang only writes BTF for kfuncs it sees used.
 */
#define ___bpf_iterator(type, args...)					\
	struct bpf_iter_##type						\
		___it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))), \
		*___made __attribute__((unused)) = (			\
			bpf_iter_##type##_new(&___it, ##args),		\
			(void)bpf_iter_##type##_destroy, (void *)0)

/* for each cur of the kernel's iterator bpf_iter_type, made with args. */
#ifndef bpf_for_each
#define bpf_for_each(type, cur, args...)				\
	for (___bpf_iterator(type, ##args); ((cur) = bpf_iter_##type##_next(&___it));)
#endif

/* for i from start up to, but without, end, which the verifier can rely on. */
#ifndef bpf_for
#define bpf_for(i, start, end)						\
	for (___bpf_iterator(num, (start), (end)); ({			\
		int *___n = bpf_iter_num_next(&___it);			\
		___n && ((i) = *___n, (i) >= (start) && (i) < (end));	\
	});)
#endif

/* N times. */
#ifndef bpf_repeat
#define bpf_repeat(N)							\
	for (___bpf_iterator(num, 0, (N)); bpf_iter_num_next(&___it);)
#endif

#endif /* __BPF_HELPERS__ */
