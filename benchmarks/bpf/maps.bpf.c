// What the operations are measured on.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10000);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} perf SEC(".maps");

volatile __u64 counter;

struct event { __u64 word[8]; };

// Sends 1000 events of 64 bytes and wakes up nobody.
SEC("socket") int produce(void *ctx) {
	for (int i = 0; i < 1000; i++) {
		struct event *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);
		if (!e)
			return i;
		e->word[0] = i;
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	}
	return 1000;
}

// The same through the perf ring of the CPU that it runs on.
SEC("socket") int send(void *ctx) {
	for (int i = 0; i < 1000; i++) {
		struct event e = { .word = { i } };
		bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &e, sizeof(e));
	}
	return 1000;
}

SEC("socket") int nothing(void *ctx) { return 0; }

char LICENSE[] SEC("license") = "GPL";
