// SPDX-License-Identifier: MIT
// What BTF tags and symbol visibility tell besides types: the elements of a
// list, the exception callback of a program, functions that aren't global for
// the verifier.

// Headers before Linux 6.2 have no lists.
#define bpf_list_head header_list_head
#define bpf_list_node header_list_node
#include <linux/bpf.h>
#undef bpf_list_head
#undef bpf_list_node
#include <bpf/bpf_helpers.h>

struct bpf_list_head {
	__u64 : 64;
	__u64 : 64;
} __attribute__((aligned(8)));

struct bpf_list_node {
	__u64 : 64;
	__u64 : 64;
	__u64 : 64;
} __attribute__((aligned(8)));

#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))
#define private(name) SEC(".bss." #name) __hidden __attribute__((aligned(8)))

extern void bpf_throw(__u64 cookie) __ksym;

struct element {
	__u64 value;
	struct bpf_list_node node;
};

// Of the program that needs it, only this tag refers to struct element.
private(queue) struct bpf_spin_lock queue_lock;
private(queue) struct bpf_list_head queue __contains(element, node);

SEC("tc")
int locks(struct __sk_buff *skb)
{
	bpf_spin_lock(&queue_lock);
	bpf_spin_unlock(&queue_lock);
	return 0;
}

static __noinline __u64 double_value(struct element *e)
{
	return e->value * 2;
}

SEC("tc")
int uses(struct __sk_buff *skb)
{
	struct element e = {.value = skb->len};

	return double_value(&e);
}

static __noinline int twice(int x)
{
	return x * 2;
}

// No instruction refers to it.
__noinline int thrown(__u64 cookie)
{
	return twice(cookie);
}

SEC("tc")
__exception_cb(thrown)
int throws(struct __sk_buff *skb)
{
	if (skb->len > 100)
		bpf_throw(1);
	return twice(skb->len);
}

// A global function would have to check for null.
__hidden __noinline int store(__u64 *to)
{
	*to = 42;
	return 0;
}

SEC("tc")
int stores(struct __sk_buff *skb)
{
	__u64 on_stack = 0;

	store(&on_stack);
	return on_stack == 42;
}

char _license[] SEC("license") = "GPL";
