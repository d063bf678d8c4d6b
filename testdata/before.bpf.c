// SPDX-License-Identifier: MIT
// An object, and with AFTER defined its next version: all that can change for
// whoever holds pins, reads events, or has to run it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct part {
	unsigned short a;
	char text[4];
};

#ifdef AFTER
struct event {
	unsigned int pid, tgid; // tgid was signed
	char comm[32];
	struct part parts[3];
	unsigned int low : 4, high : 4;
	unsigned long long renamed, added;
};
#define ENTRIES 2048
#define TYPE BPF_MAP_TYPE_LRU_HASH
#define FLAGS 0
#else
struct event {
	unsigned int pid;
	int tgid;
	char comm[16];
	struct part parts[2];
	unsigned int low : 3, high : 5;
	unsigned long long name;
};
#define ENTRIES 1024
#define TYPE BPF_MAP_TYPE_HASH
#define FLAGS BPF_F_NO_PREALLOC
#endif

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, TYPE);
	__uint(max_entries, ENTRIES);
	__uint(map_flags, FLAGS);
	__type(key, unsigned int);
	__type(value, unsigned long long);
} counts SEC(".maps");

#ifdef AFTER
unsigned long long total;
#else
unsigned int total;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, unsigned int);
} gone SEC(".maps");
#endif

#ifdef AFTER
SEC("tcx/ingress")
#else
SEC("tc")
#endif
int moved(struct __sk_buff *skb)
{
	total += skb->len;
	bpf_ringbuf_output(&events, &(struct event){}, sizeof(struct event), 0);
	return 0;
}

#ifdef AFTER
SEC("raw_tp/sys_enter")
int newer(void *ctx)
{
	return bpf_get_attach_cookie(ctx);
}
#endif

char _license[] SEC("license") = "Dual MIT/GPL";
