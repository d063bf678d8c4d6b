// PROGRAMS programs, each with MAPS / PROGRAMS maps, a type of its own and
// STATEMENTS statements: an object of any size.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifndef STATEMENTS
#define STATEMENTS S4
#endif
#define S1  v->a += bpf_ktime_get_ns(); v->b ^= v->a >> 3; if (v->b > 77) v->c++;
#define S4  S1 S1 S1 S1
#define S16 S4 S4 S4 S4
#define S64 S16 S16 S16 S16

#define ONE(n) \
	struct value_##n { __u64 a, b; __u32 c, d[n + 1]; char name_##n[16]; }; \
	struct { \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__uint(max_entries, 128 + n); \
		__type(key, __u32); \
		__type(value, struct value_##n); \
	} map_##n SEC(".maps"); \
	SEC("socket") int prog_##n(void *ctx) { \
		__u32 key = n; \
		struct value_##n *v = bpf_map_lookup_elem(&map_##n, &key); \
		if (!v) return 0; \
		STATEMENTS \
		return v->c; \
	}
#define TEN(n) ONE(n##0) ONE(n##1) ONE(n##2) ONE(n##3) ONE(n##4) ONE(n##5) ONE(n##6) ONE(n##7) ONE(n##8) ONE(n##9)

TEN(1)
#ifdef HUNDRED
TEN(2) TEN(3) TEN(4) TEN(5) TEN(6) TEN(7) TEN(8) TEN(9)
#endif

char LICENSE[] SEC("license") = "MIT";
