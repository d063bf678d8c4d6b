// SPDX-License-Identifier: MIT
// Types and functions of a module of the kernel, veth.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct veth_priv {
	struct net_device *peer;
} __attribute__((preserve_access_index));

struct net_device;

struct veth_priv___other {
	int no_such_field;
} __attribute__((preserve_access_index));

__u32 id, size, offset, exists, missing;

SEC("raw_tp/sched_switch")
int types(void *ctx)
{
	exists = bpf_core_type_exists(struct veth_priv);
	size = bpf_core_type_size(struct veth_priv);
	id = bpf_core_type_id_kernel(struct veth_priv);
	offset = bpf_core_field_offset(struct veth_priv, peer);
	missing = bpf_core_field_exists(struct veth_priv___other, no_such_field);
	return 0;
}

SEC("?fentry/veth_xmit")
int entry(void *ctx)
{
	return 0;
}

SEC("?fentry/veth:veth_xmit")
int entry_of_module(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
