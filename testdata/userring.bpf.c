// SPDX-License-Identifier: MIT
// Sends what comes from user space back to it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} out SEC(".maps");

static long echo(struct bpf_dynptr *sample, void *context)
{
	__u64 number = 0;

	if (bpf_dynptr_read(&number, sizeof(number), sample, 0, 0))
		return 1; /* stop */
	bpf_ringbuf_output(&out, &number, sizeof(number), 0);
	return 0;
}

SEC("socket")
int drain(void *context)
{
	return bpf_user_ringbuf_drain(&in, echo, 0, 0);
}

char _license[] SEC("license") = "GPL";
