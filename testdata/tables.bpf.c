// SPDX-License-Identifier: MIT
// Jump tables: of a switch, in programs and in a function that two of them call,
// and of computed gotos. Compiled with clang 22, see Makefile.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 seen[8];

static __always_inline int classify(__u32 n, int base)
{
	switch (n) {
	case 0: seen[0]++; return base + 10;
	case 1: seen[1] += 2; return base + 21;
	case 2: seen[2]--; return base + 7;
	case 3: seen[3] ^= 5; return base + 33;
	case 4: seen[4] |= 9; return base + 44;
	case 5: seen[5] = 1; return base + 52;
	case 6: seen[6] += 6; return base + 69;
	}
	return -1;
}

__attribute__((noinline)) static int in_function(__u32 n) { return classify(n, 1000); }

SEC("tc")
int direct(struct __sk_buff *skb) { return classify(skb->len - 14, 0); }

SEC("tc")
int called(struct __sk_buff *skb) { return in_function(skb->len - 14) + in_function(skb->len - 13); }

SEC("tc")
int computed(struct __sk_buff *skb)
{
	const void *targets[] = {&&zero, &&one, &&two, &&three};
	__u32 n = skb->len - 14;

	if (n > 3)
		return -1;
	goto *targets[n];
zero:
	seen[0] += 5;
	return 100;
one:
	seen[1] ^= 5;
	return 201;
two:
	seen[2] -= 5;
	return 307;
three:
	return 411;
}

SEC("tc")
int both(struct __sk_buff *skb)
{
	int n = classify(skb->len - 14, 0);
	return n + in_function(skb->len - 14);
}

char _license[] SEC("license") = "Dual MIT/GPL";
