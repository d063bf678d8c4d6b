// bpfgen: warn
// What Go can't express, and programs that nothing can load.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct __attribute__((packed)) crossing { unsigned int a : 4; unsigned long long b : 63; };

struct crossing crossing;

SEC("kporbe/do_unlinkat") int misspelt(void *ctx) { return crossing.a; }
SEC("entirely unknown thing") int unknown(void *ctx) { return 0; }

char _license[] SEC("license") = "MIT";
