/* SPDX-License-Identifier: MIT */
/*
 * CO-RE: reading the kernel's types as the running kernel lays them out. The
 * compiler leaves relocations, which the loader fills in.
 */
#ifndef __BPF_CORE_READ_H__
#define __BPF_CORE_READ_H__

#include "bpf_helpers.h"

/* What a relocation asks for: numbers that compiler and loader share. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0,
	BPF_FIELD_BYTE_SIZE = 1,
	BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3,
	BPF_FIELD_LSHIFT_U64 = 4,
	BPF_FIELD_RSHIFT_U64 = 5,
};

enum bpf_type_id_kind {
	BPF_TYPE_ID_LOCAL = 0,
	BPF_TYPE_ID_TARGET = 1,
};

enum bpf_type_info_kind {
	BPF_TYPE_EXISTS = 0,
	BPF_TYPE_SIZE = 1,
	BPF_TYPE_MATCHES = 2,
};

enum bpf_enum_value_kind {
	BPF_ENUMVAL_EXISTS = 0,
	BPF_ENUMVAL_VALUE = 1,
};

/* --- fields --- */

/* A field is an expression, p->a.b, or a type and a member of it: struct s, a.b. */
#define ___core_field1(field) (field)
#define ___core_field2(type, member) (((typeof(type) *)0)->member)
#define ___core_field_count(_1, _2, N, ...) N
#define ___core_paste(a, b) a##b
#define ___core_join(a, b) ___core_paste(a, b)
#define ___core_field(args...) ___core_join(___core_field, ___core_field_count(args, 2, 1))(args)

#define bpf_core_field_exists(field...) __builtin_preserve_field_info(___core_field(field), BPF_FIELD_EXISTS)
#define bpf_core_field_size(field...) __builtin_preserve_field_info(___core_field(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) __builtin_preserve_field_info(___core_field(field), BPF_FIELD_BYTE_OFFSET)

/* --- types and values of enums --- */

/*
 * The builtins want an object, of which they only take the type. One that is
 * declared, but nowhere, is no null pointer for the compiler to warn about.
 */
#define ___core_object(type, n) ({					\
	extern typeof(type) *___core_join(___core_object_, n);		\
	___core_join(___core_object_, n);				\
})
#define ___core_type(type) (*___core_object(type, __COUNTER__))

#define bpf_core_type_id_local(type) __builtin_btf_type_id(___core_type(type), BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(___core_type(type), BPF_TYPE_ID_TARGET)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(___core_type(type), BPF_TYPE_EXISTS)
#define bpf_core_type_size(type) __builtin_preserve_type_info(___core_type(type), BPF_TYPE_SIZE)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(___core_type(type), BPF_TYPE_MATCHES)

/* The compiler reads this cast as the name of a value of the enum. */
#define ___core_value(enum_type, value) (*(typeof(enum_type) *)value)

#define bpf_core_enum_value_exists(enum_type, value) \
	__builtin_preserve_enum_value(___core_value(enum_type, value), BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(enum_type, value) \
	__builtin_preserve_enum_value(___core_value(enum_type, value), BPF_ENUMVAL_VALUE)

/* A pointer that may be followed to read, as the kernel's type of that name (Linux 6.2). */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define bpf_core_cast(ptr, type) ((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/* --- bitfields --- */

#define ___core_info(s, field, kind) __builtin_preserve_field_info((s)->field, BPF_FIELD_##kind)

/*
 * A bitfield is part of a number of BYTE_SIZE bytes at BYTE_OFFSET: what is left
 * of it, as a number of 64 bits, after shifting it left and then right.
 */
#define ___core_bits(s, field, number) ({				\
	unsigned long long ___bits = (number) << ___core_info(s, field, LSHIFT_U64); \
	___core_info(s, field, SIGNED)					\
		? (unsigned long long)((long long)___bits >> ___core_info(s, field, RSHIFT_U64)) \
		: ___bits >> ___core_info(s, field, RSHIFT_U64);	\
})

/* Where in a number of 64 bits one of fewer bytes has to be read to. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ___core_low_bytes(number, size) ((void *)&(number))
#else
#define ___core_low_bytes(number, size) ((void *)&(number) + (8 - (size)))
#endif

/* The value of a bitfield in memory that has to be read by a helper. */
#define BPF_CORE_READ_BITFIELD_PROBED(s, field) ({			\
	unsigned long long ___number = 0;				\
	bpf_probe_read_kernel(						\
		___core_low_bytes(___number, ___core_info(s, field, BYTE_SIZE)), \
		___core_info(s, field, BYTE_SIZE),			\
		(const void *)(s) + ___core_info(s, field, BYTE_OFFSET)); \
	___core_bits(s, field, ___number);				\
})

/*
 * The address of a bitfield's number. The compiler must not put this and what is
 * done with it together: the offset of a load is another kind of relocation.
 */
#define ___core_bits_at(s, field) ({					\
	void *___at = (void *)(s) + ___core_info(s, field, BYTE_OFFSET);	\
	asm volatile("" : "+r"(___at));					\
	___at;								\
})

/* The value of a bitfield in memory that can be read directly. */
#define BPF_CORE_READ_BITFIELD(s, field) ({				\
	const void *___p = ___core_bits_at(s, field);			\
	unsigned long long ___number;					\
	switch (___core_info(s, field, BYTE_SIZE)) {			\
	case 1: ___number = *(const unsigned char *)___p; break;	\
	case 2: ___number = *(const unsigned short *)___p; break;	\
	case 4: ___number = *(const unsigned int *)___p; break;		\
	case 8: ___number = *(const unsigned long long *)___p; break;	\
	default: ___number = 0;						\
	}								\
	___core_bits(s, field, ___number);				\
})

/* Replaces a bitfield's bits in a number of one of the sizes. */
#define ___core_store(type, p, mask, bits) \
	(*(type *)(p) = (type)((*(type *)(p) & ~(mask)) | (bits)))

/* Sets a bitfield in memory that can be written directly. */
#define BPF_CORE_WRITE_BITFIELD(s, field, new_val) ({			\
	void *___p = ___core_bits_at(s, field);				\
	unsigned int ___up = ___core_info(s, field, LSHIFT_U64);	\
	unsigned int ___down = ___core_info(s, field, RSHIFT_U64);	\
	unsigned long long ___mask = (~0ULL << ___down) >> ___up;	\
	unsigned long long ___new = ((unsigned long long)(new_val) << ___down) >> ___up; \
	switch (___core_info(s, field, BYTE_SIZE)) {			\
	case 1: ___core_store(unsigned char, ___p, ___mask, ___new); break; \
	case 2: ___core_store(unsigned short, ___p, ___mask, ___new); break; \
	case 4: ___core_store(unsigned int, ___p, ___mask, ___new); break; \
	case 8: ___core_store(unsigned long long, ___p, ___mask, ___new); break; \
	}								\
})

/* --- reading --- */

/* The helpers, for addresses that are relocated whatever attributes types have. */
#define bpf_core_read(dst, sz, src) \
	bpf_probe_read_kernel(dst, sz, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user(dst, sz, src) \
	bpf_probe_read_user(dst, sz, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_str(dst, sz, src) \
	bpf_probe_read_kernel_str(dst, sz, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user_str(dst, sz, src) \
	bpf_probe_read_user_str(dst, sz, (const void *)__builtin_preserve_access_index(src))

#define ___core_nth(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, N, ...) N
#define ___core_narg(args...) ___core_nth(args, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)

/* a, b, c → a->b->c */
#define ___core_arrow1(a) a
#define ___core_arrow2(a, more...) a->___core_arrow1(more)
#define ___core_arrow3(a, more...) a->___core_arrow2(more)
#define ___core_arrow4(a, more...) a->___core_arrow3(more)
#define ___core_arrow5(a, more...) a->___core_arrow4(more)
#define ___core_arrow6(a, more...) a->___core_arrow5(more)
#define ___core_arrow7(a, more...) a->___core_arrow6(more)
#define ___core_arrow8(a, more...) a->___core_arrow7(more)
#define ___core_arrow9(a, more...) a->___core_arrow8(more)
#define ___core_arrow10(a, more...) a->___core_arrow9(more)
#define ___core_arrow(args...) ___core_join(___core_arrow, ___core_narg(args))(args)

/*
 * ___core_hopN reads N members, each from where the one before it points to: all
 * but the last with hop, into ___p, the last with end, into *dst. Its value is that
 * of end.
 */
#define ___core_hop1(hop, end, dst, p, a) end((void *)(dst), sizeof(*(dst)), &(p)->a)
#define ___core_hop2(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop1(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop3(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop2(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop4(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop3(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop5(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop4(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop6(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop5(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop7(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop6(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop8(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop7(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop9(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop8(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_hop10(hop, end, dst, p, a, more...) \
	hop(&___p, sizeof(___p), &(p)->a); ___core_hop9(hop, end, dst, ((typeof((p)->a))___p), more)
#define ___core_read(hop, end, dst, src, members...) ({			\
	const void *___p __attribute__((unused));			\
	___core_join(___core_hop, ___core_narg(members))(hop, end, dst, src, members); \
})

/* The same for a value that is given back: by reader, which is one of the INTOs. */
#define ___core_value_of(reader, src, members...) ({			\
	typeof((src)->___core_arrow(members)) ___value;			\
	reader(&___value, src, members);				\
	___value;							\
})

/*
 * BPF_CORE_READ(p, a, b, c) is p->a->b->c, for memory that helpers have to read, and
 * with relocations. The INTOs store it in *dst, of which they take the size, and
 * give the last helper's result; those with STR read text. USER is for memory of the
 * process, whose types are only relocated if they are the kernel's. PROBE is without
 * relocations.
 */
#define BPF_CORE_READ_INTO(dst, src, members...) \
	___core_read(bpf_core_read, bpf_core_read, dst, src, members)
#define BPF_CORE_READ_USER_INTO(dst, src, members...) \
	___core_read(bpf_core_read_user, bpf_core_read_user, dst, src, members)
#define BPF_CORE_READ_STR_INTO(dst, src, members...) \
	___core_read(bpf_core_read, bpf_core_read_str, dst, src, members)
#define BPF_CORE_READ_USER_STR_INTO(dst, src, members...) \
	___core_read(bpf_core_read_user, bpf_core_read_user_str, dst, src, members)
#define BPF_CORE_READ(src, members...) ___core_value_of(BPF_CORE_READ_INTO, src, members)
#define BPF_CORE_READ_USER(src, members...) ___core_value_of(BPF_CORE_READ_USER_INTO, src, members)

#define BPF_PROBE_READ_INTO(dst, src, members...) \
	___core_read(bpf_probe_read_kernel, bpf_probe_read_kernel, dst, src, members)
#define BPF_PROBE_READ_USER_INTO(dst, src, members...) \
	___core_read(bpf_probe_read_user, bpf_probe_read_user, dst, src, members)
#define BPF_PROBE_READ_STR_INTO(dst, src, members...) \
	___core_read(bpf_probe_read_kernel, bpf_probe_read_kernel_str, dst, src, members)
#define BPF_PROBE_READ_USER_STR_INTO(dst, src, members...) \
	___core_read(bpf_probe_read_user, bpf_probe_read_user_str, dst, src, members)
#define BPF_PROBE_READ(src, members...) ___core_value_of(BPF_PROBE_READ_INTO, src, members)
#define BPF_PROBE_READ_USER(src, members...) ___core_value_of(BPF_PROBE_READ_USER_INTO, src, members)

#endif /* __BPF_CORE_READ_H__ */
