// SPDX-License-Identifier: MIT
// Instructions of all versions of the instruction set, up to version 4.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 word = 100;
__u32 half = 100;
volatile __s8 s8 = -1;
volatile __s16 s16 = -2;
volatile __s32 s32 = -3;

SEC("socket")
int atomics(struct __sk_buff *skb)
{
	__u64 seen = 0;

	__sync_fetch_and_add(&word, 1);
	__sync_fetch_and_and(&half, 0xff);
	__sync_fetch_and_or(&word, 2);
	__sync_fetch_and_xor(&half, 4);
	seen += __sync_fetch_and_add(&word, 5);
	seen += __sync_fetch_and_or(&half, 6);
	seen += __sync_lock_test_and_set(&word, 7);
	seen += __sync_val_compare_and_swap(&word, 7, 8);
	seen += __sync_val_compare_and_swap(&half, 1, 2);
	return seen;
}

// Sign-extending loads and moves; signed division.
SEC("socket")
int signs(struct __sk_buff *skb)
{
	__s64 sum = s8 + s16;

	sum += s32;
	sum += (__s8)skb->len;
	sum += (__s16)skb->mark;
	sum /= -3;
	sum += (__s64)word % -5;
	return sum + (__s32)skb->len / -7;
}

SEC("socket")
int swaps(struct __sk_buff *skb)
{
	return __builtin_bswap16(skb->len) + __builtin_bswap32(skb->mark) + __builtin_bswap64(word);
}

// 32-bit operations and jumps.
SEC("socket")
int narrow(struct __sk_buff *skb)
{
	__u32 a = skb->len, b = skb->mark;

	if (a > b && (__s32)a < 100)
		a = a * 3 + (b >> 2);
	if (a & 0x10)
		a = -a ^ b;
	return a % (b | 1);
}

// Instructions that the compiler doesn't emit on its own for so little code.
SEC("socket")
int by_hand(struct __sk_buff *skb)
{
	__u64 x = skb->len;

	asm volatile("r1 = 0\n"
		     "1: may_goto 2f\n"
		     "r1 += 1\n"
		     "if r1 s< 10 goto 1b\n"
		     "2: if w1 == 9 goto 4f\n"
		     "gotol 3f\n"
		     "4: r1 = 0x1122334455667788 ll\n"
		     "3: %[x] s/= 3\n"
		     "w1 = (s8)w1\n"
		     "r1 = be16 r1\n"
		     "r1 = le32 r1\n"
		     "%[x] += r1\n"
		     : [x] "+r"(x) : : "r1");
	return x;
}

// Packet loads of the oldest kind, and constants of 64 bits.
SEC("socket")
int packet(struct __sk_buff *skb)
{
	unsigned long long load_byte(void *skb, unsigned long long off) asm("llvm.bpf.load.byte");
	unsigned long long load_half(void *skb, unsigned long long off) asm("llvm.bpf.load.half");
	unsigned long long load_word(void *skb, unsigned long long off) asm("llvm.bpf.load.word");

	if (load_half(skb, 12) != 0x0800)
		return 0;
	return load_byte(skb, 14 + skb->mark) + load_word(skb, 26) + (word == 0xdeadbeefcafef00dULL);
}

char _license[] SEC("license") = "Dual MIT/GPL";
