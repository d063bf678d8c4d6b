// SPDX-License-Identifier: MIT
// What programs print for those who hold them, since Linux 6.17. The kfunc got a
// suffix in 6.18 and lost it again in newer kernels, with its last parameter.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_stream_vprintk_impl(int id, const char *fmt, const void *args, __u32 len, void *aux) __ksym __weak;
extern int bpf_stream_vprintk(int id, const char *fmt, const void *args, __u32 len) __ksym __weak;

#define print(id, fmt, args)                                               \
	(bpf_stream_vprintk_impl                                           \
		 ? bpf_stream_vprintk_impl(id, fmt, args, sizeof(args), 0) \
		 : bpf_stream_vprintk(id, fmt, args, sizeof(args)))

SEC("syscall")
int greet(void *ctx)
{
	static const char out[] = "hello %d\n", err[] = "oh no %d\n";
	unsigned long long args[] = { 42 };
	return print(1, out, args) ?: print(2, err, args);
}

char _license[] SEC("license") = "GPL";
