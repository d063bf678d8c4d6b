// Macros whose result tells whether they are right.
#include "types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

struct bits {
	unsigned int a : 3;
	signed int b : 7;
	unsigned int c : 20;
	unsigned int d : 1;
	unsigned char e;
} __attribute__((preserve_access_index));

struct tail {
	int value;
	char text[8];
} __attribute__((preserve_access_index));

struct middle {
	struct tail *tail;
} __attribute__((preserve_access_index));

struct head {
	long pad;
	struct middle *middle[2];
	const struct tail *const direct;
} __attribute__((preserve_access_index));

struct bits bits = { .a = 5, .b = -33, .c = 0xabcde, .e = 0xee };
struct bits written;

long read[8], probed[8], loops[4];
__u16 be16;
__u32 be32;
__u64 be64;
__u16 variable = 0x1234;
__u16 swapped;
char printed[32];
long printed_len;
int chain, direct, shorter, text_len;
char text[8];
int exists, size, offset, type_size, value, value_exists;
int counted[13];

enum color { RED = 7, GREEN };

static __noinline void bitfields(void)
{
	read[0] = BPF_CORE_READ_BITFIELD(&bits, a);
	read[1] = BPF_CORE_READ_BITFIELD(&bits, b);
	read[2] = BPF_CORE_READ_BITFIELD(&bits, c);
	read[3] = BPF_CORE_READ_BITFIELD(&bits, d);
	probed[0] = BPF_CORE_READ_BITFIELD_PROBED(&bits, a);
	probed[1] = BPF_CORE_READ_BITFIELD_PROBED(&bits, b);
	probed[2] = BPF_CORE_READ_BITFIELD_PROBED(&bits, c);
	probed[3] = BPF_CORE_READ_BITFIELD_PROBED(&bits, d);
	BPF_CORE_WRITE_BITFIELD(&written, a, 5);
	BPF_CORE_WRITE_BITFIELD(&written, b, -33);
	BPF_CORE_WRITE_BITFIELD(&written, c, 0xfffabcde);
	BPF_CORE_WRITE_BITFIELD(&written, d, 2);
	written.e = 0xee;
}

static __noinline void follow(void)
{
	struct tail tail = { .value = 42, .text = "abc" };
	struct middle middle = { .tail = &tail };
	struct head head = { .middle = { 0, &middle }, .direct = &tail };

	chain = BPF_CORE_READ(&head, middle[1], tail, value);
	direct = BPF_PROBE_READ(&head, direct, value);
	BPF_CORE_READ_INTO(&shorter, &head, middle[1], tail, value);
	text_len = BPF_CORE_READ_STR_INTO(&text, &head, middle[1], tail, text);
}

static __noinline void questions(void)
{
	exists = bpf_core_field_exists(struct bits, e) + bpf_core_field_exists(bits.e);
	size = bpf_core_field_size(struct head, middle);
	offset = bpf_core_field_offset(struct head, middle);
	type_size = bpf_core_type_size(struct head) * bpf_core_type_exists(struct head);
	value = bpf_core_enum_value(enum color, GREEN);
	value_exists = bpf_core_enum_value_exists(enum color, RED);
}

SEC("syscall") int run(void *ctx)
{
	bitfields();
	follow();
	questions();
	be16 = bpf_htons(0x1234);
	be32 = bpf_htonl(0x12345678);
	be64 = bpf_cpu_to_be64(0x123456789abcdef0ull);
	swapped = bpf_ntohs(variable);
	printed_len = BPF_SNPRINTF(printed, sizeof(printed), "%d %s %x", -1, "two", 3);
	counted[0] = ___bpf_narg();
	counted[1] = ___bpf_narg(a);
	counted[12] = ___bpf_narg(a, b, c, d, e, f, g, h, i, j, k, l);
	return 0;
}

SEC("syscall") int loop(void *ctx)
{
	long sum = 0;
	int i;

	bpf_for(i, 2, 6)
		sum += i;
	loops[0] = sum;
	bpf_repeat(3)
		loops[1]++;
	bpf_for(i, 0, 100) {
		if (i == 5)
			break;
		if (i & 1)
			continue;
		loops[2] += i;
	}
	int *p;
	bpf_for_each(num, p, 1, 4)
		loops[3] += *p;
	return 0;
}

char _license[] SEC("license") = "GPL";
