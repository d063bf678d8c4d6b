// One program, nothing else: the smallest thing worth loading.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("socket") int tiny(void *ctx) { return 0; }

char LICENSE[] SEC("license") = "MIT";
