// A BTF attach target and no CO-RE: the loader has to find one kernel type.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int switches;

SEC("tp_btf/sched_switch") int on_switch(void *ctx) {
	__sync_fetch_and_add(&switches, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
